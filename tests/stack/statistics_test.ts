import assert from "node:assert/strict";
import { call } from "../support/api.ts";
import {
  deliveryWith,
  letRetriesBeDue,
  startTestSink,
  type TestSink,
  writeReadiness,
} from "../support/outbound.ts";
import { adminSql, eventually, sql, stackTest } from "../support/stack.ts";
import { createTenant, type TestTenant } from "../support/tenant.ts";

/** Rolls up what is there, however the job each minute meets it. */
async function rollUp(): Promise<void> {
  await eventually(async () => {
    await sql`select private.roll_up_delivery_statistics()`;
    const [row] = await sql`select exists (select from private.delivery_statistics_recent) as some`;
    return !row!.some;
  });
}

/** A subscription of the tenant to every event, straight into the table. */
async function subscribeToEvents(tenant: TestTenant, url: string): Promise<string> {
  const config = sql.json({ webhook_url: url });
  const [row] = await adminSql`
    insert into public.event_subscriptions (tenant_id, label, event_types, config, secret_ref)
    select ${tenant.id}, 'Events', '{contact.*}', ${config},
      public.store_secret(${tenant.id}, 'whsec_c2FtcGxlLXNhbXBsZS1zYW1wbGUtc2FtcGxlLXNhbXBsZQ==', 'test')
    returning id`;
  return row!.id;
}

/** One delivered, one given up after two attempts. */
async function makeHistory(sink: TestSink, tenant: TestTenant, refuse: (yes: boolean) => void) {
  const integration = await sink.integrate(tenant, { config: { max_attempts: 2 } });
  await writeReadiness(tenant.id);
  await deliveryWith(integration.id, "delivered");
  refuse(true);
  await writeReadiness(tenant.id);
  await deliveryWith(integration.id, "failed");
  await letRetriesBeDue(integration.id);
  await deliveryWith(integration.id, "discarded");
  refuse(false);
  return integration;
}

stackTest(
  "statistics tell by hour what became of deliveries, the same before and after the rollup",
  async () => {
    let refusing = false;
    const sink = startTestSink(() => refusing ? new Response(null, { status: 500 }) : undefined);
    try {
      const [tenant, other] = [await createTenant(), await createTenant()];
      const integration = await makeHistory(sink, tenant, (yes) => refusing = yes);
      const hourMs = 3_600_000;
      const thisHourMs = Math.floor(Date.now() / hourMs) * hourMs;
      const span = `from=${new Date(thisHourMs - 23 * hourMs).toISOString()}&to=${
        new Date(thisHourMs + hourMs).toISOString()
      }`;
      const read = async (path = `integrations/${integration.id}/statistics`, more = "") =>
        await call(`guardian-meta/${path}?${span}${more}`, { user: tenant.users.manager });
      const answer = await read();
      assert.equal(answer.status, 200, JSON.stringify(answer.body));
      const { total, periods, open, granularity } = answer.body;
      assert.deepEqual([total.delivered, total.failed, total.discarded, total.failure_rate], [
        1,
        2,
        1,
        0.6667,
      ]);
      assert.ok(total.first_attempt_p50_ms <= total.first_attempt_p95_ms);
      assert.ok(total.success_p95_ms >= total.success_p50_ms && total.success_p50_ms >= 0);
      assert.deepEqual([granularity, open.pending, open.failed, open.in_flight, open.oldest_open_at], [
        "hour",
        0,
        0,
        0,
        null,
      ]);
      assert.equal(periods.length, 24);
      assert.equal(periods[0].delivered + periods[0].failed, 0, "hours without deliveries are in it");
      assert.equal(periods[0].failure_rate, null);
      for (const [index, period] of periods.entries()) {
        const start = new Date(answer.body.from).getTime() + index * hourMs;
        assert.equal(new Date(period.period_start).getTime(), start);
      }
      await rollUp();
      assert.deepEqual((await read()).body, answer.body);
      assert.deepEqual((await read("statistics")).body.total, total, "the tenant has nothing else");
      const days = await read(undefined, "&granularity=day");
      assert.deepEqual(days.body.total, total);
      const listed = await call("guardian-meta/integrations", { user: tenant.users.manager });
      const { last_24h: lastDay, ...now } = listed.body.data[0].statistics;
      assert.deepEqual([now.delivered, now.discarded, now.pending, now.failed, now.in_flight], [
        1,
        1,
        0,
        0,
        0,
      ]);
      assert.ok(now.last_attempt_at);
      assert.deepEqual(lastDay, { ...total, queued: 2 });
      const stranger = await call(`guardian-meta/integrations/${integration.id}/statistics`, {
        user: other.users.owner,
      });
      assert.deepEqual([stranger.status, stranger.body.error_code], [404, "NOT_FOUND"]);
    } finally {
      await sink.stop();
    }
  },
);

