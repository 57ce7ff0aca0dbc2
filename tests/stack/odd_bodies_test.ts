import assert from "node:assert/strict";
import { hubspotEvent, hubspotHeaders } from "../../simulators/hubspot/webhook.ts";
import { call } from "../support/api.ts";
import { eventually, sql, stackTest } from "../support/stack.ts";
import { createTenant, type TestTenant } from "../support/tenant.ts";
import { createWebhook, genericSignature, type TestWebhook } from "../support/webhook.ts";

const utf8 = (text: string) => new TextEncoder().encode(text);

let shared: Promise<TestTenant> | undefined;
const theTenant = () => shared ??= createTenant();

interface Answer {
  status: number;
  code: string | undefined;
  receiptId: string | null | undefined;
}

async function post(
  url: string,
  headers: Record<string, string>,
  body: Uint8Array<ArrayBuffer>,
): Promise<Answer> {
  const response = await fetch(url, { method: "POST", headers, body });
  const answer = await response.json();
  return { status: response.status, code: answer.error_code, receiptId: answer.receipt_id };
}

const postGeneric = (webhook: TestWebhook, body: Uint8Array<ArrayBuffer>, contentType = "application/json") =>
  post(
    webhook.url,
    { "content-type": contentType, "x-signature": genericSignature(webhook.secret, body) },
    body,
  );

const postHubspot = (webhook: TestWebhook, body: string) =>
  post(webhook.url, hubspotHeaders({ ...webhook, body }), utf8(body));

async function storedBody(receiptId: string): Promise<Uint8Array> {
  const [row] = await sql`select body from public.webhook_receipt_bodies where receipt_id = ${receiptId}`;
  return new Uint8Array(row!.body);
}

async function countEvents(webhook: TestWebhook): Promise<number> {
  const [row] = await sql`select count(*)::int as n from public.integration_events_outbox
    where webhook_id = ${webhook.id}`;
  return row!.n;
}

const nested = (depth: number) => `${"[".repeat(depth)}1${"]".repeat(depth)}`;
const nestedObjects = (depth: number) => `${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`;

/** Bodies that are stored, byte for byte, and what those are that are not. */
const TAKEN: Record<string, Uint8Array<ArrayBuffer>> = {
  "a byte order mark": Uint8Array.of(0xef, 0xbb, 0xbf, ...utf8('{"a":1}')),
  "numbers beyond any float": utf8(
    '{"a":1e999,"b":-1e-999,"c":0.1000000000000000055511151231257827,"d":9007199254740993}',
  ),
  "minus zero and exponents": utf8('{"a":-0,"b":1E+2,"c":1.50}'),
  "400 digits": utf8(`{"a":${"9".repeat(400)}}`),
  NUL: utf8('{"a":"x\\u0000y","type":"a\\u0000b"}'),
  "half surrogate pairs": utf8('{"a":"\\ud800","type":"\\udc00\\ud800"}'),
  "keys of JavaScript": utf8('{"__proto__":{"x":1},"constructor":1,"toString":2,"hasOwnProperty":3}'),
  "the same key twice with one value": utf8('{"a":1,"a":1}'),
  "white space of all kinds": utf8('\r\n\t {"a" :\n1}\r\n '),
  "a number": utf8("12345678901234567890.5"),
  "a text": utf8('"\u2028\u2029 \ufffe \ud83d\ude00"'),
  null: utf8("null"),
  "100 lists deep": utf8(nested(100)),
};

const REFUSED: Record<string, Uint8Array<ArrayBuffer>> = {
  "nothing": new Uint8Array(),
  "broken UTF-8": Uint8Array.of(...utf8('{"a":"'), 0xff, 0xfe, ...utf8('"}')),
  "overlong UTF-8": Uint8Array.of(...utf8('{"a":"'), 0xc0, 0xaf, ...utf8('"}')),
  "UTF-8 of a surrogate": Uint8Array.of(...utf8('{"a":"'), 0xed, 0xa0, 0x80, ...utf8('"}')),
  "half a character at the end": Uint8Array.of(...utf8('{"a":1}'), 0xc3),
  "UTF-16": Uint8Array.of(0xff, 0xfe, 0x7b, 0, 0x7d, 0),
  "the same key twice with two values": utf8('{"a":1,"a":2}'),
  "NaN": utf8('{"a":NaN}'),
  "a raw NUL": utf8('{"a":"\u0000"}'),
  "two values": utf8("{}{}"),
  "two byte order marks": Uint8Array.of(0xef, 0xbb, 0xbf, 0xef, 0xbb, 0xbf, ...utf8("{}")),
};

stackTest(
  "odd bodies that are JSON are stored byte for byte, shown, and known when they come again",
  async () => {
    const tenant = await theTenant();
    const webhook = await createWebhook(tenant, "generic_hmac");
    for (const [what, body] of Object.entries(TAKEN)) {
      const first = await postGeneric(webhook, body);
      assert.equal(first.status, 200, what);
      assert.deepEqual(await storedBody(first.receiptId!), new Uint8Array(body), what);
      const again = await postGeneric(webhook, body);
      assert.deepEqual([again.status, again.receiptId], [200, first.receiptId], what);
      const shown = await call(`integrations/webhooks/${webhook.id}/receipts/${first.receiptId}`, {
        user: tenant.users.admin,
        orgId: tenant.orgs[0],
      });
      assert.equal(shown.status, 200, `${what}: ${JSON.stringify(shown.body)}`);
    }
    assert.equal(await countEvents(webhook), Object.keys(TAKEN).length);
  },
);

