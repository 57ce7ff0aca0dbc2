import { AccessTokens } from "../../simulators/google/access_tokens.ts";
import { startGoogle } from "../../simulators/google/google.ts";
import { startOdoo } from "../../simulators/odoo/odoo.ts";

/** A provider with records in it, as the bench needs it. */
export interface SyncSubject {
  name: string;
  type: string;
  functionName: string;
  stream: string;
  table: string;
  config: Record<string, unknown>;
  secrets: Record<string, unknown>;
  /** Requests that came so far. */
  requests(): number;
  stop(): Promise<void>;
}

const YEAR_MS = 365 * 24 * 60 * 60_000;

/** A drive with so many files, a folder for every hundred. */
export function driveOf(files: number, port: number): SyncSubject {
  const tokens = new AccessTokens();
  const google = startGoogle({ port, tokens });
  const store = google.drive.store;
  for (let made = 0; made < files;) {
    const folder = store.createFolder(`Folder ${made}`);
    made++;
    for (let index = 0; index < 99 && made < files; index++, made++) {
      store.createFile({ name: `Report ${made} of a quarter.pdf`, parent: folder.id });
    }
  }
  const scope = "https://www.googleapis.com/auth/drive.readonly";
  const expiresAt = new Date(Date.now() + YEAR_MS).toISOString();
  return {
    name: "Drive",
    type: "google_workspace",
    functionName: "google-drive-sync",
    ...{ stream: "drive_files", table: "google_drive_files" },
    config: { services: ["drive"] },
    secrets: {
      access_token: tokens.issue([scope]),
      expires_at: expiresAt,
      scope,
      token_type: "Bearer",
    },
    requests: () => google.faults.requests,
    stop: () => google.stop(),
  };
}

/** A company with so many employees, all written by one import: they share a timestamp. */
export function employeesOf(employees: number, major: number): SyncSubject {
  const odoo = startOdoo({ major });
  const login = "hub@acme.example";
  odoo.addUser({ login, keys: [{ key: "the-key", expiresAtMs: null }] });
  odoo.database.createMany(
    "hr.department",
    Array.from({ length: 20 }, (_, index) => ({ name: `Department ${index}`, company_id: 1 })),
  );
  const departments = odoo.database.idsOf("hr.department");
  odoo.database.createMany(
    "hr.employee",
    Array.from({ length: employees }, (_, index) => ({
      name: `Employee ${index}`,
      company_id: 1,
      job_title: `Engineer ${index % 50}`,
      work_email: `employee.${index}@acme.example`,
      department_id: departments[index % departments.length]!,
    })),
  );
  return {
    name: major >= 19 ? "Odoo over JSON-2" : "Odoo over XML-RPC",
    type: "odoo",
    functionName: "odoo-sync",
    ...{ stream: "odoo_employees", table: "odoo_employees" },
    config: { url: odoo.url, database: odoo.databaseName },
    secrets: { login, api_key: "the-key" },
    requests: () => odoo.faults.requests,
    stop: () => odoo.stop(),
  };
}
