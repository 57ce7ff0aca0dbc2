import assert from "node:assert/strict";
import fc from "fast-check";
import { Webhook } from "standardwebhooks";
import { utf8Bytes } from "../../supabase/functions/_shared/crypto/encoding.ts";
import { judgeAnswer, retryDelayMs } from "../../supabase/functions/_shared/delivery/judge_answer.ts";
import { responseExcerpt } from "../../supabase/functions/_shared/delivery/response_excerpt.ts";
import { retryAfterMs } from "../../supabase/functions/_shared/delivery/retry_after.ts";
import {
  generateSigningSecret,
  signingKey,
  webhookSignature,
} from "../../supabase/functions/_shared/delivery/signature.ts";

const NOW_MS = Date.parse("2026-11-21T10:00:00Z");

Deno.test("webhookSignature() makes the published signature of the standard", () => {
  const key = signingKey("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
  assert.equal(
    webhookSignature(
      [key],
      "msg_p5jXN8AQM9LWM0D4loKWxJek",
      1614265330,
      utf8Bytes('{"test": 2432232314}'),
    ),
    "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
  );
});

Deno.test("webhookSignature() is accepted by the standard's own library, with either of two secrets", () => {
  fc.assert(fc.property(fc.string({ unit: "grapheme" }), fc.uuid(), (text, id) => {
    const secrets = [generateSigningSecret(), generateSigningSecret()];
    const timestamp = Math.floor(Date.now() / 1000);
    const body = JSON.stringify({ text });
    const headers = {
      "webhook-id": `msg_${id}`,
      "webhook-timestamp": String(timestamp),
      "webhook-signature": webhookSignature(
        secrets.map(signingKey),
        `msg_${id}`,
        timestamp,
        utf8Bytes(body),
      ),
    };
    for (const secret of secrets) assert.deepEqual(new Webhook(secret).verify(body, headers), { text });
    assert.throws(() => new Webhook(generateSigningSecret()).verify(body, headers));
    assert.throws(() => new Webhook(secrets[0]!).verify(`${body} `, headers));
    assert.throws(() => new Webhook(secrets[0]!).verify(body, { ...headers, "webhook-id": "msg_other" }));
  }));
});

Deno.test("signingKey() refuses what is no secret of the standard", () => {
  for (const secret of ["", "whsec_", "whsec_c2hvcnQ=", "secret", "whsec_***"]) {
    assert.throws(() => signingKey(secret), TypeError);
  }
});

for (
  const [header, expected] of [
    ["0", 0],
    ["120", 120_000],
    [" 5 ", 5000],
    ["999999999", 86_400_000],
    ["Sat, 21 Nov 2026 10:02:00 GMT", 120_000],
    ["Saturday, 21-Nov-26 10:02:00 GMT", 120_000],
    ["Sat, 21 Nov 2026 09:00:00 GMT", 0],
    ["Sat, 21 Nov 2099 10:00:00 GMT", 86_400_000],
    ["-1", null],
    ["1.5", null],
    ["soon", null],
    ["", null],
    [null, null],
    ["2026", 2026000],
  ] as const
) {
  Deno.test(`retryAfterMs() reads ${JSON.stringify(header)} as ${expected}`, () => {
    assert.equal(retryAfterMs(header, NOW_MS), expected);
  });
}

Deno.test("judgeAnswer() follows the outcome rules", () => {
  const judge = (status: number, headers: Record<string, string> = {}) =>
    judgeAnswer(status, new Headers(headers), 1, NOW_MS, () => 0.5);
  for (const status of [200, 201, 202, 204, 299]) assert.equal(judge(status).outcome, "delivered");
  for (const status of [300, 301, 307, 400, 401, 404, 408, 410, 429, 500, 502, 503, 504]) {
    assert.equal(judge(status).outcome, "failed", String(status));
  }
  assert.equal(judge(410).disableReason, "gone");
  assert.equal(judge(404).disableReason, null);
  assert.equal(judge(429, { "retry-after": "60" }).retryInMs, 60_000);
  assert.equal(judge(503, { "retry-after": "60" }).retryInMs, 60_000);
  assert.equal(judge(503, { "retry-after": "0" }).retryInMs, 1000, "never at once");
  assert.equal(judge(500, { "retry-after": "60" }).retryInMs, 7500, "other statuses back off");
  assert.deepEqual([301, 404, 410, 429, 500].map((status) => judge(status).errorClass), [
    "redirected",
    "client_error",
    "gone",
    "rate_limited",
    "server_error",
  ]);
});

Deno.test("retryDelayMs() doubles to an hour and is never below half of its ceiling", () => {
  assert.deepEqual([1, 2, 3, 20].map((failures) => retryDelayMs(failures, () => 0.999999)), [
    9999,
    19999,
    39999,
    3599998,
  ]);
  assert.deepEqual([1, 2, 3, 20].map((failures) => retryDelayMs(failures, () => 0)), [
    5000,
    10_000,
    20_000,
    1_800_000,
  ]);
});

Deno.test("responseExcerpt() masks secrets wherever they stand, also one that the cut divides", () => {
  const secret = "whsec_0123456789abcdef";
  assert.equal(responseExcerpt(utf8Bytes(`a ${secret} b ${secret}`), [secret]), "a [masked] b [masked]");
  fc.assert(fc.property(fc.nat(1100), fc.string({ maxLength: 50 }), (offset, tail) => {
    const text = `${".".repeat(offset)}${secret}${tail}`;
    const excerpt = responseExcerpt(utf8Bytes(text), [secret])!;
    assert.equal(excerpt.includes(secret.slice(0, 8)), false);
  }));
});

Deno.test("responseExcerpt() keeps bytes that are no text storable", () => {
  const excerpt = responseExcerpt(new Uint8Array([0, 255, 65, 0xc3]), [])!;
  assert.equal(excerpt.includes("\u0000"), false);
  assert.ok(excerpt.includes("A"));
  assert.equal(responseExcerpt(new Uint8Array(), []), null);
});
