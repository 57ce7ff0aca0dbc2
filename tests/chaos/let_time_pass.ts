import type postgres from "postgres";

/** What workers claim from. */
export interface Queue {
  leaseMs: number;
  /** Ends leases that run out before an instant, and lets what waits be due. */
  setForward(sql: postgres.Sql, leasesUntil: Date): Promise<void>;
}

/** A claim on its way when its worker was lost is granted no later than this. */
const LATE_CLAIM_MS = 100;
/** Whoever holds a lease for longer than this is gone: what the rig sends is done in milliseconds. */
const LONGEST_WORK_MS = 3000;

/**
 * Sets the clocks of waiting rows forward instead of waiting for them. Leases are ended that were claimed before a worker
 * was lost, or so long ago that their worker must be; and what waits for its next attempt becomes due.
 *
 * @param lostAtMs - when the worker was lost; null = none was.
 */
export async function letTimePass(sql: postgres.Sql, queue: Queue, lostAtMs: number | null): Promise<void> {
  const claimedBeforeMs = Math.max(
    Date.now() - LONGEST_WORK_MS,
    lostAtMs === null ? 0 : lostAtMs + LATE_CLAIM_MS,
  );
  await queue.setForward(sql, new Date(claimedBeforeMs + queue.leaseMs));
}
