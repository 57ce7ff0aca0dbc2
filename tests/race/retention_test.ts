import assert from "node:assert/strict";
import type postgres from "postgres";
import { resultColumns } from "../../supabase/functions/_shared/delivery/contract.ts";
import { type BareStack, refusal, withBareStack } from "../support/bare_stack.ts";

/** Nobody may wait for anybody longer than this; what waits for a lock is refused with 55P03. */
const LOCK_TIMEOUT = "200ms";

interface Scene extends BareStack {
  /** Keeps its logs for 30 days. */
  tenantId: string;
  integrationId: string;
}

/** A test in which no schedule prunes and no worker delivers. */
function retentionTest(name: string, run: (scene: Scene) => Promise<void>): void {
  Deno.test({
    name,
    fn: () =>
      withBareStack(async (bare) => {
        await bare.admin`update cron.job set active = false`;
        await run({ ...bare, ...await makeTenant(bare.sql, 30) });
      }, { migrations: true }),
    sanitizeOps: false,
    sanitizeResources: false,
  });
}

async function makeTenant(sql: postgres.Sql, days: number) {
  const slug = crypto.randomUUID();
  const [tenant] = await sql`insert into public.tenants (name, slug) values ('Kept', ${slug}) returning id`;
  await sql`update public.tenant_settings set log_retention_days = ${days} where tenant_id = ${tenant!.id}`;
  const config = sql.json({ webhook_url: "https://example.com/", max_in_flight: 100 });
  const [row] = await sql`select public.create_guardian_meta_integration(
    ${tenant!.id}, 'kept', 'Kept', null, true, ${config}, null, ${["readiness"]}, '{}',
    'whsec_c2FtcGxlLXNhbXBsZS1zYW1wbGUtc2FtcGxlLXNhbXBsZQ==', null) ->> 'id' as id`;
  await sql`delete from public.integration_logs where tenant_id = ${tenant!.id}`;
  return { tenantId: tenant!.id as string, integrationId: row!.id as string };
}

/** Writes events that a tenant's integration wants, so many days ago; what they become is as old. Answers deliveries. */
async function queueOld(
  admin: postgres.Sql,
  tenantId: string,
  count: number,
  days: number,
): Promise<string[]> {
  await admin`insert into public.guardian_readiness_snapshots (tenant_id, overall_score, band)
    select ${tenantId}, 1, 'baseline' from generate_series(1, ${count})`;
  const made = await admin<{ id: string }[]>`
    update public.guardian_meta_webhook_events d set created_at = clock_timestamp() - ${days} * interval '1 day'
    from private.delivery_queue q
    where q.delivery_id = d.id and d.tenant_id = ${tenantId} and d.created_at > clock_timestamp() - interval '1 hour' returning d.id`;
  await admin.begin(async (transaction) => {
    await transaction`set local session_replication_role = replica`;
    await transaction`update public.integration_events_outbox e set created_at = d.created_at
      from public.guardian_meta_webhook_events d where d.event_id = e.id and e.tenant_id = ${tenantId}`;
  });
  return made.map(({ id }) => id);
}

/** Delivers everything that is due as a worker would, finished so many days ago. */
async function deliverAll(scene: Scene, days: number): Promise<void> {
  const claimed = await exchange(scene.sql, []);
  const open = claimed.deliveries.map((one) => one.delivery_id);
  await exchange(scene.sql, claimed.deliveries.map((one) => resultOf(one, claimed.lease_token)), 0);
  await scene
    .admin`update public.guardian_meta_webhook_events set finished_at = clock_timestamp() - ${days} * interval '1 day'
    where id in ${scene.admin(open)}`;
}

interface Claimed {
  lease_token: string;
  deliveries: { delivery_id: string; integration_id: string }[];
}

async function exchange(
  sql: postgres.Sql | postgres.TransactionSql,
  results: Record<string, string | number | boolean>[],
  limit = 100,
) {
  const [row] = await sql`select public.exchange_deliveries(${
    sql.json(resultColumns(results))
  }, ${limit}, 60000) as answer`;
  return (row!.answer.claimed ?? { lease_token: "", deliveries: [] }) as Claimed;
}

const resultOf = (claimed: Claimed["deliveries"][number], leaseToken: string) => ({
  delivery_id: claimed.delivery_id,
  integration_id: claimed.integration_id,
  lease_token: leaseToken,
  outcome: "delivered",
  endpoint_failed: false,
  began_after_ms: 0,
  duration_ms: 1,
  status_code: 204,
});

async function prune(sql: postgres.Sql, rows = 5000): Promise<Record<string, number>> {
  return (await sql`select private.prune_expired(${rows}) as pruned`)[0]!.pruned;
}

async function counts(sql: postgres.Sql, tenantId: string) {
  const [row] = await sql`select
    (select count(*)::int from public.guardian_meta_webhook_events where tenant_id = ${tenantId}) as deliveries,
    (select count(*)::int from public.guardian_meta_webhook_attempts where tenant_id = ${tenantId}) as attempts,
    (select count(*)::int from public.integration_events_outbox where tenant_id = ${tenantId}
      and event_type = 'guardian.readiness_updated') as events`;
  return { ...row };
}

