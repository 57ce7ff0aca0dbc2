import type { TokenAnswer } from "./oauth_provider.ts";
import { ProviderError, type ProviderErrorClass } from "./provider_error.ts";

/** Errors of RFC 6749 section 5.2 and of its neighbours that are about our app, not about the grant. */
const APP_ERRORS = [
  "invalid_client",
  "unauthorized_client",
  "unsupported_grant_type",
  "invalid_request",
  "invalid_scope",
  "redirect_uri_mismatch",
];
const MAX_WAIT_MS = 3_600_000;

/** A failure of a token address, in a sentence that names neither code nor token. */
export function tokenFailure(
  errorClass: ProviderErrorClass,
  title: string,
  providerCode: string | null,
  headers?: Headers,
): ProviderError {
  const named = providerCode === null ? "" : ` (${providerCode})`;
  const sentences: Partial<Record<ProviderErrorClass, string>> = {
    reconnect_needed: `${title} does not accept the grant${named}; connect again.`,
    misconfigured:
      `${title} does not accept this installation's OAuth app${named}; its operator checks client id, secret and redirect address.`,
    rate_limited: `${title} was asked too often; it is tried again later.`,
    malformed_answer: `${title} answered something else than tokens${named}; it is tried again later.`,
  };
  return new ProviderError(
    errorClass,
    sentences[errorClass] ??
      `${title} cannot be asked for tokens at the moment${named}; it is tried again later.`,
    { providerCode, retryAfterMs: headers ? waitMsOf(headers) : null },
  );
}

/** The failure of a token address that speaks as RFC 6749 section 5.2 says; null = it is none. */
export function standardTokenFailure(
  title: string,
  status: number,
  headers: Headers,
  parsed: TokenAnswer | null,
): ProviderError | null {
  const code = codeOf(parsed?.error);
  if (status === 429) return tokenFailure("rate_limited", title, code, headers);
  if (status >= 500) return tokenFailure("transient", title, code, headers);
  if (code === "invalid_grant") return tokenFailure("reconnect_needed", title, code);
  if (code !== null && APP_ERRORS.includes(code)) return tokenFailure("misconfigured", title, code);
  if (status !== 200 || parsed === null || code !== null) {
    return tokenFailure("malformed_answer", title, code);
  }
  return null;
}

/** A provider's word for an error; what is no such word may be anything, and is not repeated. */
export function codeOf(value: unknown): string | null {
  return typeof value === "string" && /^[a-z0-9_]{2,60}$/.test(value) ? value : null;
}

/** Seconds of Retry-After; null = it is not there. */
function waitMsOf(headers: Headers): number | null {
  const text = headers.get("retry-after") ?? "";
  return /^\d{1,6}$/.test(text) ? Math.min(Number(text) * 1000, MAX_WAIT_MS) : null;
}
