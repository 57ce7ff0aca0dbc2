import type { Logger } from "../log.ts";
import { errorFields } from "../log.ts";
import type { SyncedConnector } from "../providers/synced_connector.ts";
import { keepAlive } from "../runtime.ts";
import { hasEnded, type SyncRun } from "./run_answer.ts";
import { runSlice } from "./slice.ts";

/** A wait no longer than this is waited for here: waiting costs no processor time, and the schedule comes once a minute. */
const MAX_WAIT_MS = 45_000;
/** The database's clock decides; while it is behind ours, it is not asked without a pause. */
const MIN_WAIT_MS = 250;
const MAX_WALL_MS = 100_000;

/**
 * Takes a slice of a run and, in the background, those that a short wait puts off. Longer ones are left to the schedule.
 *
 * @returns the run after its first slice; null when there is no such run.
 */
export async function workOn(
  runId: string,
  functionName: string,
  connectors: SyncedConnector[],
  log: Logger,
): Promise<SyncRun | null> {
  const startedMs = Date.now();
  const slice = () => runSlice(runId, functionName, log, { connectors });
  const run = await slice();
  if (run) keepAlive(sitOut(run, slice, startedMs, log));
  return run;
}

async function sitOut(
  run: SyncRun,
  slice: () => Promise<SyncRun | null>,
  startedMs: number,
  log: Logger,
): Promise<void> {
  try {
    let current: SyncRun | null = run;
    while (current?.status === "waiting" && !hasEnded(current)) {
      const waitMs = new Date(current.next_slice_at ?? 0).getTime() - Date.now();
      if (waitMs > MAX_WAIT_MS || Date.now() + waitMs - startedMs > MAX_WALL_MS) return;
      await new Promise((resolve) => setTimeout(resolve, Math.max(waitMs + 10, MIN_WAIT_MS)));
      current = await slice();
    }
  } catch (error) {
    // The schedule takes it up.
    log.error("slice after a wait failed", { run_id: run.run_id, ...errorFields(error) });
  }
}
