import assert from "node:assert/strict";
import { call } from "../support/api.ts";
import { publish, startTestSink, type TestIntegration, writeReadiness } from "../support/outbound.ts";
import { adminSql, eventually, sql, stack, stackTest } from "../support/stack.ts";
import { createTenant, type TestTenant } from "../support/tenant.ts";

const setFlow = (tenant: TestTenant, body: Record<string, unknown>, path = "event-subscriptions/flow") =>
  call(path, { user: tenant.users.admin, body });

const setFlowOfAll = (flow: string) =>
  call("meta-webhook-deliver/flow", { headers: { apikey: stack.hubKey }, body: { scope: "all", flow } });

async function deliveriesOf(integration: TestIntegration): Promise<string[]> {
  const rows = await sql`select status from private.deliveries where integration_id = ${integration.id}`;
  return rows.map((row) => row.status);
}

async function stateOf(tenant: TestTenant, id: string) {
  const listed = await call("event-subscriptions", { user: tenant.users.admin });
  return listed.body.data.find((row: { id: string }) => row.id === id).state;
}

stackTest("nothing is lost while paused, and on resume the rate limit is kept", async () => {
  const perSecond = 20;
  const sink = startTestSink();
  try {
    const tenant = await createTenant();
    const held = await sink.subscribe(tenant, {
      event_types: ["flow.*"],
      config: { rate_limit_per_second: perSecond },
    });
    const open = await sink.subscribe(tenant, { event_types: ["flow.*"] });
    const paused = await setFlow(tenant, { integration_id: held.id, flow: "paused" });
    assert.deepEqual([paused.status, paused.body.effective_flow, paused.body.flow_reason], [
      200,
      "paused",
      "integration",
    ]);
    for (let n = 0; n < 45; n++) await publish(tenant, "flow.made", { n });
    await eventually(() => Promise.resolve(sink.arrivalsOf(open).length === 45));
    assert.equal(sink.arrivalsOf(held).length, 0);
    assert.deepEqual([...new Set(await deliveriesOf(held))], ["pending"]);
    const state = await stateOf(tenant, held.id);
    assert.deepEqual([state.flow, state.flow_reason, state.breaker], ["paused", "integration", "closed"]);

    const resumed = await setFlow(tenant, { integration_id: held.id, flow: "open" });
    assert.deepEqual([resumed.body.effective_flow, resumed.body.flow_reason], ["open", null]);
    await eventually(() => Promise.resolve(sink.arrivalsOf(held).length === 45));
    const numbers = sink.arrivalsOf(held).map((arrival) => JSON.parse(arrival.body).data.n);
    assert.deepEqual(numbers.sort((a, b) => a - b), Array.from({ length: 45 }, (_, n) => n));
    const times = sink.arrivalsOf(held).map((arrival) => Date.parse(arrival.receivedAt)).sort((a, b) =>
      a - b
    );
    for (const [index, at] of times.entries()) {
      const later = times[index + perSecond];
      assert.ok(later === undefined || later - at >= 1000, `${perSecond + 1} requests in ${later! - at} ms`);
    }
    const logs = await sql`select details ->> 'flow' as flow, message from public.integration_logs
      where tenant_id = ${tenant.id} and event_type = 'delivery.flow_changed' order by id`;
    assert.deepEqual(logs.map((log) => log.flow), ["paused", "open"]);
    const audit = await sql`select actor_id, changes -> 'flow' ->> 'new' as flow from public.audit_log
      where tenant_id = ${tenant.id} and action = 'update' order by id`;
    assert.deepEqual(audit.map((row) => [row.actor_id, row.flow]), [
      [tenant.users.admin.id, "paused"],
      [tenant.users.admin.id, "open"],
    ]);
  } finally {
    await sink.stop();
  }
});

