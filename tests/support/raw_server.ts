/** A server that is scripted byte by byte, on loopback. */
export interface RawServer {
  port: number;
  /** Connections that were opened, whatever became of them. */
  readonly connections: number;
  /** Requests that {@link readRequest} has read. */
  readonly requests: string[];
  /** Of every request the connection it came on, from 0. */
  readonly cameOn: number[];
  close(): Promise<void>;
}

/** One connection of a {@link RawServer}. */
export interface RawConnection {
  /** From 0, in the order of arrival. */
  index: number;
  socket: Deno.Conn;
  /** The next request with its body, or null when the client has closed. */
  readRequest(): Promise<string | null>;
  write(text: string | Uint8Array): Promise<void>;
}

/** Certificate and key (PEM) for a server that speaks TLS. */
export interface ServerCertificate {
  cert: string;
  key: string;
}

/** Listens and runs the script once per connection; the connection is closed when the script ends. */
export function rawServer(
  script: (connection: RawConnection) => Promise<void>,
  certificate?: ServerCertificate,
): RawServer {
  const listener = certificate
    ? Deno.listenTls({ hostname: "127.0.0.1", port: 0, ...certificate })
    : Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const sockets: Deno.Conn[] = [];
  const requests: string[] = [];
  const cameOn: number[] = [];
  const running: Promise<void>[] = [];
  const accepting = (async () => {
    for await (const socket of listener) {
      const index = sockets.push(socket) - 1;
      running.push(
        script(rawConnection(socket, index, (request) => {
          requests.push(request);
          cameOn.push(index);
        })).catch(() => {}).finally(() => closeQuietly(socket)),
      );
    }
  })();
  return {
    port: (listener.addr as Deno.NetAddr).port,
    get connections() {
      return sockets.length;
    },
    requests,
    cameOn,
    close: async () => {
      listener.close();
      sockets.forEach(closeQuietly);
      await accepting;
      await Promise.all(running);
    },
  };
}

function rawConnection(
  socket: Deno.Conn,
  index: number,
  onRequest: (request: string) => void,
): RawConnection {
  let pending = "";
  const buffer = new Uint8Array(65_536);
  return {
    index,
    socket,
    readRequest: async () => {
      while (true) {
        const size = requestSize(pending);
        if (size !== null && pending.length >= size) {
          const request = pending.slice(0, size);
          pending = pending.slice(size);
          onRequest(request);
          return request;
        }
        const count = await socket.read(buffer);
        if (count === null) return null;
        for (const byte of buffer.subarray(0, count)) pending += String.fromCharCode(byte);
      }
    },
    write: async (text) => {
      const bytes = typeof text === "string" ? Uint8Array.from(text, (char) => char.charCodeAt(0)) : text;
      for (let written = 0; written < bytes.length;) written += await socket.write(bytes.subarray(written));
    },
  };
}

function requestSize(text: string): number | null {
  const head = text.indexOf("\r\n\r\n");
  if (head === -1) return null;
  const length = /^content-length: (\d+)\r$/m.exec(text.slice(0, head + 2));
  return head + 4 + Number(length?.[1] ?? 0);
}

function closeQuietly(socket: Deno.Conn): void {
  try {
    socket.close();
  } catch {
    // The script or the client was faster.
  }
}
