const FIRST_BYTES = 4096;

/** Collects a body up to a limit, in one buffer that doubles: a body of one-byte chunks costs no more than its bytes. */
export class BodyBuffer {
  /** There was more than the limit. */
  truncated = false;
  #buffer = new Uint8Array(0);
  #length = 0;

  constructor(readonly maxBytes: number) {}

  get full(): boolean {
    return this.#length >= this.maxBytes;
  }

  /** Copies the bytes; what goes beyond the limit is dropped and remembered as `truncated`. */
  append(bytes: Uint8Array<ArrayBuffer>): void {
    const kept = bytes.subarray(0, this.maxBytes - this.#length);
    if (kept.length < bytes.length) this.truncated = true;
    const needed = this.#length + kept.length;
    if (needed > this.#buffer.length) this.#grow(needed);
    this.#buffer.set(kept, this.#length);
    this.#length = needed;
  }

  /** What was collected, in a buffer of its own size. */
  bytes(): Uint8Array<ArrayBuffer> {
    return this.#buffer.slice(0, this.#length);
  }

  #grow(needed: number): void {
    const doubled = Math.max(FIRST_BYTES, this.#buffer.length * 2);
    const larger = new Uint8Array(Math.min(this.maxBytes, Math.max(needed, doubled)));
    larger.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = larger;
  }
}
