import { flag, instant, reference, text } from "./columns.ts";
import { sourceOf } from "./reading.ts";

/**
 * Departments with their places in the hierarchy, archived ones included. Read as a whole each time: they are few, and
 * where one is deleted, its children lose their parent without any trace of their own.
 */
export const departments = sourceOf({
  stream: "odoo_departments",
  table: "odoo_departments",
  entityType: "odoo_department",
  model: "hr.department",
  alwaysWhole: true,
  columns: {
    name: ["name", text],
    complete_name: ["complete_name", text],
    parent_external_id: ["parent_id", reference],
    manager_external_id: ["manager_id", reference],
    company_external_id: ["company_id", reference],
    active: ["active", flag],
    provider_create_date: ["create_date", instant],
    provider_write_date: ["write_date", instant],
  },
});
