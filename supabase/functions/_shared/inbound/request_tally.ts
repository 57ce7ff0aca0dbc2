import type { Json, Store } from "../db/store.ts";
import { keepAlive, onWorkerEnding } from "../runtime.ts";

/** What leaves no receipt and is counted all the same. */
export type Tallied = "refused" | "limited" | "duplicates" | "filtered";

/** Counts stay in memory this long, so that a flood costs one call and not one per request. */
const FLUSH_AFTER_MS = 10_000;
/** As many as one call takes; a hub that serves more webhooks in ten seconds leaves some uncounted. */
const MAX_WEBHOOKS = 1000;

/**
 * Counts requests that store nothing, by webhook, and hands them over in bulk. Only webhooks that exist may be counted:
 * what a sender can make of it is then one row per hour, however often it is refused. A worker that is killed takes up to
 * ten seconds of counts with it.
 */
export class RequestTally {
  #counts = new Map<string, Partial<Record<Tallied, number>>>();
  #isWaiting = false;

  constructor(private readonly store: Pick<Store, "call">, private readonly flushAfterMs = FLUSH_AFTER_MS) {
    onWorkerEnding(() => keepAlive(this.flush()));
  }

  /** Takes note; never waits and never fails. */
  count(webhookId: string, what: Tallied, times = 1): void {
    if (times > 0) this.#add(webhookId, { [what]: times });
    if (!this.#isWaiting && this.#counts.size > 0) {
      this.#isWaiting = true;
      keepAlive(this.#flushLater());
    }
  }

  /** Hands over what is counted so far. What the database does not take is kept for the next time. */
  async flush(): Promise<void> {
    if (this.#counts.size === 0) return;
    const counts = this.#counts;
    this.#counts = new Map();
    const rows: Json = [...counts].map(([webhookId, count]) => ({ webhook_id: webhookId, ...count }));
    try {
      await this.store.call("count_webhook_requests", { p_counts: rows });
    } catch {
      for (const [webhookId, count] of counts) this.#add(webhookId, count);
    }
  }

  async #flushLater(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, this.flushAfterMs));
    this.#isWaiting = false;
    await this.flush();
  }

  #add(webhookId: string, more: Partial<Record<Tallied, number>>): void {
    const count = this.#counts.get(webhookId) ?? {};
    if (!this.#counts.has(webhookId)) {
      if (this.#counts.size >= MAX_WEBHOOKS) return;
      this.#counts.set(webhookId, count);
    }
    for (const [what, times] of Object.entries(more) as [Tallied, number][]) {
      count[what] = (count[what] ?? 0) + times;
    }
  }
}
