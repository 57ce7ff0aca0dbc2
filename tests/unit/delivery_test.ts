import assert from "node:assert/strict";
import fc from "fast-check";
import { Webhook } from "standardwebhooks";
import { utf8Bytes } from "../../supabase/functions/_shared/crypto/encoding.ts";
import { responseExcerpt } from "../../supabase/functions/_shared/delivery/response_excerpt.ts";
import {
  generateSigningSecret,
  signingKey,
  webhookSignature,
} from "../../supabase/functions/_shared/delivery/signature.ts";

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

Deno.test("responseExcerpt() masks secrets wherever they stand, also one that the cut divides", () => {
  const secret = "whsec_0123456789abcdef";
  assert.equal(responseExcerpt(utf8Bytes(`a ${secret} b ${secret}`), [secret]), "a [masked] b [masked]");
  assert.equal(responseExcerpt(utf8Bytes(`a ${secret.toUpperCase()} b`), [secret]), "a [masked] b");
  assert.equal(responseExcerpt(utf8Bytes("Basic A.B+C/(d)=\\ e"), ["a.b+c/(D)=\\"]), "Basic [masked] e");
  fc.assert(fc.property(fc.nat(1100), fc.string({ maxLength: 50 }), (offset, tail) => {
    const text = `${".".repeat(offset)}${secret}${tail}`;
    for (const echo of [text, text.toUpperCase()]) {
      const excerpt = responseExcerpt(utf8Bytes(echo), [secret])!;
      assert.equal(excerpt.toLowerCase().includes(secret.slice(0, 8)), false);
    }
  }));
});

Deno.test("responseExcerpt() keeps bytes that are no text storable", () => {
  const excerpt = responseExcerpt(new Uint8Array([0, 255, 65, 0xc3]), [])!;
  assert.equal(excerpt.includes("\u0000"), false);
  assert.ok(excerpt.includes("A"));
  assert.equal(responseExcerpt(new Uint8Array(), []), null);
});
