import type { Store } from "../db/store.ts";
import { keepAlive, onWorkerEnding } from "../runtime.ts";

/** Counts stay in memory this long, so that many requests cost one call. */
const FLUSH_AFTER_MS = 10_000;
/** As many as one call takes; what more there is in ten seconds is counted together. */
const MAX_ACCOUNTS = 1000;
/** Stands for accounts for which there is no room. */
const OTHERS = "*";

interface Count {
  provider: string;
  account_id: string;
  requests: number;
  elements: number;
  [key: string]: string | number;
}

/**
 * Counts news of accounts that nobody has connected, and hands it over in bulk. Only requests with the app's signature
 * are counted, so nobody outside can fill the table. A worker that is killed takes up to ten seconds of counts with it.
 */
export class UnknownAccountTally {
  #counts = new Map<string, Count>();
  #isWaiting = false;

  constructor(private readonly store: Store, private readonly flushAfterMs = FLUSH_AFTER_MS) {
    onWorkerEnding(() => keepAlive(this.flush()));
  }

  /** Takes note of a request's elements for one account; never waits and never fails. */
  count(provider: string, accountId: string, elements: number): void {
    this.#add(provider, accountId, 1, elements);
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    keepAlive(this.#flushLater());
  }

  /** Hands over what is counted so far. What the database does not take is kept for the next time. */
  async flush(): Promise<void> {
    if (this.#counts.size === 0) return;
    const counts = [...this.#counts.values()];
    this.#counts = new Map();
    try {
      await this.store.call("count_unknown_app_accounts", { p_counts: counts });
    } catch {
      for (const { provider, account_id, requests, elements } of counts) {
        this.#add(provider, account_id, requests, elements);
      }
    }
  }

  async #flushLater(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, this.flushAfterMs));
    this.#isWaiting = false;
    await this.flush();
  }

  #add(provider: string, accountId: string, requests: number, elements: number): void {
    const known = this.#counts.has(`${provider}:${accountId}`);
    // The last places are kept for what is counted together, one for each provider.
    const account_id = known || this.#counts.size < MAX_ACCOUNTS - 10 ? accountId : OTHERS;
    const key = `${provider}:${account_id}`;
    const count = this.#counts.get(key) ?? { provider, account_id, requests: 0, elements: 0 };
    count.requests += requests;
    count.elements += elements;
    this.#counts.set(key, count);
  }
}
