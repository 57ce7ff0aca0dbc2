import assert from "node:assert/strict";
import { SlackConversations } from "../../simulators/slack/conversations.ts";
import {
  ALL_SCOPES,
  rateLimited,
  type SlackSimulator,
  type SlackWorkspace,
} from "../../simulators/slack/slack.ts";
import { type Answer, call, type CallOptions } from "../support/api.ts";
import { connect, type TestConnector, withSlack } from "../support/channels.ts";
import { sql, stack, stackTest } from "../support/stack.ts";
import { createTenant, type TestTenant } from "../support/tenant.ts";

interface Rig {
  slack: SlackSimulator;
  tenant: TestTenant;
  connector: TestConnector;
  /** Posts as a manager, or as somebody else. */
  notify(message: unknown, options?: CallOptions & { connectorId?: string }): Promise<Answer>;
}

async function withRig(
  test: (rig: Rig) => Promise<void>,
  options: { workspace?: Partial<SlackWorkspace>; config?: Record<string, string>; webhook?: string } = {},
): Promise<void> {
  await withSlack({ webhooks: ["hook-secret"], ...options.workspace }, async (slack) => {
    const tenant = await createTenant();
    const token = slack.workspace.tokens[0];
    const credentials = options.webhook
      ? { webhook_url: slack.webhookUrl(options.webhook) }
      : { bot_token: token, scope: ALL_SCOPES.join(","), team_id: "T0TEAM" };
    const connector = await connect(tenant, {
      type: "slack",
      config: options.config,
      credentials,
      orgId: tenant.orgs[0],
    });
    const notify: Rig["notify"] = (message, { connectorId, ...rest } = {}) =>
      call("slack-notify", {
        user: tenant.users.manager,
        ...rest,
        body: { connector_id: connectorId ?? connector.id, message, ...rest.body as object },
      });
    await test({ slack, tenant, connector, notify });
  });
}

const logsOf = ({ id }: TestConnector) =>
  sql`select event_type, status, error_code, message, details, duration_ms, request_id, org_id
    from public.integration_logs where connector_id = ${id} and event_type = 'slack.notified' order by id`;

const told = ({ status, body }: Answer) => [status, body.error_code];

stackTest(
  "a manager posts a message with everything, byte for byte as written, and it is logged without its text",
  () =>
    withRig(async ({ slack, tenant, connector, notify }) => {
      const message = {
        text: "Deploy done <!channel> & <https://acme.example|here> – ✓",
        blocks: [{ type: "section", text: { type: "mrkdwn", text: "*Deploy* <@U123>" } }, {
          type: "divider",
        }],
        attachments: [{ color: "#0d0", text: "all green", fallback: "all green" }],
        channel: "C0OPS",
        username: "Hub",
        icon_emoji: ":satellite:",
      };
      const answer = await notify(message);
      assert.equal(answer.status, 200, JSON.stringify(answer.body));
      const { connector_id, sent_by, channel, ts } = answer.body;
      assert.deepEqual([connector_id, sent_by, channel], [connector.id, "bot_token", "C0OPS"]);
      assert.match(ts, /^\d+\.\d{6}$/);
      const [{ by: _by, controls: _controls, body: _body, ...posted }] = slack.messages as [
        SlackSimulator["messages"][number],
      ];
      assert.deepEqual(posted, message);
      const [log, ...more] = await logsOf(connector);
      assert.equal(more.length, 0);
      assert.deepEqual([log!.status, log!.error_code, log!.message, log!.org_id], [
        "success",
        null,
        null,
        tenant.orgs[0],
      ]);
      assert.deepEqual(log!.details, { sent_by: "bot_token", channel: "C0OPS" });
      assert.equal(log!.request_id, answer.headers.get("x-request-id"));
      assert.ok(log!.duration_ms >= 0);
    }),
);

