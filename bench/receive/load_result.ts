import process from "node:process";
import { quantile, round } from "../measure/statistics.ts";

/** What one measurement saw. */
export interface LoadResult {
  /** Stored requests per second. */
  perSecond: number;
  p50Ms: number;
  p99Ms: number;
  /** Requests answered 2xx as new. */
  accepted: number;
  /** Requests answered 2xx as already known; every request is new, so there must be none. */
  duplicates: number;
  /** Every other answer. */
  refused: number;
  /** Processor time the generator itself took per request, in milliseconds. */
  generatorCpuMs: number;
}

/** Counts answers and times while a measurement runs. */
export class LoadMeter {
  readonly #started = performance.now();
  readonly #cpuAtStart = cpuMs();
  readonly #latencies: number[] = [];
  accepted = 0;
  duplicates = 0;
  refused = 0;

  addLatency(durationMs: number): void {
    this.#latencies.push(durationMs);
  }

  result(): LoadResult {
    const seconds = (performance.now() - this.#started) / 1000;
    return {
      perSecond: Math.round(this.accepted / seconds),
      p50Ms: round(quantile(this.#latencies, 0.5), 2),
      p99Ms: round(quantile(this.#latencies, 0.99), 2),
      accepted: this.accepted,
      duplicates: this.duplicates,
      refused: this.refused,
      generatorCpuMs: round((cpuMs() - this.#cpuAtStart) / Math.max(1, this.#latencies.length), 3),
    };
  }
}

/** User and system time of this process so far. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
