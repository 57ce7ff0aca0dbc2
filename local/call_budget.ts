const WINDOW_MS = 60_000;

/** Counts the calls that functions make among each other, per chain and minute. */
export class CallBudget {
  readonly #windows = new Map<string, { endsMs: number; calls: number }>();

  constructor(private readonly callsPerMinute: number) {}

  /** Counts one call of a chain. Answers 0, or the milliseconds to wait when its minute is spent. */
  spend(chain: string): number {
    const nowMs = performance.now();
    const window = this.#windows.get(chain);
    if (window && window.endsMs > nowMs) {
      window.calls++;
      return window.calls <= this.callsPerMinute ? 0 : Math.ceil(window.endsMs - nowMs);
    }
    // Windows are kept in the order of their ends: the first that still runs ends the search.
    for (const [id, { endsMs }] of this.#windows) {
      if (endsMs > nowMs) break;
      this.#windows.delete(id);
    }
    this.#windows.set(chain, { endsMs: nowMs + WINDOW_MS, calls: 1 });
    return this.callsPerMinute > 0 ? 0 : WINDOW_MS;
  }
}
