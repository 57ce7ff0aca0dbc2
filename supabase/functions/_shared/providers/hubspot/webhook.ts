import { constantTimeEqual } from "../../crypto/constant_time_equal.ts";
import { base64Decode, base64Encode, hexEncode, utf8Bytes } from "../../crypto/encoding.ts";
import { type HmacKey, hmacSha256, hmacSha256Key } from "../../crypto/hmac.ts";
import { isJsonObject, type LosslessJson, scalarText, stringifyLossless } from "../../json/lossless.ts";
import { elementsOfList, parseJsonBody, randomBytes } from "../json_body.ts";
import { jsonSample, withHeaders } from "../sample_request.ts";
import { noSettings } from "../setting_types.ts";
import { isTimely } from "../timestamps.ts";
import { defineScheme, type SampleRequest } from "../webhook_scheme.ts";

/** The escapes HubSpot undoes in the URI before signing, and no others (developers.hubspot.com, "Validating requests"). */
const UNESCAPED: Record<string, string> = {
  "%3A": ":",
  "%2F": "/",
  "%3F": "?",
  "%40": "@",
  "%21": "!",
  "%24": "$",
  "%27": "'",
  "%28": "(",
  "%29": ")",
  "%2A": "*",
  "%2C": ",",
  "%3B": ";",
};

/** What stays the same when HubSpot sends an event again; attemptNumber does not. */
const IDENTITY = ["portalId", "subscriptionType", "objectId", "eventId", "occurredAt"] as const;

/**
 * HubSpot signature v3: base64 HMAC-SHA-256 of method, URI, body and timestamp with the app's client secret; the
 * timestamp header is in milliseconds. The body is an array of events.
 */
export const hubspot = defineScheme<Record<string, never>, HmacKey>({
  provider: "hubspot",
  secretFrom: "them",
  settings: noSettings,
  exampleSettings: {},
  generateSecret: () => hexEncode(randomBytes(16)),
  importKey: (secret) => hmacSha256Key(utf8Bytes(secret)),
  async verify(request, key, nowMs) {
    const timestamp = request.headers.get("x-hubspot-request-timestamp") ?? "";
    const signature = request.headers.get("x-hubspot-signature-v3") ?? "";
    const expected = await signed(key, request.method, request.url, request.body, timestamp);
    return constantTimeEqual(expected, base64Decode(signature)) && isTimely(timestamp, nowMs, { unit: "ms" });
  },
  elements: async (request) =>
    await elementsOfList(
      parseJsonBody(request.body),
      identityText,
      (element) => isJsonObject(element) ? element.subscriptionType : null,
    ),
  sample: (secret, _, nowMs, url) => hubspotSample(secret, 1, nowMs, url),
});

async function signed(
  key: HmacKey,
  method: string,
  url: string,
  body: Uint8Array,
  timestamp: string,
): Promise<Uint8Array> {
  return await hmacSha256(key, utf8Bytes(`${method}${signedUri(url)}`), body, utf8Bytes(timestamp));
}

/** A request with one event of a portal. */
export async function hubspotSample(
  secret: string,
  portalId: number | string,
  nowMs: number,
  url: string,
): Promise<SampleRequest> {
  const sample = jsonSample(url, [{
    eventId: crypto.getRandomValues(new Uint32Array(1))[0],
    subscriptionId: 1,
    portalId,
    appId: 1,
    occurredAt: nowMs,
    subscriptionType: "sample.sent",
    attemptNumber: 0,
    objectId: 1,
    changeSource: "SAMPLE",
  }]);
  const key = await hmacSha256Key(utf8Bytes(secret));
  const signature = await signed(key, sample.method, url, sample.body, String(nowMs));
  return withHeaders(sample, {
    "x-hubspot-request-timestamp": String(nowMs),
    "x-hubspot-signature-v3": base64Encode(signature),
  });
}

/** The URI as HubSpot signs it. */
export function signedUri(url: string): string {
  return url.replaceAll(
    /%(?:3A|2F|3F|40|21|24|27|28|29|2A|2C|3B)/gi,
    (escape) => UNESCAPED[escape.toUpperCase()]!,
  );
}

function identityText(element: LosslessJson): string {
  const parts = isJsonObject(element) ? IDENTITY.map((name) => scalarText(element[name])) : [];
  if (parts.length === 0 || parts.includes(null)) return `element:${stringifyLossless(element)}`;
  return `hubspot:${parts.join("|")}`;
}
