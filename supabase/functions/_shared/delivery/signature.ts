import { createHmac, randomBytes } from "node:crypto";
import { base64Decode, base64Encode } from "../crypto/encoding.ts";

/** A new symmetric secret: 32 random bytes as `whsec_<base64>` (Standard Webhooks 1.0.0, "Signature scheme"). */
export function generateSigningSecret(): string {
  return `whsec_${base64Encode(randomBytes(32))}`;
}

/**
 * The key bytes of a secret.
 *
 * @throws {TypeError} when the secret does not read `whsec_<base64>` of at least 24 bytes.
 */
export function signingKey(secret: string): Uint8Array {
  const bytes = secret.startsWith("whsec_") ? base64Decode(secret.slice("whsec_".length)) : null;
  if (bytes === null || bytes.length < 24) {
    throw new TypeError("A signing secret reads whsec_<base64> of 24 bytes or more");
  }
  return bytes;
}

/**
 * `webhook-signature` of Standard Webhooks 1.0.0, version v1: HMAC-SHA-256 over `id.timestamp.body`, one per key,
 * separated by a space. node:crypto, because an awaited WebCrypto call costs several times as much.
 *
 * @param timestamp - unix time of the attempt, in whole seconds.
 */
export function webhookSignature(
  keys: Uint8Array[],
  messageId: string,
  timestamp: number,
  body: Uint8Array,
): string {
  return keys.map((key) =>
    `v1,${createHmac("sha256", key).update(`${messageId}.${timestamp}.`).update(body).digest("base64")}`
  ).join(" ");
}
