import { withSources } from "../synced_connector.ts";
import { odooConnector } from "./connector.ts";
import { departments } from "./departments.ts";
import { employees } from "./employees.ts";
import type { OdooConfig, OdooSecrets } from "./settings.ts";

/** Departments first: whoever reads an employee then finds the department. */
export const odoo = withSources<OdooConfig, OdooSecrets>(odooConnector, () => [departments, employees]);
