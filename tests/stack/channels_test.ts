import assert from "node:assert/strict";
import {
  connect,
  connectResend,
  connectSlack,
  integrateBy,
  subscribeBy,
  tryToIntegrate,
  withResend,
  withSlack,
} from "../support/channels.ts";
import { deliveryWith, publish, writeReadiness } from "../support/outbound.ts";
import { eventually, sql, stackTest } from "../support/stack.ts";
import { createTenant } from "../support/tenant.ts";

stackTest(
  "a readiness row becomes a message in the tenant's Slack, and its attempt says what was sent",
  () =>
    withSlack({}, async (slack) => {
      const tenant = await createTenant();
      const connector = await connectSlack(tenant, slack);
      const id = await integrateBy(tenant, {
        channel: "slack",
        slack: { connector_id: connector.id, channel: "C0OPS" },
      });
      await writeReadiness(tenant.id, 72);
      const delivery = await deliveryWith(id, "delivered");
      const [message, ...more] = slack.messages;
      assert.equal(more.length, 0);
      assert.equal(message!.channel, "C0OPS");
      assert.match(
        JSON.stringify(message!.blocks),
        /Readiness updated.*Overall score.*72.*Band.*operational/,
      );
      assert.match(message!.text!, /Overall score: 72/);
      assert.deepEqual(message!.metadata!.event_payload, {
        webhook_id: `msg_${delivery.id.replaceAll("-", "")}`,
      });
      const [attempt] =
        await sql`select * from public.guardian_meta_webhook_attempts where delivery_id = ${delivery.id}`;
      assert.equal(attempt!.request_body, message!.body);
      assert.equal(attempt!.status_code, 200);
      const written = JSON.stringify([attempt, delivery]);
      assert.equal(written.includes(slack.workspace.tokens[0]!), false);
      for (const secret of [tenant.id, tenant.orgs[0]]) assert.equal(message!.body.includes(secret), false);
    }),
);

stackTest(
  "any event reaches Slack and the mailbox, hostile texts as nothing but text",
  () =>
    withSlack({ webhooks: ["s3cret-part"] }, (slack) =>
      withResend(async (resend) => {
        const tenant = await createTenant();
        const incoming = await connect(tenant, {
          type: "slack",
          credentials: { webhook_url: slack.webhookUrl("s3cret-part") },
        });
        const mail = await connectResend(tenant, resend);
        await subscribeBy(tenant, {
          channel: "slack",
          slack: { connector_id: incoming.id, channel: "#ops" },
        });
        await subscribeBy(tenant, {
          channel: "email",
          email: { connector_id: mail.id, to: ["ops@customer.example"] },
          field_mappings: [{ op: "remove", path: "phone" }],
        });
        const name = '<!channel> & <https://evil.example|bank> <script>alert("x")</script>';
        await publish(tenant, "thing.created", { name, phone: "555-0100", amount: "12.50" });
        await eventually(() => Promise.resolve(slack.messages.length === 1 && resend.mails.length === 1));
        const [message] = slack.messages;
        assert.deepEqual([message!.by, message!.channel, message!.controls], ["webhook", undefined, []]);
        assert.match(message!.body, /&lt;!channel&gt; &amp; /);
        assert.match(message!.body, /555-0100/);
        const [sent] = resend.mails;
        assert.deepEqual([sent!.from, sent!.to, sent!.subject], [
          "Hub <news@hub.example.com>",
          ["ops@customer.example"],
          "thing.created",
        ]);
        assert.match(sent!.text!, /Amount: 12\.50/);
        assert.ok(sent!.html!.includes("&lt;script&gt;"));
        assert.equal(/<script|<!channel|<a /i.test(sent!.html!), false);
        assert.equal(sent!.body.includes("555-0100"), false, "mappings apply before the mail is written");
      })),
);

stackTest(
  "a batch is one mail, in the order of the events, sent once although its answer got lost",
  () =>
    withResend(async (resend) => {
      const tenant = await createTenant();
      const connector = await connectResend(tenant, resend);
      const id = await subscribeBy(tenant, {
        channel: "email",
        email: {
          connector_id: connector.id,
          to: ["a@customer.example", "b@customer.example"],
          subject: "Digest",
        },
        batch: { max_events: 3, max_wait_ms: 60_000 },
        retry_schedule_seconds: [1],
      });
      resend.loseNextAnswer();
      for (const n of [1, 2, 3]) await publish(tenant, "thing.created", { n });
      await eventually(async () => {
        const rows =
          await sql`select from public.event_deliveries where integration_id = ${id} and status = 'delivered'`;
        return rows.length === 3;
      });
      assert.deepEqual([resend.requests, resend.mails.length], [2, 1]);
      const [mail] = resend.mails;
      assert.equal(mail!.subject, "Digest");
      assert.match(mail!.idempotencyKey!, /^msg_[0-9a-f]{32}$/);
      assert.deepEqual(mail!.text!.match(/^N: \d/gm), ["N: 1", "N: 2", "N: 3"]);
      assert.equal(mail!.html!.match(/<table/g)!.length, 3);
    }),
);

stackTest(
  "a connector of another tenant, of another org, of another type or switched off is refused",
  () =>
    withSlack({}, async (slack) => {
      const [tenant, other] = [await createTenant(), await createTenant()];
      const own = await connectSlack(tenant, slack);
      const credentials = { bot_token: slack.workspace.tokens[0] };
      const refused: [string, string, RegExp][] = [
        ["foreign", (await connectSlack(other, slack)).id, /does not exist/],
        ["unknown", crypto.randomUUID(), /does not exist/],
        [
          "of one org",
          (await connect(tenant, { type: "slack", credentials, orgId: tenant.orgs[0] })).id,
          /does not exist/,
        ],
        ["of another type", (await connect(tenant, { type: "hubspot", credentials })).id, /not one of Slack/],
      ];
      const off = await connectSlack(tenant, slack);
      await sql`update public.integration_connectors set status = 'inactive' where id = ${off.id}`;
      refused.push(["inactive", off.id, /not active/]);
      for (const [what, connector_id, sentence] of refused) {
        const slackSettings = { connector_id, channel: "C0OPS" };
        const created = await tryToIntegrate(tenant, { channel: "slack", slack: slackSettings });
        assert.deepEqual([created.status, created.body.error_code], [422, "VALIDATION_FAILED"], what);
        assert.match(created.body.error, sentence, what);
      }
      const email = { connector_id: own.id, to: ["a@customer.example"] };
      assert.match(
        (await tryToIntegrate(tenant, { channel: "email", email })).body.error,
        /not one of an e-mail API/,
      );
      for (
        const config of [
          { channel: "slack" },
          {
            channel: "slack",
            slack: { connector_id: own.id, channel: "C0OPS" },
            webhook_url: "https://a.example",
          },
          { channel: "email", email: { connector_id: own.id, to: [] } },
          { channel: "email", email: { connector_id: own.id, to: ["nobody"] } },
          { channel: "slack", slack: { connector_id: own.id, channel: "<!channel>" } },
          {},
        ]
      ) {
        assert.equal((await tryToIntegrate(tenant, config)).status, 422, JSON.stringify(config));
      }
    }),
);
