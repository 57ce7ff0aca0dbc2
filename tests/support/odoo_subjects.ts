import { type OdooSimulator, startOdoo } from "../../simulators/odoo/odoo.ts";
import type { Row } from "../../simulators/odoo/values.ts";
import type { ContractSubject, RunningSubject } from "./contract_subject.ts";

const LOGIN = "hub@acme.example";
/** As many records as the smallest batch of the settings: tests make more than one page with few records. */
const PAGE_SIZE = 50;

/** Which server a subject is, and how it is spoken to. */
interface Variant {
  major: number;
  label: string;
}

const xmlRpc: Variant = { major: 17, label: "XML-RPC" };
const json2: Variant = { major: 19, label: "JSON-2" };

/** The employees' and departments' streams over both wires. */
export const odooSubjects: ContractSubject[] = [xmlRpc, json2].flatMap((variant) => [
  employeesOf(variant),
  departmentsOf(variant),
]);

function employeesOf({ major, label }: Variant): ContractSubject {
  return {
    name: `odoo employees over ${label}`,
    type: "odoo",
    stream: "odoo_employees",
    table: "odoo_employees",
    entityType: "odoo_employee",
    functionName: "odoo-sync",
    deletions: "always",
    start: () => running(major, "hr.employee", employeeState),
  };
}

/** Read as a whole each time: their cursor holds nothing that could lie ahead. */
function departmentsOf({ major, label }: Variant): ContractSubject {
  return {
    name: `odoo departments over ${label}`,
    type: "odoo",
    stream: "odoo_departments",
    table: "odoo_departments",
    entityType: "odoo_department",
    functionName: "odoo-sync",
    deletions: "always",
    start: () => running(major, "hr.department", departmentState),
  };
}

type State = Map<string, Record<string, unknown>>;

function running(
  major: number,
  model: string,
  stateOf: (odoo: OdooSimulator) => State,
): Promise<RunningSubject> {
  const odoo = startOdoo({ major });
  const user = odoo.addUser({ login: LOGIN, keys: [{ key: "the-key", expiresAtMs: null }] });
  const key = user.keys[0]!;
  const { database } = odoo;
  const idOf = (random: () => number) => {
    const ids = database.idsOf(model);
    return ids[Math.floor(random() * ids.length)]!;
  };
  return Promise.resolve({
    config: { url: odoo.url, database: odoo.databaseName, batch_size: PAGE_SIZE },
    secrets: { login: LOGIN, api_key: key.key },
    badSecrets: { login: LOGIN, api_key: "another-key" },
    create: (count) => createSome(odoo, model, count),
    edit: (random) => editOne(odoo, model, idOf(random), random),
    remove: (random) => database.unlink(model, [idOf(random)]),
    state: () => stateOf(odoo),
    pageSize: PAGE_SIZE,
    faults: odoo.faults,
    rateLimited: (retryAfterSeconds) => ({
      kind: "answer",
      response: () =>
        new Response("Too Many Requests", {
          status: 429,
          headers: { "retry-after": String(retryAfterSeconds) },
        }),
    }),
    revoke: () => void user.keys.splice(0),
    ...(model === "hr.employee" ? { futureCursor: () => futureCursor(major) } : {}),
    stop: () => odoo.stop(),
  });
}

const FUTURE = "2099-01-01 00:00:00";

function futureCursor(major: number): Record<string, unknown> {
  const next = { records: FUTURE, versions: major >= 19 ? FUTURE : null, absent: 0 };
  return { phase: "done", next, fresh: FUTURE };
}

/** Some at a time share a transaction, and so their write_date. */
export function createSome(odoo: OdooSimulator, model: string, count: number): void {
  const before = odoo.database.table(model).nextId;
  for (let made = 0; made < count; made += 20) {
    const list = Array.from({ length: Math.min(20, count - made) }, (_, index) => {
      const number = before + made + index;
      return { name: `Number ${number} & <Co>`, company_id: 1, ...detailsOf(odoo, model, number) };
    });
    odoo.database.createMany(model, list);
  }
}

function detailsOf(
  { database }: OdooSimulator,
  model: string,
  number: number,
): Record<string, string | number | null> {
  if (model === "hr.department") {
    const roots = database.idsOf(model).slice(0, 3);
    return { parent_id: roots.length < 3 ? null : roots[number % 3]! };
  }
  const departments = database.idsOf("hr.department");
  return {
    job_title: number % 4 === 0 ? null : `Engineer ${number % 7}`,
    work_email: `number.${number}@acme.example`,
    department_id: departments.length === 0 ? null : departments[number % departments.length]!,
  };
}

function editOne(odoo: OdooSimulator, model: string, id: number, random: () => number): void {
  const { database } = odoo;
  const choice = random();
  const word = `Edited ${Math.floor(random() * 1e9)}`;
  if (model === "hr.department") return database.write(model, [id], { name: word });
  if (choice < 0.3) {
    return database.write(model, [id], { active: database.table(model).rows.get(id)!.active === false });
  }
  if (choice < 0.6) return database.write(model, [id], { name: word });
  // From 19 on, nothing of the employee tells of this one.
  if (database.major < 19) return database.write(model, [id], { job_title: word });
  database.write("hr.version", [database.table(model).rows.get(id)!.version_id as number], {
    job_title: word,
  });
}

const told = (id: unknown) => typeof id === "number" ? String(id) : null;

/** What the hub must hold of the employees. */
export function employeeState({ database }: OdooSimulator): State {
  const of = (row: Row, name: string) => database.valueOf("hr.employee", row, name);
  return new Map([...database.table("hr.employee").rows.values()].map((row) => [String(row.id), {
    name: of(row, "name"),
    job_title: of(row, "job_title"),
    work_email: of(row, "work_email"),
    department_external_id: told(of(row, "department_id")),
    manager_external_id: told(of(row, "parent_id")),
    active: of(row, "active"),
  }]));
}

/** What the hub must hold of the departments. */
export function departmentState({ database }: OdooSimulator): State {
  return new Map([...database.table("hr.department").rows.values()].map((row) => [String(row.id), {
    name: row.name,
    complete_name: row.complete_name,
    parent_external_id: told(row.parent_id),
    active: row.active,
  }]));
}
