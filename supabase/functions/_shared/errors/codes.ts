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
  RATE_LIMITED: { status: 429, retryable: true },
  INTERNAL: { status: 500, retryable: false },
  UNAVAILABLE: { status: 503, retryable: true },
} as const;

/** A stable error code: what callers branch on. */
export type ErrorCode = keyof typeof ERROR_CODES;

/** The HTTP status a code is answered with. */
export type ErrorStatus = (typeof ERROR_CODES)[ErrorCode]["status"];