retentionTest(
  "RETENTION: finished deliveries leave after the tenant's days with attempts and events, open ones never",
  async (scene) => {
    const { sql, admin, tenantId } = scene;
    const other = await makeTenant(sql, 90);
    await queueOld(admin, tenantId, 3, 60);
    await queueOld(admin, other.tenantId, 3, 60);
    await deliverAll(scene, 60);
    await queueOld(admin, tenantId, 2, 100);
    await deliverAll(scene, 1);
    await queueOld(admin, tenantId, 4, 400);
    await admin`insert into private.delivery_dead_letters (delivery_id, tenant_id, integration_id, kind, error_class, discarded_at)
    select id, tenant_id, integration_id, 'guardian_meta', 'test', finished_at
    from public.guardian_meta_webhook_events where finished_at is not null`;
    const pruned = await prune(sql);
    assert.deepEqual([pruned.guardian_meta_webhook_events, pruned.integration_events_outbox], [3, 3]);
    assert.deepEqual(await counts(sql, tenantId), { deliveries: 6, attempts: 2, events: 6 });
    assert.deepEqual(await counts(sql, other.tenantId), { deliveries: 3, attempts: 3, events: 3 });
    assert.equal((await sql`select from private.delivery_dead_letters`).length, 5);
    assert.deepEqual(await prune(sql), {
      ...pruned,
      guardian_meta_webhook_events: 0,
      integration_events_outbox: 0,
    });
    const claimed = await exchange(sql, []);
    assert.equal(claimed.deliveries.length, 4, "what was open for 400 days is still delivered");
    assert.equal(
      await refusal(sql.begin(async (transaction) => {
        await transaction`select private.prune_expired()`;
        await transaction`delete from public.integration_events_outbox`;
      })),
      "IL409",
      "only retention deletes events",
    );
  },
);

retentionTest(
  "RETENTION: dispatches, receipts with bodies, logs, notices and statistics leave in their time",
  async (scene) => {
    const { sql, admin, tenantId, integrationId } = scene;
    const [webhook] =
      await sql`select public.create_webhook(${tenantId}, null, 'generic_hmac', 'Kept', 'secret secret secret', null, null) ->> 'id' as id`;
    const receipts: string[] = [];
    for (
      const [status, finishedDays] of [["done", 60], ["pending", null], ["dead", 1], ["dead", 60]] as const
    ) {
      const receiptId = crypto.randomUUID();
      receipts.push(receiptId);
      await admin`insert into public.webhook_receipts (id, tenant_id, webhook_id, provider, request_id, body_bytes, event_count, duplicate_count)
      values (${receiptId}, ${tenantId}, ${webhook!.id}, 'generic_hmac', 'test', 1, 1, 0)`;
      await admin`insert into public.webhook_receipt_bodies (receipt_id, tenant_id, headers, body) values (${receiptId}, ${tenantId}, '{}', 'x')`;
      await admin`insert into public.integration_events_outbox (tenant_id, event_type, entity_type, entity_id, payload, source, trace_id, receipt_id, created_at)
      values (${tenantId}, 'webhook.received', 'webhook', '1', '{}', 'test', 'test', ${receiptId}, now() - interval '60 days')`;
      await admin`update public.event_dispatches d set status = ${status}, finished_at = now() - ${finishedDays}::integer * interval '1 day'
      from public.integration_events_outbox e where e.id = d.event_id and e.receipt_id = ${receiptId}`;
    }
    for (const days of [10, 60]) {
      await admin`insert into public.integration_logs (tenant_id, event_type, status, created_at)
      values (${tenantId}, 'test', 'success', now() - ${days} * interval '1 day')`;
      await admin`insert into public.notifications (tenant_id, kind, severity, message, subject_type, subject_id, created_at)
      values (${tenantId}, 'test.kept', 'info', 'x', 'test', '1', now() - ${days} * interval '1 day')`;
    }
    for (const days of [399, 401]) {
      await admin`select private.keep_hours(array[row(
      ${integrationId}, date_trunc('hour', now() - ${days} * interval '1 day', 'UTC'), 5, 0, 0, '{}', '{}')::private.delivery_statistics])`;
    }
    await prune(sql);
    const left = await sql`select r.id from public.webhook_receipts r
    join public.webhook_receipt_bodies b on b.receipt_id = r.id join public.integration_events_outbox e on e.receipt_id = r.id`;
    assert.deepEqual(
      left.map((row) => receipts.indexOf(row.id)).sort(),
      [1, 2],
      "pending, and dead since yesterday",
    );
    assert.equal((await sql`select from public.webhook_receipts`).length, 2);
    assert.equal((await sql`select from public.event_dispatches`).length, 2);
    assert.equal((await sql`select from public.integration_logs where event_type = 'test'`).length, 1);
    assert.equal((await sql`select from public.notifications`).length, 1);
    const [hours] = await sql`select (select count(*)::int from private.delivery_statistics) as integration,
    (select count(*)::int from private.tenant_delivery_statistics) as tenant,
    (select delivered::int from private.delivery_totals) as total`;
    assert.deepEqual({ ...hours }, { integration: 1, tenant: 1, total: 10 });
  },
);

