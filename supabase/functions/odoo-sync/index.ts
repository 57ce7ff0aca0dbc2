import * as z from "zod";
import "../_shared/guardrails.ts";
import { odoo } from "../_shared/providers/odoo/sources.ts";
import { syncFunction } from "../_shared/syncs/sync_function.ts";

/** Odoo: departments and employees. */
export default syncFunction({
  name: "odoo-sync",
  summary: "Reads departments and employees of an Odoo",
  connectors: [odoo],
  fields: {
    sync_type: z.enum(["employees", "departments", "all"]).default("all"),
  },
  wish: ({ sync_type }) => ({
    streams: sync_type === "all" ? ["odoo_departments", "odoo_employees"] : [`odoo_${sync_type}`],
    parameters: {},
  }),
  exampleFields: { sync_type: "all", sync_mode: "incremental" },
});
