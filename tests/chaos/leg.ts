import type { Arrival, Ledger } from "./ledger.ts";

/** One way through the hub that rounds are held on: what is put in, and what must come out. */
export interface Leg {
  /** Sends one item of the producer's and does not rest until it is accepted; then it stands in the ledger. */
  produce(producer: number): Promise<void>;
  ledger: Ledger;
  /**
   * Does what waiting would do: lets leases of lost workers run out, makes retries due, wakes the drainers.
   *
   * @param struckAtMs - when a worker was lost; null = not yet.
   */
  hurry(struckAtMs: number | null): Promise<void>;
  /** How much is still on its way. Throws when something was given up. */
  open(): Promise<number>;
  /** Everything that arrived since then. */
  arrivals(sinceMs: number): Promise<Arrival[]>;
  /** How often something was sent or handed over again so far, without harm. */
  repeats(): Promise<number>;
}
