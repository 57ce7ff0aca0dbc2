/** How to wait between attempts. */
export interface BackoffOptions {
  /** Upper bound of the first wait, in milliseconds. */
  baseMs: number;
  /** Upper bound of every wait, in milliseconds. */
  maxMs: number;
  /** A number in [0, 1); injected by tests. */
  random?: () => number;
}

/**
 * The wait before the next attempt: exponential with full jitter, between 0 and min(maxMs, baseMs * 2^(attempt-1)).
 * Full jitter spreads a crowd that failed together best. `attempt` counts from 1.
 *
 * @throws {RangeError} when attempt is below 1.
 */
export function backoffDelayMs(attempt: number, options: BackoffOptions): number {
  if (!(attempt >= 1)) throw new RangeError(`Attempts count from 1, not from ${attempt}`);
  const ceilingMs = Math.min(options.maxMs, options.baseMs * 2 ** Math.min(attempt - 1, 60));
  return Math.floor((options.random ?? Math.random)() * ceilingMs);
}
