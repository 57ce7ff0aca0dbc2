import assert from "node:assert/strict";
import { call } from "../support/api.ts";
import { publish, startTestSink } from "../support/outbound.ts";
import { eventually, sql, stackTest } from "../support/stack.ts";
import { createTenant } from "../support/tenant.ts";

stackTest("mappings and an expression change what is sent; a retry and a test are left alone", async () => {
  let status = 500;
  const sink = startTestSink(() => new Response(null, { status }));
  try {
    const tenant = await createTenant();
    const subscription = await sink.subscribe(tenant, {
      event_types: ["order.paid"],
      config: {
        field_mappings: [{ op: "rename", from: "total", to: "amount" }],
        transformation: '{ "twice": data.amount * 2, "of": type }',
        retry_schedule_seconds: [1],
      },
    });
    await publish(tenant, "order.paid", { total: 21 });
    const [first] = await eventually(() => {
      const arrivals = sink.arrivalsOf(subscription);
      return Promise.resolve(arrivals.length === 1 ? arrivals : null);
    });
    const sent = JSON.parse(first!.body);
    assert.deepEqual([sent.type, sent.entity, sent.data], [
      "order.paid",
      { type: "thing", id: "1" },
      { twice: 42, of: "order.paid" },
    ]);
    assert.equal(first!.verified, true);
    const changed = await call("event-subscriptions", {
      method: "PATCH",
      user: tenant.users.admin,
      body: { updates: [{ id: subscription.id, config: { field_mappings: null, transformation: null } }] },
    });
    assert.equal(changed.status, 200);
    status = 204;
    const [, second] = await eventually(() => {
      const arrivals = sink.arrivalsOf(subscription);
      return Promise.resolve(arrivals.length === 2 ? arrivals : null);
    });
    assert.equal(second!.body, first!.body, "a retry sends the same bytes, whatever the settings are now");
    await publish(tenant, "order.paid", { total: 21 });
    const [, , plain] = await eventually(() => {
      const arrivals = sink.arrivalsOf(subscription);
      return Promise.resolve(arrivals.length === 3 ? arrivals : null);
    });
    assert.deepEqual(JSON.parse(plain!.body).data, { total: 21 });
  } finally {
    await sink.stop();
  }
});

stackTest("an expression that fails is an error of that delivery alone, and nothing is sent", async () => {
  const sink = startTestSink();
  try {
    const tenant = await createTenant();
    const subscription = await sink.subscribe(tenant, {
      event_types: ["order.*"],
      config: { transformation: '{ "n": $number(data.n) }', max_attempts: 5 },
    });
    await publish(tenant, "order.bad", { n: "not a number" });
    await publish(tenant, "order.good", { n: "7" });
    const bad = await eventually(async () => {
      const [row] = await sql`select * from public.event_deliveries
        where integration_id = ${subscription.id} and status = 'discarded'`;
      return row;
    });
    assert.deepEqual([bad.event_type, bad.attempt_count, bad.last_error_class], [
      "order.bad",
      1,
      "transform_failed",
    ]);
    assert.equal(bad.last_error.includes("not a number"), false, "no value of the payload is told");
    const [attempt] = await sql`select outcome, error_class, request_body from public.event_delivery_attempts
      where delivery_id = ${bad.id}`;
    assert.deepEqual({ ...attempt }, {
      outcome: "refused",
      error_class: "transform_failed",
      request_body: null,
    });
    await eventually(() => Promise.resolve(sink.arrivalsOf(subscription).length === 1));
    assert.deepEqual(JSON.parse(sink.arrivalsOf(subscription)[0]!.body).data, { n: 7 });
    const test = await call("event-subscriptions/test", {
      user: tenant.users.admin,
      body: { integration_id: subscription.id },
    });
    assert.equal(test.body.success, true, "a test asks whether the endpoint works");
  } finally {
    await sink.stop();
  }
});

stackTest("in a batch, an event that cannot be transformed is left out and the others go", async () => {
  const sink = startTestSink();
  try {
    const tenant = await createTenant();
    const subscription = await sink.subscribe(tenant, {
      event_types: ["order.*"],
      config: {
        transformation: '{ "n": $number(data.n) }',
        batch: { max_events: 3, max_wait_ms: 60_000 },
      },
    });
    for (const n of ["1", "x", "3"]) await publish(tenant, "order.made", { n });
    const [arrival] = await eventually(() => {
      const arrivals = sink.arrivalsOf(subscription);
      return Promise.resolve(arrivals.length === 1 ? arrivals : null);
    });
    const batch = JSON.parse(arrival!.body);
    assert.equal(batch.type, "batch");
    assert.deepEqual(batch.data.events.map((event: { data: unknown }) => event.data), [{ n: 1 }, { n: 3 }]);
    await eventually(async () => {
      const rows =
        await sql`select status from public.event_deliveries where integration_id = ${subscription.id}`;
      return rows.map((row) => row.status).sort().join() === "delivered,delivered,discarded";
    });
  } finally {
    await sink.stop();
  }
});
