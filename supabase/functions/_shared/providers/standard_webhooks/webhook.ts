import { constantTimeEqual } from "../../crypto/constant_time_equal.ts";
import { base64Decode, base64Encode, hexEncode, utf8Bytes } from "../../crypto/encoding.ts";
import { hmacSha256, hmacSha256Key, sha256 } from "../../crypto/hmac.ts";
import { InterlockError } from "../../errors/interlock_error.ts";
import { isJsonObject } from "../../json/lossless.ts";
import { parseJsonBody, randomBytes } from "../json_body.ts";
import { elementType, REPLAY_WINDOW_MS, type SignedRequest, type WebhookScheme } from "../webhook_scheme.ts";

/** A header by its standard name, or by the name Svix gave it before there was a standard. */
function header(request: SignedRequest, name: "id" | "timestamp" | "signature"): string {
  return request.headers.get(`webhook-${name}`) ?? request.headers.get(`svix-${name}`) ?? "";
}

/**
 * Standard Webhooks v1 (standard-webhooks specification 1.0.0): HMAC-SHA-256 over `id.timestamp.body`, any of several
 * space-separated signatures. Secrets read `whsec_<base64>`; Supabase Auth Hooks write `v1,whsec_<base64>`.
 */
export const standardWebhooks: WebhookScheme = {
  provider: "standard_webhooks",
  secretFrom: "us",
  generateSecret: () => `whsec_${base64Encode(randomBytes(32))}`,
  importKey(secret) {
    const bytes = base64Decode(secret.replace(/^v1,/, "").replace(/^whsec_/, ""));
    if (bytes === null || bytes.length < 16) {
      throw new TypeError("A Standard Webhooks secret reads whsec_<base64>");
    }
    return hmacSha256Key(bytes);
  },
  async verify(request, key, nowMs) {
    const id = header(request, "id");
    const timestamp = header(request, "timestamp");
    const expected = await hmacSha256(key, utf8Bytes(`${id}.${timestamp}.`), request.body);
    let matches = false;
    for (const signature of header(request, "signature").split(" ").slice(0, 20)) {
      const [version, value] = signature.split(",", 2);
      if (version === "v1" && constantTimeEqual(expected, base64Decode(value ?? ""))) matches = true;
    }
    const inWindow = /^\d{1,12}$/.test(timestamp) &&
      Math.abs(nowMs - Number(timestamp) * 1000) <= REPLAY_WINDOW_MS;
    return matches && inWindow && id !== "";
  },
  async elements(request) {
    const body = parseJsonBody(request.body);
    if (!isJsonObject(body)) throw new InterlockError("MALFORMED_BODY", "The body is not a JSON object.");
    return [{
      dedupeKey: hexEncode(await sha256(utf8Bytes(`id:${header(request, "id")}`))),
      type: elementType(body.type),
    }];
  },
};
