import assert from "node:assert/strict";
import fc from "fast-check";
import { type SlackConversation, SlackConversations } from "../../simulators/slack/conversations.ts";
import {
  ALL_SCOPES,
  rateLimited,
  type SlackSimulator,
  type SlackWorkspace,
  startSlack,
} from "../../simulators/slack/slack.ts";
import { conversationsSource } from "../../supabase/functions/_shared/providers/slack/conversations_source.ts";
import { messagesSource } from "../../supabase/functions/_shared/providers/slack/messages_source.ts";
import type { SlackConfig, SlackSecrets } from "../../supabase/functions/_shared/providers/slack/settings.ts";
import {
  compareTs,
  earlierTs,
  instantOfTs,
  laterTs,
  tsOfInstant,
} from "../../supabase/functions/_shared/providers/slack/timestamps.ts";
import { ProviderError } from "../../supabase/functions/_shared/providers/provider_error.ts";
import type { Cursor } from "../../supabase/functions/_shared/providers/source.ts";
import { withHubEnvironment } from "../support/hub_environment.ts";
import { loneConnection } from "../support/lone_connection.ts";
import { PageStore, readToEnd } from "../support/page_store.ts";

withHubEnvironment({});

const TOKEN = "xoxb-the-token";

interface Rig {
  slack: SlackSimulator;
  conversations: SlackConversations;
  connection: ReturnType<typeof loneConnection<SlackConfig, SlackSecrets>>;
}

async function withWorkspace(
  options: Partial<SlackWorkspace> & { config?: Partial<SlackConfig>; renew?: () => SlackSecrets },
  test: (rig: Rig) => Promise<void>,
): Promise<void> {
  const { config, renew, ...workspace } = options;
  const conversations = new SlackConversations();
  const slack = startSlack({ tokens: [TOKEN], channels: {}, pageSize: 5, conversations, ...workspace });
  const connection = loneConnection<SlackConfig, SlackSecrets>({
    config: { channels: "joined", private_channels: false, reread_hours: 0, ...config },
    secrets: { bot_token: TOKEN },
    renew,
    redirect: (url) => url.replace(/^.*\/api/, slack.apiUrl),
  });
  try {
    await test({ slack, conversations, connection });
  } finally {
    connection.close();
    await slack.stop();
  }
}

/** What the hub must hold: messages of the channels the app is in, but for replies. */
function stateOf(conversations: SlackConversations): Map<string, unknown> {
  return new Map(
    [...conversations.byId.values()].filter(({ isMember, isPrivate }) => isMember && !isPrivate).flatMap((
      one,
    ) =>
      [...one.messages.values()]
        .filter(({ ts, thread_ts }) => thread_ts === undefined || thread_ts === ts)
        .map(({ ts, text, reply_count }): [string, unknown] => [
          `${one.id}:${ts}`,
          { text, reply_count: reply_count ?? null },
        ])
    ).sort(([a], [b]) => a < b ? -1 : 1),
  );
}

function heldBy(store: PageStore): Map<string, unknown> {
  return new Map(
    [...store.records].map(([id, { text, reply_count }]): [string, unknown] => [id, { text, reply_count }])
      .sort(([a], [b]) => a < b ? -1 : 1),
  );
}

function fill(conversation: SlackConversation, conversations: SlackConversations, count: number): void {
  for (let n = 0; n < count; n++) conversations.say(conversation.id, { text: `${conversation.id} ${n}` });
}

const readMessages = (
  { connection }: Pick<Rig, "connection">,
  store: PageStore,
  cursor: Cursor | null,
  onPage?: (cursor: Cursor) => void,
) => readToEnd({ source: messagesSource, connection, store, cursor, onPage });

Deno.test("SLACK: every message of every channel the app is in is read, and of no other", () =>
  withWorkspace({}, async (rig) => {
    const { conversations } = rig;
    for (const count of [0, 1, 5, 13]) fill(conversations.add(), conversations, count);
    fill(conversations.add({ isMember: false }), conversations, 3);
    fill(conversations.add({ isPrivate: true }), conversations, 3);
    fill(conversations.add({ isArchived: true }), conversations, 7);
    const store = new PageStore();
    await readMessages(rig, store, null);
    assert.equal(store.records.size, 26);
    assert.deepEqual(heldBy(store), stateOf(conversations));
    assert.deepEqual(store.warnings, []);
  }));