stackTest(
  "bodies that are no JSON in UTF-8 are 400 where JSON is said, and bytes where it is not",
  async () => {
    const webhook = await createWebhook(await theTenant(), "generic_hmac");
    for (const [what, body] of Object.entries(REFUSED)) {
      const refused = await postGeneric(webhook, body);
      assert.deepEqual([refused.status, refused.code], [400, "MALFORMED_BODY"], what);
    }
    assert.equal(await countEvents(webhook), 0);
    for (const [what, body] of Object.entries(REFUSED)) {
      const taken = await postGeneric(webhook, body, "application/octet-stream");
      assert.equal(taken.status, 200, what);
      assert.deepEqual(await storedBody(taken.receiptId!), new Uint8Array(body), what);
    }
  },
);

stackTest("however deep a body is nested, it is stored or refused, and the receiver goes on", async () => {
  const tenant = await theTenant();
  const [generic, hubspot] = [await createWebhook(tenant, "generic_hmac"), await createWebhook(tenant)];
  for (const depth of [500, 2000, 5000, 10_000, 100_000]) {
    for (const body of [nested(depth), nestedObjects(depth), `[${nestedObjects(depth)}]`]) {
      const what = `${body.slice(0, 8)} ${depth}`;
      const answers = [await postGeneric(generic, utf8(body)), await postHubspot(hubspot, body)];
      for (const { status, code } of answers) {
        assert.ok(
          status === 200 || (status === 400 && code === "MALFORMED_BODY"),
          `${what}: ${status} ${code}`,
        );
      }
    }
  }
  await eventually(async () => {
    const [row] = await sql`select count(*)::int as n from public.event_dispatches
      where tenant_id = ${tenant.id} and status = 'pending'`;
    return row!.n === 0;
  });
  assert.equal((await postGeneric(generic, utf8('{"still":"alive"}'))).status, 200);
});

stackTest(
  "lists of 0, 1, 100, 101, 1,000, 1,001 and 10,000 elements: one event each up to the limit, else none",
  async () => {
    const webhook = await createWebhook(await theTenant(), "generic_hmac");
    let events = 0;
    for (const length of [0, 1, 100, 101, 1000, 1001, 10_000]) {
      const body = utf8(JSON.stringify(Array.from({ length }, (_, nth) => ({ length, nth }))));
      const answer = await postGeneric(webhook, body);
      const isTaken = length > 0 && length <= 1000;
      assert.deepEqual(
        [answer.status, answer.code],
        isTaken ? [200, undefined] : [400, "MALFORMED_BODY"],
        `${length}`,
      );
      if (isTaken) events += length;
      assert.equal(await countEvents(webhook), events, `${length}`);
    }
    const rows =
      await sql`select (payload ->> 'element')::int as element from public.integration_events_outbox
    where webhook_id = ${webhook.id} and receipt_id = (select id from public.webhook_receipts
      where webhook_id = ${webhook.id} and event_count = 1000) order by 1`;
    assert.deepEqual(rows.map(({ element }) => element), Array.from({ length: 1000 }, (_, nth) => nth));
  },
);

stackTest("what no column can hold makes its own event a dead letter, and not its neighbours'", async () => {
  const tenant = await createTenant();
  const webhook = await createWebhook(tenant);
  const change = (objectId: number, propertyValue: string) =>
    hubspotEvent({
      subscriptionType: "contact.propertyChange",
      objectId,
      propertyName: "company",
      propertyValue,
    });
  // JSON.stringify would write half a surrogate pair as an escape of its own accord, and NUL too.
  const events = [
    change(1, "Acme"),
    change(2, "nul \u0000 in it"),
    change(3, "half \ud800 a pair"),
    change(4, "Globex"),
  ];
  const answer = await postHubspot(webhook, JSON.stringify(events));
  assert.equal(answer.status, 200);
  const dispatches = await eventually(async () => {
    const rows = await sql`select (o.payload ->> 'element')::int as element, d.status
      from public.event_dispatches d join public.integration_events_outbox o on o.id = d.event_id
      where d.tenant_id = ${tenant.id} and o.event_type = 'webhook.received' order by 1`;
    return rows.length === 4 && rows.every(({ status }) => status !== "pending") ? rows : null;
  });
  assert.deepEqual(dispatches.map(({ status }) => status), ["done", "dead", "dead", "done"]);
  const contacts = await sql`select properties ->> 'company' as company from public.crm_contacts
    where tenant_id = ${tenant.id} and properties ? 'company' order by 1`;
  assert.deepEqual(contacts.map(({ company }) => company), ["Acme", "Globex"]);
});
