import assert from "node:assert/strict";
import { rest } from "../support/api.ts";
import { sql, stack, stackTest } from "../support/stack.ts";
import { accessMatrix } from "./access_matrix.ts";

const PRIVILEGES: Record<string, string> = {
  SELECT: "select",
  INSERT: "insert",
  UPDATE: "update",
  DELETE: "delete",
};

stackTest("GRANTS: every entry of relacl and attacl in schema public is in access.yaml", async () => {
  const entries = await sql`
    select c.relname, coalesce(r.rolname, 'public') as grantee, a.privilege_type, false as on_columns
    from pg_class c cross join lateral aclexplode(c.relacl) a left join pg_roles r on r.oid = a.grantee
    where c.relnamespace = 'public'::regnamespace and a.grantee <> c.relowner
    union
    select c.relname, coalesce(r.rolname, 'public'), a.privilege_type, true
    from pg_class c join pg_attribute t on t.attrelid = c.oid cross join lateral aclexplode(t.attacl) a
    left join pg_roles r on r.oid = a.grantee
    where c.relnamespace = 'public'::regnamespace and a.grantee <> c.relowner`;
  const actual: Record<string, Record<string, string[]>> = {};
  for (const { relname, grantee, privilege_type: privilege, on_columns: onColumns } of entries) {
    const name = `${PRIVILEGES[privilege] ?? privilege}${onColumns ? " columns" : ""}`;
    ((actual[relname] ??= {})[grantee] ??= []).push(name);
  }
  assert.deepEqual(sorted(actual), sorted(accessMatrix.grants.tables));
});

stackTest(
  "GRANTS: every entry of proacl in public and private is in access.yaml, and none is everybody's",
  async () => {
    const entries = await sql`
    select distinct n.nspname || '.' || p.proname as name, coalesce(r.rolname, 'public') as grantee
    from pg_proc p join pg_namespace n on n.oid = p.pronamespace
    cross join lateral aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a left join pg_roles r on r.oid = a.grantee
    where n.nspname in ('public', 'private') and a.grantee <> p.proowner`;
    const actual: Record<string, string[]> = {};
    for (const { name, grantee } of entries) (actual[name] ??= []).push(grantee);
    assert.deepEqual(sorted({ functions: actual }), sorted({ functions: accessMatrix.grants.functions }));
  },
);

stackTest("GRANTS: security definers are exactly those on the list, with an empty search path", async () => {
  const rows = await sql`
    select n.nspname || '.' || p.proname as name, p.proconfig, pg_get_userbyid(p.proowner) as owner
    from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname in ('public', 'private') and p.prosecdef`;
  assert.deepEqual([...new Set(rows.map((row) => row.name))].sort(), [...accessMatrix.definers].sort());
  for (const row of rows) {
    // Settings of the planner change how a function finds its rows, never which.
    const others = (row.proconfig as string[]).filter((one) =>
      !/^(jit|enable_\w+|plan_cache_mode)=/.test(one)
    );
    assert.deepEqual(others, ['search_path=""'], row.name);
    assert.equal(row.owner, "postgres", row.name);
  }
});

stackTest(
  "GRANTS: what a migration adds is closed until it grants: the rig sees a table and a function that forgot",
  async () => {
    await sql.begin(async (transaction) => {
      await transaction`create table public.forgotten (id integer)`;
      await transaction`create function public.forgotten_function() returns integer language sql security definer as 'select 1'`;
      const [row] = await transaction`select
      (select count(*)::int from aclexplode((select relacl from pg_class where oid = 'public.forgotten'::regclass)) where grantee <> 'postgres'::regrole) as table_grants,
      (select count(*)::int from aclexplode((select coalesce(proacl, acldefault('f', proowner)) from pg_proc where proname = 'forgotten_function')) where grantee <> 'postgres'::regrole) as function_grants`;
      assert.deepEqual({ ...row }, { table_grants: 0, function_grants: 0 });
      throw new Rollback();
    }).catch((error) => {
      if (!(error instanceof Rollback)) throw error;
    });
  },
);

class Rollback extends Error {}

stackTest("GRANTS: service RPCs answer nobody but the service", async () => {
  for (const [name, grantees] of Object.entries(accessMatrix.grants.functions)) {
    const [schema, fn] = name.split(".");
    if (schema !== "public" || grantees.includes("authenticated")) continue;
    const [row] =
      await sql`select proargnames, proargtypes from pg_proc where proname = ${fn!} and pronamespace = 'public'::regnamespace`;
    const args = Object.fromEntries((row!.proargnames ?? []).map((argument: string) => [argument, null]));
    const answer = await rest(`rpc/${fn}`, { body: args, headers: { apikey: stack.publishableKey } });
    assert.ok([401, 404].includes(answer.status), `${name}: ${answer.status} ${JSON.stringify(answer.body)}`);
  }
});

function sorted<T extends Record<string, Record<string, string[]>>>(value: T): unknown {
  return Object.fromEntries(
    Object.entries(value).sort().map(([key, inner]) => [
      key,
      Object.fromEntries(Object.entries(inner).sort().map(([name, list]) => [name, [...list].sort()])),
    ]),
  );
}
