import { Buffer } from "node:buffer";
import assert from "node:assert/strict";
import fc from "fast-check";
import { constantTimeEqual } from "../../supabase/functions/_shared/crypto/constant_time_equal.ts";
import {
  base64Decode,
  base64Encode,
  hexDecode,
  hexEncode,
} from "../../supabase/functions/_shared/crypto/encoding.ts";
import { hmacSha256Key } from "../../supabase/functions/_shared/crypto/hmac.ts";
import { decimalText } from "../../supabase/functions/_shared/json/decimal.ts";
import { backoffDelayMs } from "../../supabase/functions/_shared/retry/backoff.ts";

Deno.test("hex is digits and nothing that a decoder takes for them", () => {
  for (const text of ["a", "abc", "zz", "0x", " 0", "\u0130\u0130", "0\u0130", "ab\u0161\u0162", "a\u0661"]) {
    assert.equal(hexDecode(text), null, JSON.stringify(text));
  }
  assert.deepEqual(hexDecode("aBfF"), Uint8Array.of(0xab, 0xff));
});

Deno.test("base64 and hex round-trip any bytes", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 70_000 }), (bytes) => {
      assert.deepEqual(base64Decode(base64Encode(bytes)), new Uint8Array(bytes));
      assert.deepEqual(hexDecode(hexEncode(bytes)), new Uint8Array(bytes));
    }),
    { numRuns: 50 },
  );
});

Deno.test("base64Decode() answers null to what is no base64, never an exception", () => {
  fc.assert(fc.property(fc.string(), (text) => {
    const bytes = base64Decode(text);
    assert.ok(bytes === null || bytes instanceof Uint8Array);
  }));
  for (const text of ["a", "a b c d", "é", "ab=c"]) assert.equal(base64Decode(text), null, text);
});

Deno.test("constantTimeEqual() is equality, also for null and other lengths", () => {
  fc.assert(fc.property(fc.uint8Array({ minLength: 1 }), fc.uint8Array(), (one, other) => {
    assert.equal(constantTimeEqual(one, one.slice()), true);
    assert.equal(constantTimeEqual(one, other), Buffer.from(one).equals(Buffer.from(other)));
    assert.equal(constantTimeEqual(one, null), false);
  }));
});

Deno.test("hmacSha256Key() throws TypeError on an empty secret", () => {
  assert.throws(() => hmacSha256Key(new Uint8Array(0)), TypeError);
});

Deno.test("backoffDelayMs() stays between 0 and the doubling ceiling and caps at maxMs", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 10_000 }),
      fc.double({ min: 0, max: 0.999999, noNaN: true }),
      (attempt, dice) => {
        const delayMs = backoffDelayMs(attempt, {
          baseMs: 100,
          maxMs: 5000,
          random: () => dice,
        });
        assert.ok(delayMs >= 0 && delayMs <= Math.min(5000, 100 * 2 ** Math.min(attempt - 1, 20)));
      },
    ),
  );
  assert.equal(backoffDelayMs(3, { baseMs: 100, maxMs: 5000, random: () => 0.5 }), 200);
  assert.throws(() => backoffDelayMs(0, { baseMs: 1, maxMs: 1 }), RangeError);
});

for (
  const [written, expected] of [
    ["1", "1"],
    ["-0.10", "-0.10"],
    ["1e3", "1000"],
    ["1.5E-3", "0.0015"],
    ["+2.50", "2.50"],
    ["12345678901234567890.123456789", "12345678901234567890.123456789"],
    [".5", "0.5"],
    ["", null],
    ["NaN", null],
    ["Infinity", null],
    ["1,5", null],
    ["0x10", null],
  ] as const
) {
  Deno.test(`decimalText() reads "${written}" as ${expected}`, () =>
    assert.equal(decimalText(written), expected));
}