Deno.test("SLACK: a message is stored with its exact instant, without what could be a secret", () =>
  withWorkspace({}, async (rig) => {
    const { id } = rig.conversations.add();
    const parent = rig.conversations.say(id, {
      text: "ask",
      reactions: [{ name: "eyes", count: 2, users: ["U1", "U2"] }],
      files: [{
        id: "F1",
        name: "a.txt",
        mimetype: "text/plain",
        size: 3,
        url_private: "https://files/secret",
      }],
    });
    const reply = rig.conversations.say(id, { text: "answer", thread_ts: parent.ts });
    const store = new PageStore();
    await readMessages(rig, store, null);
    const [[externalId, values]] = [...store.records] as [[string, Record<string, unknown>]];
    assert.equal(externalId, `${id}:${parent.ts}`);
    assert.equal(store.records.size, 1, "a reply stands in its thread");
    assert.equal(values.posted_at, instant(parent.ts));
    assert.equal(values.latest_reply_at, instant(reply.ts));
    assert.deepEqual([values.text, values.reply_count], ["ask", 1]);
    assert.deepEqual(values.reactions, [{ name: "eyes", count: 2 }]);
    assert.deepEqual(values.files, [{ id: "F1", name: "a.txt", mimetype: "text/plain", size: 3 }]);
    assert.doesNotMatch(JSON.stringify(values), /secret/);
  }));

const instant = (ts: string) =>
  `${new Date(Number(ts.split(".")[0]) * 1000).toISOString().slice(0, 19)}.${ts.split(".")[1]}Z`;

Deno.test("SLACK: a second round asks each channel once and finds only what is new", () =>
  withWorkspace({}, async (rig) => {
    const { conversations, slack } = rig;
    for (let n = 0; n < 3; n++) fill(conversations.add(), conversations, 6);
    const archived = conversations.add({ isArchived: true });
    fill(archived, conversations, 2);
    const store = new PageStore();
    let cursor = await readMessages(rig, store, null);
    const before = slack.requests;
    const nothing = new PageStore();
    cursor = await readMessages(rig, nothing, cursor);
    assert.equal(nothing.records.size, 0);
    assert.equal(slack.requests - before, 1 + 3, "one page of channels, one request each");
    const { ts } = conversations.say("C0000000002", { text: "new" });
    cursor = await readMessages(rig, nothing, cursor);
    assert.deepEqual([...nothing.records.keys()], [`C0000000002:${ts}`]);
    const future = {
      ...cursor,
      read: { C0000000001: "9999999999.000000", C0000000002: "9999999999.000000" },
    };
    conversations.say("C0000000001", { text: "before the future" });
    conversations.remove("C0000000003");
    conversations.remove(archived.id);
    const none = new PageStore();
    await readMessages(rig, none, future);
    assert.equal(none.records.size, 0);
  }));

Deno.test("SLACK: reading goes on from every cursor, in another process", () =>
  withWorkspace({}, async (rig) => {
    const { conversations } = rig;
    for (const count of [3, 0, 12, 6]) fill(conversations.add(), conversations, count);
    const saved: { cursor: Cursor; store: PageStore }[] = [];
    const store = new PageStore();
    await readMessages(rig, store, null, (cursor) => saved.push({ cursor, store: store.copy() }));
    assert.ok(saved.length > 6);
    for (const { cursor, store: held } of saved) {
      await readMessages(rig, held, cursor);
      assert.deepEqual(heldBy(held), stateOf(conversations));
    }
  }));

Deno.test("SLACK: whatever happens between pages, one more round has what is new and one more pass has it all", () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(99), fc.nat(5)), { minLength: 20, maxLength: 60 }),
      (happenings) =>
        withWorkspace({}, async (rig) => {
          const { conversations } = rig;
          for (const count of [7, 2, 16]) fill(conversations.add(), conversations, count);
          const store = new PageStore();
          const coming = [...happenings];
          const live = () => {
            for (const [where, what] of coming.splice(0, 3)) happen(conversations, where, what);
          };
          let cursor = await readMessages(rig, store, null, live);
          cursor = await readMessages(rig, store, cursor, live);
          cursor = await readMessages(rig, store, cursor);
          for (const id of stateOf(conversations).keys()) assert.ok(store.records.has(id), id);
          await readMessages(rig, store, null);
          assert.deepEqual(heldBy(store), stateOf(conversations));
        }),
    ),
    { numRuns: 25, endOnFailure: true },
  ));

