import assert from "node:assert/strict";
import { call } from "../support/api.ts";
import {
  connect,
  connectResend,
  connectSlack,
  subscribeBy,
  withResend,
  withSlack,
} from "../support/channels.ts";
import { publish, startTestSink, type TestIntegration, writeReadiness } from "../support/outbound.ts";
import { eventually, sql, stackTest } from "../support/stack.ts";
import { createTenant, type TestTenant } from "../support/tenant.ts";

const preview = (tenant: TestTenant, body: Record<string, unknown>, path = "event-subscriptions/preview") =>
  call(path, { user: tenant.users.admin, body });

/** Everything that a preview must leave as it is. */
async function traces(integration: TestIntegration) {
  const [row] = await sql`select
    (select count(*)::int from private.deliveries where integration_id = ${integration.id}) as deliveries,
    (select count(*)::int from private.delivery_queue where integration_id = ${integration.id}) as queued`;
  return { ...row };
}

stackTest("a preview shows the request that the event then is sent with", async () => {
  const sink = startTestSink();
  try {
    const tenant = await createTenant();
    const subscription = await sink.subscribe(tenant, {
      event_types: ["order.paid"],
      is_enabled: false,
      config: {
        headers: { "X-Api-Key": "a secret value", "Idempotency-Key": "a secret value too" },
        field_mappings: [{ op: "remove", path: "card" }],
        transformation: '{ "twice": data.total * 2, "card": data.card }',
      },
    });
    const eventId = await publish(tenant, "order.paid", { total: 21, card: "4111" });
    const shown = await preview(tenant, { integration_id: subscription.id, event_id: eventId });
    assert.equal(shown.status, 200, JSON.stringify(shown.body));
    assert.deepEqual([shown.body.would_send, shown.body.refusal, shown.body.objections], [true, null, []]);
    assert.equal(sink.arrivals.length, 0);
    assert.deepEqual(await traces(subscription), { deliveries: 0, queued: 0 });
    assert.equal(JSON.stringify(shown.body).includes("a secret value"), false);

    const enabled = await call("event-subscriptions", {
      method: "PATCH",
      user: tenant.users.admin,
      body: { updates: [{ id: subscription.id, is_enabled: true }] },
    });
    assert.equal(enabled.status, 200);
    await publish(tenant, "order.paid", { total: 21, card: "4111" });
    const [arrival] = await eventually(() => {
      const arrivals = sink.arrivalsOf(subscription);
      return Promise.resolve(arrivals.length === 1 ? arrivals : null);
    });
    const { request } = shown.body;
    const withoutTime = (body: string) => ({ ...JSON.parse(body), timestamp: "" });
    assert.deepEqual(withoutTime(request.body), withoutTime(arrival!.body));
    assert.deepEqual(withoutTime(request.body).data, { twice: 42 });
    assert.equal(request.url, `${sink.url}/${subscription.endpoint}`);
    // What every request has by the transport, whatever it carries.
    const framing = new Set(["host", "content-length", "connection", "accept-encoding", "accept"]);
    assert.deepEqual(
      Object.keys(arrival!.headers).filter((name) => !framing.has(name)).sort(),
      Object.keys(request.headers).sort(),
    );
    for (const name of ["content-type", "user-agent"]) {
      assert.equal(request.headers[name], arrival!.headers[name]);
    }
    for (const name of ["x-api-key", "idempotency-key"]) assert.equal(request.headers[name], "[masked]");
    assert.equal(request.headers["webhook-signature"], "v1,<base64>");
    await call(`event-subscriptions/${subscription.id}/rotate`, { user: tenant.users.admin, body: {} });
    const twice = await preview(tenant, { integration_id: subscription.id, event_id: eventId });
    assert.equal(twice.body.request.headers["webhook-signature"], "v1,<base64> v1,<base64>");
    await sql`update public.event_subscriptions set secret_ref = gen_random_uuid() where id = ${subscription.id}`;
    const unsigned = await preview(tenant, { integration_id: subscription.id, event_id: eventId });
    assert.deepEqual([unsigned.body.request, unsigned.body.refusal.error_class], [null, "misconfigured"]);
  } finally {
    await sink.stop();
  }
});

stackTest("a preview says why an event would not be queued, and why it could not be sent", async () => {
  const sink = startTestSink();
  try {
    const tenant = await createTenant();
    const subscription = await sink.subscribe(tenant, {
      event_types: ["order.paid"],
      filter: { "payload.total": { $gte: 100 } },
      config: { transformation: '{ "n": $number(data.n) }' },
    }, { orgId: tenant.orgs[0] });
    const eventId = await publish(tenant, "order.made", { total: 1, n: "x" }, tenant.orgs[1]);
    const shown = await preview(tenant, { integration_id: subscription.id, event_id: eventId });
    assert.deepEqual(shown.body.objections, ["event_types", "org", "filter"]);
    assert.deepEqual([shown.body.would_send, shown.body.request, shown.body.refusal.error_class], [
      false,
      null,
      "transform_failed",
    ]);
    await sql`update public.event_subscriptions set config = config - 'transformation'
      || '{"webhook_url": "http://10.0.0.1/"}' where id = ${subscription.id}`;
    const moved = await preview(tenant, { integration_id: subscription.id, event_id: eventId });
    assert.equal(moved.body.refusal.error_class, "address_refused");
    await sql`update public.event_subscriptions set config = config
      || ${sql.json({ webhook_url: sink.url, batch: { max_events: 5, max_wait_ms: 1000 } })}
      where id = ${subscription.id}`;
    const batch = await preview(tenant, {
      integration_id: subscription.id,
      sample: { event_type: "order.paid", payload: { total: 3 } },
    });
    assert.deepEqual([batch.body.would_send, batch.body.objections], [true, null]);
    const body = JSON.parse(batch.body.request.body);
    assert.deepEqual([body.type, body.data.events[0].data], ["batch", { total: 3 }]);
  } finally {
    await sink.stop();
  }
});

