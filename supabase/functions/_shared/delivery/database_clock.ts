/** So many calls are remembered: one of them reached the database without delay. */
const MAX_SAMPLES = 64;

/**
 * The database's clock, read by `performance.now()` of this process. Slots of a rate limit are instants of the database:
 * counted from when an answer came, those of one claim would be as late as that answer, and the next claim's would
 * follow them too soon.
 */
export class DatabaseClock {
  readonly #distancesMs: number[] = [];

  /**
   * By our clock, the moment that an answer names. It lies between the question and the answer; of recent questions the
   * one that was quickest to arrive says best how far the clocks are apart. What is learned so only moves the moment
   * later, never closer to one that was told before.
   *
   * @param databaseMs - when the database worked on the question, in milliseconds since 1970 by its clock.
   * @param askedAtMs - when it was asked, of `performance.now()`.
   * @param answeredAtMs - when the answer came, of `performance.now()`.
   */
  localMs(databaseMs: number, askedAtMs: number, answeredAtMs: number): number {
    this.#distancesMs.push(askedAtMs - databaseMs);
    if (this.#distancesMs.length > MAX_SAMPLES) this.#distancesMs.shift();
    return Math.min(databaseMs + Math.max(...this.#distancesMs), answeredAtMs);
  }
}