stackTest("both kinds of subscription are counted, and the tenant's statistics are their sum", async () => {
  const sink = startTestSink(() => new Response(null, { status: 200 }));
  try {
    const tenant = await createTenant();
    const integration = await sink.integrate(tenant);
    const subscriptionId = await subscribeToEvents(tenant, `${sink.url}/events`);
    await writeReadiness(tenant.id);
    // As the engine reports it.
    await adminSql`
      insert into private.delivery_statistics_recent (integration_id, at, delivered, failed, discarded, first_attempt_ms, success_ms)
      values (${subscriptionId}, now(), 2, 0, 0, '{5, 7}', '{9, 9}')`;
    await deliveryWith(integration.id, "delivered");
    for (const round of ["reported", "rolled up"]) {
      const [row] = await adminSql`
        select public.delivery_statistics(${tenant.id}, ${[integration.id, subscriptionId]}) as both,
          public.delivery_statistics_series(${tenant.id}, ${subscriptionId}, now() - interval '1 hour', now(), 'hour') as series`;
      assert.equal(row!.both[integration.id].delivered, 1, round);
      assert.equal(row!.both[subscriptionId].delivered, 2, round);
      assert.equal(row!.series.total.delivered, 2, round);
      const user = tenant.users.admin;
      const own = await call(`event-subscriptions/${subscriptionId}/statistics`, { user });
      assert.deepEqual([own.status, own.body.total.delivered], [200, 2], round);
      for (const path of ["guardian-meta/statistics", "event-subscriptions/statistics"]) {
        assert.equal((await call(path, { user })).body.total.delivered, 3, `${round}, ${path}`);
      }
      await rollUp();
    }
    const elsewhere = await call(`guardian-meta/integrations/${subscriptionId}/statistics`, {
      user: tenant.users.admin,
    });
    assert.equal(elsewhere.status, 404, "it is no guardian meta integration");
    const stranger = (await createTenant()).users.owner;
    for (const [id, user] of [[integration.id, tenant.users.admin], [subscriptionId, stranger]] as const) {
      const refused = await call(`event-subscriptions/${id}/statistics`, { user });
      assert.deepEqual([refused.status, refused.body.error_code], [404, "NOT_FOUND"]);
    }
  } finally {
    await sink.stop();
  }
});

stackTest(
  "what is open is counted from the queue: paused waits, failed waits for another attempt",
  async () => {
    const sink = startTestSink(() => new Response(null, { status: 503, headers: { "retry-after": "600" } }));
    try {
      const tenant = await createTenant();
      const integration = await sink.integrate(tenant);
      await writeReadiness(tenant.id);
      await deliveryWith(integration.id, "failed");
      await adminSql`update public.guardian_meta_integrations set flow = 'paused' where id = ${integration.id}`;
      await writeReadiness(tenant.id);
      await writeReadiness(tenant.id);
      const answer = await call(`guardian-meta/integrations/${integration.id}/statistics`, {
        user: tenant.users.admin,
      });
      const { open, total } = answer.body;
      assert.deepEqual([open.pending, open.failed, open.in_flight, total.failed], [2, 1, 0, 1]);
      assert.ok(Date.now() - new Date(open.oldest_open_at).getTime() < 60_000);
      const listed = await call("guardian-meta/integrations", { user: tenant.users.admin });
      assert.equal(listed.body.data[0].statistics.last_24h.queued, 3);
    } finally {
      await sink.stop();
    }
  },
);

stackTest("a time span that is empty, too long or of another age is refused", async () => {
  const tenant = await createTenant();
  const wrong = [
    "from=2026-01-02T00:00:00Z&to=2026-01-02T00:00:00Z",
    "from=2026-01-03T00:00:00Z&to=2026-01-02T00:00:00Z",
    "from=2026-01-01T00:00:00Z&to=2026-02-01T00:00:01Z",
    "from=2025-01-01T00:00:00Z&to=2026-01-02T00:00:01Z&granularity=day",
    "granularity=minute",
    "from=1999-12-31T23:00:00Z&to=2000-01-01T00:00:00Z",
    "from=yesterday",
  ];
  for (const query of wrong) {
    const answer = await call(`guardian-meta/statistics?${query}`, { user: tenant.users.admin });
    assert.deepEqual([answer.status, answer.body.error_code], [422, "VALIDATION_FAILED"], query);
  }
  const longest = await call(
    "guardian-meta/statistics?from=2026-01-01T00:00:00Z&to=2026-02-01T00:00:00Z",
    { user: tenant.users.admin },
  );
  assert.deepEqual([longest.status, longest.body.periods.length], [200, 744]);
});
