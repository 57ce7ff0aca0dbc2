/** Longest wait that an endpoint may ask for. */
const MAX_WAIT_MS = 24 * 60 * 60_000;

/**
 * The wait that a Retry-After header asks for, in milliseconds, cut to a day; null when it says nothing readable.
 * Both forms of RFC 9110 section 10.2.3: seconds, or an HTTP date.
 */
export function retryAfterMs(header: string | null, nowMs: number): number | null {
  const text = header?.trim() ?? "";
  if (/^\d{1,9}$/.test(text)) return Math.min(Number(text) * 1000, MAX_WAIT_MS);
  if (!/^[A-Z][a-z]{2,8},? /.test(text)) return null;
  const atMs = Date.parse(text);
  return Number.isNaN(atMs) ? null : Math.min(Math.max(0, atMs - nowMs), MAX_WAIT_MS);
}