stackTest("draining sends what is queued, queues nothing new, and says so", async () => {
  const sink = startTestSink();
  try {
    const tenant = await createTenant();
    const integration = await sink.integrate(tenant);
    const path = "guardian-meta/integrations/flow";
    await setFlow(tenant, { integration_id: integration.id, flow: "paused" }, path);
    await writeReadiness(tenant.id, 1);
    await writeReadiness(tenant.id, 2);
    const draining = await setFlow(tenant, { integration_id: integration.id, flow: "draining" }, path);
    assert.equal(draining.body.message, "What is queued is sent; new events are kept, but not queued.");
    await writeReadiness(tenant.id, 3);
    assert.equal((await deliveriesOf(integration)).length, 2);
    await eventually(() => Promise.resolve(sink.arrivalsOf(integration).length === 2));
    const [log] = await sql`select message from public.integration_logs
      where tenant_id = ${tenant.id} and event_type = 'delivery.flow_changed' order by id desc limit 1`;
    assert.equal(log!.message, draining.body.message);
    const events = await sql`select from public.integration_events_outbox
      where tenant_id = ${tenant.id} and event_type = 'guardian.readiness_updated'`;
    assert.equal(events.length, 3, "the event itself is kept");
    await setFlow(tenant, { integration_id: integration.id, flow: "open" }, path);
    await writeReadiness(tenant.id, 4);
    await eventually(() => Promise.resolve(sink.arrivalsOf(integration).length === 3));
  } finally {
    await sink.stop();
  }
});

stackTest("a tenant is held as a whole, whatever is made or enabled meanwhile; others flow", async () => {
  const sink = startTestSink();
  try {
    const [tenant, other] = [await createTenant(), await createTenant()];
    const guardian = await sink.integrate(tenant);
    const before = await sink.subscribe(tenant, { event_types: ["flow.*"] });
    const foreign = await sink.subscribe(other, { event_types: ["flow.*"] });
    const paused = await setFlow(tenant, { scope: "tenant", flow: "paused" });
    assert.deepEqual([paused.status, paused.body.effective_flow, paused.body.flow_reason], [
      200,
      "paused",
      "tenant",
    ]);
    const during = await sink.subscribe(tenant, { event_types: ["flow.*"] });
    const own = await setFlow(tenant, { integration_id: before.id, flow: "open" });
    assert.deepEqual([own.body.flow, own.body.effective_flow, own.body.flow_reason], [
      "open",
      "paused",
      "tenant",
    ]);
    await publish(tenant, "flow.made", { n: 1 });
    await writeReadiness(tenant.id);
    for (const n of [1, 2]) {
      await publish(other, "flow.made", { n });
      await eventually(() => Promise.resolve(sink.arrivalsOf(foreign).length === n));
    }
    for (const one of [guardian, before, during]) {
      assert.deepEqual(await deliveriesOf(one), ["pending"]);
      assert.equal(sink.arrivalsOf(one).length, 0);
    }
    const test = await call("event-subscriptions/test", {
      user: tenant.users.admin,
      body: { integration_id: before.id },
    });
    assert.equal(test.body.success, true, "a test is asked for by a person and goes out");
    await setFlow(tenant, { scope: "tenant", flow: "draining" });
    await publish(tenant, "flow.made", { n: 2 });
    for (const one of [guardian, before, during]) {
      await eventually(async () => (await deliveriesOf(one)).every((status) => status === "delivered"));
    }
    assert.equal((await deliveriesOf(during)).length, 1, "nothing new was queued");
    const opened = await setFlow(
      tenant,
      { scope: "tenant", flow: "open" },
      "guardian-meta/integrations/flow",
    );
    assert.deepEqual([opened.body.effective_flow, opened.body.flow_reason], ["open", null]);
    await publish(tenant, "flow.made", { n: 3 });
    await eventually(() => Promise.resolve(sink.arrivalsOf(during).length === 2));
    const audit = await sql`select action, actor_id from public.audit_log
      where tenant_id = ${tenant.id} and table_name = 'delivery_pauses' order by id`;
    assert.deepEqual(audit.map((row) => row.action), ["insert", "update", "delete"]);
    assert.ok(audit.every((row) => row.actor_id === tenant.users.admin.id));
  } finally {
    await sink.stop();
  }
});

