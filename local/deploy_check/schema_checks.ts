import type { Sql } from "postgres";
import { accessMatrix } from "../../tests/isolation/access_matrix.ts";
import { type Finding, guarded, missing, ok, skipped } from "./finding.ts";
import {
  appliedMigrations,
  type DefaultGrant,
  type Grants,
  judgeDefaultPrivileges,
  judgeExtensions,
  judgeGrants,
  judgeMigrations,
  judgeRoles,
  judgeRowSecurity,
  migrationFiles,
  type RoleRow,
} from "./schema.ts";

/** What stands in the catalog: extensions, migrations, roles, default privileges, grants, row level security. */
export async function checkSchema(sql: Sql): Promise<Finding[]> {
  return [
    ...await guarded("Postgres version", () => checkServer(sql)),
    ...await guarded("Extensions", async () => {
      const rows = await sql<
        { extname: string; extversion: string }[]
      >`select extname, extversion from pg_extension`;
      return judgeExtensions(new Map(rows.map((row) => [row.extname, row.extversion])));
    }),
    ...await guarded(
      "Roles",
      async () =>
        judgeRoles(await sql<RoleRow[]>`select rolname, rolsuper, rolbypassrls, rolcanlogin from pg_roles`),
    ),
    ...await guarded("Migrations", () => checkMigrated(sql)),
  ];
}

/** The migrations, and what they are to have done. With none applied the rest would only repeat that. */
async function checkMigrated(sql: Sql): Promise<Finding[]> {
  const files = await migrationFiles();
  const applied = await appliedMigrations(sql);
  const findings = judgeMigrations(files, applied);
  if (!files.some((file) => applied.has(file.split("_", 1)[0]!))) {
    return [
      ...findings,
      skipped("Default privileges, grants and row level security", "Apply the migrations first."),
    ];
  }
  return [
    ...findings,
    ...await guarded("Default privileges", () => checkDefaultPrivileges(sql)),
    ...await guarded("Grants", async () => judgeGrants(expectedGrants(), await readGrants(sql))),
    ...await guarded("Row level security", () => checkRowSecurity(sql)),
  ];
}

async function checkServer(sql: Sql): Promise<Finding[]> {
  const [row] = await sql`select current_setting('server_version_num')::int as number,
    current_setting('server_version') as version, current_user as role`;
  const version = row!.number < 150000
    ? missing(`Postgres ${row!.version} is older than 15`, "Upgrade Postgres in the project settings.")
    : ok(`Postgres ${row!.version}`);
  const role = row!.role === "postgres" ? ok("Connected as postgres") : missing(
    `Connected as ${row!.role}`,
    "Give --db-url with the user postgres: it owns what the migrations create.",
  );
  return [version, role];
}

async function checkDefaultPrivileges(sql: Sql): Promise<Finding[]> {
  const grants = await sql<DefaultGrant[]>`
    select n.nspname as schema,
      case d.defaclobjtype when 'r' then 'table' when 'S' then 'sequence' else 'function' end as kind,
      coalesce(r.rolname, 'public') as grantee
    from pg_default_acl d
    cross join lateral aclexplode(d.defaclacl) a
    left join pg_roles r on r.oid = a.grantee
    left join pg_namespace n on n.oid = d.defaclnamespace
    where d.defaclrole = 'postgres'::regrole and d.defaclobjtype in ('r', 'S', 'f')
      and (d.defaclnamespace = 0 or n.nspname = 'public')
    group by 1, 2, 3`;
  const [altered] = await sql`select exists (
    select from pg_default_acl d
    where d.defaclrole = 'postgres'::regrole and d.defaclobjtype = 'f' and d.defaclnamespace = 0
  ) as yes`;
  return judgeDefaultPrivileges(grants, altered!.yes);
}

function expectedGrants(): Grants {
  const grants: Grants = {};
  for (const [name, byGrantee] of Object.entries(accessMatrix.grants.tables)) {
    grants[`public.${name}`] = byGrantee;
  }
  for (const [name, grantees] of Object.entries(accessMatrix.grants.functions)) {
    grants[name] = Object.fromEntries(grantees.map((grantee) => [grantee, ["execute"]]));
  }
  return grants;
}

async function readGrants(sql: Sql): Promise<Grants> {
  const rows = await sql<{ object: string; grantee: string; privilege: string }[]>`
    select n.nspname || '.' || c.relname as object, coalesce(r.rolname, 'public') as grantee, lower(a.privilege_type) as privilege
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    cross join lateral aclexplode(c.relacl) a left join pg_roles r on r.oid = a.grantee
    where n.nspname in ('public', 'private') and c.relkind in ('r', 'p', 'v', 'S')
    union
    select n.nspname || '.' || c.relname, coalesce(r.rolname, 'public'), lower(a.privilege_type) || ' columns'
    from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute t on t.attrelid = c.oid
    cross join lateral aclexplode(t.attacl) a left join pg_roles r on r.oid = a.grantee
    where n.nspname in ('public', 'private')
    union
    select n.nspname || '.' || p.proname, coalesce(r.rolname, 'public'), 'execute'
    from pg_proc p join pg_namespace n on n.oid = p.pronamespace
    cross join lateral aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a left join pg_roles r on r.oid = a.grantee
    where n.nspname in ('public', 'private')`;
  const grants: Grants = {};
  for (const { object, grantee, privilege } of rows) {
    ((grants[object] ??= {})[grantee] ??= []).push(privilege);
  }
  return grants;
}

async function checkRowSecurity(sql: Sql): Promise<Finding[]> {
  const tables = Object.keys(accessMatrix.tables);
  const rows = await sql<{ relname: string; on: boolean; forced: boolean }[]>`
    select c.relname, c.relrowsecurity as on, c.relforcerowsecurity as forced
    from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and c.relname in ${
    sql(tables)
  }`;
  const gone = tables.filter((table) => !rows.some((row) => row.relname === table));
  return [
    ...gone.map((table) => missing(`Table public.${table}`, "Run `supabase db push`.")),
    ...judgeRowSecurity(rows),
  ];
}
