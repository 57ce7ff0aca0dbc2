import { constantTimeEqual } from "../../crypto/constant_time_equal.ts";
import { base64Decode, base64Encode, utf8Bytes } from "../../crypto/encoding.ts";
import { type HmacKey, hmacSha256, hmacSha256Key } from "../../crypto/hmac.ts";
import { keyOf } from "../element_keys.ts";
import { parseJsonObject, randomBytes } from "../json_body.ts";
import { jsonSample, withHeaders } from "../sample_request.ts";
import { noSettings } from "../setting_types.ts";
import { epochSeconds, isTimely } from "../timestamps.ts";
import { defineScheme, elementType, type SampleRequest, type SignedRequest } from "../webhook_scheme.ts";

/** A secret verifies v1, a public key v1a, and neither ever the other kind. */
type StandardKey = { version: "v1"; key: HmacKey } | { version: "v1a"; key: CryptoKey };

/** A header by its standard name, or by the name Svix gave it before there was a standard; never some of each. */
function header(request: SignedRequest, name: "id" | "timestamp" | "signature"): string {
  const prefix = request.headers.has("webhook-signature") ? "webhook" : "svix";
  return request.headers.get(`${prefix}-${name}`) ?? "";
}

/**
 * Standard Webhooks (standard-webhooks specification 1.0.0): over `id.timestamp.body` an HMAC-SHA-256 (v1, secret
 * `whsec_<base64>`; Supabase Auth Hooks write `v1,whsec_<base64>`) or an Ed25519 signature (v1a, public key
 * `whpk_<base64>`); any of several space-separated signatures.
 */
export const standardWebhooks = defineScheme<Record<string, never>, StandardKey>({
  provider: "standard_webhooks",
  secretFrom: "us",
  settings: noSettings,
  exampleSettings: {},
  generateSecret: () => `whsec_${base64Encode(randomBytes(32))}`,
  async importKey(secret) {
    if (secret.startsWith("whpk_")) return { version: "v1a", key: await publicKey(secret) };
    return { version: "v1", key: await hmacSha256Key(secretBytes(secret)) };
  },
  async verify(request, key, nowMs) {
    const id = header(request, "id");
    const timestamp = header(request, "timestamp");
    const matches = await anyMatches(key, `${id}.${timestamp}.`, request.body, signaturesOf(request, key));
    return matches && isTimely(timestamp, nowMs) && id !== "";
  },
  async elements(request) {
    const { type } = parseJsonObject(request.body);
    return [{ dedupeKey: await keyOf(`id:${header(request, "id")}`), type: elementType(type) }];
  },
  sample: (secret, _, nowMs, url) => secret.startsWith("whpk_") ? null : signedSample(secret, nowMs, url),
});

async function signedSample(secret: string, nowMs: number, url: string): Promise<SampleRequest> {
  const sample = jsonSample(url, { type: "sample.sent", timestamp: new Date(nowMs), data: {} });
  const [id, timestamp] = [`msg_${crypto.randomUUID()}`, epochSeconds(nowMs)];
  const key = await hmacSha256Key(secretBytes(secret));
  const signature = await hmacSha256(key, utf8Bytes(`${id}.${timestamp}.`), sample.body);
  return withHeaders(sample, {
    "webhook-id": id,
    "webhook-timestamp": timestamp,
    "webhook-signature": `v1,${base64Encode(signature)}`,
  });
}

function secretBytes(secret: string): Uint8Array<ArrayBuffer> {
  const bytes = base64Decode(secret.replace(/^v1,/, "").replace(/^whsec_/, ""));
  if (bytes === null || bytes.length < 16) {
    throw new TypeError("A Standard Webhooks secret reads whsec_<base64>, a public key whpk_<base64>");
  }
  return bytes;
}

async function publicKey(text: string): Promise<CryptoKey> {
  const bytes = base64Decode(text.slice("whpk_".length));
  if (bytes?.length !== 32) throw new TypeError("A Standard Webhooks public key is 32 bytes in base64");
  return await crypto.subtle.importKey("raw", bytes, "Ed25519", false, ["verify"]);
}

/** Signatures of the key's kind; none at all when there are several headers, which HTTP joins by a comma. */
function signaturesOf(request: SignedRequest, { version }: StandardKey): (Uint8Array<ArrayBuffer> | null)[] {
  const items = header(request, "signature").split(" ").slice(0, 20);
  if (items.some((item) => item.endsWith(","))) return [];
  return items.filter((item) => item.startsWith(`${version},`))
    .map((item) => base64Decode(item.slice(version.length + 1)));
}

/** Costs one signature at least, whatever was sent. */
async function anyMatches(
  { version, key }: StandardKey,
  signedStart: string,
  body: Uint8Array,
  signatures: (Uint8Array<ArrayBuffer> | null)[],
): Promise<boolean> {
  let matches = false;
  if (version === "v1") {
    const expected = await hmacSha256(key, utf8Bytes(signedStart), body);
    for (const signature of signatures) matches = constantTimeEqual(expected, signature) || matches;
    return matches;
  }
  const start = utf8Bytes(signedStart);
  const signed = new Uint8Array(start.length + body.length);
  signed.set(start);
  signed.set(body, start.length);
  for (const signature of signatures.length > 0 ? signatures : [null]) {
    const sent = signature?.length === 64 ? signature : new Uint8Array(64);
    matches = await crypto.subtle.verify("Ed25519", key, sent, signed) || matches;
  }
  return matches;
}
