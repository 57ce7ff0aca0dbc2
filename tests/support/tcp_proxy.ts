/** How a proxy treats what comes: passes it on, swallows it without a word, or is not there at all. */
export type ProxyMood = "pass" | "swallow" | "refuse";

/** A way to a server that can be made to fail, without touching the server. */
export interface TcpProxy {
  port: number;
  /** Connections that were opened through it. */
  readonly opened: number;
  /** From now on. "swallow" leaves open connections open and mute; "refuse" cuts them, and nobody listens. */
  be(mood: ProxyMood): void;
  stop(): void;
}

/** Listens on loopback before a server. */
export function startTcpProxy(target: { hostname: string; port: number }): TcpProxy {
  let listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  const open = new Set<Deno.TcpConn>();
  let mood: ProxyMood = "pass";
  let opened = 0;
  const close = (connection: Deno.TcpConn) => {
    open.delete(connection);
    try {
      connection.close();
    } catch {
      // Closed already.
    }
  };
  /** What a connection of a mute time has swallowed never arrives: it stays mute, as one over a dead route does. */
  const pipe = async (from: Deno.TcpConn, to: Deno.TcpConn, pair: { mute: boolean }) => {
    const chunk = new Uint8Array(64 * 1024);
    for (;;) {
      const count = await from.read(chunk).catch(() => null);
      if (count === null) break;
      pair.mute ||= mood === "swallow";
      let rest = chunk.subarray(0, pair.mute ? 0 : count);
      while (rest.length > 0) {
        const written = await to.write(rest).catch(() => null);
        if (written === null) break;
        rest = rest.subarray(written);
      }
    }
    if (pair.mute) return;
    close(from);
    close(to);
  };
  const accept = async () => {
    for await (const client of listener) {
      opened++;
      open.add(client);
      if (mood === "swallow") continue; // Taken by the kernel, and never heard.
      const server = await Deno.connect(target).catch(() => null);
      if (server === null) {
        close(client);
        continue;
      }
      open.add(server);
      const pair = { mute: false };
      void pipe(client, server, pair);
      void pipe(server, client, pair);
    }
  };
  void accept();
  return {
    port,
    get opened() {
      return opened;
    },
    be(next) {
      if (next === "refuse") {
        listener.close();
        for (const connection of [...open]) close(connection);
      } else if (mood === "refuse") {
        listener = Deno.listen({ hostname: "127.0.0.1", port });
        void accept();
      }
      mood = next;
    },
    stop() {
      if (mood !== "refuse") listener.close();
      for (const connection of [...open]) close(connection);
    },
  };
}
