import { ERROR_CODES, type ErrorCode, type ErrorStatus } from "./codes.ts";

const BRAND = Symbol.for("interlock.error");

/** Facts that go with an error. */
export interface InterlockErrorOptions {
  /** What caused it; logged, never answered. */
  cause?: unknown;
  /** Facts for the caller, answered as `details`; never internals or secrets. */
  details?: Record<string, unknown>;
  /** For UNAVAILABLE and RATE_LIMITED: when to try again, answered as Retry-After. Milliseconds. */
  retryAfterMs?: number;
}

/**
 * An expected failure with a stable code. Its message is a sentence for the caller and goes into the answer.
 *
 * Branch on `code`, never on the message. Programming faults stay TypeError and RangeError.
 */
export class InterlockError extends Error {
  readonly [BRAND] = true;
  readonly status: ErrorStatus;
  readonly retryable: boolean;
  readonly details?: Record<string, unknown>;
  readonly retryAfterMs?: number;

  constructor(readonly code: ErrorCode, message: string, options: InterlockErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.name = "InterlockError";
    this.status = ERROR_CODES[code].status;
    this.retryable = ERROR_CODES[code].retryable;
    this.details = options.details;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** Whether a thrown value is an {@link InterlockError}, also across two copies of this module in one bundle. */
export function isInterlockError(error: unknown): error is InterlockError {
  return typeof error === "object" && error !== null && BRAND in error;
}
