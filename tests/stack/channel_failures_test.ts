import assert from "node:assert/strict";
import { call } from "../support/api.ts";
import {
  connect,
  connectResend,
  connectSlack,
  integrateBy,
  subscribeBy,
  withResend,
  withSlack,
} from "../support/channels.ts";
import { deliveryWith, letRetriesBeDue, publish, writeReadiness } from "../support/outbound.ts";
import { adminSql, eventually, sql, stackTest } from "../support/stack.ts";
import { createTenant, type TestTenant } from "../support/tenant.ts";

const slackConfig = (connectorId: string, channel = "C0OPS") => ({
  channel: "slack",
  slack: { connector_id: connectorId, channel },
});

async function integrationOf(tenant: TestTenant) {
  const listed = await call("guardian-meta/integrations", { user: tenant.users.admin });
  return listed.body.data[0];
}

const change = (tenant: TestTenant, update: Record<string, unknown>) =>
  call("guardian-meta/integrations", {
    method: "PATCH",
    user: tenant.users.admin,
    body: { updates: [update] },
  });

stackTest(
  "a connector that is switched off sends nothing and says so; switched on, what waited leaves at once",
  () =>
    withSlack({}, async (slack) => {
      const tenant = await createTenant();
      const connector = await connectSlack(tenant, slack);
      const id = await integrateBy(tenant, slackConfig(connector.id));
      await writeReadiness(tenant.id);
      await deliveryWith(id, "delivered");
      await sql`update public.integration_connectors set status = 'inactive' where id = ${connector.id}`;
      await writeReadiness(tenant.id, 5);
      const failed = await deliveryWith(id, "failed");
      assert.equal(failed.last_error_class, "connector_unavailable");
      assert.match(failed.last_error, /^The connector of this subscription is not active; .*\.$/);
      assert.deepEqual([slack.requests, failed.last_status_code], [1, null]);
      const attempts = await sql`select request_body from public.guardian_meta_webhook_attempts
      where delivery_id = ${failed.id}`;
      assert.deepEqual([...attempts], [{ request_body: null }]);
      // A change of something else is still possible.
      assert.equal(
        (await change(tenant, { id, label: "Still ours", config: { timeout_ms: 5000 } })).status,
        200,
      );
      const [lane] = await adminSql`select not_before > clock_timestamp() as held from private.delivery_lanes
      where integration_id = ${id}`;
      assert.equal(lane!.held, true);
      await adminSql`update private.delivery_queue set due_at = clock_timestamp() where integration_id = ${id}`;
      await sql`update public.integration_connectors set status = 'active' where id = ${connector.id}`;
      await eventually(() => Promise.resolve(slack.messages.length === 2));
    }),
);

stackTest(
  "429 holds the lane for as long as Slack says, and other events of it wait too",
  () =>
    withSlack({}, async (slack) => {
      const tenant = await createTenant();
      const id = await integrateBy(tenant, slackConfig((await connectSlack(tenant, slack)).id));
      slack.answerNext(
        Response.json({ ok: false, error: "ratelimited" }, {
          status: 429,
          headers: { "retry-after": "120" },
        }),
      );
      await writeReadiness(tenant.id);
      const failed = await deliveryWith(id, "failed");
      assert.deepEqual([failed.last_error_class, failed.last_status_code], ["rate_limited", 429]);
      await writeReadiness(tenant.id, 6);
      await new Promise((resolve) => setTimeout(resolve, 1500));
      assert.equal(slack.requests, 1);
      const [lane] = await adminSql`select extract(epoch from not_before - clock_timestamp())::float as wait
      from private.delivery_lanes where integration_id = ${id}`;
      assert.ok(lane!.wait > 100 && lane!.wait <= 120, `${lane!.wait} s`);
    }),
);

stackTest(
  "a revoked token is asked for again: a new one in Vault alone is enough",
  () =>
    withSlack({}, async (slack) => {
      const tenant = await createTenant();
      const connector = await connectSlack(tenant, slack);
      const id = await integrateBy(tenant, slackConfig(connector.id));
      const renewed = `xoxb-renewed-${crypto.randomUUID()}`;
      slack.workspace.tokens = [renewed];
      await writeReadiness(tenant.id);
      const failed = await deliveryWith(id, "failed");
      assert.deepEqual([failed.last_error_class, failed.last_status_code], ["reconnect_needed", 200]);
      assert.match(failed.last_error, /^Slack answered invalid_auth: .* connect Slack again\.$/);
      await adminSql`select vault.update_secret(${connector.secretRef}, ${
        JSON.stringify({ bot_token: renewed })
      })`;
      await letRetriesBeDue(id);
      await deliveryWith(id, "delivered");
    }),
);

