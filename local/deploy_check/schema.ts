import type { Sql } from "postgres";
import { type Finding, missing, note, ok } from "./finding.ts";

/** Oldest version of an extension the migrations are known to work with. */
const EXTENSIONS: { name: string; atLeast: string; why: string }[] = [
  { name: "pg_cron", atLeast: "1.4", why: "runs the schedules" },
  { name: "pg_net", atLeast: "0.7", why: "rings the bell" },
  { name: "supabase_vault", atLeast: "0.2.8", why: "keeps the secrets" },
];

/** Compares dotted version numbers: negative when a is older. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((version) => version.split(/[^0-9]+/).filter(Boolean).map(Number));
  for (let index = 0; index < Math.max(left!.length, right!.length); index++) {
    const difference = (left![index] ?? 0) - (right![index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Extensions: installed, new enough, and with pg_cron able to count seconds. */
export function judgeExtensions(installed: Map<string, string>): Finding[] {
  return EXTENSIONS.flatMap(({ name, atLeast, why }) => {
    const version = installed.get(name);
    if (version === undefined) {
      return [
        missing(`Extension ${name} (${why})`, "Run `supabase db push`; the first migration creates it."),
      ];
    }
    if (compareVersions(version, atLeast) < 0) {
      return [
        missing(
          `Extension ${name} ${version} is older than ${atLeast}`,
          "Upgrade Postgres in the project settings.",
        ),
      ];
    }
    if (name === "pg_cron" && compareVersions(version, "1.5") < 0) {
      return [
        note(
          `Extension pg_cron ${version} counts minutes only`,
          "A lost bell costs up to a minute. Upgrade Postgres.",
        ),
      ];
    }
    return [ok(`Extension ${name} ${version}`)];
  });
}

/** Migrations of this checkout against those the target has recorded. Further ones there are the team's own. */
export function judgeMigrations(files: string[], applied: Set<string>): Finding[] {
  const pending = files.filter((file) => !applied.has(file.split("_", 1)[0]!));
  if (pending.length === 0) return [ok(`All ${files.length} migrations are applied`)];
  if (pending.length === files.length) {
    return [missing("No migration of the hub is applied", "Run `supabase db push`.")];
  }
  return pending.map((file) => missing(`Migration ${file}`, "Run `supabase db push`."));
}

/** Attributes of a role as pg_roles tells them. */
export interface RoleRow {
  rolname: string;
  rolsuper: boolean;
  rolbypassrls: boolean;
  rolcanlogin: boolean;
}

const ROLES: Omit<RoleRow, "rolsuper">[] = [
  { rolname: "postgres", rolbypassrls: true, rolcanlogin: true },
  { rolname: "authenticator", rolbypassrls: false, rolcanlogin: true },
  { rolname: "anon", rolbypassrls: false, rolcanlogin: false },
  { rolname: "authenticated", rolbypassrls: false, rolcanlogin: false },
  { rolname: "service_role", rolbypassrls: true, rolcanlogin: false },
];

/** Roles with the attributes row level security counts on. */
export function judgeRoles(rows: RoleRow[]): Finding[] {
  return ROLES.map((wanted) => {
    const role = rows.find((row) => row.rolname === wanted.rolname);
    if (!role) return missing(`Role ${wanted.rolname}`, "This is no Supabase database; check --db-url.");
    const wrong = [
      role.rolsuper && "is a superuser",
      role.rolbypassrls !== wanted.rolbypassrls &&
      (role.rolbypassrls ? "bypasses row level security" : "does not bypass row level security"),
      role.rolcanlogin !== wanted.rolcanlogin && (role.rolcanlogin ? "can log in" : "cannot log in"),
    ].filter((fact) => fact !== false);
    if (wrong.length === 0) return ok(`Role ${wanted.rolname}`);
    return missing(
      `Role ${wanted.rolname} ${wrong.join(" and ")}`,
      "The platform sets this otherwise: undo whatever changed the role.",
    );
  });
}

/** One entry of pg_default_acl, exploded; schema null = every schema. */
export interface DefaultGrant {
  schema: string | null;
  kind: "table" | "sequence" | "function";
  grantee: string;
}

