import { Buffer } from "node:buffer";
import { createHmac, createPrivateKey, createPublicKey, randomBytes, sign } from "node:crypto";
import { base64Decode, base64Encode } from "../crypto/encoding.ts";

/** Kinds of signature of Standard Webhooks 1.0.0: `v1` is HMAC-SHA-256, `v1a` is Ed25519. */
export const SIGNATURE_VERSIONS = ["v1", "v1a"] as const;
export type SignatureVersion = typeof SIGNATURE_VERSIONS[number];

/** A key that is ready to sign. */
export interface SigningKey {
  /** An item of `webhook-signature` over what the pieces say together. */
  sign(head: string, body: Uint8Array): string;
}

const SYMMETRIC_BYTES = 32;
/** The standard's lower bound; shorter keys can be guessed. */
const LEAST_SYMMETRIC_BYTES = 24;
const SEED_BYTES = 32;
/** What stands before the seed in PKCS #8 (RFC 8410 section 7), the only form of a raw Ed25519 key that node:crypto reads. */
const PKCS8_HEAD = Buffer.from("302e020100300506032b657004220420", "hex");

/**
 * A new secret: `whsec_<32 random bytes>`, or `whsk_<seed, public key>` of a fresh Ed25519 pair. The secret alone says
 * which kind of signature it makes.
 */
export function generateSigningSecret(version: SignatureVersion = "v1"): string {
  if (version === "v1") return `whsec_${base64Encode(randomBytes(SYMMETRIC_BYTES))}`;
  const seed = randomBytes(SEED_BYTES);
  return `whsk_${base64Encode(Buffer.concat([seed, publicBytes(seed)]))}`;
}

/**
 * The key of a secret.
 *
 * @throws {TypeError} when the secret is neither `whsec_<base64>` of at least 24 bytes nor `whsk_<base64>` of a seed
 * and the public key that belongs to it.
 */
export function signingKey(secret: string): SigningKey {
  return secret.startsWith("whsk_") ? asymmetricKey(secret) : symmetricKey(secret);
}

/**
 * `webhook-signature` of Standard Webhooks 1.0.0 over `id.timestamp.body`: an item per key, separated by a space.
 * node:crypto, because an awaited WebCrypto call costs several times as much.
 *
 * @param timestamp - unix time of the attempt, in whole seconds.
 */
export function webhookSignature(
  keys: SigningKey[],
  messageId: string,
  timestamp: number,
  body: Uint8Array,
): string {
  const head = `${messageId}.${timestamp}.`;
  return keys.map((key) => key.sign(head, body)).join(" ");
}

function symmetricKey(secret: string): SigningKey {
  const bytes = secret.startsWith("whsec_") ? base64Decode(secret.slice("whsec_".length)) : null;
  if (bytes === null || bytes.length < LEAST_SYMMETRIC_BYTES) {
    throw new TypeError(
      `A signing secret reads whsec_<base64> of ${LEAST_SYMMETRIC_BYTES} bytes or more, or whsk_<base64>`,
    );
  }
  return {
    sign: (head, body) => `v1,${createHmac("sha256", bytes).update(head).update(body).digest("base64")}`,
  };
}

function asymmetricKey(secret: string): SigningKey {
  const bytes = base64Decode(secret.slice("whsk_".length));
  const seed = bytes?.subarray(0, SEED_BYTES);
  // A pair that does not belong together would sign what nobody can verify.
  if (bytes?.length !== 2 * SEED_BYTES || !publicBytes(seed!).equals(bytes.subarray(SEED_BYTES))) {
    throw new TypeError(
      "A private signing key reads whsk_<base64> of a seed and its public key, 32 bytes each",
    );
  }
  const key = privateKey(seed!);
  return {
    sign: (head, body) =>
      `v1a,${sign(null, Buffer.concat([Buffer.from(head), body]), key).toString("base64")}`,
  };
}

function privateKey(seed: Uint8Array) {
  return createPrivateKey({ key: Buffer.concat([PKCS8_HEAD, seed]), format: "der", type: "pkcs8" });
}

function publicBytes(seed: Uint8Array): Buffer {
  return createPublicKey(privateKey(seed)).export({ format: "der", type: "spki" }).subarray(-SEED_BYTES);
}
