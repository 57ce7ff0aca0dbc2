/**
 * The closed list of error codes of the hub, with the HTTP status each one answers.
 *
 * `docs/errors.md` lists the same codes for users; a test holds the two against each other.
 */
export const ERROR_CODES = {
  UNAUTHENTICATED: { status: 401, retryable: false },
  FORBIDDEN: { status: 403, retryable: false },
  MISSING_TENANT_ID: { status: 400, retryable: false },
  TENANT_NOT_FOUND: { status: 404, retryable: false },
  MISSING_ORG_ID: { status: 400, retryable: false },
  NOT_FOUND: { status: 404, retryable: false },
  INVALID_CAMPAIGN_TENANT: { status: 404, retryable: false },
  VALIDATION_FAILED: { status: 422, retryable: false },
  MALFORMED_BODY: { status: 400, retryable: false },
  PAYLOAD_TOO_LARGE: { status: 413, retryable: false },
  UNSUPPORTED_ENCODING: { status: 415, retryable: false },
  REQUEST_TIMEOUT: { status: 408, retryable: true },
  METHOD_NOT_ALLOWED: { status: 405, retryable: false },
  CONFLICT: { status: 409, retryable: false },
  SYNC_RUNNING: { status: 409, retryable: true },
  CONNECTOR_INACTIVE: { status: 409, retryable: false },
  RECONNECT_NEEDED: { status: 409, retryable: false },
  PERMISSION_MISSING: { status: 409, retryable: false },
  CONNECTOR_MISCONFIGURED: { status: 409, retryable: false },
  PROVIDER_REFUSED: { status: 422, retryable: false },
  PROVIDER_UNAVAILABLE: { status: 503, retryable: true },
  RATE_LIMITED: { status: 429, retryable: true },
  INTERNAL: { status: 500, retryable: false },
  UNAVAILABLE: { status: 503, retryable: true },
} as const;

/** A stable error code: what callers branch on. */
export type ErrorCode = keyof typeof ERROR_CODES;

/** The HTTP status a code is answered with. */
export type ErrorStatus = (typeof ERROR_CODES)[ErrorCode]["status"];