retentionTest("RETENTION: a run is bounded, and what must stay does not hide what may go", async (scene) => {
  const { sql, admin, tenantId } = scene;
  await queueOld(admin, tenantId, 12, 100);
  await deliverAll(scene, 100);
  await queueOld(admin, tenantId, 20, 300);
  const removed: number[] = [];
  for (let run = 0; run < 12; run++) removed.push((await prune(sql, 5)).guardian_meta_webhook_events!);
  assert.ok(removed.every((count) => count <= 5), String(removed));
  assert.equal(removed.reduce((sum, count) => sum + count, 0), 12);
  assert.deepEqual(await counts(sql, tenantId), { deliveries: 20, attempts: 0, events: 20 });
});

retentionTest("RETENTION: a run reads about what it removes, however long the log is", async (scene) => {
  const { sql, admin, tenantId } = scene;
  await admin`
    with made as (
      insert into public.guardian_meta_webhook_events (tenant_id, integration_id, event_id, event_type, status, created_at, finished_at)
      select ${tenantId}, ${scene.integrationId}, gen_random_uuid(), 'readiness_updated', 'delivered', at.at, at.at
      from generate_series(1, 5000) n, lateral (select now() - interval '60 days' - n * interval '1 second' as at) at
      returning tenant_id, integration_id, id
    )
    insert into public.guardian_meta_webhook_attempts (tenant_id, integration_id, delivery_id, attempt, outcome, started_at)
    select m.tenant_id, m.integration_id, m.id, 1, 'delivered', now() from made m`;
  await admin`analyze public.guardian_meta_webhook_events, public.guardian_meta_webhook_attempts`;
  await sql.begin(async (transaction) => {
    const [run] = await transaction`select private.prune_expired(100) as pruned`;
    assert.equal(run!.pruned.guardian_meta_webhook_events, 100);
    const read = await transaction`
      select relname, coalesce(seq_tup_read, 0)::int + coalesce(idx_tup_fetch, 0)::int as rows
      from pg_catalog.pg_stat_xact_user_tables where relname like 'guardian\\_meta\\_webhook\\_%'`;
    assert.equal(read.length, 2);
    for (const { relname, rows } of read) assert.ok(rows < 1000, `${rows} rows of ${relname}`);
  });
});

retentionTest(
  "RACE: while retention is in the middle, claims, results, fan-out and replays wait for nothing",
  async (scene) => {
    const { sql, admin, tenantId, integrationId } = scene;
    await queueOld(admin, tenantId, 20, 60);
    await deliverAll(scene, 60);
    await queueOld(admin, tenantId, 5, 60);
    const retention = await sql.reserve();
    try {
      await retention`begin`;
      const [run] = await retention`select private.prune_expired() as pruned`;
      assert.equal(run!.pruned.guardian_meta_webhook_events, 20);
      await sql.begin(async (worker) => {
        await worker.unsafe(`set local lock_timeout = '${LOCK_TIMEOUT}'`);
        const claimed = await exchange(worker, []);
        assert.equal(claimed.deliveries.length, 5);
        await exchange(
          worker,
          claimed.deliveries.map((one) => resultOf(one, claimed.lease_token)),
          0,
        );
        await worker`insert into public.guardian_readiness_snapshots (tenant_id, overall_score, band) values (${tenantId}, 1, 'baseline')`;
        await worker`select public.queue_test_delivery(${tenantId}, ${integrationId}, null)`;
        await worker`select private.roll_up_delivery_statistics()`;
      });
      await retention`commit`;
    } finally {
      retention.release();
    }
    assert.deepEqual(await counts(sql, tenantId), { deliveries: 7, attempts: 5, events: 6 });
  },
);

retentionTest(
  "RACE: a replay that is not committed yet keeps its delivery, and retention does not wait for it",
  async (scene) => {
    const { sql, admin, tenantId } = scene;
    const [kept] = await queueOld(admin, tenantId, 1, 60);
    await queueOld(admin, tenantId, 3, 60);
    await deliverAll(scene, 60);
    const person = await sql.reserve();
    try {
      await person`begin`;
      const [replay] = await person`select public.replay_deliveries(${tenantId}, ${[
        kept!,
      ]}, null) as replayed`;
      assert.equal(replay!.replayed, 1);
      await sql.begin(async (retention) => {
        await retention.unsafe(`set local lock_timeout = '${LOCK_TIMEOUT}'`);
        const [run] = await retention`select private.prune_expired() as pruned`;
        assert.equal(run!.pruned.guardian_meta_webhook_events, 3);
      });
      await person`commit`;
    } finally {
      person.release();
    }
    const rows = await sql`select id, status from public.guardian_meta_webhook_events`;
    assert.deepEqual(rows.map((row) => ({ ...row })), [{ id: kept, status: "pending" }]);
    assert.deepEqual((await exchange(sql, [])).deliveries.map((one) => one.delivery_id), [kept]);
  },
);
