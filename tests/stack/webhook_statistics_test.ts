import assert from "node:assert/strict";
import { createPostgrestStore } from "../../supabase/functions/_shared/db/postgrest_store.ts";
import { RequestTally } from "../../supabase/functions/_shared/inbound/request_tally.ts";
import { call } from "../support/api.ts";
import { adminSql, eventually, sql, stack, stackTest } from "../support/stack.ts";
import { createTenant, type TestTenant } from "../support/tenant.ts";
import { createWebhook, sendGeneric, type TestWebhook } from "../support/webhook.ts";

const asManager = (tenant: TestTenant) => ({ user: tenant.users.manager });

async function statisticsOf(tenant: TestTenant, webhook: TestWebhook, query = "") {
  const answer = await call(`integrations/webhooks/${webhook.id}/statistics${query}`, asManager(tenant));
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  return answer.body;
}

/** Rolls up all there is, as soon as the schedule's own run is over. */
async function rollUp(): Promise<void> {
  const [clock] = await sql`select clock_timestamp()::text as now`;
  await eventually(async () => {
    await sql`select private.roll_up_webhook_statistics('1 hour', '2 seconds', '0')`;
    const [row] = await sql`select through >= ${
      clock!.now
    }::timestamptz as is_there from private.webhook_rollup`;
    return row!.is_there;
  });
}

stackTest(
  "WEBHOOK STATISTICS: the same is read before and after the rollup, and tests do not count",
  async () => {
    const tenant = await createTenant();
    const webhook = await createWebhook(tenant, "generic_hmac");
    const before = await statisticsOf(tenant, webhook);
    assert.deepEqual([before.last_received_at, before.total.received, before.periods.length], [null, 0, 25]);
    await sendGeneric(webhook, '[{"id":1},{"id":2}]');
    const single = await sendGeneric(webhook, '{"id":3}');
    await sendGeneric(webhook, '{"id":3}');
    await call(`integrations/webhooks/${webhook.id}/test`, {
      user: tenant.users.admin,
      orgId: tenant.orgs[0],
      method: "POST",
    });
    const received = {
      received: 2,
      events: 3,
      duplicates: 0,
      filtered: 0,
      refused: 0,
      limited: 0,
      dead: 0,
      body_bytes: 27,
    };
    const live = await statisticsOf(tenant, webhook);
    assert.deepEqual(live.total, received);
    const [last] = await sql`select received_at from public.webhook_receipts where id = ${single.body
      .receipt_id as string}`;
    assert.equal(Date.parse(live.last_received_at), last!.received_at.getTime());
    await rollUp();
    const [kept] = await adminSql`select sum(received_count)::int as received, sum(event_count)::int as events
    from private.webhook_statistics where webhook_id = ${webhook.id}`;
    assert.deepEqual({ ...kept }, { received: 2, events: 3 });
    const rolled = await statisticsOf(tenant, webhook);
    assert.deepEqual(rolled.total, received);
    const counted = (period: { received: number }) => period.received;
    assert.equal(rolled.periods.map(counted).reduce((sum: number, n: number) => sum + n), 2);
  },
);

stackTest("WEBHOOK STATISTICS: days are sums of hours, and a span without end is refused", async () => {
  const tenant = await createTenant();
  const webhook = await createWebhook(tenant, "generic_hmac");
  await sql`insert into private.webhook_statistics (webhook_id, tenant_id, hour, received_count, event_count, body_bytes, last_received_at)
    select ${webhook.id}, ${tenant.id}, h, 10, 20, 30, h + interval '59 minutes'
    from generate_series('2026-10-01T00:00:00Z'::timestamptz, '2026-10-02T23:00:00Z', '1 hour') as h`;
  const days = await statisticsOf(
    tenant,
    webhook,
    "?from=2026-10-01T05:00:00Z&to=2026-10-03T01:00:00Z&granularity=day",
  );
  const received = days.periods.map((period: { received: number }) => period.received);
  assert.deepEqual([received, days.total.events], [[240, 240, 0], 960]);
  assert.equal(Date.parse(days.last_received_at), Date.parse("2026-10-02T23:59:00Z"));
  const hours = await statisticsOf(tenant, webhook, "?from=2026-10-02T22:30:00Z&to=2026-10-03T00:30:00Z");
  assert.deepEqual(hours.periods.map((period: { received: number }) => period.received), [10, 10, 0]);
  for (
    const query of [
      "?from=2026-01-01T00:00:00Z&to=2026-10-01T00:00:00Z",
      "?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z",
    ]
  ) {
    const refused = await call(`integrations/webhooks/${webhook.id}/statistics${query}`, asManager(tenant));
    assert.deepEqual([refused.status, refused.body.error_code], [422, "VALIDATION_FAILED"]);
  }
});

