/** Calls that are remembered. */
const WINDOW = 32;

/**
 * How many storing calls may be in flight at once.
 *
 * What a call takes is work and waiting. Work is the database's: calls beside each other only share it, and requests that
 * come meanwhile are stored cheapest by sharing one call. Waiting is the disk's flush and the network: calls beside each
 * other wait at the same time. So there is one call, and one more for every time that the work of a call fits into the
 * least that recent calls waited; load alone does not change that least.
 */
export class FlightDepth {
  #calls: { waitMs: number; workMs: number }[] = [];
  #depth = 1;

  /** @param maxDepth - most calls in flight: the connections there are. */
  constructor(private readonly maxDepth: number) {}

  get current(): number {
    return this.#depth;
  }

  /**
   * Takes note of a finished call.
   *
   * @param durationMs - from sending it to its answer.
   * @param workMs - what the database worked on it before the commit, by its own clock.
   */
  observe(durationMs: number, workMs: number): void {
    this.#calls.push({ waitMs: durationMs - workMs, workMs });
    if (this.#calls.length > WINDOW) this.#calls.shift();
    const leastWaitMs = Math.min(...this.#calls.map(({ waitMs }) => waitMs));
    const meanWorkMs = this.#calls.reduce((sum, call) => sum + call.workMs, 0) / this.#calls.length;
    const fitting = meanWorkMs > 0 ? Math.floor(leastWaitMs / meanWorkMs) : 0;
    this.#depth = Math.max(1, Math.min(this.maxDepth, 1 + fitting));
  }
}
