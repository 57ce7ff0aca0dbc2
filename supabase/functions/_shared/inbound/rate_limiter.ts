import { type Clock, systemClock } from "../clock.ts";

/** Buckets that are kept; the one asked longest ago leaves, and would by then be full again. */
const MAX_BUCKETS = 10_000;

interface Bucket {
  tokens: number;
  atMs: number;
}

/**
 * Token buckets of this process: so many a second on average, and as many at once after a second of silence. Several
 * workers each count for themselves, so a hub that has grown lets through more than one worker would.
 */
export class RateLimiter {
  #buckets = new Map<string, Bucket>();

  constructor(private readonly clock: Clock = systemClock) {}

  /** Takes a token. Answers 0, or after how many milliseconds there is one again. */
  take(id: string, perSecond: number): number {
    const nowMs = this.clock.nowMs();
    const bucket = this.#buckets.get(id) ?? { tokens: perSecond, atMs: nowMs };
    const elapsedMs = Math.max(0, nowMs - bucket.atMs);
    bucket.tokens = Math.min(perSecond, bucket.tokens + elapsedMs * perSecond / 1000);
    bucket.atMs = nowMs;
    this.#keep(id, bucket);
    if (bucket.tokens < 1) return Math.ceil((1 - bucket.tokens) * 1000 / perSecond);
    bucket.tokens--;
    return 0;
  }

  #keep(id: string, bucket: Bucket): void {
    this.#buckets.delete(id);
    this.#buckets.set(id, bucket);
    if (this.#buckets.size > MAX_BUCKETS) this.#buckets.delete(this.#buckets.keys().next().value!);
  }
}
