import { flag, instant, reference, text } from "./columns.ts";
import { sourceOf } from "./reading.ts";

/** Employees, archived ones included. Nothing private of them is asked for. */
export const employees = sourceOf({
  stream: "odoo_employees",
  table: "odoo_employees",
  entityType: "odoo_employee",
  model: "hr.employee",
  versions: { model: "hr.version", field: "employee_id" },
  columns: {
    name: ["name", text],
    job_title: ["job_title", text],
    job_external_id: ["job_id", reference],
    work_email: ["work_email", text],
    work_phone: ["work_phone", text],
    mobile_phone: ["mobile_phone", text],
    department_external_id: ["department_id", reference],
    manager_external_id: ["parent_id", reference],
    coach_external_id: ["coach_id", reference],
    company_external_id: ["company_id", reference],
    user_external_id: ["user_id", reference],
    active: ["active", flag],
    provider_create_date: ["create_date", instant],
    provider_write_date: ["write_date", instant],
  },
});
