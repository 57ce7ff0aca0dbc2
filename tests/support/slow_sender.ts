import { parseAnswer, type RawAnswer } from "./raw_http.ts";

/** A request whose body comes when the test says so. */
export interface SlowSender {
  /** Sends more of it. */
  send(bytes: Uint8Array | string): Promise<void>;
  /** What the other side said: a whole answer, though the body is not whole. */
  answer: Promise<RawAnswer>;
  /** Goes away without a word. */
  close(): void;
}

const bytesOf = (text: string) => new TextEncoder().encode(text);

/** Opens a connection and sends the head of a POST. */
export async function openSlowSender(url: string, headers: [string, string][]): Promise<SlowSender> {
  const { hostname, port, host, pathname } = new URL(url);
  const connection = await Deno.connect({ hostname, port: Number(port) });
  const answer = readAnswer(connection);
  const send = async (sent: Uint8Array | string) => {
    let rest = typeof sent === "string" ? bytesOf(sent) : sent;
    while (rest.length > 0) rest = rest.subarray(await connection.write(rest));
  };
  const close = () => {
    try {
      connection.close();
    } catch {
      // Closed by the other side already.
    }
  };
  void answer.then(close);
  const lines = [["host", host], ["connection", "close"], ...headers].map(([name, value]) =>
    `${name}: ${value}\r\n`
  );
  await send(`POST ${pathname} HTTP/1.1\r\n${lines.join("")}\r\n`);
  return { send, answer, close };
}

/** Reads one answer with a content-length, or until the other side closes: who answers early need not close at once. */
async function readAnswer(connection: Deno.TcpConn): Promise<RawAnswer> {
  let received = new Uint8Array(0);
  const chunk = new Uint8Array(16 * 1024);
  for (;;) {
    const text = new TextDecoder("latin1").decode(received);
    const length = /^content-length: *(\d+)\r$/im.exec(text)?.[1];
    const headEnd = text.indexOf("\r\n\r\n");
    const isWhole = headEnd >= 0 && length !== undefined && received.length >= headEnd + 4 + Number(length);
    const count = isWhole ? null : await connection.read(chunk).catch(() => null);
    if (count === null) return parseAnswer(received);
    received = Uint8Array.of(...received, ...chunk.subarray(0, count));
  }
}
