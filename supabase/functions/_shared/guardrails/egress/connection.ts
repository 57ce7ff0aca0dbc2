const BUFFER_BYTES = 16 * 1024;
const MAX_BUFFER_BYTES = 128 * 1024;

/** What is needed of a socket; `Deno.TcpConn` and `Deno.TlsConn` are such. */
export type Socket = Pick<Deno.Conn, "read" | "write" | "close">;

/**
 * A socket with a read buffer. One exchange uses it at a time.
 *
 * While it waits for the next exchange it keeps a read open: that is how a connection the other side closes, or speaks
 * on without being asked, is found out before it is used again. The next exchange takes that read over.
 */
export class Connection {
  /** When the first byte of the current exchange's answer came, of `performance.now()`; null until then. */
  firstByteAtMs: number | null = null;
  /** When it became idle, of `performance.now()`. */
  idleSinceMs = 0;
  #buffer = new Uint8Array(BUFFER_BYTES);
  #start = 0;
  #end = 0;
  #reading: Promise<number | null> | null = null;
  #closed = false;

  constructor(readonly socket: Socket, readonly key: string) {}

  get closed(): boolean {
    return this.#closed;
  }

  /** Bytes that were read and not taken. */
  get available(): Uint8Array<ArrayBuffer> {
    return this.#buffer.subarray(this.#start, this.#end);
  }

  /** Marks bytes of {@link available} as used. */
  take(count: number): void {
    this.#start += count;
  }

  /** Reads more into {@link available}; false when the other side has ended. */
  async fill(): Promise<boolean> {
    const count = await (this.#reading ?? this.#read());
    this.#reading = null;
    if (count === null) return false;
    this.#end += count;
    this.firstByteAtMs ??= performance.now();
    return true;
  }

  /** Writes everything. */
  async write(bytes: Uint8Array): Promise<void> {
    for (let written = 0; written < bytes.length;) {
      written += await this.socket.write(written === 0 ? bytes : bytes.subarray(written));
    }
  }

  /** Begins to wait; `onEnd` is called if anything arrives or the connection ends before the next exchange. */
  idle(onEnd: () => void): void {
    this.firstByteAtMs = null;
    this.idleSinceMs = performance.now();
    this.#start = this.#end = 0;
    if (this.#buffer.length > BUFFER_BYTES) this.#buffer = new Uint8Array(BUFFER_BYTES);
    const reading = this.#read();
    this.#reading = reading;
    reading.then(onEnd, onEnd);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    try {
      this.socket.close();
    } catch {
      // It is closed already, which is what was wanted.
    }
  }

  #read(): Promise<number | null> {
    this.#makeRoom();
    return readOrEnd(this.socket, this.#buffer.subarray(this.#end));
  }

  #makeRoom(): void {
    if (this.#start === this.#end) this.#start = this.#end = 0;
    if (this.#end < this.#buffer.length) return;
    const rest = this.available;
    if (rest.length === this.#buffer.length) {
      if (rest.length >= MAX_BUFFER_BYTES) throw new RangeError("The read buffer is full");
      this.#buffer = new Uint8Array(rest.length * 2);
    }
    this.#buffer.set(rest);
    this.#start = 0;
    this.#end = rest.length;
  }
}

/** Many servers end TLS without its closing message; whether the answer was whole is judged from its framing. */
async function readOrEnd(socket: Socket, into: Uint8Array): Promise<number | null> {
  try {
    return await socket.read(into);
  } catch (error) {
    if (error instanceof Deno.errors.UnexpectedEof) return null;
    throw error;
  }
}
