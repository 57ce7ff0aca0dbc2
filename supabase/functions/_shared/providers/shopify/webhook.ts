import { constantTimeEqual } from "../../crypto/constant_time_equal.ts";
import { base64Decode, base64Encode, hexEncode, utf8Bytes } from "../../crypto/encoding.ts";
import { type HmacKey, hmacSha256, hmacSha256Key } from "../../crypto/hmac.ts";
import { keyOf, keyOfBody } from "../element_keys.ts";
import { parseJsonBody, randomBytes } from "../json_body.ts";
import { jsonSample, withHeaders } from "../sample_request.ts";
import { noSettings } from "../setting_types.ts";
import { defineScheme, elementType, type SignedRequest } from "../webhook_scheme.ts";

/**
 * Shopify (shopify.dev, "Verify webhook deliveries"): `X-Shopify-Hmac-SHA256`, the base64 HMAC-SHA-256 of the body with
 * the app's client secret. No signed timestamp. One event may come through several subscriptions and topics.
 */
export const shopify = defineScheme<Record<string, never>, HmacKey>({
  provider: "shopify",
  secretFrom: "them",
  settings: noSettings,
  exampleSettings: {},
  generateSecret: () => hexEncode(randomBytes(16)),
  importKey: (secret) => hmacSha256Key(utf8Bytes(secret)),
  async verify(request, key) {
    const sent = base64Decode(request.headers.get("x-shopify-hmac-sha256") ?? "");
    return constantTimeEqual(await hmacSha256(key, request.body), sent);
  },
  async elements(request) {
    parseJsonBody(request.body);
    const identity = identityText(request);
    return [{
      dedupeKey: identity ? await keyOf(identity) : await keyOfBody(request.body),
      type: elementType(request.headers.get("x-shopify-topic")?.replaceAll("/", ".")),
    }];
  },
  async sample(secret, _, nowMs, url) {
    const sample = jsonSample(url, { id: 1, sent_at: new Date(nowMs) });
    const signature = await hmacSha256(await hmacSha256Key(utf8Bytes(secret)), sample.body);
    return withHeaders(sample, {
      "x-shopify-topic": "sample/sent",
      "x-shopify-shop-domain": "sample.myshopify.com",
      "x-shopify-event-id": crypto.randomUUID(),
      "x-shopify-webhook-id": crypto.randomUUID(),
      "x-shopify-triggered-at": new Date(nowMs).toISOString(),
      "x-shopify-hmac-sha256": base64Encode(signature),
    });
  },
});

/** The event, and the topic: one event can be news of two topics, but never twice of one. */
function identityText({ headers }: SignedRequest): string | null {
  const event = headers.get("x-shopify-event-id");
  const [shop, topic] = [headers.get("x-shopify-shop-domain"), headers.get("x-shopify-topic")];
  if (event) return `event:${event}|${topic}|${shop}`;
  const delivery = headers.get("x-shopify-webhook-id");
  return delivery && `delivery:${delivery}`;
}