stackTest("the default channel is used where a message names none, a thread is answered by its ts", () => {
  const conversations = new SlackConversations();
  const { id } = conversations.add({ name: "ops" });
  return withRig(async ({ notify }) => {
    const first = await notify({ text: "one" });
    assert.deepEqual([first.status, first.body.channel], [200, id]);
    const second = await notify({ text: "two", channel: id, thread_ts: first.body.ts });
    assert.equal(second.status, 200);
    const [parent, reply] = [...conversations.byId.get(id)!.messages.values()];
    assert.deepEqual([parent!.reply_count, reply!.thread_ts], [1, first.body.ts]);
  }, { workspace: { conversations }, config: { default_channel: "#ops" } });
});

stackTest(
  "without a channel nothing is sent, and the answer says what to do",
  () =>
    withRig(async ({ slack, notify, connector }) => {
      const answer = await notify({ text: "where?" });
      assert.deepEqual(told(answer), [422, "VALIDATION_FAILED"]);
      assert.match(answer.body.error, /default_channel/);
      assert.equal(slack.requests, 0);
      assert.deepEqual((await logsOf(connector)).map((log) => log.error_code), ["VALIDATION_FAILED"]);
    }),
);

stackTest(
  "an incoming webhook posts, and what it would pass over is refused",
  () =>
    withRig(async ({ slack, notify, connector }) => {
      const answer = await notify({ text: "hello", attachments: [{ text: "more" }] });
      assert.equal(answer.status, 200, JSON.stringify(answer.body));
      assert.deepEqual(answer.body, {
        connector_id: connector.id,
        sent_by: "incoming_webhook",
        channel: null,
        ts: null,
      });
      assert.equal(slack.messages[0]!.by, "webhook");
      for (const ignored of [{ channel: "C0OPS" }, { username: "Hub" }, { icon_emoji: ":x:" }]) {
        const refused = await notify({ text: "hello", ...ignored });
        assert.deepEqual(told(refused), [422, "VALIDATION_FAILED"]);
        assert.match(refused.body.error, new RegExp(`leave out message\\.${Object.keys(ignored)[0]}`));
      }
      assert.equal(slack.messages.length, 1);
      slack.answerNext(new Response("channel_is_archived", { status: 410 }));
      assert.deepEqual(told(await notify({ text: "hello" })), [409, "CONNECTOR_MISCONFIGURED"]);
      slack.answerNext(new Response("<html>gone hook-secret</html>", { status: 404 }));
      const odd = await notify({ text: "hello" });
      assert.deepEqual(told(odd), [503, "PROVIDER_UNAVAILABLE"]);
      assert.doesNotMatch(JSON.stringify(odd.body), /html|hook-secret/);
    }, { webhook: "hook-secret" }),
);

stackTest(
  "an incoming webhook that is gone wants to be connected again, which the admins hear once",
  () =>
    withRig(async ({ tenant, notify, connector }) => {
      const answer = await notify({ text: "hello" });
      assert.deepEqual(told(answer), [409, "RECONNECT_NEEDED"]);
      assert.match(answer.body.error, /no_service: .*create another one/);
      assert.doesNotMatch(JSON.stringify(answer.body), /another-secret/);
      assert.deepEqual(told(await notify({ text: "hello" })), [409, "RECONNECT_NEEDED"]);
      const [row] =
        await sql`select status, last_error from public.integration_connectors where id = ${connector.id}`;
      assert.equal(row!.status, "error");
      const notices = await sql`select kind from public.notifications where tenant_id = ${tenant.id}`;
      assert.deepEqual(notices.map(({ kind }) => kind), ["connector.reconnect_needed"]);
    }, { webhook: "another-secret" }),
);

