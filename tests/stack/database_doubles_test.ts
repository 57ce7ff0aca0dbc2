import assert from "node:assert/strict";
import { asRole, type BareStack, eventually, refusal, withBareStack } from "../support/bare_stack.ts";

Deno.test("the database is like a hosted one", async (t) => {
  await withBareStack(async (bare) => {
    await t.step("roles have the platform's attributes", () => rolesAreLikeThePlatforms(bare));
    await t.step("postgres is refused what the platform refuses it", () => postgresIsRefused(bare));
    await t.step("new objects in public are granted by name", () => defaultGrants(bare));
    await t.step("API roles have statement timeouts", () => statementTimeouts(bare));
    await t.step("auth functions read the claims and tolerate empty settings", () => authFunctions(bare));
    await t.step("PostgREST cuts an answer at 1000 rows and learns of new tables", () => restRowLimit(bare));
  }, { postgrest: true });
});

async function rolesAreLikeThePlatforms({ admin }: BareStack): Promise<void> {
  const roles = await admin`
    select rolname, rolcanlogin, rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls, rolinherit
    from pg_roles where rolname in ('postgres', 'anon', 'authenticated', 'service_role', 'authenticator') order by 1`;
  const flags = Object.fromEntries(roles.map(({ rolname, ...rest }) => [
    rolname,
    Object.entries(rest).filter(([, value]) => value).map(([name]) => name.slice(3)).join(" "),
  ]));
  assert.deepEqual(flags, {
    anon: "",
    authenticated: "",
    authenticator: "canlogin",
    postgres: "canlogin createdb createrole replication bypassrls inherit",
    service_role: "bypassrls",
  });
}

async function postgresIsRefused({ sql }: BareStack): Promise<void> {
  await sql`create function public.on_ddl() returns event_trigger language plpgsql as 'begin end'`;
  const statements = [
    "alter role service_role nologin",
    "alter role anon set statement_timeout = 0",
    "create event trigger mine on ddl_command_end execute function public.on_ddl()",
    "set session_replication_role = replica",
    "alter system set work_mem = '1MB'",
    "comment on role anon is 'x'",
    "create function public.in_c() returns integer language c as 'a', 'b'",
    "create table auth.mine (id integer)",
    "create table vault.mine (id integer)",
    "select pg_read_file('vault.key')",
    "select vault._passphrase('x')",
    "drop extension supabase_vault",
  ];
  for (const statement of statements) assert.equal(await refusal(sql.unsafe(statement)), "42501", statement);
  await asRole(sql, "service_role", "select 1");
}

async function defaultGrants({ sql }: BareStack): Promise<void> {
  await sql`create table public.granted (id bigint generated always as identity)`;
  await sql`create function public.granted_function() returns integer language sql as 'select 1'`;
  const [grants] = await sql`
    select
      (select array_agg(a.grantee::regrole::text || ':' || a.privilege_type order by a.grantee::regrole::text)
       from pg_class c, aclexplode(c.relacl) a
       where c.oid = 'public.granted'::regclass and a.privilege_type = 'SELECT' and a.grantee <> c.relowner) as tables,
      (select count(distinct a.grantee) from pg_class c, aclexplode(c.relacl) a
       where c.oid = 'public.granted_id_seq'::regclass and a.grantee <> c.relowner)::integer as sequences,
      (select array_agg(case a.grantee when 0 then 'public' else a.grantee::regrole::text end order by a.grantee = 0, a.grantee::regrole::text)
       from pg_proc p, aclexplode(p.proacl) a
       where p.oid = 'public.granted_function()'::regprocedure and a.grantee <> p.proowner) as functions`;
  assert.deepEqual({ ...grants }, {
    tables: ["anon:SELECT", "authenticated:SELECT", "service_role:SELECT"],
    sequences: 3,
    functions: ["anon", "authenticated", "service_role", "public"],
  });
  assert.equal(await refusal(asRole(sql, "anon", "select * from auth.users")), "42501");
}

async function statementTimeouts({ stack, sql, admin, authenticator }: BareStack): Promise<void> {
  const settings = await admin`
    select r.rolname, s.setconfig from pg_db_role_setting s join pg_roles r on r.oid = s.setrole
    where r.rolname in ('anon', 'authenticated', 'authenticator') order by 1`;
  assert.deepEqual(settings.map((row) => [row.rolname, ...row.setconfig]), [
    ["anon", "statement_timeout=3s"],
    ["authenticated", "statement_timeout=8s"],
    ["authenticator", "statement_timeout=8s", "lock_timeout=8s"],
  ]);
  const [own] = await authenticator`show statement_timeout`;
  assert.equal(own!.statement_timeout, "8s");

  await sql`create function public.sleep_long() returns void language sql as 'select pg_sleep(6)'`;
  const cut = await eventually("The function became visible", 5000, async () => {
    const headers = { apikey: stack.publishableKey };
    const response = await fetch(`${stack.apiUrl}/rest/v1/rpc/sleep_long`, { method: "POST", headers });
    const body = await response.json();
    return response.status !== 404 && body as { code: string };
  });
  assert.equal(cut.code, "57014");
}

async function authFunctions({ sql }: BareStack): Promise<void> {
  const read = async (claims: string) =>
    await sql.begin(async (transaction) => {
      await transaction`select set_config('request.jwt.claims', ${claims}, true)`;
      const [row] =
        await transaction`select auth.uid() as uid, auth.role() as role, auth.email() as email, auth.jwt() as jwt`;
      return { ...row };
    });
  const sub = crypto.randomUUID();
  const claims = { sub, role: "authenticated", email: "a@b.example" };
  assert.deepEqual(await read(JSON.stringify(claims)), {
    uid: sub,
    role: claims.role,
    email: claims.email,
    jwt: claims,
  });
  assert.deepEqual(await read(""), { uid: null, role: null, email: null, jwt: null });
}

async function restRowLimit({ stack, sql }: BareStack): Promise<void> {
  await sql`create table public.many as select generate_series(1, 1500) as n`;
  const answer = await eventually("The table became visible", 3000, async () => {
    const response = await fetch(`${stack.apiUrl}/rest/v1/many?select=n`, {
      headers: { apikey: stack.publishableKey },
    });
    const body = await response.json();
    return response.ok ? body as unknown[] : null;
  });
  assert.equal(answer.length, 1000);
}
