import assert from "node:assert/strict";
import { Webhook } from "standardwebhooks";
import { base64Encode, hexEncode, utf8Bytes } from "../../supabase/functions/_shared/crypto/encoding.ts";
import { hmacSha256, hmacSha256Key } from "../../supabase/functions/_shared/crypto/hmac.ts";
import { genericHmac } from "../../supabase/functions/_shared/providers/generic_hmac/webhook.ts";
import { signedUri } from "../../supabase/functions/_shared/providers/hubspot/webhook.ts";
import { standardWebhooks } from "../../supabase/functions/_shared/providers/standard_webhooks/webhook.ts";
import { isTimely } from "../../supabase/functions/_shared/providers/timestamps.ts";
import type {
  SignedRequest,
  WebhookScheme,
} from "../../supabase/functions/_shared/providers/webhook_scheme.ts";

const URL_SIGNED = "https://www.example.com/webhook_uri";

function request(headers: Record<string, string>, body: string, url = URL_SIGNED): SignedRequest {
  return { method: "POST", url, headers: new Headers(headers), body: utf8Bytes(body) };
}

async function verifies(
  scheme: WebhookScheme,
  secret: string,
  signed: SignedRequest,
  nowMs: number,
): Promise<boolean> {
  return await scheme.verify(signed, await scheme.importKey(secret, scheme.settings().parse({})), nowMs);
}

Deno.test("standardWebhooks accepts what the standard's own library signs, with several signatures and Svix names", async () => {
  const secret = standardWebhooks.generateSecret();
  const at = new Date();
  const body = '{"type":"a.b","data":{}}';
  const signature = new Webhook(secret).sign("msg_1", at, body);
  const timestamp = String(Math.floor(at.getTime() / 1000));
  const several = `v1a,AAAA v1,AAAA ${signature}`;
  for (const prefix of ["webhook", "svix"]) {
    const headers = {
      [`${prefix}-id`]: "msg_1",
      [`${prefix}-timestamp`]: timestamp,
      [`${prefix}-signature`]: several,
    };
    assert.equal(await verifies(standardWebhooks, secret, request(headers, body), at.getTime()), true);
    assert.equal(
      await verifies(standardWebhooks, `v1,${secret}`, request(headers, body), at.getTime()),
      true,
    );
  }
});

Deno.test("genericHmac accepts hex of either case and base64, with and without prefix", async () => {
  const key = await hmacSha256Key(utf8Bytes("0123456789abcdef"));
  const digest = await hmacSha256(key, utf8Bytes("x"));
  const spellings = [hexEncode(digest), hexEncode(digest).toUpperCase(), base64Encode(digest)];
  for (const value of [...spellings, ...spellings.map((spelling) => `sha256=${spelling}`)]) {
    assert.equal(
      await verifies(genericHmac, "0123456789abcdef", request({ "x-signature": value }, "x"), 0),
      true,
      value,
    );
  }
});

Deno.test("hubspot decodes only the escapes HubSpot decodes", () => {
  assert.equal(signedUri("https://a.b/c%3fd=%40%20%7E%2c"), "https://a.b/c?d=@%20%7E,");
});

Deno.test("isTimely() takes plain digits only, and no instant beyond the window in either direction", () => {
  const nowMs = 1790000000_000;
  assert.equal(isTimely("1790000000", nowMs), true);
  assert.equal(isTimely("1790000000000", nowMs, { unit: "ms" }), true);
  for (
    const odd of [
      "+1790000000",
      "1790000000.0",
      "1.79e9",
      "0x6AB13B80",
      " 1790000000",
      "1790000000\n",
      "",
      "-0",
    ]
  ) {
    assert.equal(isTimely(odd, nowMs), false, odd);
    assert.equal(isTimely(odd, Number(odd) * 1000), false, odd);
  }
  for (
    const [text, unit] of [["1790000000", "ms"], ["1790000000000", "s"], ["9".repeat(400), "s"]] as const
  ) {
    assert.equal(isTimely(text, nowMs, { unit }), false);
  }
  for (
    const [awayMs, expected] of [[-60_001, false], [-60_000, true], [60_000, true], [60_001, false]] as const
  ) {
    assert.equal(isTimely("1790000000", nowMs + awayMs, { windowMs: 60_000 }), expected, String(awayMs));
  }
});
