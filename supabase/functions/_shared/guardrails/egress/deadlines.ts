/** Requests whose time ends within the same tick share a timer. */
const TICK_MS = 25;

interface Tick {
  timer: ReturnType<typeof setTimeout>;
  late: Set<() => void>;
}

/**
 * Deadlines of many requests over few timers: almost every one is taken back, and a timer of its own for each costs more
 * than the rest of its bookkeeping.
 */
export class Deadlines {
  #ticks = new Map<number, Tick>();

  /** Calls `late` once, `durationMs` from now or up to a tick later. What it answers takes the deadline back. */
  after(durationMs: number, late: () => void): () => void {
    const nowMs = performance.now();
    const at = Math.ceil((nowMs + durationMs) / TICK_MS);
    const tick = this.#ticks.get(at) ?? this.#begin(at, at * TICK_MS - nowMs);
    tick.late.add(late);
    return () => {
      if (tick.late.delete(late) && tick.late.size === 0) this.#end(at, tick);
    };
  }

  #begin(at: number, durationMs: number): Tick {
    const tick: Tick = {
      late: new Set(),
      timer: setTimeout(() => {
        this.#ticks.delete(at);
        for (const late of tick.late) late();
      }, durationMs),
    };
    this.#ticks.set(at, tick);
    return tick;
  }

  #end(at: number, tick: Tick): void {
    clearTimeout(tick.timer);
    if (this.#ticks.get(at) === tick) this.#ticks.delete(at);
  }
}
