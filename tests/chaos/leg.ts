import type { Queue } from "./let_time_pass.ts";
import type { Arrival, Ledger } from "./ledger.ts";

/** One way through the hub that rounds are held on: what is put in, and what must come out. */
export interface Leg {
  /** Sends one item of the producer's and does not rest until it is accepted; then it stands in the ledger. */
  produce(producer: number): Promise<void>;
  ledger: Ledger;
  /** The function that drains the queue it ends in. */
  drainer: string;
  /** The queue, and how long a claim of it holds. */
  queue: Queue;
  /** How much is still on its way. Throws when something was given up. */
  open(): Promise<number>;
  /** Everything that arrived since then. */
  arrivals(sinceMs: number): Promise<Arrival[]>;
  /** How often something was sent or handed over again so far, without harm. */
  repeats(): Promise<number>;
}
