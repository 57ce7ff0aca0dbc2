import { createRemoteJWKSet, customFetch, type JWTVerifyGetKey } from "jose";
import { environment } from "../../env.ts";
import { sendRequest } from "../../guardrails/egress/egress.ts";

/** Google publishes keys days before it uses them; one that is not known is asked for anyway. */
const KEEP_MS = 6 * 60 * 60 * 1000;
/** Between two questions for keys that are not there, so that nobody makes us ask Google by inventing key ids. */
const COOLDOWN_MS = 60_000;
const TIMEOUT_MS = 5000;
const MAX_BYTES = 64 * 1024;

let keys: JWTVerifyGetKey | undefined;

/** Google's public keys, remembered by this process. */
export function googleKeys(): JWTVerifyGetKey {
  return keys ??= createGoogleKeys(environment().INTERLOCK_GOOGLE_KEYS_URL);
}

/** Keys that are published at an address, fetched through the guarded way out. */
export function createGoogleKeys(url: string, cooldownMs = COOLDOWN_MS): JWTVerifyGetKey {
  return createRemoteJWKSet(new URL(url), {
    cacheMaxAge: KEEP_MS,
    cooldownDuration: cooldownMs,
    timeoutDuration: TIMEOUT_MS,
    [customFetch]: async (url) => {
      const { status, body } = await sendRequest({
        url: String(url),
        method: "GET",
        headers: { accept: "application/json" },
        timeoutMs: TIMEOUT_MS,
        maxResponseBytes: MAX_BYTES,
      });
      return new Response(body, { status });
    },
  });
}
