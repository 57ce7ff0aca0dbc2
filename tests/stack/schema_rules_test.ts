import assert from "node:assert/strict";
import { sql, stackTest } from "../support/stack.ts";
import { createTenant } from "../support/tenant.ts";
import vectors from "../vectors/exact_numbers.json" with { type: "json" };

stackTest("SCHEMA: every table has row level security, enabled and forced", async () => {
  const rows =
    await sql`select relname from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')
    and not (relrowsecurity and relforcerowsecurity)`;
  assert.deepEqual(rows.map((row) => row.relname), []);
});

stackTest("SCHEMA: every table, view, column and function says what it is", async () => {
  const rows = await sql`
    select c.relname as name from pg_class c
    where c.relnamespace in ('public'::regnamespace, 'private'::regnamespace) and c.relkind in ('r', 'p', 'v') and obj_description(c.oid, 'pg_class') is null
    union all
    select c.relname || '.' || a.attname from pg_class c join pg_attribute a on a.attrelid = c.oid
    where c.relnamespace in ('public'::regnamespace, 'private'::regnamespace) and c.relkind in ('r', 'p') and a.attnum > 0 and not a.attisdropped
      and col_description(c.oid, a.attnum) is null
    union all
    select p.proname || '()' from pg_proc p
    where p.pronamespace in ('public'::regnamespace, 'private'::regnamespace) and obj_description(p.oid, 'pg_proc') is null`;
  assert.deepEqual(rows.map((row) => row.name), []);
});

stackTest(
  "SCHEMA: every table names its tenant, cannot be null about it, and offers its tenant with its key to its children",
  async () => {
    const exempt = ["tenants", "agent_runs"];
    const rows =
      await sql`select c.relname, (select a.attnotnull from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id') as not_null,
      exists (select from pg_constraint k where k.conrelid = c.oid and k.contype in ('u', 'p')
        and (select a.attnum from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id') = any (k.conkey)) as keyed
    from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')`;
    for (const row of rows.filter((row) => !exempt.includes(row.relname))) {
      assert.deepEqual([row.not_null, row.keyed], [true, true], row.relname);
    }
  },
);

