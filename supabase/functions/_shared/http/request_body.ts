import { InterlockError } from "../errors/interlock_error.ts";

/** What is still read of a refused request before it is answered. */
const DRAIN_LIMIT_BYTES = 8 * 1024 * 1024;
const DRAIN_TIMEOUT_MS = 5000;

/**
 * The body of one request, read at most once. A refusal may come before the body is whole; it is answered only after
 * the rest was read and thrown away, because the hosted runtime was reported to withhold an answer while the body is
 * still in flight.
 */
export class RequestBody {
  #reader: ReadableStreamDefaultReader<Uint8Array> | null;
  #bytes: Promise<Uint8Array<ArrayBuffer>> | null = null;
  #declaredBytes: number | null;
  #finished: boolean;

  constructor(request: Request) {
    this.#reader = request.body?.getReader() ?? null;
    this.#finished = this.#reader === null;
    const declared = request.headers.get("content-length");
    this.#declaredBytes = declared !== null && /^\d{1,15}$/.test(declared) ? Number(declared) : null;
  }

  /**
   * The body's bytes. The limit holds while streaming, whatever Content-Length says.
   *
   * @throws {InterlockError} PAYLOAD_TOO_LARGE above limitBytes, MALFORMED_BODY when the sender breaks off.
   */
  bytes(limitBytes: number): Promise<Uint8Array<ArrayBuffer>> {
    this.#bytes ??= this.#read(limitBytes);
    return this.#bytes;
  }

  /** Reads and forgets what is left, up to 8 MiB or 5 s. Never throws. */
  async drain(): Promise<void> {
    if (this.#finished || !this.#reader) return;
    const reader = this.#reader;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const timeout = new Promise<"late">((resolve) => {
      timer = setTimeout(() => resolve("late"), DRAIN_TIMEOUT_MS);
    });
    try {
      for (let seen = 0; seen < DRAIN_LIMIT_BYTES;) {
        const chunk = await Promise.race([reader.read(), timeout]);
        if (chunk === "late" || chunk.done) break;
        seen += chunk.value.length;
      }
    } catch {
      // The sender is gone: nobody is left to answer.
    } finally {
      clearTimeout(timer);
      this.#finished = true;
      reader.cancel().catch(() => {});
    }
  }

  async #read(limitBytes: number): Promise<Uint8Array<ArrayBuffer>> {
    if (this.#declaredBytes !== null && this.#declaredBytes > limitBytes) throw tooLarge(limitBytes);
    const chunks: Uint8Array[] = [];
    let length = 0;
    while (this.#reader && !this.#finished) {
      const chunk = await this.#reader.read().catch((error) => {
        this.#finished = true;
        throw new InterlockError("MALFORMED_BODY", "The request body ended before it was complete.", {
          cause: error,
        });
      });
      if (chunk.done) {
        this.#finished = true;
        break;
      }
      length += chunk.value.length;
      if (length > limitBytes) throw tooLarge(limitBytes);
      chunks.push(chunk.value);
    }
    if (chunks.length === 1) return chunks[0] as Uint8Array<ArrayBuffer>;
    const whole = new Uint8Array(length);
    let offset = 0;
    for (const chunk of chunks) {
      whole.set(chunk, offset);
      offset += chunk.length;
    }
    return whole;
  }
}

function tooLarge(limitBytes: number): InterlockError {
  return new InterlockError("PAYLOAD_TOO_LARGE", `The request body is larger than ${limitBytes} bytes.`);
}