const SAID: [code: string, status: number, errorCode: string, says: RegExp][] = [
  ["channel_not_found", 409, "CONNECTOR_MISCONFIGURED", /no such channel/],
  ["not_in_channel", 409, "CONNECTOR_MISCONFIGURED", /invite it/],
  ["is_archived", 409, "CONNECTOR_MISCONFIGURED", /archived/],
  ["restricted_action", 409, "CONNECTOR_MISCONFIGURED", /ask its admins/],
  ["no_permission", 409, "PERMISSION_MISSING", /may not do this/],
  ["invalid_blocks", 422, "PROVIDER_REFUSED", /Block Kit Builder/],
  ["msg_blocks_too_long", 422, "PROVIDER_REFUSED", /too long/],
  ["internal_error", 503, "PROVIDER_UNAVAILABLE", /try again/],
  ["something_brand_new", 503, "PROVIDER_UNAVAILABLE", /neither yes nor no/],
];

stackTest(
  "what Slack refuses is told by class and in words, and logged",
  () =>
    withRig(async ({ slack, notify, connector }) => {
      for (const [code, status, errorCode, says] of SAID) {
        slack.answerNext(Response.json({ ok: false, error: code }));
        const answer = await notify({ text: `secret text of ${code}`, channel: "C0OPS" });
        assert.deepEqual(told(answer), [status, errorCode], code);
        assert.match(answer.body.error, says);
        if (status < 500) assert.equal(answer.body.details.provider_code, code);
        assert.equal(answer.headers.has("retry-after"), status === 503);
      }
      const logs = await logsOf(connector);
      assert.equal(logs.length, SAID.length);
      assert.ok(logs.every((log) => log.status === "error" && log.message !== null));
      assert.deepEqual(logs[4]!.error_code, "permission_missing");
      assert.doesNotMatch(JSON.stringify(logs), /secret text|xoxb/);
    }),
);

stackTest(
  "a scope that is missing is named; refused tokens want to be connected again",
  () =>
    withRig(async ({ slack, notify, connector }) => {
      const [token] = slack.workspace.tokens;
      slack.workspace.grants = { [token!]: { scopes: ["channels:read"] } };
      const answer = await notify({ text: "x", channel: "C0OPS" });
      assert.deepEqual(told(answer), [409, "PERMISSION_MISSING"]);
      assert.match(answer.body.error, /lacks the scope chat:write/);
      for (const refused of ["token_expired", "token_revoked", "account_inactive"] as const) {
        await sql`update public.integration_connectors set status = 'active', last_error = null where id = ${connector.id}`;
        slack.workspace.grants = { [token!]: { refused } };
        const gone = await notify({ text: "x", channel: "C0OPS" });
        assert.deepEqual(told(gone), [409, "RECONNECT_NEEDED"]);
        assert.match(gone.body.error, new RegExp(`${refused}: .*connect Slack again`));
        assert.ok(!JSON.stringify(gone.body).includes(token!));
      }
    }),
);

stackTest(
  "asked to wait for a moment it waits, asked for longer it says how long",
  () =>
    withRig(async ({ slack, notify }) => {
      slack.answerNext(rateLimited(1));
      const started = performance.now();
      assert.equal((await notify({ text: "x", channel: "C0OPS" })).status, 200);
      assert.ok(performance.now() - started >= 1000, "it waited");
      slack.answerNext(rateLimited(1), rateLimited(1));
      const twice = await notify({ text: "x", channel: "C0OPS" });
      assert.deepEqual([...told(twice), twice.headers.get("retry-after")], [
        503,
        "PROVIDER_UNAVAILABLE",
        "1",
      ]);
      const before = slack.requests;
      slack.answerNext(rateLimited(30));
      const long = await notify({ text: "x", channel: "C0OPS" });
      assert.deepEqual([...told(long), long.headers.get("retry-after")], [503, "PROVIDER_UNAVAILABLE", "30"]);
      assert.equal(slack.requests, before + 1);
      assert.equal(slack.messages.length, 1);
    }),
);

