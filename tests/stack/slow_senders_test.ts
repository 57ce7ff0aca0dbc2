import assert from "node:assert/strict";
import { withFunctionProcess } from "../support/function_process.ts";
import { openSlowSender } from "../support/slow_sender.ts";
import { eventually, sql, stack, stackTest } from "../support/stack.ts";
import { createTenant } from "../support/tenant.ts";
import { createWebhook, genericSignature, sendGeneric } from "../support/webhook.ts";

const SLOW_SENDERS = 200;
const pause = (durationMs: number) => new Promise((resolve) => setTimeout(resolve, durationMs));

const signedHeaders = (secret: string, body: string): [string, string][] => [
  ["content-type", "application/json"],
  ["x-signature", genericSignature(secret, body)],
  ["content-length", String(body.length)],
];

/** Connections of receivers that speak to the database directly. */
async function connections(): Promise<{ open: number; busy: number }> {
  const [row] = await sql`select count(*)::int as open, count(*) filter (where state <> 'idle')::int as busy
    from pg_stat_activity where application_name = 'interlock'`;
  return { open: row!.open, busy: row!.busy };
}

stackTest(
  "two hundred senders that stand still hold no connection of the database and hold up nobody; then it is 408",
  async () => {
    const tenant = await createTenant();
    const webhook = await createWebhook(tenant, "generic_hmac");
    const extra = {
      INTERLOCK_DB_URL: stack.dbUrl,
      INTERLOCK_DB_MAX_CONNECTIONS: "1",
      INTERLOCK_BODY_IDLE_MS: "4000",
      INTERLOCK_BODY_TOTAL_MS: "20000",
    };
    await withFunctionProcess("webhook-receiver", extra, async (_, url) => {
      const here = { ...webhook, url: `${url}/${webhook.id}` };
      assert.equal((await sendGeneric(here, '{"nth":0}')).status, 200);
      const senders = await Promise.all(
        Array.from(
          { length: SLOW_SENDERS },
          () => openSlowSender(here.url, signedHeaders(webhook.secret, "x".repeat(2000))),
        ),
      );
      for (const sender of senders) await sender.send("x");
      let answered = 0;
      for (const sender of senders) void sender.answer.then(() => answered++);
      const breathing = (async () => {
        const body = JSON.stringify({ nth: "in pieces" });
        const sender = await openSlowSender(here.url, signedHeaders(webhook.secret, body));
        for (const character of body) {
          await sender.send(character);
          await pause(20);
        }
        return await sender.answer;
      })();
      for (let nth = 1; nth <= 20; nth++) {
        assert.equal((await sendGeneric(here, JSON.stringify({ nth }))).status, 200);
      }
      assert.equal(answered, 0, "they are all still waited for");
      const { open, busy } = await connections();
      assert.deepEqual([open <= 1, busy], [true, 0]);
      assert.equal((await breathing).status, 200, "slow is not too slow");

      for (const { status, headers, text } of await Promise.all(senders.map(({ answer }) => answer))) {
        const { error_code: code, request_id: id } = JSON.parse(text);
        assert.deepEqual([status, code, id], [408, "REQUEST_TIMEOUT", headers.get("x-request-id")]);
        assert.ok(Number(headers.get("retry-after")) >= 1);
      }
      const [row] = await sql`select count(*)::int as n from public.webhook_receipts
        where webhook_id = ${webhook.id}`;
      assert.equal(row!.n, 22);
    });
  },
);

stackTest(
  "a sender that says more than it sends, and one that hangs up, cost nothing that stays",
  async () => {
    const webhook = await createWebhook(await createTenant(), "generic_hmac");
    const extra = { INTERLOCK_BODY_IDLE_MS: "300", INTERLOCK_BODY_TOTAL_MS: "20000" };
    await withFunctionProcess("webhook-receiver", extra, async (_, url) => {
      const address = `${url}/${webhook.id}`;
      const body = '{"whole":true}';
      const boasting = await openSlowSender(address, [
        ["x-signature", genericSignature(webhook.secret, body)],
        ["content-length", String(body.length + 1)],
      ]);
      await boasting.send(body);
      assert.equal((await boasting.answer).status, 408);
      const gone = await openSlowSender(address, signedHeaders(webhook.secret, body));
      await gone.send(body.slice(0, 5));
      gone.close();
      const modest = await openSlowSender(address, [
        ["x-signature", genericSignature(webhook.secret, body)],
        ["content-length", String(body.length - 1)],
      ]);
      await modest.send(body);
      assert.equal((await modest.answer).status, 401, "what is read is not what was signed");
      const [row] = await sql`select count(*)::int as n from public.webhook_receipts
      where webhook_id = ${webhook.id}`;
      assert.equal(row!.n, 0);
      assert.equal((await sendGeneric({ ...webhook, url: address }, body)).status, 200);
    });
  },
);

stackTest(
  "through the gateway as well: who sends slowly is heard, and others do not wait for it",
  async () => {
    const webhook = await createWebhook(await createTenant(), "generic_hmac");
    const body = JSON.stringify({ nth: "x".repeat(300) });
    const signature: [string, string] = ["x-signature", genericSignature(webhook.secret, body)];
    const [declared, streamed] = await Promise.all([
      openSlowSender(webhook.url, [signature, ["content-length", String(body.length)]]),
      openSlowSender(webhook.url, [signature, ["transfer-encoding", "chunked"]]),
    ]);
    const pieces = body.match(/.{1,20}/g)!;
    for (const piece of pieces) {
      await declared!.send(piece);
      await streamed!.send(`${piece.length.toString(16)}\r\n${piece}\r\n`);
      assert.equal(
        (await sendGeneric(webhook, JSON.stringify({ piece, at: performance.now() }))).status,
        200,
      );
    }
    await streamed!.send("0\r\n\r\n");
    const answers = await Promise.all([declared!.answer, streamed!.answer]);
    assert.deepEqual(answers.map(({ status }) => status), [200, 200]);
    assert.deepEqual(answers.map(({ text }) => JSON.parse(text).duplicate).sort(), [false, true]);
    await eventually(async () => {
      const [row] = await sql`select count(*)::int as n from public.webhook_receipts
      where webhook_id = ${webhook.id}`;
      return row!.n === pieces.length + 1;
    });
  },
);