stackTest(
  "SCHEMA: no foreign key between tenant tables leaves out the tenant, and none nulls it",
  async () => {
    const rows = await sql`select k.conname, pg_get_constraintdef(k.oid) as definition
    from pg_constraint k join pg_class parent on parent.oid = k.confrelid
    where k.contype = 'f' and k.connamespace = 'public'::regnamespace and parent.relnamespace = 'public'::regnamespace and parent.relname <> 'tenants'`;
    assert.ok(rows.length > 10);
    for (const row of rows) {
      assert.match(row.definition, /^FOREIGN KEY \(tenant_id, /, row.conname);
      assert.doesNotMatch(row.definition, /ON DELETE SET NULL(?! \()/, row.conname);
    }
  },
);

stackTest("SCHEMA: what of a synced table went long ago is found through an index", async () => {
  const rows = await sql`select t.table_name,
      exists (select from pg_index i where i.indrelid = format('public.%I', t.table_name)::regclass
        and pg_get_indexdef(i.indexrelid) like '% (deleted_at) WHERE (deleted_at IS NOT NULL)') as indexed
    from private.sync_tables t`;
  assert.ok(rows.length > 5);
  for (const { table_name, indexed } of rows) assert.ok(indexed, table_name);
});

stackTest("SCHEMA: every foreign key has an index on its columns", async () => {
  const rows =
    await sql`select k.conname from pg_constraint k where k.contype = 'f' and k.connamespace = 'public'::regnamespace
    and not exists (select from pg_index i where i.indrelid = k.conrelid
      and (i.indkey::smallint[])[0:cardinality(k.conkey) - 1] @> k.conkey and k.conkey @> (i.indkey::smallint[])[0:cardinality(k.conkey) - 1])`;
  assert.deepEqual(rows.map((row) => row.conname), []);
});

stackTest(
  "SCHEMA: every policy is for authenticated, for one command, and checks updates on both sides",
  async () => {
    const rows =
      await sql`select tablename, policyname, roles, cmd, qual, with_check from pg_policies where schemaname = 'public'`;
    assert.ok(rows.length > 40);
    for (const row of rows) {
      const name = `${row.tablename}: ${row.policyname}`;
      assert.deepEqual(row.roles, ["authenticated"], name);
      assert.notEqual(row.cmd, "ALL", name);
      if (row.cmd === "UPDATE") assert.ok(row.qual && row.with_check, name);
      for (const expression of [row.qual, row.with_check]) {
        if (expression) assert.match(expression, /get_current_workspace_id/, name);
      }
    }
  },
);

for (const vector of vectors) {
  stackTest(
    `SCHEMA: the outbox ${
      vector.exact || "stored_as" in vector ? "takes" : "refuses"
    } the payload ${vector.json}`,
    async () => {
      const tenant = await createTenant();
      const insert =
        sql`insert into public.integration_events_outbox (tenant_id, event_type, entity_type, entity_id, payload, source, trace_id)
      values (${tenant.id}, 'test.vector', 'test', '1', ${vector.json}::text::jsonb, 'test', 'test') returning payload::text`;
      if (vector.exact) return void await insert;
      if ("stored_as" in vector) return assert.equal((await insert)[0]!.payload, vector.stored_as);
      await assert.rejects(async () => await insert, {
        code: "23514",
        constraint_name: "integration_events_outbox_payload_exact_check",
      });
    },
  );
}

stackTest("SCHEMA: events cannot be changed, deleted or truncated, not even by their owner", async () => {
  const tenant = await createTenant();
  await sql`insert into public.integration_events_outbox (tenant_id, event_type, entity_type, entity_id, payload, source, trace_id)
    values (${tenant.id}, 'test.fixed', 'test', '1', '{}', 'test', 'test')`;
  for (
    const attempt of [
      sql`update public.integration_events_outbox set source = 'x' where tenant_id = ${tenant.id}`,
      sql`delete from public.integration_events_outbox where tenant_id = ${tenant.id}`,
      sql`truncate public.integration_events_outbox cascade`,
    ]
  ) {
    await assert.rejects(async () => await attempt, { code: "IL409" });
  }
});

stackTest("SCHEMA: a row cannot point into another tenant", async () => {
  const [tenant, foreign] = [await createTenant(), await createTenant()];
  const [contact] =
    await sql`insert into public.crm_contacts (tenant_id) values (${foreign.id}) returning id`;
  await assert.rejects(
    async () =>
      await sql`insert into public.crm_activities (tenant_id, contact_id, type) values (${tenant.id}, ${
        contact!.id
      }, 'x')`,
    { code: "23503" },
  );
  await assert.rejects(
    async () =>
      await sql`insert into public.crm_contacts (tenant_id, org_id) values (${tenant.id}, ${
        foreign.orgs[0]
      })`,
    { code: "23503" },
  );
});

stackTest("SCHEMA: the token mirrors the only membership and forgets it when there are two", async () => {
  const [tenant, other] = [await createTenant(), await createTenant()];
  const metadata = async () =>
    (await sql`select raw_app_meta_data as data from auth.users where id = ${tenant.users.manager.id}`)[0]!
      .data;
  assert.deepEqual(await metadata(), { tenant_id: tenant.id, org_id: tenant.orgs[0] });
  await sql`insert into public.tenant_members (tenant_id, user_id, role) values (${other.id}, ${tenant.users.manager.id}, 'admin')`;
  assert.deepEqual(await metadata(), {});
  await sql`delete from public.tenant_members where tenant_id = ${tenant.id} and user_id = ${tenant.users.manager.id}`;
  assert.deepEqual(await metadata(), { tenant_id: other.id });
});
