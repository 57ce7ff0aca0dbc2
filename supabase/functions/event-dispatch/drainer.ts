import { hubStore } from "../_shared/db/store.ts";
import { Drainer } from "../_shared/drain/drainer.ts";
import { faultPoint } from "../_shared/fault_point.ts";
import { type ClaimedDispatch, claimedSchema } from "./claimed_dispatch.ts";
import { handleBatch } from "./handle_batch.ts";

/** Most dispatches per claim. */
const CLAIM_LIMIT = 50;
/** Longer than the slowest consumer, so that a lease only runs out when its worker is gone. */
const LEASE_MS = 60_000;

/** Hands due dispatches to their consumers. */
export const dispatchDrainer = new Drainer({
  name: "event-dispatch",
  unit: "dispatches",
  maxItems: 1000,
  round: async (awakeMs, log) => {
    const claimed = await claim(awakeMs);
    if (claimed.length === 0) return 0;
    await faultPoint("dispatch.claimed");
    await handleBatch(claimed, log);
    return claimed.length;
  },
});

async function claim(awakeMs: number): Promise<ClaimedDispatch[]> {
  return claimedSchema.parse(
    await hubStore().call("claim_event_dispatches", {
      p_limit: CLAIM_LIMIT,
      p_lease_ms: LEASE_MS,
      p_awake_ms: awakeMs,
    }),
  );
}
