import { syncedConnector } from "../synced_connector.ts";
import { odooConnector } from "./connector.ts";
import { departments } from "./departments.ts";
import { employees } from "./employees.ts";
import type { OdooConfig, OdooSecrets } from "./settings.ts";
import { testOdoo } from "./trial.ts";

/** Departments first: whoever reads an employee then finds the department. */
export const odoo = syncedConnector<OdooConfig, OdooSecrets>(odooConnector, {
  test: testOdoo,
  sources: () => [departments, employees],
});
