import { constantTimeEqual } from "../_shared/crypto/constant_time_equal.ts";
import { base64Decode, base64Encode, hexEncode, utf8Bytes } from "../_shared/crypto/encoding.ts";
import { type HmacKey, hmacSha256, hmacSha256Key, sha256 } from "../_shared/crypto/hmac.ts";
import { environment } from "../_shared/env.ts";

/** How long somebody may take at the provider; then as long to come back and finish. */
export const STATE_LIFETIME_MS = 10 * 60_000;

/** Whom and what a state belongs to. */
export interface StateOwner {
  provider: string;
  tenantId: string;
  userId: string;
}

/** A state whose signature is right. */
export interface CheckedState {
  hash: string;
  /** Of PKCE (RFC 7636): 43 characters that nobody without our key can name. */
  verifier: string;
  /** Says whether the state was made for this owner. */
  isOf(owner: StateOwner): Promise<boolean>;
}

const PARTS = /^([\w-]{43})\.(\d{13})\.([\w-]{22})\.([\w-]{43})$/;

/**
 * A new state: chance, its end, whom it belongs to under our key, and a signature over these and the provider. The ids of
 * tenant and user stay here: what travels says nothing to anybody else.
 */
export async function newState(owner: StateOwner, nowMs: number): Promise<string> {
  const nonce = base64Url(crypto.getRandomValues(new Uint8Array(32)));
  const unsigned = `${nonce}.${nowMs + STATE_LIFETIME_MS}.${await bindingOf(owner, nonce)}`;
  return `${unsigned}.${await signatureOf(owner.provider, unsigned)}`;
}

/** A state that is ours, of this provider and not too old; null else. Asks nobody. */
export async function checkedState(
  state: string,
  provider: string,
  nowMs: number,
): Promise<CheckedState | null> {
  const [, nonce, expiresMs, binding, signature] = PARTS.exec(state) ?? [];
  if (nonce === undefined || binding === undefined || signature === undefined) return null;
  const expected = await signatureOf(provider, `${nonce}.${expiresMs}.${binding}`);
  if (!isSameText(expected, signature) || Number(expiresMs) <= nowMs) return null;
  return {
    hash: await hashOf(state),
    verifier: await verifierOf(state),
    isOf: async (owner) => isSameText(await bindingOf(owner, nonce), binding),
  };
}

/** SHA-256 in hex: what tables keep of a state or a code. */
export async function hashOf(text: string): Promise<string> {
  return hexEncode(await sha256(utf8Bytes(text)));
}

/** The verifier that belongs to a state. It follows from it, so that it need not be kept anywhere. */
export async function verifierOf(state: string): Promise<string> {
  return base64Url(await hmacSha256(await key("verifier"), utf8Bytes(state.split(".")[0]!)));
}

/** The challenge of a verifier, S256. */
export async function challengeOf(verifier: string): Promise<string> {
  return base64Url(await sha256(utf8Bytes(verifier)));
}

/** A code that the browser gets once, in place of what was granted. */
export function newCode(): string {
  return base64Url(crypto.getRandomValues(new Uint8Array(32)));
}

async function bindingOf({ provider, tenantId, userId }: StateOwner, nonce: string): Promise<string> {
  const text = JSON.stringify([provider, tenantId, userId, nonce]);
  return base64Url((await hmacSha256(await key("owner"), utf8Bytes(text))).slice(0, 16));
}

async function signatureOf(provider: string, unsigned: string): Promise<string> {
  return base64Url(await hmacSha256(await key("state"), utf8Bytes(JSON.stringify([provider, unsigned]))));
}

const keys = new Map<string, Promise<HmacKey>>();

/** Keys of their own for each use, made from the installation's secret key; with another one states on their way end. */
function key(use: string): Promise<HmacKey> {
  const made = keys.get(use) ?? deriveKey(use);
  keys.set(use, made);
  return made;
}

async function deriveKey(use: string): Promise<HmacKey> {
  const { SUPABASE_SECRET_KEYS: secretKeys } = environment();
  const secret = secretKeys.hub ?? secretKeys.default ?? Object.values(secretKeys)[0] ?? "";
  const root = await hmacSha256Key(utf8Bytes(secret));
  return await hmacSha256Key(await hmacSha256(root, utf8Bytes(`interlock oauth ${use} 1`)));
}

function isSameText(expected: string, actual: string): boolean {
  return constantTimeEqual(utf8Bytes(expected), base64Decode(actual) && utf8Bytes(actual));
}

function base64Url(bytes: Uint8Array): string {
  return base64Encode(bytes).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}