stackTest("a preview of a guardian meta event goes through its mapper", async () => {
  const sink = startTestSink();
  try {
    const tenant = await createTenant();
    const integration = await sink.integrate(tenant);
    const path = "guardian-meta/integrations/preview";
    await writeReadiness(tenant.id);
    const [event] = await sql`select id from public.integration_events_outbox
      where tenant_id = ${tenant.id} and event_type = 'guardian.readiness_updated'`;
    await eventually(() => Promise.resolve(sink.arrivalsOf(integration).length === 1));
    const shown = await preview(tenant, { integration_id: integration.id, event_id: event!.id }, path);
    assert.equal(shown.body.request.body, sink.arrivalsOf(integration)[0]!.body);
    assert.deepEqual(shown.body.objections, []);
    const leaking = await preview(tenant, {
      integration_id: integration.id,
      sample: { event_type: "readiness_updated", payload: { overall_score: 72, email: "ada@example.com" } },
    }, path);
    assert.equal(leaking.body.refusal.error_class, "payload_refused");
    assert.equal(JSON.stringify(leaking.body).includes("ada@"), false);
    const other = await publish(tenant, "contact.created", { email: "ada@example.com" });
    const foreign = await preview(tenant, { integration_id: integration.id, event_id: other }, path);
    assert.deepEqual([foreign.body.would_send, foreign.body.objections], [false, ["event_types"]]);
  } finally {
    await sink.stop();
  }
});

stackTest(
  "a preview of Slack and mail shows their requests, tokens and secret addresses masked",
  () =>
    withSlack({ webhooks: ["s3cret-part"] }, (slack) =>
      withResend(async (resend) => {
        const tenant = await createTenant();
        const incoming = await connect(tenant, {
          type: "slack",
          credentials: { webhook_url: slack.webhookUrl("s3cret-part") },
        });
        const bot = await connectSlack(tenant, slack);
        const mail = await connectResend(tenant, resend);
        const sample = { event_type: "contact.created", payload: { name: "Ada" } };
        const ways: [Record<string, unknown>, RegExp][] = [
          [{ channel: "slack", slack: { connector_id: incoming.id, channel: "#ops" } }, /\/\[masked\]$/],
          [{ channel: "slack", slack: { connector_id: bot.id, channel: "#ops" } }, /chat\.postMessage$/],
          [{ channel: "email", email: { connector_id: mail.id, to: ["ops@example.com"] } }, /\/emails$/],
        ];
        for (const [config, url] of ways) {
          const integration_id = await subscribeBy(tenant, config);
          const shown = await preview(tenant, { integration_id, sample });
          assert.equal(shown.body.would_send, true, JSON.stringify(shown.body));
          assert.match(shown.body.request.url, url);
          assert.match(shown.body.request.body, /Ada/);
          const answer = JSON.stringify(shown.body);
          const [secret] = await sql`select decrypted_secret as text from vault.decrypted_secrets
          where id = (select secret_ref from public.integration_connectors
            where id = ${(Object.values(config)[1] as { connector_id: string }).connector_id})`;
          for (const value of Object.values(JSON.parse(secret!.text))) {
            assert.equal(answer.includes(String(value)), false);
          }
          const { authorization } = shown.body.request.headers;
          assert.ok(authorization === undefined || authorization === "[masked]");
        }
        assert.deepEqual([slack.messages.length, resend.mails.length], [0, 0]);
        await sql`update public.integration_connectors set status = 'inactive' where id = ${bot.id}`;
        const integration_id = await subscriptionOf(bot.id);
        const closed = await preview(tenant, { integration_id, sample });
        assert.deepEqual([closed.body.would_send, closed.body.refusal.error_class], [
          false,
          "connector_unavailable",
        ]);
      })),
);

async function subscriptionOf(connectorId: string): Promise<string> {
  const [row] = await sql`select id from public.event_subscriptions where connector_id = ${connectorId}`;
  return row!.id;
}

stackTest("a preview shows nothing of others", async () => {
  const sink = startTestSink();
  try {
    const [tenant, other] = [await createTenant(), await createTenant()];
    const [north, south] = tenant.orgs;
    const mine = await sink.subscribe(tenant, { event_types: ["*"] }, { orgId: north });
    const theirs = await sink.subscribe(other, { event_types: ["*"] });
    const event = await publish(tenant, "a.b", {}, south);
    const foreign = await publish(other, "a.b", {});
    const tries: [Record<string, unknown>, string | undefined][] = [
      [{ integration_id: theirs.id, event_id: event }, undefined],
      [{ integration_id: mine.id, event_id: foreign }, undefined],
      [{ integration_id: mine.id, event_id: event }, north],
      [{ integration_id: mine.id, event_id: event }, south],
    ];
    for (const [body, orgId] of tries) {
      const answer = await call("event-subscriptions/preview", { user: tenant.users.admin, body, orgId });
      assert.deepEqual([answer.status, answer.body.error_code], [404, "NOT_FOUND"]);
    }
    for (const body of [{}, { event_id: event, sample: { event_type: "a.b", payload: {} } }]) {
      assert.equal((await preview(tenant, { integration_id: mine.id, ...body })).status, 422);
    }
  } finally {
    await sink.stop();
  }
});