/** Something that people do in a workspace. */
function happen(conversations: SlackConversations, where: number, what: number): void {
  const all = [...conversations.byId.values()];
  const one = all[where % all.length];
  if (what === 0 || one === undefined) return void fill(conversations.add(), conversations, 3);
  const said = [...one.messages.keys()];
  const ts = said[where % said.length];
  if (what === 1) return void (one.isMember = !one.isMember);
  if (what === 2 && ts !== undefined) return conversations.edit(one.id, ts, `edited ${where}`);
  if (what === 3 && ts !== undefined) return conversations.erase(one.id, ts);
  if (what === 4 && ts !== undefined) return void conversations.say(one.id, { text: "re", thread_ts: ts });
  conversations.say(one.id, { text: `said ${where}` });
}

Deno.test("SLACK: three hundred channels are found over many pages and all read", () =>
  withWorkspace({ pageSize: 30 }, async (rig) => {
    const { conversations, slack } = rig;
    for (let n = 0; n < 300; n++) fill(conversations.add(), conversations, n % 3);
    const store = new PageStore();
    const cursor = await readMessages(rig, store, null);
    assert.deepEqual(heldBy(store), stateOf(conversations));
    assert.equal(slack.requests, 10 + 300);
    assert.ok(JSON.stringify(cursor).length < 300 * 40, "a checkpoint stays small");
  }));

Deno.test("SLACK: a channel that is left or deleted on the way is told of, and the others are read", () =>
  withWorkspace({}, async (rig) => {
    const { conversations } = rig;
    const [first, second, third] = [conversations.add(), conversations.add(), conversations.add()];
    for (const one of [first, second, third]) fill(one, conversations, 4);
    const store = new PageStore();
    await readMessages(rig, store, null);
    let pages = 0;
    await readMessages(rig, store, null, () => {
      if (++pages === 1) {
        second.isMember = false;
        conversations.remove(third.id);
      }
    });
    assert.deepEqual([...heldBy(store).keys()], [...stateOf(conversations).keys()]);
    assert.match(store.warnings[0]!, /^Channel C0000000002: Slack answered not_in_channel: .* invite it/);
    assert.match(store.warnings[1]!, /^Channel C0000000003: Slack answered channel_not_found/);
    // Back again, all of it is read, though nothing new was said.
    second.isMember = true;
    await readMessages(rig, store, await readMessages(rig, store, null));
    assert.deepEqual(heldBy(store), stateOf(conversations));
  }));

Deno.test("SLACK: a channel that is left in the middle of its history is read from there on once the app is back", () =>
  withWorkspace({}, async (rig) => {
    const { conversations } = rig;
    const one = conversations.add();
    fill(one, conversations, 12);
    const store = new PageStore();
    let pages = 0;
    const cursor = await readMessages(rig, store, null, () => {
      if (++pages === 2) one.isMember = false;
    });
    assert.equal(store.records.size, 5);
    one.isMember = true;
    await readMessages(rig, store, cursor);
    assert.deepEqual(heldBy(store), stateOf(conversations));
  }));

Deno.test("SLACK: named channels are read without a list, private ones with their scopes only", () =>
  withWorkspace({ config: { channels: ["C0000000002"] } }, async (rig) => {
    const { conversations, slack } = rig;
    for (const count of [2, 3]) fill(conversations.add(), conversations, count);
    const store = new PageStore();
    await readMessages(rig, store, null);
    assert.equal(store.records.size, 3);
    assert.deepEqual(slack.calls.map(({ method }) => method), ["conversations.history"]);
    conversations.change("C0000000002", { isPrivate: true });
    slack.workspace.grants = {
      [TOKEN]: { scopes: ALL_SCOPES.filter((scope) => !scope.startsWith("groups")) },
    };
    const failure = await failureOf(readMessages(rig, store, null));
    assert.equal(failure.errorClass, "permission_missing");
    assert.match(failure.message, /lacks the scope groups:history/);
  }));

