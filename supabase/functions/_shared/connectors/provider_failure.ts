import type { ErrorCode } from "../errors/codes.ts";
import { InterlockError } from "../errors/interlock_error.ts";
import { ProviderError, type ProviderErrorClass } from "../providers/provider_error.ts";

const CODES: Record<ProviderErrorClass, ErrorCode> = {
  reconnect_needed: "RECONNECT_NEEDED",
  permission_missing: "PERMISSION_MISSING",
  misconfigured: "CONNECTOR_MISCONFIGURED",
  input_refused: "PROVIDER_REFUSED",
  rate_limited: "PROVIDER_UNAVAILABLE",
  transient: "PROVIDER_UNAVAILABLE",
  malformed_answer: "PROVIDER_UNAVAILABLE",
  cursor_expired: "PROVIDER_UNAVAILABLE",
};

/** The codes a route may answer that talks to a provider. */
export const PROVIDER_CODES: ErrorCode[] = [...new Set(Object.values(CODES))];

/** A provider's failure as a route answers it; anything else stays what it is. */
export function asInterlockError(error: unknown): unknown {
  if (!(error instanceof ProviderError)) return error;
  return new InterlockError(CODES[error.errorClass], error.message, {
    cause: error,
    details: { error_class: error.errorClass, provider_code: error.providerCode },
    retryAfterMs: error.retryAfterMs ?? (error.isPassing ? 30_000 : undefined),
  });
}
