import assert from "node:assert/strict";
import { call } from "../support/api.ts";
import { deliveryWith, letRetriesBeDue, startTestSink, writeReadiness } from "../support/outbound.ts";
import { adminSql, eventually, sql, stackTest } from "../support/stack.ts";
import { createTenant } from "../support/tenant.ts";

stackTest(
  "a readiness row becomes an event by itself and a verified delivery, and says nothing about the tenant",
  async () => {
    const sink = startTestSink();
    try {
      const [tenant, other] = [await createTenant(), await createTenant()];
      const integration = await sink.integrate(tenant);
      const foreign = await sink.integrate(other);
      const snapshotId = await writeReadiness(tenant.id);
      const delivery = await deliveryWith(integration.id, "delivered");
      const [arrival, ...more] = sink.arrivalsOf(integration);
      assert.equal(more.length, 0);
      assert.equal(arrival!.verified, true, arrival!.problem ?? "");
      assert.equal(arrival!.webhookId, `msg_${delivery.id.replaceAll("-", "")}`);
      const body = JSON.parse(arrival!.body);
      assert.deepEqual(Object.keys(body), ["type", "timestamp", "data"]);
      assert.equal(body.type, "readiness_updated");
      assert.deepEqual(body.data.dimension_scores, { core: 80, governance: 65 });
      const wire = JSON.stringify([arrival!.headers, arrival!.body]);
      for (const secret of [tenant.id, tenant.orgs[0], snapshotId, integration.id]) {
        assert.equal(wire.includes(secret), false, secret);
      }
      assert.equal(sink.arrivalsOf(foreign).length, 0);

      const [event] =
        await sql`select * from public.integration_events_outbox where id = ${delivery.event_id}`;
      assert.equal(event!.event_type, "guardian.readiness_updated");
      const attempts =
        await sql`select * from public.guardian_meta_webhook_attempts where delivery_id = ${delivery.id}`;
      assert.equal(attempts.length, 1);
      assert.deepEqual([attempts[0]!.outcome, attempts[0]!.status_code, attempts[0]!.request_body], [
        "delivered",
        204,
        arrival!.body,
      ]);
      const listed = await call("guardian-meta/integrations", { user: tenant.users.manager });
      assert.equal(listed.body.data.length, 1);
      assert.ok(listed.body.data[0].last_synced_at);
      assert.deepEqual(
        [listed.body.data[0].statistics.delivered, listed.body.data[0].statistics.last_24h.delivered],
        [1, 1],
      );
    } finally {
      await sink.stop();
    }
  },
);

stackTest("the bell alone brings a row to its endpoint: no schedule is needed", async () => {
  const sink = startTestSink();
  await adminSql`update cron.job set active = false where jobname = 'interlock-deliver'`;
  try {
    const tenant = await createTenant();
    const integration = await sink.integrate(tenant);
    for (let round = 0; round < 5; round++) {
      await writeReadiness(tenant.id, round);
      await eventually(() => Promise.resolve(sink.arrivalsOf(integration).length === round + 1), 5000);
      await new Promise((resolve) => setTimeout(resolve, 400 * round));
    }
  } finally {
    await adminSql`update cron.job set active = true where jobname = 'interlock-deliver'`;
    await sink.stop();
  }
});

stackTest("an event that nobody wants is kept and says so", async () => {
  const tenant = await createTenant();
  await writeReadiness(tenant.id);
  const events =
    await sql`select id from public.integration_events_outbox where tenant_id = ${tenant.id} and event_type = 'guardian.readiness_updated'`;
  const logs =
    await sql`select details from public.integration_logs where tenant_id = ${tenant.id} and event_type = 'event.unmatched'`;
  assert.deepEqual(logs.map((log) => log.details.event_id), events.map((event) => event.id));
  assert.equal(events.length, 1);
});

stackTest(
  "a failing endpoint is tried again with the same id and bytes, then the delivery is discarded and kept",
  async () => {
    let fixed = false;
    const sink = startTestSink(() => fixed ? undefined : new Response("no", { status: 500 }));
    try {
      const tenant = await createTenant();
      const integration = await sink.integrate(tenant, { config: { max_attempts: 3 } });
      await writeReadiness(tenant.id);
      for (const failures of [1, 2]) {
        const waiting = await eventually(async () => {
          const row = await deliveryWith(integration.id, "failed");
          return row.attempt_count === failures ? row : null;
        });
        assert.ok(waiting.next_attempt_at > new Date(), "it waits before the next attempt");
        assert.equal(waiting.last_error, "The endpoint answered 500.");
        await letRetriesBeDue(integration.id);
      }
      const delivery = await deliveryWith(integration.id, "discarded");
      assert.deepEqual([delivery.attempt_count, delivery.last_error_class], [3, "server_error"]);
      const arrivals = sink.arrivalsOf(integration);
      assert.equal(arrivals.length, 3);
      assert.ok(arrivals.every((arrival) => arrival.verified));
      assert.equal(new Set(arrivals.map((arrival) => arrival.webhookId)).size, 1);
      assert.equal(new Set(arrivals.map((arrival) => arrival.body)).size, 1);
      const attempts =
        await sql`select attempt, outcome, status_code, response_excerpt, request_body from public.guardian_meta_webhook_attempts
      where delivery_id = ${delivery.id} order by attempt`;
      assert.deepEqual(
        attempts.map((attempt) => [attempt.attempt, attempt.outcome, attempt.response_excerpt]),
        [
          [1, "failed", "no"],
          [2, "failed", "no"],
          [3, "failed", "no"],
        ],
      );
      assert.deepEqual(attempts.map((attempt) => attempt.request_body !== null), [true, false, false]);
      const listed = await call("guardian-meta/integrations", { user: tenant.users.admin });
      assert.equal(listed.body.data[0].statistics.discarded, 1);
      assert.ok(listed.body.data[0].failing_since);

      // As docs/operations.md says.
      fixed = true;
      await sql`select public.replay_deliveries(${tenant.id}, ${[delivery.id]}, null)`;
      const replayed = await deliveryWith(integration.id, "delivered");
      assert.deepEqual([replayed.attempt_count, replayed.replays], [4, 1]);
      assert.equal(
        new Set(sink.arrivalsOf(integration).map((arrival) => arrival.webhookId + arrival.body)).size,
        1,
      );
      const after = await call("guardian-meta/integrations", { user: tenant.users.admin });
      assert.equal(after.body.data[0].failing_since, null);
    } finally {
      await sink.stop();
    }
  },
);

