import { ProviderError, type ProviderErrorClass } from "../providers/provider_error.ts";
import { backoffDelayMs } from "../retry/backoff.ts";
import { MAX_FAILURES } from "./slice_limits.ts";

/** Why a run waits or failed: what a provider did, or `internal`: a fault of ours, told in the log. */
export type SyncErrorClass = ProviderErrorClass | "internal";

/** How a slice ends that met a failure, as `finish_sync_slice` takes it. */
export interface FailedSlice {
  kind: "wait" | "failed";
  error_class: SyncErrorClass;
  error: string;
  /** Counts towards giving up. */
  is_failure: boolean;
  wait_ms: number;
}

const BACKOFF = { baseMs: 10_000, maxMs: 15 * 60_000 };
const MIN_WAIT_MS = 1000;
/** A provider that asks for more is asked again tomorrow. */
const MAX_WAIT_MS = 24 * 60 * 60_000;
/** For a provider that says "too often" without saying how long. */
const UNTOLD_WAIT_MS = 30_000;

/**
 * What a failure means for the run: being asked to wait is no failure, what may pass is tried again with growing waits,
 * the rest needs a person.
 *
 * @param failuresBefore - failed tries since the last page.
 */
export function judgeFailure(error: unknown, failuresBefore: number): FailedSlice {
  const told = error instanceof ProviderError;
  const errorClass: SyncErrorClass = told ? error.errorClass : "internal";
  const sentence = told ? error.message : "Something went wrong on our side; the log has it by the run's id.";
  const failed = { error_class: errorClass, error: sentence };
  if (told && errorClass === "rate_limited") {
    const waitMs = Math.min(Math.max(error.retryAfterMs ?? UNTOLD_WAIT_MS, MIN_WAIT_MS), MAX_WAIT_MS);
    return { kind: "wait", ...failed, is_failure: false, wait_ms: waitMs };
  }
  const mayPass = !told || error.isPassing;
  if (!mayPass || failuresBefore + 1 >= MAX_FAILURES) {
    return { kind: "failed", ...failed, is_failure: true, wait_ms: 0 };
  }
  const askedMs = told ? error.retryAfterMs ?? 0 : 0;
  const waitMs = Math.max(askedMs, backoffDelayMs(failuresBefore + 1, BACKOFF), MIN_WAIT_MS);
  return { kind: "wait", ...failed, is_failure: true, wait_ms: Math.min(waitMs, MAX_WAIT_MS) };
}
