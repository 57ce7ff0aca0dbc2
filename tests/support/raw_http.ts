/** A request as bytes on the wire: fetch would correct most of what a test of bad requests wants to send. */
export interface RawRequest {
  method: string;
  /** Path and query as they stand in the request line. */
  target: string;
  /** In this order, duplicates included; values are Latin-1. */
  headers: [string, string][];
  body: Uint8Array | null;
  /** What is said about the body's length; by default the truth. null = nothing. */
  declaredLength?: string | null;
  /** End our direction after the last byte, as a client does that breaks off. */
  closesAfterwards?: boolean;
}

/** What came back; status 0 = the connection was closed without an answer. */
export interface RawAnswer {
  status: number;
  headers: Headers;
  text: string;
}

const latin1 = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0) & 0xff);

/**
 * Sends a request over a connection of its own.
 *
 * @throws {Error} when the answer is not there within timeoutMs.
 */
export async function sendRaw(base: URL, request: RawRequest, timeoutMs: number): Promise<RawAnswer> {
  const connection = await Deno.connect({ hostname: base.hostname, port: Number(base.port) });
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`No answer within ${timeoutMs} ms`)), timeoutMs);
  });
  try {
    const written = write(connection, base, request).catch(() => {});
    const answer = await Promise.race([readAll(connection), late]);
    await Promise.race([written, late]);
    return parseAnswer(answer);
  } finally {
    clearTimeout(timer);
    try {
      connection.close();
    } catch {
      // Closed by the other side already.
    }
  }
}

async function write(connection: Deno.TcpConn, base: URL, request: RawRequest): Promise<void> {
  const { body, declaredLength } = request;
  const length = declaredLength === undefined ? body && String(body.length) : declaredLength;
  const lines = [
    `${request.method} ${request.target} HTTP/1.1`,
    ...(request.headers.some(([name]) => name === "host") ? [] : [`host: ${base.host}`]),
    "connection: close",
    ...request.headers.map(([name, value]) => `${name}: ${value}`),
    ...(length === null ? [] : [`content-length: ${length}`]),
  ];
  const head = latin1(`${lines.join("\r\n")}\r\n\r\n`);
  const bytes = new Uint8Array(head.length + (body?.length ?? 0));
  bytes.set(head);
  if (body) bytes.set(body, head.length);
  for (let sent = 0; sent < bytes.length;) sent += await connection.write(bytes.subarray(sent));
  if (request.closesAfterwards) await connection.closeWrite();
}

async function readAll(connection: Deno.TcpConn): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  while (true) {
    const buffer = new Uint8Array(64 * 1024);
    const read = await connection.read(buffer).catch(() => null);
    if (read === null) break;
    chunks.push(buffer.subarray(0, read));
    length += read;
  }
  const whole = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    whole.set(chunk, offset);
    offset += chunk.length;
  }
  return whole;
}

/** Reads an answer from its bytes. */
export function parseAnswer(bytes: Uint8Array): RawAnswer {
  const end = indexOf(bytes, "\r\n\r\n", 0);
  if (end < 0) return { status: 0, headers: new Headers(), text: "" };
  const [statusLine, ...lines] = new TextDecoder().decode(bytes.subarray(0, end)).split("\r\n");
  const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(statusLine!)?.[1] ?? 0);
  const rest = bytes.subarray(end + 4);
  if (status >= 100 && status < 200) return parseAnswer(rest);
  const headers = new Headers(lines.map((line) => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon), line.slice(colon + 1).trim()] as [string, string];
  }));
  const body = headers.get("transfer-encoding") === "chunked" ? withoutChunks(rest) : rest;
  return { status, headers, text: new TextDecoder().decode(body) };
}

function withoutChunks(bytes: Uint8Array): Uint8Array {
  const parts: number[] = [];
  for (let at = 0; at < bytes.length;) {
    const lineEnd = indexOf(bytes, "\r\n", at);
    if (lineEnd < 0) break;
    const size = parseInt(new TextDecoder().decode(bytes.subarray(at, lineEnd)), 16);
    if (!(size > 0)) break;
    for (const byte of bytes.subarray(lineEnd + 2, lineEnd + 2 + size)) parts.push(byte);
    at = lineEnd + 2 + size + 2;
  }
  return Uint8Array.from(parts);
}

function indexOf(bytes: Uint8Array, text: string, from: number): number {
  const sought = latin1(text);
  for (let at = from; at <= bytes.length - sought.length; at++) {
    if (sought.every((byte, index) => bytes[at + index] === byte)) return at;
  }
  return -1;
}
