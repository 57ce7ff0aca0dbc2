import assert from "node:assert/strict";
import { hubspotEvent, sendHubspotEvents } from "../../simulators/hubspot/webhook.ts";
import { call } from "../support/api.ts";
import { publish, startTestSink } from "../support/outbound.ts";
import { eventually, sql, stackTest } from "../support/stack.ts";
import { createTenant } from "../support/tenant.ts";
import { createWebhook } from "../support/webhook.ts";

stackTest("a contact created by a HubSpot webhook reaches a customer's endpoint, verified", async () => {
  const sink = startTestSink();
  try {
    const [tenant, other] = [await createTenant(), await createTenant()];
    const subscription = await sink.subscribe(tenant, { event_types: ["contact.created"] });
    const foreign = await sink.subscribe(other, { event_types: ["*"] });
    const webhook = await createWebhook(tenant);
    const sent = await sendHubspotEvents(webhook, [
      hubspotEvent({ subscriptionType: "contact.creation", objectId: 7, occurredAt: 1_790_000_000_000 }),
    ]);
    assert.equal(sent.status, 200);
    await sent.body?.cancel();
    const [arrival] = await eventually(() => {
      const arrivals = sink.arrivalsOf(subscription);
      return Promise.resolve(arrivals.length > 0 ? arrivals : null);
    });
    assert.equal(arrival!.verified, true, arrival!.problem ?? "");
    const [contact] = await sql`select id from public.crm_contacts where tenant_id = ${tenant.id}`;
    const [event] = await sql`select id, payload, occurred_at from public.integration_events_outbox
      where tenant_id = ${tenant.id} and event_type = 'contact.created'`;
    assert.deepEqual(JSON.parse(arrival!.body), {
      type: "contact.created",
      timestamp: event!.occurred_at.toISOString(),
      entity: { type: "contact", id: contact!.id },
      data: event!.payload,
    });
    for (const secret of [tenant.id, tenant.orgs[0], subscription.id]) {
      assert.equal(arrival!.body.includes(secret), false, secret);
    }
    const delivery = await eventually(async () => {
      const [row] = await sql`select * from public.event_deliveries
        where integration_id = ${subscription.id} and status = 'delivered'`;
      return row;
    });
    assert.equal(delivery.event_id, event!.id);
    assert.equal(arrival!.webhookId, `msg_${delivery.id.replaceAll("-", "")}`);
    assert.equal(sink.arrivalsOf(subscription).length, 1, "webhook.received is another type");
    assert.equal(sink.arrivalsOf(foreign).length, 0);
    const listed = await call("event-subscriptions", { user: tenant.users.admin });
    assert.deepEqual(
      listed.body.data.map((row: { id: string; statistics: { delivered: number } }) => [
        row.id,
        row.statistics.delivered,
      ]),
      [[subscription.id, 1]],
    );
  } finally {
    await sink.stop();
  }
});

