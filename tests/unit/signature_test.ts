import assert from "node:assert/strict";
import fc from "fast-check";
import { utf8Bytes } from "../../supabase/functions/_shared/crypto/encoding.ts";
import {
  generateSigningSecret,
  signingKey,
  webhookSignature,
} from "../../supabase/functions/_shared/delivery/signature.ts";

const PRIVATE_KEY =
  "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==";
const PUBLIC_KEY = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=";
const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const ID = "msg_p5jXN8AQM9LWM0D4loKWxJek";
const TIMESTAMP = 1614265330;
const BODY = utf8Bytes('{"test": 2432232314}');
const SYMMETRIC = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
const ASYMMETRIC =
  "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==";

/** Verifies as a receiver would who knows nothing but the public key: with Web Crypto, not with node:crypto. */
async function verifies(publicKey: string, signature: string, signed: string): Promise<boolean> {
  const raw = Uint8Array.from(atob(publicKey.slice("whpk_".length)), (char) => char.charCodeAt(0));
  const key = await crypto.subtle.importKey("raw", raw, "Ed25519", false, ["verify"]);
  const bytes = Uint8Array.from(atob(signature.slice("v1a,".length)), (char) => char.charCodeAt(0));
  return await crypto.subtle.verify("Ed25519", key, bytes, utf8Bytes(signed));
}

Deno.test("webhookSignature() makes the published signatures of the standard, of either kind and of both", () => {
  const sign = (...secrets: string[]) => webhookSignature(secrets.map(signingKey), ID, TIMESTAMP, BODY);
  assert.equal(sign(SECRET), SYMMETRIC);
  assert.equal(sign(PRIVATE_KEY), ASYMMETRIC);
  assert.equal(sign(PRIVATE_KEY, SECRET), `${ASYMMETRIC} ${SYMMETRIC}`);
});

Deno.test("a generated key pair signs what its public half verifies with Web Crypto, and nothing else", async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: "grapheme" }), fc.uuid(), async (text, id) => {
      const secret = generateSigningSecret("v1a");
      const publicKey = `whpk_${btoa(atob(secret.slice("whsk_".length)).slice(32))}`;
      const signature = webhookSignature([signingKey(secret)], id, TIMESTAMP, utf8Bytes(text));
      assert.match(signature, /^v1a,[A-Za-z0-9+/]{86}==$/);
      assert.equal(await verifies(publicKey, signature, `${id}.${TIMESTAMP}.${text}`), true);
      assert.equal(await verifies(publicKey, signature, `${id}.${TIMESTAMP}.${text} `), false);
      assert.equal(await verifies(PUBLIC_KEY, signature, `${id}.${TIMESTAMP}.${text}`), false);
    }),
    { numRuns: 30 },
  );
});

Deno.test("no two generated secrets are alike, and each is what the standard says", () => {
  const secrets = Array.from({ length: 50 }, (_, index) => generateSigningSecret(index % 2 ? "v1" : "v1a"));
  assert.equal(new Set(secrets).size, secrets.length);
  for (const secret of secrets) assert.match(secret, /^(whsec_[A-Za-z0-9+/]{43}=|whsk_[A-Za-z0-9+/]{86}==)$/);
});

Deno.test("signingKey() refuses a private key that lacks its public half, or has another's", () => {
  const [one, other] = [generateSigningSecret("v1a"), generateSigningSecret("v1a")].map((secret) =>
    atob(secret.slice("whsk_".length))
  );
  for (const bytes of [one!.slice(0, 32), one!.slice(0, 32) + other!.slice(32), `${one}x`, ""]) {
    assert.throws(() => signingKey(`whsk_${btoa(bytes)}`), TypeError);
  }
  assert.throws(() => signingKey(PUBLIC_KEY), TypeError);
  assert.throws(() => signingKey("whsk_***"), TypeError);
});
