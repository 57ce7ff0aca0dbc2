import { constantTimeEqual } from "../../crypto/constant_time_equal.ts";
import { base64Decode, hexEncode, utf8Bytes } from "../../crypto/encoding.ts";
import { hmacSha256, hmacSha256Key, sha256 } from "../../crypto/hmac.ts";
import { InterlockError } from "../../errors/interlock_error.ts";
import { isJsonObject, type LosslessJson, scalarText, stringifyLossless } from "../../json/lossless.ts";
import { parseJsonBody, randomBytes } from "../json_body.ts";
import { elementType, MAX_ELEMENTS, REPLAY_WINDOW_MS, type WebhookScheme } from "../webhook_scheme.ts";

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
export const hubspot: WebhookScheme = {
  provider: "hubspot",
  secretFrom: "them",
  generateSecret: () => hexEncode(randomBytes(16)),
  importKey: (secret) => hmacSha256Key(utf8Bytes(secret)),
  async verify(request, key, nowMs) {
    const timestamp = request.headers.get("x-hubspot-request-timestamp") ?? "";
    const signature = request.headers.get("x-hubspot-signature-v3") ?? "";
    const signed = utf8Bytes(`${request.method}${signedUri(request.url)}`);
    const expected = await hmacSha256(key, signed, request.body, utf8Bytes(timestamp));
    const inWindow = /^\d{1,15}$/.test(timestamp) && Math.abs(nowMs - Number(timestamp)) <= REPLAY_WINDOW_MS;
    return constantTimeEqual(expected, base64Decode(signature)) && inWindow;
  },
  async elements(request) {
    const body = parseJsonBody(request.body);
    if (!Array.isArray(body) || body.length === 0 || body.length > MAX_ELEMENTS) {
      throw new InterlockError(
        "MALFORMED_BODY",
        `The body is not an array of 1 to ${MAX_ELEMENTS} HubSpot events.`,
      );
    }
    return await Promise.all(body.map(async (element) => ({
      dedupeKey: hexEncode(await sha256(utf8Bytes(identityText(element)))),
      type: elementType(isJsonObject(element) ? element.subscriptionType : null),
    })));
  },
};

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
