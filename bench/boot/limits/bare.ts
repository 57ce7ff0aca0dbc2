// deno-lint-ignore-file no-console -- standard output tells the parent the port
/**
 * The least a process can do: imports what its arguments name, which is nothing by default, and serves one word. Shows
 * what the runtime itself costs, and what one package costs alone.
 *
 * @module
 */
for (const specifier of Deno.args) await import(specifier);

Deno.serve(
  { hostname: "127.0.0.1", port: 0, onListen: ({ port }) => console.log(`LISTENING ${port}`) },
  () => new Response("ok"),
);

// The parent holds the other end of standard input: when it is gone, however it went, so are we.
for await (const _ of Deno.stdin.readable) {
  // Nothing is ever written.
}
Deno.exit(0);
