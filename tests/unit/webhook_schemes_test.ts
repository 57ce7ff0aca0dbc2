import assert from "node:assert/strict";
import { Webhook } from "standardwebhooks";
import { base64Encode, hexEncode, utf8Bytes } from "../../supabase/functions/_shared/crypto/encoding.ts";
import { hmacSha256, hmacSha256Key } from "../../supabase/functions/_shared/crypto/hmac.ts";
import { genericHmac } from "../../supabase/functions/_shared/providers/generic_hmac/webhook.ts";
import { hubspot, signedUri } from "../../supabase/functions/_shared/providers/hubspot/webhook.ts";
import { standardWebhooks } from "../../supabase/functions/_shared/providers/standard_webhooks/webhook.ts";
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
  return await scheme.verify(signed, await scheme.importKey(secret), nowMs);
}

/** One good request per scheme; every tampering below must break each of them. */
interface GoodRequest {
  name: string;
  scheme: WebhookScheme;
  secret: string;
  nowMs: number;
  headers: Record<string, string>;
  body: string;
  signatureHeader: string;
  timestampHeader: string | null;
}

const good: GoodRequest[] = [
  {
    name: "GitHub-style HMAC (docs.github.com, validating webhook deliveries)",
    scheme: genericHmac,
    secret: "It's a Secret to Everybody",
    nowMs: 0,
    headers: { "x-signature": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17" },
    body: "Hello, World!",
    signatureHeader: "x-signature",
    timestampHeader: null,
  },
  {
    name: "Standard Webhooks v1 (the standard's own vector)",
    scheme: standardWebhooks,
    secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    nowMs: 1614265330_000,
    headers: {
      "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
      "webhook-timestamp": "1614265330",
      "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    },
    body: '{"test": 2432232314}',
    signatureHeader: "webhook-signature",
    timestampHeader: "webhook-timestamp",
  },
  ...[["1693657560000", "K36dawei4A+QBNolUOqo7s91KQDWQ5MXZ/QufNYuk/Y="], [
    "1700000300000",
    "RnbPH7+UMKVkbV32P8bz450N4M56aPmcru1+D3kSDtw=",
  ]].map(([timestamp, signature]) => ({
    name: `HubSpot v3 (the official client's vector of ${timestamp})`,
    scheme: hubspot,
    secret: "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy",
    nowMs: Number(timestamp),
    headers: { "x-hubspot-request-timestamp": timestamp!, "x-hubspot-signature-v3": signature! },
    body: "{'example_field':'example_value'}",
    signatureHeader: "x-hubspot-signature-v3",
    timestampHeader: "x-hubspot-request-timestamp",
  })),
];

for (const { name, scheme, secret, nowMs, headers, body, signatureHeader, timestampHeader } of good) {
  Deno.test(`${name} verifies`, async () => {
    assert.equal(await verifies(scheme, secret, request(headers, body), nowMs), true);
  });
  Deno.test(`${name} refuses an altered body, another secret and odd signatures`, async () => {
    assert.equal(await verifies(scheme, secret, request(headers, body + " "), nowMs), false);
    const other = scheme === standardWebhooks
      ? "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
      : "another-secret-altogether";
    assert.equal(await verifies(scheme, other, request(headers, body), nowMs), false);
    for (const odd of ["", "v1", "v1,", "=", "sha256=", "sha256=zz", "v1,AAAA", "%", "a".repeat(10_000)]) {
      const tampered: Record<string, string> = { ...headers, [signatureHeader]: odd };
      assert.equal(await verifies(scheme, secret, request(tampered, body), nowMs), false, odd);
      delete tampered[signatureHeader];
      assert.equal(await verifies(scheme, secret, request(tampered, body), nowMs), false);
    }
  });
  if (timestampHeader === null) continue;
  Deno.test(`${name} refuses stale, future and unreadable timestamps`, async () => {
    assert.equal(await verifies(scheme, secret, request(headers, body), nowMs + 300_001), false);
    assert.equal(await verifies(scheme, secret, request(headers, body), nowMs - 300_001), false);
    assert.equal(await verifies(scheme, secret, request(headers, body), nowMs + 299_000), true);
    for (const odd of ["", "NaN", "1e12", "-5", "0x10", "9".repeat(40)]) {
      assert.equal(
        await verifies(scheme, secret, request({ ...headers, [timestampHeader]: odd }, body), nowMs),
        false,
        odd,
      );
    }
  });
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

Deno.test("hubspot.elements() keys an event without its attemptNumber and tells events of two portals apart", async () => {
  const event = {
    portalId: 1,
    subscriptionType: "contact.creation",
    objectId: 2,
    eventId: 3,
    occurredAt: 4,
    attemptNumber: 0,
  };
  const elements = await hubspot.elements(
    request({}, JSON.stringify([event, { ...event, attemptNumber: 5 }, { ...event, portalId: 9 }])),
  );
  assert.equal(elements[0]!.dedupeKey, elements[1]!.dedupeKey);
  assert.notEqual(elements[0]!.dedupeKey, elements[2]!.dedupeKey);
  assert.deepEqual(elements.map((element) => element.type), Array(3).fill("contact.creation"));
});

for (const body of ["", "{", "[]", "{}", "null", "\u0000", '["x"', "[".repeat(100_000)]) {
  Deno.test(`hubspot.elements() answers MALFORMED_BODY to ${JSON.stringify(body.slice(0, 10))}`, async () => {
    await assert.rejects(hubspot.elements(request({}, body)), { code: "MALFORMED_BODY" });
  });
}

Deno.test("genericHmac.elements() keys by x-event-id, else by the body, one element per array item", async () => {
  const byId = await genericHmac.elements(request({ "x-event-id": "7" }, '{"type":"a.b"}'));
  const sameId = await genericHmac.elements(request({ "x-event-id": "7" }, '{"type":"c.d"}'));
  const byBody = await genericHmac.elements(request({}, '{"type":"a.b"}'));
  const array = await genericHmac.elements(request({}, '[{"type":"a.b"},{"event":"c.d"},3]'));
  assert.equal(byId[0]!.dedupeKey, sameId[0]!.dedupeKey);
  assert.notEqual(byId[0]!.dedupeKey, byBody[0]!.dedupeKey);
  assert.deepEqual(array.map((element) => element.type), ["a.b", "c.d", "unknown"]);
  assert.equal(new Set(array.map((element) => element.dedupeKey)).size, 3);
});

Deno.test("genericHmac.elements() takes bytes that are no JSON when the content type says so", async () => {
  const [element] = await genericHmac.elements(
    request({ "content-type": "text/csv", "x-event-type": "file ready" }, "a;b"),
  );
  assert.equal(element!.type, "file_ready");
});