stackTest("a subscription is created, listed, changed and audited; nulls reset settings", async () => {
  const sink = startTestSink();
  try {
    const tenant = await createTenant();
    const subscription = await sink.subscribe(tenant, {
      description: "All contacts",
      event_types: ["contact.*"],
      filter: { "payload.amount": { $gte: 100 } },
      config: {
        headers: { Authorization: "Bearer 12345678" },
        rate_limit_per_second: 5,
        ordering: "fifo",
        retry_schedule_seconds: [1, 60],
        field_mappings: [{ op: "add", path: "source", value: { kind: null } }],
        batch: { max_events: 10, max_wait_ms: 1000 },
      },
    });
    const stored = async () =>
      (await sql`select * from public.event_subscriptions where id = ${subscription.id}`)[0]!;
    const before = await stored();
    assert.equal(before.filter_path, `exists ($?(@."payload"."amount" >= 100))`);
    assert.deepEqual(before.config.field_mappings[0].value, { kind: null });
    const change = (update: Record<string, unknown>) =>
      call("event-subscriptions", {
        method: "PATCH",
        user: tenant.users.owner,
        body: { updates: [{ id: subscription.id, ...update }] },
      });
    const changed = await change({
      description: null,
      filter: null,
      event_types: ["*"],
      config: { rate_limit_per_second: null, batch: null, ordering: null, headers: null, timeout_ms: 2000 },
    });
    assert.equal(changed.status, 200, JSON.stringify(changed.body));
    const [shown] = changed.body.data;
    assert.deepEqual([shown.description, shown.filter, shown.event_types], [null, null, ["*"]]);
    assert.deepEqual(shown.config, {
      webhook_url: `${sink.url}/${subscription.endpoint}`,
      timeout_ms: 2000,
      retry_schedule_seconds: [1, 60],
      field_mappings: [{ op: "add", path: "source", value: { kind: null } }],
    });
    const after = await stored();
    assert.deepEqual([after.filter_path, after.headers_ref, after.config_version], [null, null, 2]);
    const left = await sql`select from vault.secrets where id = ${before.headers_ref}`;
    assert.equal(left.length, 0, "the secret of headers that were taken away is gone");
    assert.deepEqual((await change({ label: "Other" })).body.data[0].event_types, ["*"]);
    const audit = await sql`select action, actor_id from public.audit_log
      where tenant_id = ${tenant.id} and table_name = 'event_subscriptions' order by id`;
    assert.deepEqual(audit.map((row) => [row.action, row.actor_id]), [
      ["insert", tenant.users.admin.id],
      ["update", tenant.users.owner.id],
      ["update", tenant.users.owner.id],
    ]);
    const listed = await call("event-subscriptions", { user: tenant.users.owner });
    assert.equal(JSON.stringify(listed.body).includes("whsec_"), false);
  } finally {
    await sink.stop();
  }
});

stackTest("a subscription of an org gets that org's events and is seen by that org alone", async () => {
  const sink = startTestSink();
  try {
    const tenant = await createTenant();
    const [north, south] = tenant.orgs;
    const inNorth = await sink.subscribe(tenant, { event_types: ["*"] }, { orgId: north });
    const inSouth = await sink.subscribe(tenant, { event_types: ["*"] }, { orgId: south });
    const everywhere = await sink.subscribe(tenant, { event_types: ["*"] });
    await publish(tenant, "org.news", {}, north);
    await publish(tenant, "all.news", {});
    const types = (one: typeof inNorth) =>
      sink.arrivalsOf(one).map((arrival) => JSON.parse(arrival.body).type).sort();
    await eventually(() => Promise.resolve(types(everywhere).length === 2));
    await eventually(() => Promise.resolve(types(inNorth).length === 2));
    await eventually(() => Promise.resolve(types(inSouth).length === 1));
    assert.deepEqual(types(inSouth), ["all.news"]);

    const ids = async (options: Parameters<typeof call>[1]) =>
      (await call("event-subscriptions", options)).body.data.map((row: { id: string }) => row.id).sort();
    assert.deepEqual(await ids({ user: tenant.users.manager }), [inNorth.id]);
    assert.deepEqual(await ids({ user: tenant.users.admin, orgId: south }), [inSouth.id]);
    assert.equal((await ids({ user: tenant.users.admin })).length, 3);
    await sql`update public.tenant_members set org_id = ${north} where user_id = ${tenant.users.admin.id}`;
    for (const id of [inSouth.id, everywhere.id]) {
      const tried = await call("event-subscriptions", {
        method: "PATCH",
        user: tenant.users.admin,
        body: { updates: [{ id: inNorth.id, label: "x" }, { id, is_enabled: false }] },
      });
      assert.deepEqual([tried.status, tried.body.error_code], [404, "NOT_FOUND"]);
      const test = await call("event-subscriptions/test", {
        user: tenant.users.admin,
        body: { integration_id: id },
      });
      assert.deepEqual([test.status, test.body.error_code], [404, "NOT_FOUND"]);
    }
    const rows =
      await sql`select label, is_enabled from public.event_subscriptions where tenant_id = ${tenant.id}`;
    assert.ok(rows.every((row) => row.is_enabled && row.label === "Test"), "all or nothing");
    const made = await sink.subscribe(tenant, { event_types: ["a.b"] });
    const [row] = await sql`select org_id from public.event_subscriptions where id = ${made.id}`;
    assert.equal(row!.org_id, north);
  } finally {
    await sink.stop();
  }
});