stackTest(
  "a connection that breaks and an answer that is cut are told as passing",
  () =>
    withRig(async ({ slack, notify }) => {
      for (const fault of [{ kind: "hang_up" }, { kind: "cut" }] as const) {
        slack.faults.planNext(fault);
        assert.deepEqual(told(await notify({ text: "x", channel: "C0OPS" })), [503, "PROVIDER_UNAVAILABLE"]);
      }
    }),
);

const section = (chars: number) => ({ type: "section", text: { type: "mrkdwn", text: "x".repeat(chars) } });
const many = <T>(count: number, one: T): T[] => Array.from({ length: count }, () => one);

/** What breaks a limit, and the same within it. */
const LIMITS: [what: Record<string, unknown>, within: Record<string, unknown>, says: RegExp][] = [
  [{ text: "x".repeat(40_001) }, { text: "x".repeat(40_000) }, /message\.text: .*40,000.*40,001/],
  [
    { blocks: many(51, { type: "divider" }) },
    { blocks: many(50, { type: "divider" }) },
    /message\.blocks: .*50.*51/,
  ],
  [{ blocks: [section(3001)] }, { blocks: [section(3000)] }, /message\.blocks\.0\.text: .*3,000.*3,001/],
  [
    { blocks: [{ type: "header", text: { type: "plain_text", text: "x".repeat(151) } }] },
    { blocks: [{ type: "header", text: { type: "plain_text", text: "x".repeat(150) } }] },
    /blocks\.0\.text: .*150/,
  ],
  [
    { blocks: [{ type: "section", fields: many(11, { type: "mrkdwn", text: "x" }) }] },
    { blocks: [{ type: "section", fields: many(10, { type: "mrkdwn", text: "x" }) }] },
    /blocks\.0\.fields: .*10.*11/,
  ],
  [
    { blocks: [{ type: "section", fields: [{ type: "mrkdwn", text: "x".repeat(2001) }] }] },
    { blocks: [{ type: "section", fields: [{ type: "mrkdwn", text: "x".repeat(2000) }] }] },
    /fields\.0: .*2,000/,
  ],
  [
    { attachments: many(101, { text: "x" }) },
    { attachments: many(100, { text: "x" }) },
    /attachments: .*100.*101/,
  ],
  [
    { attachments: [{ blocks: [section(3001)] }] },
    { attachments: [{ blocks: [section(3000)] }] },
    /attachments\.0\.blocks\.0\.text/,
  ],
];

stackTest(
  "what breaks a limit of Slack is refused before it is sent, and the limit is named",
  () =>
    withRig(async ({ slack, notify }) => {
      for (const [index, [broken, within, says]] of LIMITS.entries()) {
        const refused = await notify({ channel: "C0OPS", ...broken });
        assert.deepEqual(told(refused), [422, "VALIDATION_FAILED"]);
        assert.match(refused.body.error, says);
        assert.equal(slack.requests, index);
        const taken = await notify({ channel: "C0OPS", ...within });
        assert.equal(taken.status, 200, JSON.stringify(taken.body));
        assert.equal(slack.messages.length, index + 1);
      }
    }),
);

