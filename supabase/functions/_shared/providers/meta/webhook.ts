import { constantTimeEqual } from "../../crypto/constant_time_equal.ts";
import { hexDecode, hexEncode, utf8Bytes } from "../../crypto/encoding.ts";
import { type HmacKey, hmacSha256, hmacSha256Key } from "../../crypto/hmac.ts";
import { isJsonObject, type LosslessJson, scalarText, stringifyLossless } from "../../json/lossless.ts";
import { echo } from "../handshakes.ts";
import { elementsOfList, parseJsonObject, randomBytes } from "../json_body.ts";
import { jsonSample, withHeaders } from "../sample_request.ts";
import { noSettings } from "../setting_types.ts";
import { onlyQueryValue } from "../shared_token.ts";
import { defineScheme, type SignedRequest } from "../webhook_scheme.ts";

/**
 * Meta: Facebook, Instagram, WhatsApp (developers.facebook.com/docs/graph-api/webhooks). Events carry
 * `X-Hub-Signature-256: sha256=<hex>` over the raw body with the app secret. Before there are any, a GET asks with a
 * verify token whether the address is ours; the token follows from the app secret, so that no table holds it.
 */
export const meta = defineScheme<Record<string, never>, HmacKey>({
  provider: "meta",
  secretFrom: "them",
  settings: noSettings,
  exampleSettings: {},
  generateSecret: () => hexEncode(randomBytes(16)),
  importKey: (secret) => hmacSha256Key(utf8Bytes(secret)),
  async verify(request, key) {
    if (isQuestion(request)) {
      const shown = onlyQueryValue(request.url, "hub.verify_token");
      return constantTimeEqual(utf8Bytes(await verifyToken(key)), shown === null ? null : utf8Bytes(shown));
    }
    const [, sent] = /^sha256=([0-9a-f]{64})$/i.exec(request.headers.get("x-hub-signature-256") ?? "") ?? [];
    return constantTimeEqual(await hmacSha256(key, request.body), sent ? hexDecode(sent) : null);
  },
  handshake: (request) => isQuestion(request) ? echo(onlyQueryValue(request.url, "hub.challenge")) : null,
  async elements(request) {
    const body = parseJsonObject(request.body);
    const object = scalarText(body.object);
    return await elementsOfList(
      body.entry,
      (entry) => `entry:${stringifyLossless(entry)}`,
      (entry) => [object, fieldOf(entry)].filter(Boolean).join("."),
    );
  },
  verifyToken: async (secret) => await verifyToken(await hmacSha256Key(utf8Bytes(secret))),
  async sample(secret, _, nowMs, url) {
    const value = { id: crypto.randomUUID() };
    const entry = [{ id: "0", time: Math.floor(nowMs / 1000), changes: [{ field: "sent", value }] }];
    const sample = jsonSample(url, { object: "sample", entry });
    const signature = await hmacSha256(await hmacSha256Key(utf8Bytes(secret)), sample.body);
    return withHeaders(sample, { "x-hub-signature-256": `sha256=${hexEncode(signature)}` });
  },
});

function isQuestion({ method, url }: SignedRequest): boolean {
  return method === "GET" && onlyQueryValue(url, "hub.mode") === "subscribe";
}

async function verifyToken(key: HmacKey): Promise<string> {
  return hexEncode(await hmacSha256(key, utf8Bytes("hub.verify_token"))).slice(0, 32);
}

/** The field that changed, or "messaging" for what is said in Messenger. */
function fieldOf(entry: LosslessJson): string | null {
  if (!isJsonObject(entry)) return null;
  const [change] = Array.isArray(entry.changes) ? entry.changes : [];
  if (isJsonObject(change)) return scalarText(change.field);
  return Array.isArray(entry.messaging) ? "messaging" : null;
}
