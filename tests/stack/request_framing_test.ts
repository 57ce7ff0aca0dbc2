import assert from "node:assert/strict";
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { usageOf } from "../../bench/measure/processes.ts";
import { withFunctionProcess } from "../support/function_process.ts";
import { type RawAnswer, sendRaw } from "../support/raw_http.ts";
import { openSlowSender } from "../support/slow_sender.ts";
import { sql, stackTest } from "../support/stack.ts";
import { createTenant } from "../support/tenant.ts";
import { createWebhook, genericSignature, sendGeneric, type TestWebhook } from "../support/webhook.ts";

const ANSWER_TIMEOUT_MS = 20_000;
const utf8 = (text: string) => new TextEncoder().encode(text);

let shared: Promise<TestWebhook> | undefined;
const theWebhook = () => shared ??= createTenant().then((tenant) => createWebhook(tenant, "generic_hmac"));

/** Sends bytes to the webhook, signed; `headers` come after the signature, or in place of it. */
async function sendBytes(
  webhook: TestWebhook,
  body: Uint8Array,
  headers: [string, string][],
  options: { unsigned?: boolean; declaredLength?: string | null } = {},
): Promise<RawAnswer> {
  const url = new URL(webhook.url);
  const signature: [string, string][] = options.unsigned
    ? []
    : [["x-signature", genericSignature(webhook.secret, body)]];
  const { declaredLength } = options;
  const request = { method: "POST", target: url.pathname, headers: [...signature, ...headers], body };
  return await sendRaw(
    url,
    declaredLength === undefined ? request : { ...request, declaredLength },
    ANSWER_TIMEOUT_MS,
  );
}

async function receipts(webhook: TestWebhook): Promise<{ headers: string; body: Uint8Array }[]> {
  return await sql`select b.headers, b.body from public.webhook_receipts r
    join public.webhook_receipt_bodies b on b.receipt_id = r.id
    where r.webhook_id = ${webhook.id} order by r.received_at`;
}

const codeOf = ({ text }: RawAnswer) => JSON.parse(text).error_code as string;

