import { backoffDelayMs } from "../retry/backoff.ts";
import { retryAfterMs } from "./retry_after.ts";

/** What an answer of the endpoint means for the delivery. */
export interface Judgement {
  outcome: "delivered" | "failed";
  errorClass: string | null;
  /** A sentence for people. */
  error: string | null;
  /** Wait before the next attempt; null = delivered. */
  retryInMs: number | null;
  disableReason: string | null;
}

/** First wait up to 10 s, then doubling up to an hour; full jitter. */
const BACKOFF = { baseMs: 10_000, maxMs: 60 * 60_000 };

/** The wait after so many failures, this one included. */
export function retryDelayMs(failures: number, random?: () => number): number {
  // Half of the wait is sure: jitter alone could hammer an endpoint that has just failed.
  const ceilingMs = backoffDelayMs(failures, { ...BACKOFF, random: () => 1 });
  return Math.floor(ceilingMs / 2 + backoffDelayMs(failures, { ...BACKOFF, random }) / 2);
}

/**
 * Outcome rules: 2xx delivered; 410 disables the subscription; 429 and 503 obey Retry-After; redirects are not
 * followed and are failures; everything else backs off.
 *
 * @param failures - failed attempts including this one, should it be one.
 */
export function judgeAnswer(
  status: number,
  headers: Headers,
  failures: number,
  nowMs: number,
  random?: () => number,
): Judgement {
  if (status >= 200 && status < 300) {
    return { outcome: "delivered", errorClass: null, error: null, retryInMs: null, disableReason: null };
  }
  const waitMs = retryDelayMs(failures, random);
  const asked = status === 429 || status === 503 ? retryAfterMs(headers.get("retry-after"), nowMs) : null;
  return {
    outcome: "failed",
    errorClass: errorClassOf(status),
    error: status >= 300 && status < 400
      ? `The endpoint answered ${status}; redirects are not followed.`
      : `The endpoint answered ${status}.`,
    retryInMs: asked === null ? waitMs : Math.max(asked, Math.min(waitMs, 1000)),
    disableReason: status === 410 ? "gone" : null,
  };
}

function errorClassOf(status: number): string {
  if (status === 410) return "gone";
  if (status === 429) return "rate_limited";
  if (status >= 300 && status < 400) return "redirected";
  return status >= 500 ? "server_error" : "client_error";
}