stackTest(
  "WEBHOOK STATISTICS: what is not done is told, and who died is counted in the hour of it",
  async () => {
    const tenant = await createTenant();
    const [webhook, other] = [
      await createWebhook(tenant, "generic_hmac"),
      await createWebhook(tenant, "generic_hmac"),
    ];
    for (const sender of [webhook, other]) {
      for (let index = 0; index < 4; index++) await sendGeneric(sender, JSON.stringify({ index }));
    }
    await eventually(async () =>
      (await sql`select 1 from public.event_dispatches where tenant_id = ${tenant.id} and status = 'pending'`)
        .length === 0
    );
    const ids =
      await sql`select d.id from public.event_dispatches d join public.integration_events_outbox e on e.id = d.event_id
    where e.webhook_id = ${webhook.id} order by d.id`;
    await sql`update public.event_dispatches set status = 'dead', last_error_code = 'INTERNAL', finished_at = clock_timestamp() where id in ${
      sql(ids.slice(0, 2).map(({ id }) => id))
    }`;
    const hold = sql`next_attempt_at = now() + interval '1 hour', finished_at = null, status = 'pending'`;
    await sql`update public.event_dispatches set last_error_code = 'INTERNAL', ${hold} where id = ${
      ids[2]!.id
    }`;
    await sql`update public.event_dispatches set last_error_code = null, ${hold} where id = ${ids[3]!.id}`;
    for (const _ of ["live", "rolled up"]) {
      const { open, total } = await statisticsOf(tenant, webhook);
      assert.deepEqual(open, { pending: 1, failing: 1, dead: 2, is_exact: true });
      assert.equal(total.dead, 2);
      assert.equal((await statisticsOf(tenant, other)).total.dead, 0);
      await rollUp();
    }
  },
);

stackTest(
  "WEBHOOK STATISTICS: what leaves no receipt is counted in bulk, of webhooks that exist",
  async () => {
    const tenant = await createTenant();
    const [webhook, deleted] = [
      await createWebhook(tenant, "generic_hmac"),
      await createWebhook(tenant, "generic_hmac"),
    ];
    await call(`integrations/webhooks/${deleted.id}`, {
      user: tenant.users.admin,
      orgId: tenant.orgs[0],
      method: "DELETE",
    });
    const store = createPostgrestStore({ restUrl: `${stack.apiUrl}/rest/v1`, secretKey: stack.secretKey });
    const tally = new RequestTally(store, 5);
    for (const id of [webhook.id, deleted.id, crypto.randomUUID()]) {
      tally.count(id, "refused", 500);
      tally.count(id, "duplicates", 3);
    }
    tally.count(webhook.id, "filtered");
    await eventually(async () => (await statisticsOf(tenant, webhook)).total.refused > 0);
    tally.count(webhook.id, "limited", 4);
    await tally.flush();
    const { total, last_received_at: lastReceivedAt } = await statisticsOf(tenant, webhook);
    assert.deepEqual([total.refused, total.duplicates, total.filtered, total.limited], [500, 3, 1, 4]);
    assert.deepEqual([total.received, lastReceivedAt], [0, null], "nobody spoke");
    const rows =
      await adminSql`select webhook_id from private.webhook_statistics where tenant_id = ${tenant.id}`;
    assert.deepEqual(rows.map((row) => row.webhook_id), [webhook.id]);
  },
);