const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`;
const chunked = (...texts: string[]) => utf8(`${texts.map(chunk).join("")}0\r\n\r\n`);

stackTest(
  "two lengths, or a length and chunks: whatever is made of it, no more is stored than was signed",
  async () => {
    const webhook = await createWebhook(await createTenant(), "generic_hmac");
    const body = '{"a":1}';
    const signature: [string, string] = ["x-signature", genericSignature(webhook.secret, body)];
    const length = String(body.length);
    const cases: [string, [string, string][], Uint8Array][] = [
      ["two equal lengths", [["content-length", length], ["content-length", length]], utf8(body)],
      ["two lengths", [["content-length", length], ["content-length", "1"]], utf8(body)],
      ["two lengths in one", [["content-length", `${length}, 1`]], utf8(body)],
      ["a negative length", [["content-length", "-1"]], utf8(body)],
      ["a length with a sign", [["content-length", `+${length}`]], utf8(body)],
      ["a length in hexadecimal", [["content-length", "0x7"]], utf8(body)],
      ["a length without end", [["content-length", "9".repeat(40)]], utf8(body)],
      ["length, then chunks", [["content-length", "1"], ["transfer-encoding", "chunked"]], chunked(body)],
      ["chunks, then length", [["transfer-encoding", "chunked"], ["content-length", "1"]], chunked(body)],
      ["chunks said twice", [["transfer-encoding", "chunked, chunked"]], chunked(body)],
      ["chunks that are something else", [["transfer-encoding", "xchunked"]], chunked(body)],
      ["chunks with a broken size", [["transfer-encoding", "chunked"]], utf8(`zz\r\n${body}\r\n0\r\n\r\n`)],
      ["no length at all", [], utf8(body)],
    ];
    for (const [what, headers, bytes] of cases) {
      const url = new URL(webhook.url);
      const request = { method: "POST", target: url.pathname, headers: [signature, ...headers], body: bytes };
      const answer = await sendRaw(
        url,
        { ...request, declaredLength: null, closesAfterwards: true },
        ANSWER_TIMEOUT_MS,
      );
      assert.ok([0, 200, 400, 401, 413, 499, 501].includes(answer.status), `${what}: ${answer.status}`);
    }
    // One request with that body may have been understood, the rest were duplicates of it or nothing.
    const stored = await receipts(webhook);
    assert.ok(stored.length <= 1);
    for (const receipt of stored) assert.equal(new TextDecoder().decode(receipt.body), body);
    assert.equal((await sendGeneric(webhook, '{"still":"alive"}')).status, 200);
  },
);

stackTest(
  "a body above the limit is 413 in chunks and with a length, and its rest holds nobody up",
  async () => {
    const webhook = await theWebhook();
    const large = new Uint8Array(3 * 1024 * 1024).fill(97);
    const declared = await sendBytes(webhook, large, []);
    assert.deepEqual([declared.status, codeOf(declared)], [413, "PAYLOAD_TOO_LARGE"]);
    const inChunks = chunked(...Array.from({ length: 48 }, () => "a".repeat(64 * 1024)));
    const streamed = await sendBytes(webhook, inChunks, [["transfer-encoding", "chunked"]], {
      declaredLength: null,
      unsigned: true,
    });
    assert.deepEqual([streamed.status, codeOf(streamed)], [413, "PAYLOAD_TOO_LARGE"]);
    assert.equal((await sendGeneric(webhook, '{"after":413}')).status, 200);
  },
);

stackTest(
  "two signatures or two timestamps are none, whichever of them is right",
  async () => {
    const tenant = await createTenant();
    const webhook = await createWebhook(tenant, "generic_hmac", undefined, {
      settings: { timestamp: { header: "x-timestamp" } },
    });
    const body = utf8('{"a":2}');
    const nowS = Math.floor(Date.now() / 1000);
    const signatureAt = (at: string) =>
      genericSignature(webhook.secret, Uint8Array.of(...utf8(`${at}.`), ...body));
    const [now, other] = [String(nowS), String(nowS - 1)];
    const good: [string, string][] = [["x-signature", signatureAt(now)], ["x-timestamp", now]];
    const cases: Record<string, [string, string][]> = {
      "the right signature twice": [...good, good[0]!],
      "a wrong one first": [["x-signature", signatureAt("1")], ...good],
      "a wrong one behind": [...good, ["x-signature", signatureAt("1")]],
      "another spelling of the name": [...good, ["X-SIGNATURE", "sha256=00"]],
      "two timestamps": [...good, ["x-timestamp", other]],
      "the same timestamp twice": [...good, good[1]!],
      "two timestamps, signed as HTTP joins them": [
        ["x-signature", signatureAt(`${now}, ${now}`)],
        ["x-timestamp", now],
        ["x-timestamp", now],
      ],
    };
    for (const [what, headers] of Object.entries(cases)) {
      const answer = await sendBytes(webhook, body, headers, { unsigned: true });
      assert.deepEqual([answer.status, codeOf(answer)], [401, "UNAUTHENTICATED"], what);
    }
    assert.equal((await receipts(webhook)).length, 0);
    assert.equal((await sendBytes(webhook, body, good, { unsigned: true })).status, 200);
  },
);

stackTest(
  "timestamps in another unit, of another time, or that are no plain number are refused, well signed",
  async () => {
    const webhook = await createWebhook(await createTenant(), "generic_hmac", undefined, {
      settings: { timestamp: { header: "x-timestamp", window_seconds: 300 } },
    });
    const nowS = Math.floor(Date.now() / 1000);
    const sendAt = async (at: string) => {
      const body = utf8(JSON.stringify({ at }));
      const signed = Uint8Array.of(...utf8(`${at}.`), ...body);
      const headers: [string, string][] = [
        ["x-signature", genericSignature(webhook.secret, signed)],
        ["x-timestamp", at],
      ];
      return (await sendBytes(webhook, body, headers, { unsigned: true })).status;
    };
    const refused = [
      ...[nowS * 1000, nowS * 1e6, nowS - 310, nowS + 310, -nowS, 0, 2 ** 31, 2 ** 53].map(String),
      ...[`${nowS}.0`, `+${nowS}`, `${nowS}e0`, `${nowS / 10}e1`, `0x${nowS.toString(16)}`, `${nowS}n`],
      ...[`${nowS},${nowS}`, `${nowS};`, "9".repeat(400), "NaN", "Infinity", "", "now"],
      ...["\u0661\u0667\u0669", new Date().toISOString(), new Date().toUTCString()].map((text) =>
        text.replaceAll(/[^\x20-\x7e]/g, "?")
      ),
    ];
    for (const at of refused) assert.equal(await sendAt(at), 401, at.slice(0, 40));
    for (const at of [nowS, nowS - 290, nowS + 290]) assert.equal(await sendAt(String(at)), 200, String(at));
    assert.equal((await receipts(webhook)).length, 3);
  },
);

stackTest(
  "odd bytes in headers and very many headers are kept or refused, never a fault of ours",
  async () => {
    const webhook = await createWebhook(await createTenant(), "generic_hmac");
    const bodyNo = (nth: number) => utf8(JSON.stringify({ nth }));
    const bytes = Array.from({ length: 256 }, (_, byte) => byte).filter((byte) => byte > 31 && byte !== 127);
    const visible = String.fromCharCode(...bytes);
    const odd: [string, string][][] = [
      [["x-odd", visible]],
      [["x-odd", "a\tb"]],
      [["x-odd", ""]],
      [["x-odd", "\u00ff\u00fe\u00c3\u0028"]],
      [["x-event-id", "\u00e9\u00ff\u0080"]],
      [["x-event-type", "caf\u00e9 \u00ff<script>"]],
      [["content-type", "application/json; charset=\u00ff"]],
      [["user-agent", '"\\u0000"\\'], ["x-json", '{"a":"\\ud800"}']],
      Array.from({ length: 80 }, (_, nth) => [`x-many-${nth}`, "v".repeat(100)]),
      Array.from({ length: 50 }, () => ["x-same", "v"]),
      [["x-long", "v".repeat(12_000)]],
    ];
    for (const [nth, headers] of odd.entries()) {
      const answer = await sendBytes(webhook, bodyNo(nth), headers);
      assert.equal(answer.status, 200, `${JSON.stringify(headers).slice(0, 100)}: ${answer.text}`);
    }
    const stored = await receipts(webhook);
    assert.equal(stored.length, odd.length);
    const headersOf = (nth: number) => JSON.parse(stored[nth]!.headers) as Record<string, string>;
    assert.equal(headersOf(0)["x-odd"]!.trim(), visible.trim());
    assert.equal(headersOf(8)["x-many-79"], "v".repeat(100));
    assert.equal(headersOf(9)["x-same"], Array(50).fill("v").join(", "));
    assert.equal(headersOf(10)["x-long"]!.length, 4096, "cut, so that headers cannot fill the table");
    const [types] = await sql`select payload ->> 'type' as type from public.integration_events_outbox
    where webhook_id = ${webhook.id} and receipt_id = (select id from public.webhook_receipts
      where webhook_id = ${webhook.id} order by received_at offset 5 limit 1)`;
    assert.match(types!.type, /^[A-Za-z0-9_.:-]+$/);

    for (const bad of ["a\u0000b", "a\u007f", "a\u0001b"]) {
      const answer = await sendBytes(webhook, bodyNo(1000), [["x-bad", bad]]);
      assert.ok([0, 200, 400].includes(answer.status), String(answer.status));
    }
    for (const many of [2000, 20_000]) {
      const headers = Array.from(
        { length: many },
        (_, nth): [string, string] => [`x-${nth}`, "v".repeat(20)],
      );
      const answer = await sendBytes(webhook, bodyNo(many), headers).catch(() => null);
      assert.ok(answer === null || [0, 200, 400, 431].includes(answer.status), String(answer?.status));
    }
    assert.equal((await sendGeneric(webhook, '{"still":"alive"}')).status, 200);
  },
);

const PACKERS: Record<string, (bytes: Uint8Array) => Uint8Array> = {
  gzip: gzipSync,
  deflate: deflateSync,
  br: brotliCompressSync,
  zstd: zstdCompressSync,
};

stackTest("a compressed body is 415 with a code, however it is signed, and is never unpacked", async () => {
  const webhook = await createWebhook(await createTenant(), "generic_hmac");
  const plain = utf8(JSON.stringify({ a: "x".repeat(1000) }));
  for (const [encoding, pack] of Object.entries(PACKERS)) {
    const packed = Uint8Array.from(pack(plain));
    for (const signed of [packed, plain]) {
      const headers: [string, string][] = [
        ["x-signature", genericSignature(webhook.secret, signed)],
        ["content-encoding", encoding],
        ["content-type", "application/json"],
      ];
      const answer = await sendBytes(webhook, packed, headers, { unsigned: true });
      assert.deepEqual([answer.status, codeOf(answer)], [415, "UNSUPPORTED_ENCODING"], encoding);
      assert.equal(answer.headers.get("accept-encoding"), "identity");
    }
  }
  const nobody = { ...webhook, url: webhook.url.replace(/[^/]+$/, crypto.randomUUID()) };
  const unknown = await sendBytes(nobody, plain, [["content-encoding", "gzip"]]);
  assert.deepEqual(
    [unknown.status, codeOf(unknown)],
    [415, "UNSUPPORTED_ENCODING"],
    "said to everybody alike",
  );
  assert.equal((await sendBytes(webhook, plain, [["content-encoding", "identity"]])).status, 200);
  assert.equal((await receipts(webhook)).length, 1);
});

stackTest("a bomb of a thousandth of its size costs the receiver no memory", async () => {
  const webhook = await theWebhook();
  // 256 MiB of zeros are a quarter of a mebibyte of gzip: all that a worker may hold, did anybody unpack it.
  const bomb = Uint8Array.from(gzipSync(new Uint8Array(256 * 1024 * 1024)));
  assert.ok(bomb.length < 1024 * 1024);
  await withFunctionProcess("webhook-receiver", {}, async ({ pid }, url) => {
    const address = `${url}/${webhook.id}`;
    assert.equal((await sendGeneric({ ...webhook, url: address }, '{"warm":true}')).status, 200);
    const before = (await usageOf(pid)).rssMb;
    for (let nth = 0; nth < 10; nth++) {
      const sender = await openSlowSender(address, [
        ["content-encoding", "gzip"],
        ["content-length", String(bomb.length)],
        ["x-signature", genericSignature(webhook.secret, bomb)],
      ]);
      await sender.send(bomb);
      assert.equal((await sender.answer).status, 415);
      sender.close();
    }
    const grownMb = (await usageOf(pid)).rssMb - before;
    assert.ok(grownMb < 64, `${grownMb} MB more`);
  });
});