stackTest("malformed messages are refused with the field named", () =>
  withRig(async ({ slack, notify }) => {
    const messages: [unknown, RegExp][] = [
      [{}, /neither text, blocks nor attachments/],
      [{ text: "" }, /neither/],
      [{ text: "x", channel: "ops" }, /channel's id/],
      [{ text: "x", thread_ts: "1731000000" }, /message's ts/],
      [{ text: "x", icon_emoji: "satellite" }, /colons/],
      [{ text: "x", token: "xoxb-mine" }, /[Uu]nrecognized/],
      [{ blocks: [{ text: "no type" }] }, /blocks\.0\.type/],
      ["text", /message/],
    ];
    for (const [message, says] of messages) {
      const answer = await notify(message);
      assert.deepEqual(told(answer), [422, "VALIDATION_FAILED"], JSON.stringify(message));
      assert.match(answer.body.error, says);
    }
    assert.equal(slack.requests, 0);
  }));

stackTest(
  "a machine names the tenant, and posts; a member may not, and nobody reaches another's connector",
  () =>
    withRig(async ({ slack, tenant, connector, notify }) => {
      const message = { text: "x", channel: "C0OPS" };
      const machine = { user: undefined, headers: { apikey: stack.hubKey } };
      const posted = await notify(message, { ...machine, body: { tenant_id: tenant.id } });
      assert.equal(posted.status, 200, JSON.stringify(posted.body));
      assert.deepEqual(told(await notify(message, machine)), [400, "MISSING_TENANT_ID"]);
      assert.deepEqual(told(await notify(message, { user: tenant.users.member })), [403, "FORBIDDEN"]);
      assert.equal((await notify(message, { user: tenant.users.owner })).status, 200);
      const other = await createTenant();
      const before = slack.requests;
      const foreign = [
        await notify(message, { user: other.users.owner }),
        await notify(message, { ...machine, body: { tenant_id: other.id } }),
        await notify(message, { connectorId: crypto.randomUUID() }),
        await notify(message, { user: tenant.users.admin, orgId: tenant.orgs[1] }),
      ];
      for (const answer of foreign) assert.deepEqual(told(answer), [404, "NOT_FOUND"]);
      const named = await notify(message, { user: other.users.owner, body: { tenant_id: tenant.id } });
      assert.deepEqual(told(named), [404, "TENANT_NOT_FOUND"]);
      assert.equal(slack.requests, before);
      assert.equal((await logsOf(connector)).length, 2, "who may not see it leaves no line");
    }),
);

stackTest(
  "a connector that is not active, of another kind or without credentials posts nothing",
  () =>
    withRig(async ({ slack, tenant, connector, notify }) => {
      const message = { text: "x", channel: "C0OPS" };
      const odd = await connect(tenant, { type: "odoo", credentials: { password: "x" } });
      assert.deepEqual(told(await notify(message, { connectorId: odd.id })), [404, "NOT_FOUND"]);
      await sql`update public.integration_connectors set status = 'inactive' where id = ${connector.id}`;
      assert.deepEqual(told(await notify(message)), [409, "CONNECTOR_INACTIVE"]);
      await sql`update public.integration_connectors set status = 'active', secret_ref = null where id = ${connector.id}`;
      assert.deepEqual(told(await notify(message)), [409, "RECONNECT_NEEDED"]);
      assert.deepEqual((await logsOf(connector)).map((log) => log.error_code), [
        "CONNECTOR_INACTIVE",
        "reconnect_needed",
      ]);
      assert.equal(slack.requests, 0);
    }),
);

stackTest(
  "a connector's test says which workspace it is and which scopes are missing, and posts nothing",
  () =>
    withRig(async ({ slack, tenant, connector }) => {
      const test = async (id: string) =>
        (await call(`integrations/connectors/${id}/test`, { method: "POST", user: tenant.users.manager }))
          .body;
      const good = await test(connector.id);
      assert.deepEqual([good.works, good.message, good.connector.account_name], [
        true,
        "Connected to the workspace Acme as interlock.",
        "Acme",
      ]);
      slack.workspace.grants = { [slack.workspace.tokens[0]!]: { scopes: ["chat:write"] } };
      assert.match((await test(connector.id)).message, /lacks the scopes channels:read, channels:history\.$/);
      const hook = { type: "slack", orgId: tenant.orgs[0] };
      const there = await connect(tenant, {
        ...hook,
        credentials: { webhook_url: slack.webhookUrl("hook-secret") },
      });
      assert.equal((await test(there.id)).message, "The incoming webhook exists and takes messages.");
      const gone = await connect(tenant, { ...hook, credentials: { webhook_url: slack.webhookUrl("gone") } });
      const failed = await test(gone.id);
      assert.deepEqual([failed.works, failed.error_class], [false, "reconnect_needed"]);
      assert.equal(slack.messages.length, 0);
    }),
);
