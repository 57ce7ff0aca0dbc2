import { environment } from "../env.ts";
import { InterlockError } from "../errors/interlock_error.ts";
import { BodyBuffer } from "../guardrails/egress/body_buffer.ts";

/** What is still read of a refused request before it is answered. */
const DRAIN_LIMIT_BYTES = 8 * 1024 * 1024;
const DRAIN_TIMEOUT_MS = 5000;
/**
 * What the bodies of all open requests may hold together, from their first byte to the answer: neither many slow senders
 * nor a database that stands still must use up the worker's 256 MB.
 */
const HELD_LIMIT_BYTES = 32 * 1024 * 1024;

/**
 * Pieces that a body may come in: each costs some 10 µs, so a mebibyte of single bytes would keep the worker busy for
 * many seconds. At 1 MiB this leaves pieces of 64 bytes.
 */
const MAX_CHUNKS = 16_384;

let heldBytes = 0;

/**
 * The body of one request, read at most once. A refusal may come before the body is whole; it is answered only after
 * the rest was read and thrown away, because the hosted runtime was reported to withhold an answer while the body is
 * still in flight.
 */
export class RequestBody {
  #reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>> | null;
  #bytes: Promise<Uint8Array<ArrayBuffer>> | null = null;
  #declaredBytes: number | null;
  #encoding: string;
  #finished: boolean;
  #late = false;
  #chunks = 0;
  #heldBytes = 0;
  #lastChunkAtMs = 0;

  constructor(request: Request) {
    this.#reader = request.body?.getReader() ?? null;
    this.#finished = this.#reader === null;
    const declared = request.headers.get("content-length");
    this.#declaredBytes = declared !== null && /^\d{1,15}$/.test(declared) ? Number(declared) : null;
    this.#encoding = request.headers.get("content-encoding")?.trim().toLowerCase() ?? "";
  }

  /**
   * The body's bytes. The limit holds while streaming, whatever Content-Length says, and a body that is compressed is
   * not taken at all: nothing here unpacks, so no small body becomes a large one.
   *
   * @throws {InterlockError} PAYLOAD_TOO_LARGE above limitBytes, UNSUPPORTED_ENCODING when it is compressed,
   * REQUEST_TIMEOUT when it comes too slowly, MALFORMED_BODY when the sender breaks off, UNAVAILABLE when open
   * requests hold too much.
   */
  bytes(limitBytes: number): Promise<Uint8Array<ArrayBuffer>> {
    this.#bytes ??= this.#read(limitBytes);
    return this.#bytes;
  }

  /**
   * The request is answered: what was read is forgotten, and what is left is read and forgotten, up to 8 MiB, 5 s or too
   * many pieces. Never throws.
   */
  async drain(): Promise<void> {
    this.#letGo();
    if (this.#finished || !this.#reader) return;
    const reader = this.#reader;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const timeout = new Promise<"late">((resolve) => {
      timer = setTimeout(() => resolve("late"), DRAIN_TIMEOUT_MS);
    });
    try {
      for (let seen = 0; seen < DRAIN_LIMIT_BYTES && this.#chunks <= MAX_CHUNKS; this.#chunks++) {
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

  #letGo(): void {
    heldBytes -= this.#heldBytes;
    this.#heldBytes = 0;
  }

  async #read(limitBytes: number): Promise<Uint8Array<ArrayBuffer>> {
    if (this.#encoding !== "" && this.#encoding !== "identity") throw compressed();
    if (this.#declaredBytes !== null && this.#declaredBytes > limitBytes) throw tooLarge(limitBytes);
    if (this.#finished || !this.#reader) return new Uint8Array();
    const stopWatching = this.#watch(this.#reader);
    try {
      return await this.#collect(this.#reader, limitBytes);
    } finally {
      stopWatching();
    }
  }

  /** Most bodies are one chunk, which is handed on as it is; more of them are collected in one buffer. */
  async #collect(
    reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>,
    limitBytes: number,
  ): Promise<Uint8Array<ArrayBuffer>> {
    let first: Uint8Array<ArrayBuffer> | undefined;
    let buffer: BodyBuffer | undefined;
    let length = 0;
    try {
      for (;;) {
        const chunk = await this.#next(reader);
        if (chunk === null) return buffer?.bytes() ?? first ?? new Uint8Array();
        length += chunk.length;
        this.#heldBytes += chunk.length;
        heldBytes += chunk.length;
        if (length > limitBytes) throw tooLarge(limitBytes);
        if (++this.#chunks > MAX_CHUNKS) throw inTooManyPieces();
        if (heldBytes > HELD_LIMIT_BYTES) throw tooMuchHeld();
        if (first === undefined) {
          first = chunk;
          continue;
        }
        if (buffer === undefined) {
          buffer = new BodyBuffer(limitBytes);
          buffer.append(first);
        }
        buffer.append(chunk);
      }
    } catch (error) {
      this.#letGo();
      throw error;
    }
  }

  async #next(
    reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>,
  ): Promise<Uint8Array<ArrayBuffer> | null> {
    const chunk = await reader.read().catch((cause) => {
      this.#finished = true;
      throw this.#late
        ? tooSlow()
        : new InterlockError("MALFORMED_BODY", "The request body ended before it was complete.", { cause });
    });
    if (this.#late) throw tooSlow();
    if (!chunk.done) {
      this.#lastChunkAtMs = performance.now();
      return chunk.value;
    }
    this.#finished = true;
    return null;
  }

  /**
   * Breaks the reading off when nothing came for too long, or all of it takes too long. One timer for both, set anew only
   * when it fires: nearly every body is there before that.
   */
  #watch(reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>): () => void {
    const { INTERLOCK_BODY_IDLE_MS: idleMs, INTERLOCK_BODY_TOTAL_MS: totalMs } = environment();
    const startedAtMs = this.#lastChunkAtMs = performance.now();
    let timer: ReturnType<typeof setTimeout>;
    const check = () => {
      const leftMs = Math.min(startedAtMs + totalMs, this.#lastChunkAtMs + idleMs) - performance.now();
      if (leftMs > 0) {
        timer = setTimeout(check, leftMs);
        return;
      }
      this.#late = this.#finished = true;
      reader.cancel().catch(() => {});
    };
    timer = setTimeout(check, Math.min(idleMs, totalMs));
    return () => clearTimeout(timer);
  }
}

function tooLarge(limitBytes: number): InterlockError {
  return new InterlockError("PAYLOAD_TOO_LARGE", `The request body is larger than ${limitBytes} bytes.`);
}

function compressed(): InterlockError {
  return new InterlockError("UNSUPPORTED_ENCODING", "Send the request body without Content-Encoding.");
}

function inTooManyPieces(): InterlockError {
  return new InterlockError("MALFORMED_BODY", "The request body comes in too many pieces.");
}

function tooSlow(): InterlockError {
  return new InterlockError("REQUEST_TIMEOUT", "The request body did not arrive in time; send this again.", {
    retryAfterMs: 1000,
  });
}

function tooMuchHeld(): InterlockError {
  return new InterlockError("UNAVAILABLE", "Too many large requests are open; send this again later.", {
    retryAfterMs: 5000,
  });
}
