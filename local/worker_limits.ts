/**
 * What the hosted platform allows a function, as its documentation (supabase.com/docs/guides/functions/limits and
 * .../recursive-functions) and the source of its runtime (supabase/edge-runtime, the supervisor's per-worker strategy)
 * state it. The local stack enforces the same, so that what would break there breaks here first.
 *
 * @module
 */

/** Limits of one worker, and of the calls that functions make among each other. */
export interface WorkerLimits {
  /**
   * A worker that holds more is killed; one that holds half of it is retired, as the runtime lets go of such a worker once
   * it is idle. Documented: 256 MB; the runtime compares V8's heap and what hangs on it. Seen from outside, the nearest
   * figure is the process's anonymous resident memory (RssAnon): heap and buffers, without the pages of Deno's own binary, of
   * which the platform has one copy for all workers. It counts Deno's native memory too, so it is a little stricter.
   */
  memoryMb: number;
  /**
   * A worker that has used so much CPU since it booted is retired: it gets no new requests, and ends once its open ones and
   * its background work are done. 1,000 in the official command line tool's settings, next to the documented 2,000.
   */
  cpuSoftMs: number;
  /**
   * A worker that has used so much CPU since it booted is killed. Documented as 2 s "per request", but the runtime compares
   * what the worker used since its boot. Here it is user and system time of the process; there, of the worker's thread.
   */
  cpuHardMs: number;
  /** A worker older than this is killed; at half of it, it is retired. Documented: 150 s on the free plan, 400 s on paid ones. */
  wallClockMs: number;
  /** Until an answer has to begin; then the gateway says 504. Documented as the request idle timeout, 150 s. */
  answerTimeoutMs: number;
  /**
   * Calls from function to function that one chain may make in a minute. Documented: at least 5,000. Calls from outside,
   * also those of the database through pg_net, begin a chain of their own and do not count.
   */
  chainCallsPerMinute: number;
}

/** Outgoing ports that are closed to functions. Documented: 25 and 587. */
export const CLOSED_PORTS = [25, 587];

/** A worker hears `beforeunload` at this share of a limit that kills. The runtime's default for all three. */
export const WARNING_SHARE = 0.9;

/** Plans of the platform with limits of their own. */
export const PLANS = ["free", "paid"] as const;
export type Plan = typeof PLANS[number];

const FREE: WorkerLimits = {
  memoryMb: 256,
  cpuSoftMs: 1000,
  cpuHardMs: 2000,
  wallClockMs: 150_000,
  answerTimeoutMs: 150_000,
  chainCallsPerMinute: 5000,
};

/** The limits of a plan; a test may lower some. */
export function limitsOf(plan: Plan, overrides: Partial<WorkerLimits> = {}): WorkerLimits {
  return { ...FREE, ...(plan === "paid" ? { wallClockMs: 400_000 } : {}), ...overrides };
}
