import assert from "node:assert/strict";
import { utf8Bytes } from "../../supabase/functions/_shared/crypto/encoding.ts";
import { webhookSchemes } from "../support/schemes.ts";
import type { WebhookElement } from "../../supabase/functions/_shared/providers/webhook_scheme.ts";

const URL_GIVEN = "https://hub.example/functions/v1/webhook-receiver/1";

/** What a provider tells: a body, or JSON, with headers. */
interface News {
  body: unknown;
  headers?: Record<string, string>;
}

function elementsOf(
  provider: string,
  { body, headers = {} }: News,
  settings = {},
): Promise<WebhookElement[]> {
  const scheme = webhookSchemes.get(provider)!;
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const request = { method: "POST", url: URL_GIVEN, headers: new Headers(headers), body: utf8Bytes(text) };
  return scheme.elements(request, scheme.settings().parse({ ...scheme.exampleSettings, ...settings }));
}

const hubspotEvent = {
  portalId: 1,
  subscriptionType: "contact.creation",
  objectId: 2,
  eventId: 3,
  occurredAt: 4,
  attemptNumber: 0,
};
const slackEvent = { type: "event_callback", team_id: "T1", event_id: "Ev1", event: { type: "app_mention" } };
const form = { "content-type": "application/x-www-form-urlencoded" };
const push = { message: { messageId: "7", data: "e30=" }, subscription: "projects/p/subscriptions/s" };
const zoho = {
  server_time: 1731000000000,
  module: "Contacts",
  ids: ["1", "2"],
  operation: "update",
  channel_id: "100",
  token: "t",
};
const graph = { subscriptionId: "s", clientState: "one", changeType: "created", resource: "users/1" };
const metaEntry = { id: "1", time: 1, changes: [{ field: "feed", value: { n: 1 } }] };
const channel = {
  "x-goog-channel-id": "c",
  "x-goog-resource-id": "r",
  "x-goog-resource-state": "change",
  "x-goog-message-number": "10",
};
const shop = { "x-shopify-topic": "orders/create", "x-shopify-shop-domain": "a.myshopify.com" };

/** The same news twice, other news, and the types the first one brings. */
interface Told {
  provider: string;
  what: string;
  first: News;
  again: News;
  other: News;
  types: string[];
}

