/** How Odoo types a field. */
export type FieldType = "char" | "boolean" | "integer" | "many2one" | "date" | "datetime";

/** A field as `fields_get` tells of it, and where its value lies. */
export interface Field {
  string: string;
  type: FieldType;
  /** Of a many2one: the model it points to. */
  relation?: string;
  /** The value lies on the record that this many2one points to (`_inherits`). */
  through?: string;
}

/** A model of a server's version. */
export interface Model {
  description: string;
  fields: Record<string, Field>;
  /** Who may read it: everybody inside, or only users with rights to employees. */
  readers: "internal" | "hr";
  /** The field that names its records. */
  displayField: string;
}

const char = (string: string): Field => ({ string, type: "char" });
const many2one = (string: string, relation: string): Field => ({ string, type: "many2one", relation });

const own: Record<string, Field> = {
  id: { string: "ID", type: "integer" },
  display_name: char("Display Name"),
  create_date: { string: "Created on", type: "datetime" },
  write_date: { string: "Last Updated on", type: "datetime" },
};
const active: Field = { string: "Active", type: "boolean" };

/** What moved to hr.version with 19. */
const position: Record<string, Field> = {
  department_id: many2one("Department", "hr.department"),
  job_id: many2one("Job Position", "hr.job"),
  job_title: char("Job Title"),
};

const person: Record<string, Field> = {
  name: char("Employee Name"),
  work_email: char("Work Email"),
  work_phone: char("Work Phone"),
  mobile_phone: char("Work Mobile"),
  parent_id: many2one("Manager", "hr.employee"),
  coach_id: many2one("Coach", "hr.employee"),
  company_id: many2one("Company", "res.company"),
  user_id: many2one("User", "res.users"),
};

const steady: Record<string, Model> = {
  "ir.model": {
    description: "Models",
    fields: { ...own, name: char("Model Description"), model: char("Model") },
    readers: "internal",
    displayField: "name",
  },
  "res.company": {
    description: "Companies",
    fields: { ...own, name: char("Company Name"), active },
    readers: "internal",
    displayField: "name",
  },
  "res.users": {
    description: "User",
    fields: { ...own, name: char("Name"), login: char("Login"), active },
    readers: "internal",
    displayField: "name",
  },
  "hr.job": {
    description: "Job Position",
    fields: { ...own, name: char("Job Position"), active },
    readers: "internal",
    displayField: "name",
  },
  "hr.department": {
    description: "Department",
    fields: {
      ...own,
      name: char("Department Name"),
      complete_name: char("Complete Name"),
      parent_id: many2one("Parent Department", "hr.department"),
      manager_id: many2one("Manager", "hr.employee"),
      company_id: many2one("Company", "res.company"),
      active,
    },
    readers: "internal",
    displayField: "complete_name",
  },
};

/** The models of a version: from 19 on, department and job of an employee lie on hr.version. */
export function modelsOf(major: number): Record<string, Model> {
  const employee = (fields: Record<string, Field>): Model => ({
    description: "Employee",
    fields: { ...own, ...person, ...fields, active },
    readers: "internal",
    displayField: "name",
  });
  if (major < 19) return { ...steady, "hr.employee": employee(position) };
  const inherited = Object.fromEntries(
    Object.entries(position).map(([name, field]) => [name, { ...field, through: "version_id" }]),
  );
  return {
    ...steady,
    "hr.employee": employee({ version_id: many2one("Version", "hr.version"), ...inherited }),
    "hr.version": {
      description: "Version",
      fields: {
        ...own,
        employee_id: many2one("Employee", "hr.employee"),
        date_version: { string: "Effective Date", type: "date" },
        ...position,
        active,
      },
      readers: "hr",
      displayField: "date_version",
    },
  };
}