Deno.test("SLACK: messages before messages_since are not read", () =>
  withWorkspace({}, async (rig) => {
    const { id } = rig.conversations.add();
    for (const ts of ["1731000000.006999", "1731000000.007001", "1731000009.000000"]) {
      rig.conversations.say(id, { ts, text: ts });
    }
    const config = { ...rig.connection.config, messages_since: "2024-11-07T18:20:00.007+01:00" };
    const connection = { ...rig.connection, config };
    const store = new PageStore();
    await readMessages({ connection }, store, null);
    assert.deepEqual([...store.records.values()].map(({ text }) => text).sort(), [
      "1731000000.007001",
      "1731000009.000000",
    ]);
  }));

Deno.test("SLACK: what was said in the hours before the newest message is read again for its edits, and no more", () =>
  withWorkspace({ config: { reread_hours: 2 } }, async (rig) => {
    const { id } = rig.conversations.add();
    const said = ["1731000000.000001", "1731005000.000001", "1731005000.000002", "1731012200.000001"];
    for (const ts of said) rig.conversations.say(id, { ts, text: "first words" });
    let cursor = await readMessages(rig, new PageStore(), null);
    for (const ts of said) rig.conversations.edit(id, ts, "second thoughts");
    const store = new PageStore();
    cursor = await readMessages(rig, store, cursor);
    assert.deepEqual([...store.records.keys()].sort(), said.slice(2).map((ts) => `${id}:${ts}`));
    assert.deepEqual([...store.records.values()].map(({ text }) => text), [
      "second thoughts",
      "second thoughts",
    ]);
    assert.deepEqual(
      (cursor as { read: unknown }).read,
      { [id]: said[3] },
      "what is read again is no progress",
    );
  }));

Deno.test("SLACK: a ts is some hours earlier than another, and never before the first there is", () => {
  assert.equal(earlierTs("1731012200.000100", 2), "1731005000.000100");
  assert.equal(earlierTs("3600.999999", 2), "0.999999");
  assert.equal(earlierTs("1731012200.000100", 0), "1731012200.000100");
});

Deno.test("SLACK: a cursor that Slack forgot begins the channel anew, not the stream; one it always forgets ends it", () =>
  withWorkspace({}, async (rig) => {
    const { conversations, slack } = rig;
    for (const count of [12, 12]) fill(conversations.add(), conversations, count);
    const forgotten = {
      kind: "answer",
      response: () => Response.json({ ok: false, error: "invalid_cursor" }),
    } as const;
    slack.faults.plan(3, forgotten);
    slack.faults.plan(6, forgotten);
    const store = new PageStore();
    const cursor = await readMessages(rig, store, null);
    assert.deepEqual(heldBy(store), stateOf(conversations));
    fill(conversations.byId.get("C0000000001")!, conversations, 12);
    for (let nth = 3; nth < 12; nth += 2) slack.faults.plan(nth, forgotten);
    const failure = await failureOf(readMessages(rig, store, cursor));
    assert.equal(failure.errorClass, "cursor_expired");
  }));

async function failureOf(work: Promise<unknown>): Promise<ProviderError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof ProviderError) return error;
    throw error;
  }
  throw new Error("Nothing failed");
}

const text = (body: string, status = 200) => () => new Response(body, { status });