const TOLD: Told[] = [
  {
    provider: "hubspot",
    what: "an event by its ids, whatever the attempt",
    first: { body: [hubspotEvent] },
    again: { body: [{ ...hubspotEvent, attemptNumber: 5 }] },
    other: { body: [{ ...hubspotEvent, portalId: 9 }] },
    types: ["contact.creation"],
  },
  {
    provider: "slack",
    what: "an event by event_id",
    first: { body: slackEvent },
    again: { body: { ...slackEvent, event_time: 1 }, headers: { "x-slack-retry-num": "1" } },
    other: { body: { ...slackEvent, event_id: "Ev2" } },
    types: ["app_mention"],
  },
  {
    provider: "slack",
    what: "a message of a kind by type and subtype",
    first: { body: { ...slackEvent, event: { type: "message", subtype: "channel_join" } } },
    again: { body: slackEvent },
    other: { body: { type: "app_rate_limited", team_id: "T1" } },
    types: ["message.channel_join"],
  },
  {
    provider: "slack",
    what: "a button by its bytes",
    first: { body: `payload=${encodeURIComponent('{"type":"block_actions"}')}`, headers: form },
    again: { body: `payload=${encodeURIComponent('{"type":"block_actions"}')}`, headers: form },
    other: { body: "command=%2Fx&trigger_id=1", headers: form },
    types: ["block_actions"],
  },
  {
    provider: "stripe",
    what: "an event by its id",
    first: { body: { id: "evt_1", type: "invoice.paid", pending_webhooks: 2 } },
    again: { body: { id: "evt_1", type: "invoice.paid", pending_webhooks: 1 } },
    other: { body: { id: "evt_2", type: "invoice.paid" } },
    types: ["invoice.paid"],
  },
  {
    provider: "github",
    what: "a delivery by its id",
    first: { body: { action: "opened" }, headers: { "x-github-event": "issues", "x-github-delivery": "1" } },
    again: { body: { action: "opened" }, headers: { "x-github-event": "issues", "x-github-delivery": "1" } },
    other: { body: { action: "opened" }, headers: { "x-github-event": "issues", "x-github-delivery": "2" } },
    types: ["issues.opened"],
  },
  {
    provider: "github",
    what: "a delivery as a form",
    first: {
      body: `payload=${encodeURIComponent('{"action":"deleted"}')}`,
      headers: { ...form, "x-github-event": "star", "x-github-delivery": "1" },
    },
    again: { body: {}, headers: { "x-github-delivery": "1" } },
    other: { body: {} },
    types: ["star.deleted"],
  },
  {
    provider: "shopify",
    what: "an event by event, topic and shop, through any subscription",
    first: { body: {}, headers: { ...shop, "x-shopify-event-id": "e", "x-shopify-webhook-id": "1" } },
    again: { body: {}, headers: { ...shop, "x-shopify-event-id": "e", "x-shopify-webhook-id": "2" } },
    other: { body: {}, headers: { ...shop, "x-shopify-topic": "orders/paid", "x-shopify-event-id": "e" } },
    types: ["orders.create"],
  },
  {
    provider: "shopify",
    what: "a delivery by its id, where there is no event's",
    first: { body: {}, headers: { ...shop, "x-shopify-webhook-id": "1" } },
    again: { body: { a: 1 }, headers: { ...shop, "x-shopify-webhook-id": "1" } },
    other: { body: {}, headers: { ...shop, "x-shopify-webhook-id": "2" } },
    types: ["orders.create"],
  },
  {
    provider: "sendgrid",
    what: "an event by sg_event_id",
    first: { body: [{ event: "open", sg_event_id: "a" }, { event: "click", sg_event_id: "b" }] },
    again: {
      body: [{ event: "open", sg_event_id: "a", timestamp: 1 }, { event: "click", sg_event_id: "b" }],
    },
    other: { body: [{ event: "open", sg_event_id: "c" }, { event: "click" }] },
    types: ["open", "click"],
  },
  {
    provider: "zenoti",
    what: "an event by event_id and event_type, whatever the delivery",
    first: { body: { id: "1", event_id: "e", event_type: "Guest.Created" } },
    again: { body: { id: "2", event_id: "e", event_type: "Guest.Created" } },
    other: { body: { id: "1", event_id: "e", event_type: "Guest.Updated" } },
    types: ["Guest.Created"],
  },
  {
    provider: "zoho",
    what: "a record by channel, operation, time and id",
    first: { body: zoho },
    again: { body: { ...zoho, token: "rotated", query_params: { a: 1 } } },
    other: { body: { ...zoho, server_time: 1731000000001 } },
    types: ["Contacts.update", "Contacts.update"],
  },
  {
    provider: "google_channel",
    what: "a notification by channel, resource and number",
    first: { body: "", headers: channel },
    again: { body: "", headers: { ...channel, "x-goog-channel-expiration": "x" } },
    other: { body: "", headers: { ...channel, "x-goog-message-number": "11" } },
    types: ["change"],
  },
  {
    provider: "google_pubsub",
    what: "a message by subscription and messageId",
    first: { body: push },
    again: { body: { ...push, deliveryAttempt: 2 } },
    other: { body: { ...push, message: { messageId: "8" } } },
    types: ["message"],
  },
  {
    provider: "microsoft_graph",
    what: "a notification by all it says but the secret",
    first: { body: { value: [graph] } },
    again: { body: { value: [{ ...graph, clientState: "two" }] } },
    other: { body: { value: [{ ...graph, resource: "users/2" }] } },
    types: ["created"],
  },
  {
    provider: "meta",
    what: "an entry by all it says",
    first: { body: { object: "page", entry: [metaEntry, { id: "2", time: 1, messaging: [] }] } },
    again: { body: { object: "page", entry: [metaEntry, { id: "2", time: 1, messaging: [] }] } },
    other: { body: { object: "page", entry: [{ ...metaEntry, time: 2 }, { id: "2", time: 2 }] } },
    types: ["page.feed", "page.messaging"],
  },
  {
    provider: "standard_webhooks",
    what: "a message by webhook-id",
    first: { body: { type: "a.b" }, headers: { "webhook-id": "1", "webhook-signature": "x" } },
    again: { body: { type: "c.d" }, headers: { "webhook-id": "1", "webhook-signature": "y" } },
    other: { body: { type: "a.b" }, headers: { "webhook-id": "2", "webhook-signature": "x" } },
    types: ["a.b"],
  },
  ...["generic_hmac", "token", "basic_auth", "none"].flatMap((provider): Told[] => [
    {
      provider,
      what: "by x-event-id",
      first: { body: { type: "a.b" }, headers: { "x-event-id": "7" } },
      again: { body: { type: "c.d" }, headers: { "x-event-id": "7" } },
      other: { body: { type: "a.b" } },
      types: ["a.b"],
    },
    {
      provider,
      what: "by the body, one element per item",
      first: { body: [{ type: "a.b" }, { event: "c.d" }, 3] },
      again: { body: [{ type: "a.b" }, { event: "c.d" }, 3] },
      other: { body: [{ type: "a.b" }, { event: "c.d" }, 4] },
      types: ["a.b", "c.d", "unknown"],
    },
    {
      provider,
      what: "bytes that are no JSON",
      first: { body: "a;b", headers: { "content-type": "text/csv", "x-event-type": "file ready" } },
      again: { body: "a;b", headers: { "content-type": "text/plain" } },
      other: { body: "a;c", headers: { "content-type": "text/csv" } },
      types: ["file_ready"],
    },
  ]),
];

