import { BodyBuffer } from "./body_buffer.ts";
import type { Connection } from "./connection.ts";
import { EgressError } from "./egress_error.ts";
import {
  bodyFraming,
  parseChunkSize,
  parseHeaderLine,
  parseStatusLine,
  protocolError,
  type ResponseHead,
  staysOpen,
} from "./response_head.ts";

/** An answer as it came. */
export interface ReadResponse {
  status: number;
  headers: [name: string, value: string][];
  body: Uint8Array<ArrayBuffer>;
  truncated: boolean;
  /** The answer ended where it said and the connection may carry another exchange. */
  reusable: boolean;
}

const MAX_HEAD_BYTES = 64 * 1024;
const MAX_HEADERS = 256;
const LF = 10;
const CR = 13;

/**
 * Reads one HTTP/1.1 answer, strictly and within bounds. docs/adr/0006-egress.md says why no library does it.
 *
 * Everything that is not body (interim answers, headers, chunk extensions, trailers) shares one budget of 64 KiB, so
 * there is no place in an answer that may go on for ever.
 */
export class ResponseReader {
  #headBytesLeft = MAX_HEAD_BYTES;
  /** Bytes at hand that were searched for the end of a line in vain. */
  #searched = 0;
  readonly #body: BodyBuffer;

  constructor(readonly connection: Connection, maxBodyBytes: number) {
    this.#body = new BodyBuffer(maxBodyBytes);
  }

  /** @throws {EgressError} protocol_error, connection_lost; anything else is the socket's own error. */
  async read(): Promise<ReadResponse> {
    const head = await this.#finalHead();
    const complete = await this.#readBody(head);
    return {
      status: head.status,
      headers: head.headers,
      body: this.#body.bytes(),
      truncated: this.#body.truncated,
      reusable: complete && staysOpen(head) && this.connection.available.length === 0,
    };
  }

  /** Interim answers (100 to 199) are passed over; the budget bounds how many there may be. */
  async #finalHead(): Promise<ResponseHead> {
    while (true) {
      const head = { ...parseStatusLine(await this.#line()), headers: await this.#headers() };
      if (head.status === 101) throw protocolError("The endpoint changed the protocol without being asked.");
      if (head.status >= 200) return head;
    }
  }

  async #headers(): Promise<ResponseHead["headers"]> {
    const headers: ResponseHead["headers"] = [];
    while (true) {
      const line = this.#lineAtHand() ?? await this.#line();
      if (line === "") return headers;
      if (headers.length === MAX_HEADERS) throw protocolError("The endpoint's answer has too many headers.");
      headers.push(parseHeaderLine(line));
    }
  }

  /** Whether the body ended where its framing says, so that what comes next would be another answer. */
  async #readBody(head: ResponseHead): Promise<boolean> {
    const framing = bodyFraming(head);
    if (framing.by === "nothing") return true;
    if (framing.by === "length") return await this.#copy(framing.bytes);
    if (framing.by === "chunks") return await this.#readChunks();
    await this.#copyToEnd();
    return false;
  }

  async #readChunks(): Promise<boolean> {
    while (true) {
      const sizeLine = await this.#line();
      const size = parseChunkSize(sizeLine);
      if (size === 0) break;
      this.#headBytesLeft += sizeLine.search(/;|$/); // Sizes are part of the body; only extensions cost.
      if (!await this.#copy(size)) return false;
      if (await this.#line() !== "") throw protocolError("The endpoint's answer has a malformed chunk.");
    }
    await this.#headers(); // Trailers: of no use to us.
    return true;
  }

  /** Moves that many bytes to the body; false when the limit was reached before. */
  async #copy(count: number): Promise<boolean> {
    for (let left = count; left > 0;) {
      if (this.#body.full) {
        this.#body.truncated = true;
        return false;
      }
      if (this.connection.available.length === 0) await this.#fill();
      const part = this.connection.available.subarray(0, left);
      this.#body.append(part);
      this.connection.take(part.length);
      left -= part.length;
    }
    return !this.#body.truncated;
  }

  async #copyToEnd(): Promise<void> {
    do {
      const part = this.connection.available;
      this.#body.append(part);
      this.connection.take(part.length);
    } while (!this.#body.truncated && await this.connection.fill());
  }

  /** The next line without its end, as Latin-1. A line must end with CR LF. */
  async #line(): Promise<string> {
    while (true) {
      const line = this.#lineAtHand();
      if (line !== null) return line;
      await this.#fill();
    }
  }

  /** The next line if it has come whole: most heads come in one piece, and a promise per line would cost more than it. */
  #lineAtHand(): string | null {
    const bytes = this.connection.available;
    const end = bytes.indexOf(LF, this.#searched);
    if ((end === -1 ? bytes.length : end) - 1 > this.#headBytesLeft) {
      throw protocolError("The endpoint's answer has more than 64 KiB of headers.");
    }
    this.#searched = end === -1 ? bytes.length : 0;
    if (end === -1) return null;
    if (end === 0 || bytes[end - 1] !== CR) {
      throw protocolError("The endpoint's answer has a line that ends wrongly.");
    }
    const line = latin1(bytes.subarray(0, end - 1));
    this.connection.take(end + 1);
    this.#headBytesLeft -= line.length;
    return line;
  }

  async #fill(): Promise<void> {
    if (await this.connection.fill()) return;
    throw new EgressError(
      "connection_lost",
      "The endpoint closed the connection before its answer was complete.",
    );
  }
}

/** Not TextDecoder: its "latin1" is windows-1252, whose letters no header may have. Not spread: that takes six times as long. */
function latin1(bytes: Uint8Array): string {
  let text = "";
  for (let index = 0; index < bytes.length; index++) text += String.fromCharCode(bytes[index]!);
  return text;
}
