/**
 * How many storing calls may be in flight at once.
 *
 * One is best where a call is quick: requests that arrive meanwhile share the next call. Where every commit waits for a
 * slow disk or network, several in flight share the wait. The floor of recent call times tells the two apart: it is the
 * fixed price of a call, which load does not change.
 */
export class FlightDepth {
  #recentMs: number[] = [];
  #depth = 1;

  /** @param maxDepth - most calls in flight; a small hosted database has few connections. */
  constructor(private readonly maxDepth = 4, private readonly msPerDepth = 2.5) {}

  get current(): number {
    return this.#depth;
  }

  /** Takes note of a finished call. Large batches say little about the fixed price and are left out. */
  observe(durationMs: number, batchSize: number): void {
    if (batchSize > 20) return;
    this.#recentMs.push(durationMs);
    if (this.#recentMs.length > 32) this.#recentMs.shift();
    const floorMs = Math.min(...this.#recentMs);
    this.#depth = Math.max(1, Math.min(this.maxDepth, Math.floor(floorMs / this.msPerDepth)));
  }
}