for (const { provider, what, first, again, other, types } of TOLD) {
  Deno.test(`${provider}.elements() tells ${what}`, async () => {
    const keysOf = async (news: News) => (await elementsOf(provider, news)).map(({ dedupeKey }) => dedupeKey);
    const told = await elementsOf(provider, first);
    const keys = told.map(({ dedupeKey }) => dedupeKey);
    assert.deepEqual(told.map(({ type }) => type), types);
    for (const key of keys) assert.match(key, /^[0-9a-f]{64}$/);
    assert.equal(new Set(keys).size, keys.length);
    assert.deepEqual(await keysOf(again), keys);
    for (const key of await keysOf(other)) assert.equal(keys.includes(key), false);
  });
}

Deno.test("every scheme but the one that reads XML is told about here", () => {
  const told = new Set(["salesforce", ...TOLD.map(({ provider }) => provider)]);
  assert.deepEqual([...told].sort(), [...webhookSchemes.keys()].sort());
});

Deno.test("the names of the headers that tell events apart are settings", async () => {
  const names = { event_id_header: "X-News-Id", event_type_header: "x-news-type" };
  for (const provider of ["generic_hmac", "token", "basic_auth", "none"]) {
    const headers = { "x-news-id": "1", "x-news-type": "sent" };
    const [one] = await elementsOf(provider, { body: "1", headers }, names);
    const [same] = await elementsOf(provider, { body: "2", headers: { "x-news-id": "1" } }, names);
    assert.equal(one!.dedupeKey, same!.dedupeKey);
    assert.equal(one!.type, "sent");
  }
});

/** Bodies that no provider sends; those that take any list, or any bytes, take some of them. */
const UNREADABLE = [
  "",
  "{",
  "null",
  "\u0000",
  '["x"',
  "[".repeat(100_000),
  "\ufeff{}",
  '{"a":1,"a":2}',
  "[]",
];
const HEADERS_ONLY = ["google_channel"];

for (const provider of webhookSchemes.keys()) {
  if (HEADERS_ONLY.includes(provider)) continue;
  Deno.test(`${provider}.elements() answers what it cannot read with MALFORMED_BODY and nothing else`, async () => {
    let refused = 0;
    for (const body of UNREADABLE) {
      await elementsOf(provider, { body }).catch((error) => {
        assert.equal(error.code, "MALFORMED_BODY", body.slice(0, 10));
        refused++;
      });
    }
    assert.ok(refused >= 5, String(refused));
  });
}

Deno.test("lists longer than a provider sends are refused", async () => {
  const lists: [string, unknown][] = [
    ["hubspot", Array(1001).fill(hubspotEvent)],
    ["generic_hmac", Array(1001).fill(1)],
    ["sendgrid", Array(5001).fill({})],
    ["meta", { object: "page", entry: Array(1001).fill({}) }],
    ["zoho", { ...zoho, ids: Array(1001).fill("1") }],
  ];
  for (const [provider, body] of lists) {
    await assert.rejects(elementsOf(provider, { body }), { code: "MALFORMED_BODY" }, provider);
  }
  assert.equal((await elementsOf("sendgrid", { body: Array(5000).fill({}) })).length, 5000);
});