stackTest("everybody is held with the key named hub alone, and every tenant reads of it", async () => {
  const sink = startTestSink();
  try {
    const tenant = await createTenant();
    const subscription = await sink.subscribe(tenant, { event_types: ["flow.*"] });
    const refused = await setFlow(tenant, { scope: "all", flow: "paused" });
    assert.deepEqual([refused.status, refused.body.error_code], [403, "FORBIDDEN"]);
    assert.equal((await setFlowOfAll("paused")).status, 200);
    await publish(tenant, "flow.made", { n: 1 });
    const state = await stateOf(tenant, subscription.id);
    assert.deepEqual([state.flow, state.flow_reason], ["paused", "everybody"]);
    const own = await setFlow(tenant, { scope: "tenant", flow: "open" });
    assert.deepEqual([own.body.effective_flow, own.body.flow_reason], ["paused", "everybody"]);
    const [lane] =
      await adminSql`select is_open from private.delivery_lanes where integration_id = ${subscription.id}`;
    assert.equal(lane!.is_open, false);
    assert.equal((await setFlowOfAll("draining")).status, 200);
    await publish(tenant, "flow.made", { n: 2 });
    assert.equal((await deliveriesOf(subscription)).length, 1);
    assert.equal((await setFlowOfAll("open")).status, 200);
    await eventually(() => Promise.resolve(sink.arrivalsOf(subscription).length === 1));
    const logs = await sql`select details ->> 'flow' as flow from public.integration_logs
      where tenant_id = ${tenant.id} and details ->> 'scope' = 'all' order by id`;
    assert.deepEqual(logs.map((log) => log.flow), ["paused", "draining", "open"]);
  } finally {
    await setFlowOfAll("open");
    await sink.stop();
  }
});

stackTest("a subscription made while a pause is being made waits for it and comes out closed", async () => {
  const sink = startTestSink();
  try {
    const tenant = await createTenant();
    let made: Promise<TestIntegration> | undefined;
    await sql.begin(async (pausing) => {
      await pausing`select public.set_tenant_flow(${tenant.id}, null, 'paused', null)`;
      made = sink.subscribe(tenant, { event_types: ["flow.*"] });
      await eventually(async () =>
        (await adminSql`select from pg_locks where locktype = 'advisory' and not granted`).length > 0
      );
    });
    const { id } = await made!;
    const [lane] = await adminSql`select is_open from private.delivery_lanes where integration_id = ${id}`;
    assert.equal(lane!.is_open, false);
  } finally {
    await sink.stop();
  }
});

stackTest("lists say that the breaker is open and until when", async () => {
  const sink = startTestSink(() => new Response(null, { status: 500 }));
  try {
    const tenant = await createTenant();
    const subscription = await sink.subscribe(tenant, { event_types: ["flow.*"] });
    assert.deepEqual(await stateOf(tenant, subscription.id), {
      flow: "open",
      flow_reason: null,
      breaker: "closed",
      breaker_open_until: null,
      held_until: null,
      failing_since: null,
      consecutive_failures: 0,
    });
    for (let n = 0; n < 10; n++) await publish(tenant, "flow.made", { n });
    const state = await eventually(async () => {
      const now = await stateOf(tenant, subscription.id);
      return now.breaker === "open" ? now : null;
    });
    assert.ok(Date.parse(state.breaker_open_until) > Date.now());
    assert.ok(Date.parse(state.failing_since) <= Date.now());
    assert.ok(state.consecutive_failures >= 10);
  } finally {
    await sink.stop();
  }
});

stackTest("what cannot be held is refused", async () => {
  const sink = startTestSink();
  try {
    const [tenant, other] = [await createTenant(), await createTenant()];
    const guardian = await sink.integrate(tenant);
    const inNorth = await sink.subscribe(tenant, { event_types: ["a.b"] }, { orgId: tenant.orgs[0] });
    const foreign = await sink.subscribe(other, { event_types: ["a.b"] });
    const tries: [Record<string, unknown>, number, string | undefined][] = [
      [{ integration_id: guardian.id, flow: "paused" }, 404, undefined],
      [{ integration_id: foreign.id, flow: "paused" }, 404, undefined],
      [{ integration_id: inNorth.id, flow: "paused" }, 404, tenant.orgs[1]],
      [{ scope: "tenant", flow: "paused" }, 403, tenant.orgs[1]],
      [{ scope: "tenant", integration_id: inNorth.id, flow: "paused" }, 422, undefined],
      [{ flow: "paused" }, 422, undefined],
      [{ integration_id: inNorth.id, flow: "closed" }, 422, undefined],
    ];
    for (const [body, status, orgId] of tries) {
      const answer = await call("event-subscriptions/flow", { user: tenant.users.admin, body, orgId });
      assert.equal(answer.status, status, JSON.stringify([body, answer.body]));
    }
    const closed = await adminSql`select from private.delivery_lanes
      where tenant_id in (${tenant.id}, ${other.id}) and not is_open`;
    assert.equal(closed.length, 0);
  } finally {
    await sink.stop();
  }
});
