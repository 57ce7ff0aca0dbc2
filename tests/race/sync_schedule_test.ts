import assert from "node:assert/strict";
import type { TransactionSql } from "postgres";
import { sql, stackTest } from "../support/stack.ts";
import { createTenant, type TestTenant } from "../support/tenant.ts";

/** What is undone at the end, so that nobody else starts or calls what is due in it. */
class Undone extends Error {}

async function inUndoneTransaction(work: (transaction: TransactionSql) => Promise<void>): Promise<void> {
  await sql.begin(async (transaction) => {
    await transaction`set local lock_timeout = '3s'`;
    await transaction`create temp table called (run_id uuid) on commit drop`;
    await transaction.unsafe(
      `create or replace function private.invoke_function(p_name text, p_body jsonb default '{}')
      returns bigint language plpgsql set search_path = '' as
      'begin insert into pg_temp.called values ((p_body ->> ''run_id'')::uuid); return 1; end'`,
    );
    await work(transaction);
    throw new Undone();
  }).catch((error) => {
    if (!(error instanceof Undone)) throw error;
  });
}

/** Connectors that are due since so many minutes; answers their ids. */
async function due(
  db: TransactionSql,
  tenant: TestTenant,
  count: number,
  minutes: number,
): Promise<string[]> {
  const rows = await db`insert into public.integration_connectors
      (tenant_id, org_id, type, name, status, sync_interval_seconds)
    select ${tenant.id}, ${tenant
    .orgs[0]!}, 'odoo', 'Due', 'active', 60 from generate_series(1, ${count}) returning id`;
  const ids = rows.map(({ id }) => id as string);
  await db`update public.connector_states set next_sync_at = clock_timestamp() - ${minutes} * interval '1 minute'
    where connector_id = any (${ids})`;
  return ids;
}

const runsOf = async (db: TransactionSql, ids: string[]) =>
  (await db`select id from public.sync_runs where connector_id = any (${ids}) and finished_at is null`)
    .map(({ id }) => id as string);

stackTest("SCHEDULE: a tenant whose connectors are always due keeps nobody else waiting", async () => {
  const [hog, other] = [await createTenant(), await createTenant()];
  await inUndoneTransaction(async (db) => {
    const hogs = await due(db, hog, 300, 30);
    const others = await due(db, other, 2, 1);
    await db`select private.start_due_syncs()`;
    assert.equal((await runsOf(db, others)).length, 2, "both are started");
    const started = (await runsOf(db, hogs)).length;
    assert.ok(started > 100 && started < 300, `${started} of the others`);
    await db`select private.start_due_syncs()`;
    assert.equal((await runsOf(db, hogs)).length, 300);
    // Nobody takes them: their function is not deployed, or its workers are busy.
    await db`update public.sync_runs set next_slice_at = clock_timestamp() - interval '1 hour'
      where connector_id = any (${hogs})`;
    await db`delete from pg_temp.called`;
    await db`select private.start_due_syncs()`;
    const called = new Set((await db`select run_id from pg_temp.called`).map(({ run_id }) => run_id));
    for (const run of await runsOf(db, others)) {
      assert.ok(called.has(run), "a run that may go on is called for");
    }
    assert.ok(called.size <= 200, `${called.size} calls`);
  });
});

stackTest("SCHEDULE: a run that no worker ever takes fails after an hour of calls, and says so", async () => {
  const tenant = await createTenant();
  await inUndoneTransaction(async (db) => {
    const ids = await due(db, tenant, 2, 1);
    await db`select private.start_due_syncs()`;
    const [lost, taken] = await runsOf(db, ids);
    const minute = async () => void await db`select private.start_due_syncs()`;
    for (let minutes = 0; minutes < 59; minutes++) await minute();
    await db`select public.claim_sync_slice(${taken!}, 'odoo-sync', 0)`;
    for (let minutes = 0; minutes < 2; minutes++) await minute();
    const [ended] = await db`select status, error_class, error from public.sync_runs where id = ${lost!}`;
    assert.deepEqual([ended!.status, ended!.error_class], ["failed", "internal"], JSON.stringify(ended));
    assert.match(ended!.error, /odoo-sync/);
    const [alive] = await db`select status from public.sync_runs where id = ${taken!}`;
    assert.equal(alive!.status, "running");
    const notices = await db`select kind from public.notifications where tenant_id = ${tenant.id}`;
    assert.deepEqual(notices.map(({ kind }) => kind), ["connector.sync_failed"]);
  });
});

stackTest("SCHEDULE: a connector that somebody holds keeps the others from nothing", async () => {
  const tenant = await createTenant();
  const [held] = await sql`insert into public.integration_connectors (tenant_id, org_id, type, name)
    values (${tenant.id}, ${tenant.orgs[0]!}, 'odoo', 'Held') returning id`;
  await sql`update public.integration_connectors set status = 'active', sync_interval_seconds = 60 where id = ${
    held!.id
  }`;
  await sql.begin(async (holder) => {
    // As whoever deletes it, or writes down what became of a refresh.
    await holder`select from public.integration_connectors where id = ${held!.id} for update`;
    await inUndoneTransaction(async (db) => {
      const others = await due(db, tenant, 1, 1);
      await db`select private.start_due_syncs(clock_timestamp() + interval '1 minute')`;
      assert.equal((await runsOf(db, others)).length, 1);
    });
  });
  await sql`update public.integration_connectors set status = 'inactive' where id = ${held!.id}`;
});

stackTest("SCHEDULE: an interval that comes while a run ends is not forgotten", async () => {
  const tenant = await createTenant();
  const [connector] =
    await sql`insert into public.integration_connectors (tenant_id, org_id, type, name, status)
    values (${tenant.id}, ${tenant.orgs[0]!}, 'odoo', 'Odoo', 'active') returning id`;
  const [run] = await sql`insert into public.sync_runs
      (tenant_id, org_id, connector_id, mode, trigger, function_name, trace_id, status, next_slice_at)
    values (${tenant.id}, ${tenant.orgs[0]!}, ${
    connector!.id
  }, 'incremental', 'user', 'odoo-sync', 'trace', 'waiting', now() + interval '1 hour') returning id`;
  let ending: Promise<unknown>;
  await sql.begin(async (transaction) => {
    await transaction`update public.integration_connectors set sync_interval_seconds = 3600 where id = ${
      connector!.id
    }`;
    ending = sql`select public.cancel_sync_run(${tenant.id}, null, ${run!.id}, null)`;
    ending.catch(() => {});
    for (let tries = 0; tries < 200; tries++) {
      const [row] = await sql`select count(*)::int as waits from pg_stat_activity
        where wait_event_type = 'Lock' and query ilike '%cancel_sync_run%'`;
      if (row!.waits > 0) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error("The end of the run waits for nobody");
  });
  await ending!;
  const [state] =
    await sql`select next_sync_at, last_sync_status from public.connector_states where connector_id = ${
      connector!.id
    }`;
  assert.equal(state!.last_sync_status, "cancelled");
  assert.ok(state!.next_sync_at !== null, "it is synced by itself from now on");
  await sql`update public.integration_connectors set status = 'inactive' where id = ${connector!.id}`;
});