stackTest("410 disables the integration; what is queued later waits until it is enabled again", async () => {
  let gone = true;
  const sink = startTestSink(() => gone ? new Response(null, { status: 410 }) : undefined);
  try {
    const tenant = await createTenant();
    const integration = await sink.integrate(tenant);
    await writeReadiness(tenant.id);
    await deliveryWith(integration.id, "discarded");
    const listed = await call("guardian-meta/integrations", { user: tenant.users.admin });
    const [row] = listed.body.data;
    assert.deepEqual([row.is_enabled, row.disabled_reason], [false, "gone"]);
    gone = false;
    // Queued before the integration was disabled, in the eyes of the engine.
    await sql`insert into public.guardian_meta_webhook_events (tenant_id, integration_id, event_id, event_type)
      select e.tenant_id, ${integration.id}, e.id, 'readiness_updated' from public.integration_events_outbox e
      where e.tenant_id = ${tenant.id} and e.event_type = 'guardian.readiness_updated' on conflict do nothing`;
    await writeReadiness(tenant.id);
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.equal(sink.arrivalsOf(integration).length, 1);
    const enabled = await call("guardian-meta/integrations", {
      method: "PATCH",
      user: tenant.users.admin,
      body: { updates: [{ id: integration.id, is_enabled: true }] },
    });
    assert.equal(enabled.status, 200);
    assert.deepEqual([enabled.body.data[0].is_enabled, enabled.body.data[0].disabled_reason], [true, null]);
    await writeReadiness(tenant.id);
    await deliveryWith(integration.id, "delivered");
  } finally {
    await sink.stop();
  }
});

stackTest(
  "Retry-After is obeyed for 429 and 503, and redirects are failures that are not followed",
  async () => {
    const answers: [number, Record<string, string>, string][] = [
      [429, { "retry-after": "120" }, "rate_limited"],
      [503, { "retry-after": new Date(Date.now() + 120_000).toUTCString() }, "server_error"],
      [302, { location: "/elsewhere" }, "redirected"],
    ];
    for (const [status, headers, errorClass] of answers) {
      const sink = startTestSink(() => new Response(null, { status, headers }));
      try {
        const tenant = await createTenant();
        const integration = await sink.integrate(tenant);
        await writeReadiness(tenant.id);
        const delivery = await deliveryWith(integration.id, "failed");
        assert.equal(delivery.last_error_class, errorClass);
        const waitMs = delivery.next_attempt_at - delivery.last_attempt_at;
        if (status !== 302) assert.ok(waitMs > 115_000 && waitMs < 125_000, `${status}: ${waitMs} ms`);
        assert.equal(sink.arrivals.length, 1);
      } finally {
        await sink.stop();
      }
    }
  },
);

stackTest("an endpoint that hangs delays nobody else", async () => {
  const hung: ((response: Response) => void)[] = [];
  const sink = startTestSink((arrival) =>
    arrival.endpoint === stuck ? new Promise((resolve) => hung.push(resolve)) : undefined
  );
  let stuck = "";
  try {
    const [slow, quick] = [await createTenant(), await createTenant()];
    const stuckIntegration = await sink.integrate(slow);
    stuck = stuckIntegration.endpoint;
    const integration = await sink.integrate(quick);
    await sql`insert into public.guardian_readiness_snapshots (tenant_id, overall_score, band)
      select ${slow.id}, 1, 'baseline' from generate_series(1, 300)`;
    await eventually(() => Promise.resolve(hung.length === 10));
    await writeReadiness(quick.id);
    await eventually(() => Promise.resolve(sink.arrivalsOf(integration).length === 1), 3000);
    assert.equal(
      sink.arrivalsOf(stuckIntegration).length,
      10,
      "never more than max_in_flight at the same time",
    );
  } finally {
    stuck = "";
    for (const resolve of hung) resolve(new Response(null, { status: 204 }));
    await eventually(async () => (await sql`select from private.delivery_flights`).length === 0);
    await sink.stop();
  }
});
