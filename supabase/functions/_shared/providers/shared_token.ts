import { constantTimeEqual } from "../crypto/constant_time_equal.ts";
import { utf8Bytes } from "../crypto/encoding.ts";
import { type HmacKey, hmacSha256, hmacSha256Key } from "../crypto/hmac.ts";

/** A secret that the sender shows as it is. */
export interface TokenKey {
  secret: Uint8Array<ArrayBuffer>;
  hmac: HmacKey;
}

/**
 * @throws {TypeError} when it is longer than the provider takes.
 */
export async function tokenKey(secret: string, maxLength = 500): Promise<TokenKey> {
  if (secret.length > maxLength) throw new TypeError(`The token has at most ${maxLength} characters`);
  return { secret: utf8Bytes(secret), hmac: await hmacSha256Key(utf8Bytes(secret)) };
}

/**
 * Whether what was shown is the secret. Spends as long as a signature over the body would take, so that a webhook
 * without signatures answers no faster than one that does not exist.
 */
export async function showsToken(
  key: TokenKey,
  shown: string | null | undefined,
  body: Uint8Array,
): Promise<boolean> {
  await hmacSha256(key.hmac, body);
  return constantTimeEqual(key.secret, typeof shown === "string" ? utf8Bytes(shown) : null);
}

/** A parameter of the address; null when it is missing or there several times. */
export function onlyQueryValue(url: string, name: string): string | null {
  const values = new URL(url).searchParams.getAll(name);
  return values.length === 1 ? values[0]! : null;
}

/** An address with the secret in it; without one at hand, the place where it goes. */
export function withQueryValue(url: string, name: string, secret: string | null): string {
  const address = new URL(url);
  address.searchParams.set(name, secret ?? "");
  return String(address);
}

/** A body with asterisks wherever the token stands in it: tables hold no secrets. */
export function withoutToken(body: Uint8Array<ArrayBuffer>, { secret }: TokenKey): Uint8Array<ArrayBuffer> {
  const masked = new Uint8Array(body);
  for (let at = indexOf(masked, secret, 0); at >= 0; at = indexOf(masked, secret, at + secret.length)) {
    masked.fill(0x2a, at, at + secret.length);
  }
  return masked;
}

function indexOf(bytes: Uint8Array, wanted: Uint8Array, from: number): number {
  for (let at = bytes.indexOf(wanted[0]!, from); at >= 0; at = bytes.indexOf(wanted[0]!, at + 1)) {
    if (wanted.every((byte, index) => bytes[at + index] === byte)) return at;
  }
  return -1;
}