/**
 * What a new object of role postgres is granted by itself. Must be nothing, and the built-in right of everybody to
 * execute functions must have been taken away, which is what an entry without a schema and without PUBLIC means.
 */
export function judgeDefaultPrivileges(grants: DefaultGrant[], functionDefaultIsAltered: boolean): Finding[] {
  const open = grants.filter((grant) =>
    ["public", "anon", "authenticated", "service_role"].includes(grant.grantee)
  );
  const findings = open.map((grant) =>
    missing(
      `New ${grant.kind}s are granted to ${grant.grantee} by default`,
      `alter default privileges for role postgres${
        grant.schema === null ? "" : ` in schema ${grant.schema}`
      } revoke all on ${grant.kind}s from ${grant.grantee};`,
    )
  );
  if (!functionDefaultIsAltered) {
    findings.push(
      missing(
        "New functions may be executed by everybody",
        "alter default privileges for role postgres revoke execute on functions from public;",
      ),
    );
  }
  return findings.length > 0
    ? findings
    : [ok("New tables, sequences and functions are granted to nobody by default")];
}

/** Object -> grantee -> privileges, lower case. Functions have the single privilege "execute". */
export type Grants = Record<string, Record<string, string[]>>;

/**
 * Grants on the hub's own objects against the access matrix the tests use; what lies in schema private or is a sequence
 * of a listed table is the hub's own too. Objects of the team are not looked at, nor roles the API does not reach.
 */
export function judgeGrants(expected: Grants, actual: Grants): Finding[] {
  const findings: Finding[] = [];
  const ours = (object: string) =>
    object.startsWith("private.") ||
    (object.endsWith("_id_seq") && object.slice(0, -"_id_seq".length) in expected);
  const objects = [...new Set([...Object.keys(expected), ...Object.keys(actual).filter(ours)])].sort();
  for (const object of objects) {
    for (const grantee of ["public", "anon", "authenticated", "service_role"]) {
      const wanted = expected[object]?.[grantee] ?? [];
      const has = actual[object]?.[grantee] ?? [];
      for (const privilege of has.filter((candidate) => !wanted.includes(candidate))) {
        findings.push(
          missing(
            `${grantee} has ${privilege} on ${object}`,
            `Find what granted it, then revoke ${privilege} on ${object} from ${grantee}.`,
          ),
        );
      }
      for (const privilege of wanted.filter((candidate) => !has.includes(candidate))) {
        findings.push(
          missing(
            `${grantee} lacks ${privilege} on ${object}`,
            "Run `supabase db push`; if nothing is pending, grant it again.",
          ),
        );
      }
    }
  }
  return findings.length > 0
    ? findings
    : [ok(`Grants on ${objects.length} tables, views and functions are as listed`)];
}

/** Tables of the hub with row level security off, or on but not forced. */
export function judgeRowSecurity(rows: { relname: string; on: boolean; forced: boolean }[]): Finding[] {
  const open = rows.filter((row) => !row.on || !row.forced);
  if (open.length === 0) return [ok(`Row level security is on and forced on ${rows.length} tables`)];
  return open.map((row) =>
    missing(
      `Row level security of ${row.relname} is ${row.on ? "not forced" : "off"}`,
      `alter table public.${row.relname} enable row level security, force row level security;`,
    )
  );
}

/** Names of the migration files of this checkout. */
export async function migrationFiles(): Promise<string[]> {
  const names: string[] = [];
  for await (const entry of Deno.readDir(new URL("../../supabase/migrations", import.meta.url))) {
    if (/^\d+_.*\.sql$/.test(entry.name)) names.push(entry.name);
  }
  return names.sort();
}

/** Versions the official CLI has recorded; none when it never ran. */
export async function appliedMigrations(sql: Sql): Promise<Set<string>> {
  const [record] =
    await sql`select to_regclass('supabase_migrations.schema_migrations') is not null as there`;
  if (!record?.there) return new Set();
  const rows = await sql<{ version: string }[]>`select version from supabase_migrations.schema_migrations`;
  return new Set(rows.map((row) => row.version));
}
