import { hubStore } from "../_shared/db/store.ts";
import { faultPoint } from "../_shared/fault_point.ts";
import { errorFields, type Logger } from "../_shared/log.ts";
import { keepAlive } from "../_shared/runtime.ts";
import { handleBatch } from "./handle_batch.ts";
import { type ClaimedDispatch, claimedSchema } from "./claimed_dispatch.ts";

/** Most dispatches per claim. */
const CLAIM_LIMIT = 50;
/** Longer than the slowest consumer, so that a lease only runs out when its worker is gone. */
const LEASE_MS = 60_000;
/** A drainer looks again for this long after its last find: the next event then needs no bell. */
const LINGER_MS = 1000;
const POLL_MS = 10;
/** How far ahead each claim promises another one. */
const PROMISE_MS = 400;
/** One invocation stops here and asks for the next: far below the platform's CPU and wall clock limits. */
const MAX_DISPATCHES = 1000;
const MAX_WALL_MS = 100_000;

let running = false;
let again = false;

/** Starts a drain, or tells the running one to look once more. */
export function wake(log: Logger, reason: string): "started" | "running" {
  if (running) {
    again = true;
    return "running";
  }
  running = true;
  keepAlive(
    drain(log.with({ reason })).finally(() => {
      running = false;
    }),
  );
  return "started";
}

async function drain(log: Logger): Promise<void> {
  const startedAt = new Date();
  let moved = 0;
  try {
    do {
      again = false;
      moved += await drainOnce(log, startedAt.getTime(), MAX_DISPATCHES - moved);
    } while (again && moved < MAX_DISPATCHES);
    if (moved === 0) return;
    await hubStore().call("record_agent_run", {
      p_agent: "event-dispatch",
      p_started_at: startedAt.toISOString(),
      p_summary: { dispatches: moved },
    });
    if (moved >= MAX_DISPATCHES) await hubStore().call("wake_drainer", { p_drainer: "event-dispatch" });
  } catch (error) {
    // Nothing is lost: leases run out, and the schedule wakes the next drain.
    log.error("drain ended early", { count: moved, ...errorFields(error) });
  }
}

/** Claims until nothing was found for a while, lets the promise lapse, and claims once more. Answers how many it moved. */
async function drainOnce(log: Logger, startedMs: number, limit: number): Promise<number> {
  let moved = 0;
  let foundAtMs = Date.now();
  let promisedUntilMs = 0;
  while (moved < limit && Date.now() - startedMs < MAX_WALL_MS) {
    const lingers = Date.now() - foundAtMs < LINGER_MS;
    if (lingers) promisedUntilMs = Date.now() + PROMISE_MS;
    else await sleep(promisedUntilMs - Date.now());
    const claimed = await claim(lingers ? PROMISE_MS : 0);
    if (claimed.length > 0) {
      await faultPoint("dispatch.claimed");
      await handleBatch(claimed, log);
      moved += claimed.length;
      foundAtMs = Date.now();
    } else if (lingers) {
      await sleep(POLL_MS);
    } else {
      break;
    }
  }
  return moved;
}

async function claim(awakeMs: number): Promise<ClaimedDispatch[]> {
  return claimedSchema.parse(
    await hubStore().call("claim_event_dispatches", {
      p_limit: CLAIM_LIMIT,
      p_lease_ms: LEASE_MS,
      p_awake_ms: awakeMs,
    }),
  );
}

function sleep(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, durationMs)));
}
