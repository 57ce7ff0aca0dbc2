/** An answer, as far as a load generator looks at it. */
export interface Answer {
  status: number;
  body: string;
}

const HEAD_END = "\r\n\r\n";

/**
 * One HTTP/1.1 connection that sends a request, waits for the answer and is used again.
 *
 * By hand instead of `fetch`, because the generator shares the machine with what it measures: what it does not spend,
 * the receiver has. It understands answers with a content-length only; all receivers here send one.
 */
export class KeepAliveConnection {
  readonly #encoder = new TextEncoder();
  readonly #decoder = new TextDecoder();
  readonly #chunk = new Uint8Array(64 * 1024);
  #received = "";

  private constructor(private readonly connection: Deno.TcpConn) {
    connection.setNoDelay(true);
  }

  /** Connects to a port of this machine. */
  static async open(port: number): Promise<KeepAliveConnection> {
    return new KeepAliveConnection(await Deno.connect({ hostname: "127.0.0.1", port }));
  }

  /** Sends a POST; `body` is ASCII, so that its length in characters is its length in bytes. */
  async post(path: string, headers: Record<string, string>, body: string): Promise<Answer> {
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join("");
    const head = `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n${lines}`;
    await this.#write(`${head}content-length: ${body.length}${HEAD_END}${body}`);
    return await this.#readAnswer();
  }

  close(): void {
    this.connection.close();
  }

  async #write(text: string): Promise<void> {
    let rest = this.#encoder.encode(text);
    while (rest.length > 0) rest = rest.subarray(await this.connection.write(rest));
  }

  async #readAnswer(): Promise<Answer> {
    let headEnd = this.#received.indexOf(HEAD_END);
    while (headEnd < 0) {
      await this.#readMore();
      headEnd = this.#received.indexOf(HEAD_END);
    }
    const head = this.#received.slice(0, headEnd);
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
    if (length === undefined) throw new Error(`An answer without content-length: ${head.slice(0, 200)}`);
    const bodyStart = headEnd + HEAD_END.length;
    const bodyEnd = bodyStart + Number(length);
    while (this.#received.length < bodyEnd) await this.#readMore();
    const body = this.#received.slice(bodyStart, bodyEnd);
    this.#received = this.#received.slice(bodyEnd);
    return { status: Number(head.slice(9, 12)), body };
  }

  async #readMore(): Promise<void> {
    const count = await this.connection.read(this.#chunk);
    if (count === null) throw new Error("The receiver closed the connection");
    this.#received += this.#decoder.decode(this.#chunk.subarray(0, count));
  }
}