stackTest(
  "a channel that is not there disables the integration once; corrected, all goes to the new one",
  () =>
    withSlack({ channels: { C0OPS: "joined", C0OLD: "archived" } }, async (slack) => {
      const tenant = await createTenant();
      const id = await integrateBy(tenant, slackConfig((await connectSlack(tenant, slack)).id, "C0OLD"));
      await writeReadiness(tenant.id);
      const discarded = await deliveryWith(id, "discarded");
      assert.equal(discarded.last_error_class, "channel_misconfigured");
      const disabled = await integrationOf(tenant);
      assert.deepEqual([disabled.is_enabled, disabled.disabled_reason], [false, "misconfigured"]);
      const notices = await sql`select message from public.notifications
      where tenant_id = ${tenant.id} and kind = 'integration.disabled'`;
      assert.equal(notices.length, 1);
      assert.match(notices[0]!.message, /until it is corrected and enabled again/);
      const config = { slack: { ...disabled.config.slack, channel: "C0OPS" } };
      assert.equal((await change(tenant, { id, is_enabled: true, config })).status, 200);
      await sql`select public.replay_deliveries(${tenant.id}, ${[discarded.id]}, null)`;
      await deliveryWith(id, "delivered");
      assert.deepEqual(slack.messages.map((message) => message.channel), ["C0OPS"]);
    }),
);

stackTest(
  "a test that finds the channel archived says so and disables nothing",
  () =>
    withSlack({ channels: { C0OLD: "archived" } }, async (slack) => {
      const tenant = await createTenant();
      const id = await integrateBy(tenant, slackConfig((await connectSlack(tenant, slack)).id, "C0OLD"));
      const tested = await call("guardian-meta/integrations/test", {
        user: tenant.users.admin,
        body: { integration_id: id },
      });
      assert.deepEqual([tested.body.success, tested.body.delivery.last_error_class], [
        false,
        "channel_misconfigured",
      ]);
      assert.equal((await integrationOf(tenant)).is_enabled, true, "a test disables nothing");
    }),
);

stackTest(
  "a message that Slack does not take is given up at once, and the next one is sent",
  () =>
    withSlack({}, async (slack) => {
      const tenant = await createTenant();
      const id = await integrateBy(tenant, slackConfig((await connectSlack(tenant, slack)).id));
      slack.answerNext(Response.json({ ok: false, error: "invalid_blocks" }));
      await writeReadiness(tenant.id);
      const refused = await deliveryWith(id, "discarded");
      assert.deepEqual([refused.last_error_class, refused.attempt_count], ["message_refused", 1]);
      await writeReadiness(tenant.id, 7);
      await deliveryWith(id, "delivered");
    }),
);

stackTest(
  "an integration that leaves its webhook for Slack takes along what failed there",
  () =>
    withSlack({}, async (slack) => {
      const tenant = await createTenant();
      const connector = await connectSlack(tenant, slack);
      const id = await integrateBy(tenant, { webhook_url: "http://127.0.0.1:9/gone", max_attempts: 20 });
      await writeReadiness(tenant.id);
      await deliveryWith(id, "failed");
      assert.equal((await change(tenant, { id, config: slackConfig(connector.id) })).status, 200);
      await letRetriesBeDue(id);
      await deliveryWith(id, "delivered");
      assert.equal(slack.messages[0]!.channel, "C0OPS");
      const back = await change(tenant, { id, config: { channel: "webhook" } });
      assert.deepEqual([back.status, back.body.data[0].config.channel], [200, "webhook"]);
      await sql`delete from public.integration_connectors where id = ${connector.id}`;
    }),
);

stackTest(
  "neither a connector's secret that is echoed nor one that is refused is kept anywhere",
  () =>
    withSlack({}, (slack) =>
      withResend(async (resend) => {
        const tenant = await createTenant();
        const token = slack.workspace.tokens[0]!;
        const key = resend.account.apiKeys[0]!;
        const hook = slack.webhookUrl("an-unknown-secret-part");
        const incoming = await connect(tenant, { type: "slack", credentials: { webhook_url: hook } });
        const mail = await connectResend(tenant, resend);
        const email = { connector_id: mail.id, to: ["a@customer.example"] };
        const ids = [
          await subscribeBy(tenant, slackConfig(incoming.id)),
          await subscribeBy(tenant, { channel: "email", email }),
        ];
        slack.answerNext(new Response(`<html>${hook} ${new URL(hook).pathname}`, { status: 500 }));
        resend.answerNext(
          new Response(`{"name":"application_error","message":"${key} ${key.toUpperCase()}"}`, {
            status: 500,
          }),
        );
        await publish(tenant, "thing.created", { n: 1 });
        const attempts = await eventually(async () => {
          const rows = await sql`select * from public.event_delivery_attempts where integration_id in ${
            sql(ids)
          }`;
          return rows.length === 2 && rows;
        });
        const written = JSON.stringify(attempts);
        assert.equal(written.split("[masked]").length - 1, 4, written);
        for (const secret of [token, key, "an-unknown-secret-part"]) {
          assert.equal(written.toLowerCase().includes(secret), false, secret);
        }
      })),
);