Deno.test("SLACK: what goes wrong is told by class, whatever the page", () =>
  withWorkspace({}, async (rig) => {
    const { conversations, slack } = rig;
    fill(conversations.add(), conversations, 9);
    const cases: [Parameters<typeof slack.faults.plan>[1], string, number | null][] = [
      [{ kind: "answer", response: () => rateLimited(7) }, "rate_limited", 7000],
      [{ kind: "answer", response: text('{"ok":false,"error":"ratelimited"}') }, "rate_limited", 30_000],
      [{ kind: "answer", response: text("", 429) }, "rate_limited", 30_000],
      [{ kind: "answer", response: text("<html>", 503) }, "transient", null],
      [{ kind: "answer", response: text('{"ok":false,"error":"internal_error"}') }, "transient", null],
      [{ kind: "hang_up" }, "transient", null],
      [{ kind: "cut" }, "malformed_answer", null],
      [{ kind: "answer", response: text("<html>a page with xoxb-secret</html>") }, "malformed_answer", null],
      [{ kind: "answer", response: text("null") }, "malformed_answer", null],
      [{ kind: "answer", response: text('{"ok":true}') }, "malformed_answer", null],
      [{ kind: "answer", response: text('{"ok":false,"error":"brand_new"}') }, "malformed_answer", null],
      [{ kind: "answer", response: text("gone", 404) }, "malformed_answer", null],
      [{ kind: "answer", response: text('{"ok":false,"error":"token_revoked"}') }, "reconnect_needed", null],
    ];
    for (const [fault, errorClass, retryAfterMs] of cases) {
      for (const nth of [1, 2, 3]) {
        slack.faults.plan(nth, fault);
        const store = new PageStore();
        const failure = await failureOf(readMessages(rig, store, null));
        assert.deepEqual([failure.errorClass, failure.retryAfterMs], [errorClass, retryAfterMs]);
        assert.doesNotMatch(failure.message, /secret|html|brand_new/);
        assert.match(failure.providerCode ?? "none", /^[a-z_]+$/);
        slack.faults.clear();
      }
    }
  }));

Deno.test("SLACK: a token that expires on the way is replaced, once", () => {
  const renewed = "xoxe.xoxb-1-newer";
  return withWorkspace({ renew: () => ({ bot_token: renewed }), tokens: [TOKEN, renewed] }, async (rig) => {
    const { conversations, slack } = rig;
    fill(conversations.add(), conversations, 14);
    const store = new PageStore();
    await readMessages(rig, store, null, () => {
      slack.workspace.grants = { [TOKEN]: { refused: "token_expired" } };
    });
    assert.deepEqual(heldBy(store), stateOf(conversations));
    assert.equal(slack.requests, 1 + 3 + 1, "one request was refused");
    slack.workspace.grants = { [renewed]: { refused: "token_revoked" } };
    assert.equal((await failureOf(readMessages(rig, store, null))).errorClass, "reconnect_needed");
  });
});

Deno.test("SLACK: a ts is compared as a decimal and loses no digit", () => {
  const ascending = [
    "9.000000",
    "999999999.999999",
    "1731000000.000100",
    "1731000000.000101",
    "1731000000.100000",
  ];
  for (const [index, ts] of ascending.entries()) {
    for (const [other, than] of ascending.entries()) {
      assert.equal(Math.sign(compareTs(ts, than)), Math.sign(index - other), `${ts} ${than}`);
    }
  }
  assert.equal(laterTs("1731000000.000100", "1731000000.000101"), "1731000000.000101");
  assert.equal(laterTs(null, "1.000000"), "1.000000");
  assert.equal(instantOfTs("1731000000.000100"), "2024-11-07T17:20:00.000100Z");
  assert.equal(instantOfTs("1731000000"), null);
  assert.equal(tsOfInstant("2024-11-07T17:20:00.007Z"), "1731000000.007000");
});

Deno.test("SLACK: conversations are read whole every round, so that what went and what changed is seen", () =>
  withWorkspace({}, async (rig) => {
    const { conversations, connection } = rig;
    for (let n = 0; n < 12; n++) conversations.add({ topic: `t${n}`, isMember: n % 2 === 0 });
    conversations.add({ isPrivate: true });
    const store = new PageStore();
    const read = (cursor: Cursor | null) =>
      readToEnd({ source: conversationsSource, connection, store, cursor });
    let cursor = await read(null);
    assert.equal(store.records.size, 12);
    assert.equal(store.records.get("C0000000003")!.topic, "t2");
    conversations.remove("C0000000001");
    conversations.change("C0000000003", { topic: "another", isArchived: true });
    cursor = await read(cursor);
    assert.equal(store.records.size, 11);
    const { topic, is_archived, is_member } = store.records.get("C0000000003")!;
    assert.deepEqual([topic, is_archived, is_member], ["another", true, true]);
    assert.deepEqual(cursor, { page: null });
  }));
