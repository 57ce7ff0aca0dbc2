import { backoffDelayMs } from "../retry/backoff.ts";
import type { ErrorClass } from "./error_class.ts";
import { retryAfterMs } from "../retry/retry_after.ts";

/** What an answer of the endpoint means for the delivery. */
export interface Judgement {
  outcome: "delivered" | "failed";
  errorClass: ErrorClass | null;
  /** A sentence for people. */
  error: string | null;
  /** Wait before the next attempt; null = delivered. */
  retryInMs: number | null;
  /** What the endpoint asked to wait for, whatever comes next; null = nothing. */
  askedMs: number | null;
  disableReason: string | null;
}

/** How and where a delivery stands when its next attempt is decided. */
export interface RetrySettings {
  /** Failed attempts, the judged one included should it be one; from 1. */
  failures: number;
  /** The integration's own waits in seconds, the last one repeating; null or empty = the default. */
  scheduleSeconds?: readonly number[] | null;
  /** Our clock; only a Retry-After date of an answer without a usable `Date` is held against it. */
  nowMs?: number;
  /** A number in [0, 1); injected by tests. */
  random?: () => number;
}

/** First wait 5 to 10 s, then doubling up to an hour. */
const BACKOFF = { baseMs: 10_000, maxMs: 60 * 60_000 };
/** What an endpoint that has more to do than it can is given, at the least. */
const SLOW_DOWN_MS = 60_000;
/** An endpoint that asks for no wait at all has this. */
const SHORTEST_ASKED_MS = 1000;

/** Too many requests, or a server in front of one that does not keep up. Source: Standard Webhooks 1.0.0. */
const OVERLOADED = [429, 502, 504];
/** Statuses for which Retry-After says when; on others it is not meant for a repetition. */
const OBEYS_RETRY_AFTER = [429, 503];

/**
 * The wait after a failed attempt, in milliseconds: the integration's schedule with up to a tenth more, or the default
 * backoff, of which half is sure, since full jitter alone could hammer an endpoint that has just failed.
 *
 * @param slowDown - the endpoint is overloaded: at least a minute, and up to half as much again by chance, so that what
 *   failed together does not come back together. Whoever set a schedule set it for an endpoint that keeps up.
 */
export function retryDelayMs(retry: RetrySettings, slowDown = false): number {
  const random = retry.random ?? Math.random;
  const waitMs = scheduledMs(retry, random);
  return slowDown && waitMs < SLOW_DOWN_MS ? later(SLOW_DOWN_MS, 2, random) : waitMs;
}

/** The wait after an attempt without an answer, by its class: an endpoint that is too slow to answer is overloaded. */
export function retryAfterFailureMs(errorClass: ErrorClass, retry: RetrySettings): number {
  return retryDelayMs(retry, errorClass === "timed_out");
}

/**
 * Outcome rules: 2xx delivered; 410 disables the subscription; 429 and 503 obey Retry-After; 429, 502 and 504 slow down;
 * redirects are not followed and are failures; everything else waits as {@link retryDelayMs} says.
 */
export function judgeAnswer(answer: { status: number; headers: Headers }, retry: RetrySettings): Judgement {
  const { status, headers } = answer;
  if (status >= 200 && status < 300) {
    return {
      outcome: "delivered",
      errorClass: null,
      error: null,
      retryInMs: null,
      askedMs: null,
      disableReason: null,
    };
  }
  const askedMs = OBEYS_RETRY_AFTER.includes(status)
    ? retryAfterMs(headers, retry.nowMs ?? Date.now())
    : null;
  return {
    outcome: "failed",
    errorClass: errorClassOf(status),
    error: status >= 300 && status < 400
      ? `The endpoint answered ${status}; redirects are not followed.`
      : `The endpoint answered ${status}.`,
    retryInMs: askedMs === null
      ? retryDelayMs(retry, OVERLOADED.includes(status))
      : Math.max(askedMs, SHORTEST_ASKED_MS),
    askedMs,
    disableReason: status === 410 ? "gone" : null,
  };
}

function scheduledMs({ failures, scheduleSeconds }: RetrySettings, random: () => number): number {
  const chosen = scheduleSeconds?.[Math.min(failures, scheduleSeconds.length) - 1];
  if (chosen !== undefined) return later(chosen * 1000, 10, random);
  const ceilingMs = backoffDelayMs(failures, { ...BACKOFF, random: () => 1 });
  return Math.floor(ceilingMs / 2 + backoffDelayMs(failures, { ...BACKOFF, random }) / 2);
}

/** The wait, and by chance up to the given part of it more: never sooner than was said. */
function later(waitMs: number, part: number, random: () => number): number {
  return waitMs + Math.floor(waitMs / part * random());
}

function errorClassOf(status: number): ErrorClass {
  if (status === 410) return "gone";
  if (status === 429) return "rate_limited";
  if (status >= 300 && status < 400) return "redirected";
  return status >= 500 ? "server_error" : "client_error";
}
