import { constantTimeEqual } from "../../crypto/constant_time_equal.ts";
import { base64Decode, hexDecode, hexEncode, utf8Bytes } from "../../crypto/encoding.ts";
import { hmacSha256, hmacSha256Key, sha256 } from "../../crypto/hmac.ts";
import { InterlockError } from "../../errors/interlock_error.ts";
import { isJsonObject } from "../../json/lossless.ts";
import { parseJsonBody, randomBytes } from "../json_body.ts";
import {
  elementType,
  MAX_ELEMENTS,
  type SignedRequest,
  type WebhookElement,
  type WebhookScheme,
} from "../webhook_scheme.ts";

/**
 * `x-signature: sha256=<hex>` over the raw body, as GitHub made it common; base64 and a bare value verify too.
 *
 * The scheme has no timestamp: a repetition is recognised by `x-event-id`, or without one by the body itself.
 */
export const genericHmac: WebhookScheme = {
  provider: "generic_hmac",
  secretFrom: "us",
  generateSecret: () => hexEncode(randomBytes(32)),
  importKey: (secret) => hmacSha256Key(utf8Bytes(secret)),
  async verify(request, key) {
    const sent = (request.headers.get("x-signature") ?? "").trim().replace(/^sha256=/i, "");
    const expected = await hmacSha256(key, request.body);
    return constantTimeEqual(expected, /^[0-9a-fA-F]{64}$/.test(sent) ? hexDecode(sent) : base64Decode(sent));
  },
  async elements(request) {
    const identity = request.headers.get("x-event-id");
    const requestKey = identity
      ? await sha256(utf8Bytes(`id:${identity}`))
      : await sha256(utf8Bytes("body:"), request.body);
    return isJson(request) ? jsonElements(request, hexEncode(requestKey)) : [{
      dedupeKey: hexEncode(requestKey),
      type: elementType(request.headers.get("x-event-type")),
    }];
  },
};

function isJson(request: SignedRequest): boolean {
  return /^application\/(?:[\w.-]+\+)?json\b/i.test(
    request.headers.get("content-type") ?? "application/json",
  );
}

async function jsonElements(request: SignedRequest, requestKey: string): Promise<WebhookElement[]> {
  const body = parseJsonBody(request.body);
  const named = request.headers.get("x-event-type");
  if (!Array.isArray(body)) {
    return [{
      dedupeKey: requestKey,
      type: elementType(named ?? (isJsonObject(body) ? body.type ?? body.event : null)),
    }];
  }
  if (body.length === 0 || body.length > MAX_ELEMENTS) {
    throw new InterlockError("MALFORMED_BODY", `An array holds 1 to ${MAX_ELEMENTS} events.`);
  }
  return await Promise.all(body.map(async (element, index) => ({
    dedupeKey: hexEncode(await sha256(utf8Bytes(`${requestKey}:${index}`))),
    type: elementType(named ?? (isJsonObject(element) ? element.type ?? element.event : null)),
  })));
}
