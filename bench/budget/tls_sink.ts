// deno-lint-ignore-file no-console -- standard output tells the parent the port
/**
 * An endpoint behind TLS, for whatever name its certificate vouches for: answers every request with 200. A process of its
 * own; CERTIFICATE and KEY are PEM.
 *
 * @module
 */
Deno.serve(
  {
    hostname: "127.0.0.1",
    port: 0,
    cert: Deno.env.get("CERTIFICATE")!,
    key: Deno.env.get("KEY")!,
    onListen: ({ port }) => console.log(`LISTENING ${port}`),
  },
  async (request) => {
    await request.arrayBuffer();
    return new Response("ok");
  },
);

// The parent holds the other end of standard input: when it is gone, however it went, so are we.
for await (const _ of Deno.stdin.readable) {
  // Nothing is ever written.
}
Deno.exit(0);
