import { type ChaosStack, pause } from "./chaos_stack.ts";
import type { Verdict } from "./ledger.ts";
import type { Leg } from "./leg.ts";
import { letTimePass } from "./let_time_pass.ts";
import type { Random } from "./random.ts";

/** Producers at work at the same time; odd and even ones belong to different tenants. */
const PRODUCERS = 4;
/** Items each of them sends as fast as it can; a server takes seconds to come back, and load beyond that proves no more. */
const ITEMS_AT_FULL_SPEED = 20;
const SLOWED_BY_MS = 150;
/** Items each of them still sends after the strike: the hub must take them while it recovers. */
const ITEMS_AFTER_STRIKE = 3;
const HURRY_EVERY_MS = 100;
const RECOVERED_WITHIN_MS = 30_000;

/** What hits the hub in a round; resolves with what it hit, once it did. */
export type Blow = (random: Random) => Promise<{ at: string; struckAtMs: number }>;

/** How one round ended. */
export interface RoundResult {
  struckAt: string;
  verdict: Verdict;
}

/** Load from two tenants, a blow in its midst, recovery, and the ledger's verdict on what was sent meanwhile. */
export async function runRound(
  chaos: ChaosStack,
  leg: Leg,
  blow: Blow,
  random: Random,
): Promise<RoundResult> {
  const from = leg.ledger.size;
  const startedAtMs = Date.now();
  let struckAtMs: number | null = null;
  let at = "";
  let over = false;
  const hurrying = (async () => {
    for (let waitedMs = 0; !over; waitedMs += 50) {
      await pause(50);
      if (waitedMs % HURRY_EVERY_MS !== 0) continue;
      // Either may fail while what it asks is down; it is asked again.
      await letTimePass(chaos.sql, leg.queue, struckAtMs).catch(() => {});
      await chaos.wake(leg.drainer).catch(() => {});
    }
  })();
  const producer = async (index: number) => {
    for (let left = ITEMS_AFTER_STRIKE, sent = 0; left > 0; sent++) {
      if (Date.now() - startedAtMs > RECOVERED_WITHIN_MS) throw new Error("The blow did not strike in time");
      await leg.produce(index);
      await pause(random.between(0, 20) + (sent < ITEMS_AT_FULL_SPEED ? 0 : SLOWED_BY_MS));
      if (struckAtMs !== null) left--;
    }
  };
  const blown = blow(random).then((strike) => ({ at, struckAtMs } = strike));
  try {
    await Promise.all([blown, ...Array.from({ length: PRODUCERS }, (_, index) => producer(index))]);
    await recovered(leg);
  } finally {
    over = true;
    await hurrying;
  }
  return { struckAt: at, verdict: leg.ledger.judge(await leg.arrivals(startedAtMs), from) };
}

async function recovered(leg: Leg): Promise<void> {
  const deadline = Date.now() + RECOVERED_WITHIN_MS;
  for (let open = await leg.open(); open > 0; open = await leg.open()) {
    if (Date.now() > deadline) throw new Error(`${open} items are still on their way`);
    await pause(10);
  }
}
