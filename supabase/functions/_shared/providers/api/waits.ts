import { parseHttpDate } from "../../retry/http_date.ts";
import { retryAfterMs } from "../../retry/retry_after.ts";
import type { RetrySettings } from "./config.ts";

/** Longest wait that an API may ask for. */
const MAX_WAIT_MS = 24 * 60 * 60_000;
/** Numbers above this are milliseconds since 1970, below it seconds: as seconds it is the year 5138. */
const FIRST_MILLISECONDS = 1e11;

/** How long the API asks to wait, in milliseconds; null = it does not say. The longest of its headers counts. */
export function waitMs(headers: Headers, retry: RetrySettings, nowMs: number): number | null {
  const waitsMs = [
    retryAfterMs(headers, nowMs),
    retry.after === undefined ? null : secondsOf(headers.get(retry.after)),
    retry.at === undefined ? null : untilMs(headers.get(retry.at), nowMs),
  ].filter((one) => one !== null);
  return waitsMs.length === 0 ? null : Math.min(Math.max(0, ...waitsMs), MAX_WAIT_MS);
}

/** Whether a refusal means "too often": the status says so, or nothing is left of what one may ask. */
export function meansWait(status: number, headers: Headers, retry: RetrySettings): boolean {
  if (status === 429) return true;
  const left = retry.remaining === undefined ? undefined : headers.get(retry.remaining)?.trim();
  // An API that counts for us says more than a status that means several things.
  if (left !== undefined) return left === "0" && (status === 403 || retry.statuses.includes(status));
  return retry.statuses.includes(status);
}

function secondsOf(text: string | null): number | null {
  const trimmed = text?.trim() ?? "";
  return /^\d{1,9}(\.\d+)?$/.test(trimmed) ? Math.ceil(Number(trimmed) * 1000) : null;
}

function untilMs(text: string | null, nowMs: number): number | null {
  const trimmed = text?.trim() ?? "";
  if (!/^\d{1,15}(\.\d+)?$/.test(trimmed)) {
    const atMs = parseHttpDate(trimmed, nowMs);
    return atMs === null ? null : atMs - nowMs;
  }
  const at = Number(trimmed);
  return Math.ceil(at >= FIRST_MILLISECONDS ? at : at * 1000) - nowMs;
}