stackTest("a test event of a subscription takes the real path", async () => {
  const sink = startTestSink();
  try {
    const tenant = await createTenant();
    const subscription = await sink.subscribe(tenant, { event_types: ["*"], is_enabled: false });
    const test = await call("event-subscriptions/test", {
      user: tenant.users.admin,
      body: { integration_id: subscription.id },
    });
    assert.deepEqual([test.status, test.body.success, test.body.attempt?.status_code], [200, true, 204]);
    assert.equal(sink.arrivals[0]!.webhookId, test.body.webhook_id);
    assert.equal(sink.arrivals[0]!.verified, true);
  } finally {
    await sink.stop();
  }
});

const config = { webhook_url: "http://127.0.0.1:9/hook" };
const REFUSED: [string, Record<string, unknown>, string][] = [
  ["no event type", { event_types: [] }, "event_types"],
  ["a pattern in the middle", { event_types: ["contact.*.created"] }, "event_types.0"],
  ["a pattern twice", { event_types: ["a.b", "a.b"] }, "event_types"],
  ["an unknown operator", { filter: { "payload.a": { $regex: "x" } } }, "filter.payload.a.$regex"],
  ["a filter on nothing of the event", { filter: { amount: 1 } }, "filter.amount"],
  ["a metadata URL", { config: { webhook_url: "http://169.254.169.254/" } }, "config.webhook_url"],
  ["a rate of 0", { config: { ...config, rate_limit_per_second: 0 } }, "config.rate_limit_per_second"],
  ["an unknown order", { config: { ...config, ordering: "lifo" } }, "config.ordering"],
  [
    "a batch of one",
    { config: { ...config, batch: { max_events: 1, max_wait_ms: 1000 } } },
    "config.batch.max_events",
  ],
  ["a batch without a wait", { config: { ...config, batch: { max_events: 5 } } }, "config.batch.max_wait_ms"],
  [
    "an empty schedule",
    { config: { ...config, retry_schedule_seconds: [] } },
    "config.retry_schedule_seconds",
  ],
  [
    "a wait of two days",
    { config: { ...config, retry_schedule_seconds: [1, 172_800] } },
    "config.retry_schedule_seconds.1",
  ],
  [
    "an expression that does not read",
    { config: { ...config, transformation: "{ a: (" } },
    "config.transformation",
  ],
  [
    "$eval in its expression",
    { config: { ...config, transformation: "$eval('1')" } },
    "config.transformation",
  ],
  [
    "a mapping it does not know",
    { config: { ...config, field_mappings: [{ op: "copy", path: "a" }] } },
    "config.field_mappings.0.op",
  ],
  ["a setting of the other kind", { config: { ...config, event_types: ["readiness_updated"] } }, "config"],
];
for (const [what, change, path] of REFUSED) {
  stackTest(`a subscription with ${what} is refused and told where`, async () => {
    const tenant = await createTenant();
    const answer = await call("event-subscriptions", {
      user: tenant.users.admin,
      body: { label: "Label", event_types: ["*"], config, ...change },
    });
    assert.deepEqual(
      [answer.status, answer.body.error_code],
      [422, "VALIDATION_FAILED"],
      JSON.stringify(answer.body),
    );
    assert.equal(answer.body.details.issues[0].path, path);
    const rows = await sql`select from public.event_subscriptions where tenant_id = ${tenant.id}`;
    assert.equal(rows.length, 0);
  });
}
