/** Hashes that senders sign with. */
export type HmacHash = "SHA-256" | "SHA-512";

/** HMAC (RFC 2104) of the concatenated parts, with the hash that the key was made for. */
export async function hmac(key: CryptoKey, ...parts: Uint8Array[]): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await crypto.subtle.sign("HMAC", key, concatenate(parts)));
}

/** HMAC-SHA-256 (RFC 2104) of the concatenated parts. */
export async function hmacSha256(key: CryptoKey, ...parts: Uint8Array[]): Promise<Uint8Array<ArrayBuffer>> {
  return await hmac(key, ...parts);
}

/**
 * Imports a secret for {@link hmac}. An empty secret is refused: with it anybody could sign.
 *
 * @throws {TypeError} when the secret is empty.
 */
export function hmacKey(secret: Uint8Array<ArrayBuffer>, hash: HmacHash): Promise<CryptoKey> {
  if (secret.length === 0) throw new TypeError("An HMAC secret must not be empty");
  return crypto.subtle.importKey("raw", secret, { name: "HMAC", hash }, false, ["sign"]);
}

/**
 * Imports a secret for {@link hmacSha256}.
 *
 * @throws {TypeError} when the secret is empty.
 */
export function hmacSha256Key(secret: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  return hmacKey(secret, "SHA-256");
}

/** SHA-256 of the concatenated parts. */
export async function sha256(...parts: Uint8Array[]): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", concatenate(parts)));
}

function concatenate(parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const whole = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}
