/**
 * The process one edge function runs in: gives it the globals of the platform, serves its default export on a free
 * loopback port, and ends with its parent. Started by functions.ts with the function's index.ts as its only argument.
 *
 * @module
 */
const SHUTDOWN_GRACE_MS = 3000;
const pending = new Set<Promise<unknown>>();

Object.assign(globalThis, {
  EdgeRuntime: {
    waitUntil(work: Promise<unknown>): void {
      const settled = Promise.resolve(work).catch((error) => console.error("waitUntil:", error)).finally(() =>
        pending.delete(settled)
      );
      pending.add(settled);
    },
  },
});

const [entrypoint] = Deno.args;
if (!entrypoint) throw new TypeError("Name the function's index.ts");
const loaded = await import(entrypoint) as {
  default?: { fetch?: (request: Request) => Promise<Response> | Response };
};
const handler = loaded.default?.fetch;
if (typeof handler !== "function") throw new TypeError("A function's default export is { fetch }");

const server = Deno.serve({
  hostname: "127.0.0.1",
  port: 0,
  onListen: ({ port }) => console.log(`LISTENING ${port}`),
}, (request) => handler.call(loaded.default, request));

let stopping = false;
async function stop(reason: string): Promise<void> {
  if (stopping) return;
  stopping = true;
  globalThis.dispatchEvent(new CustomEvent("beforeunload", { detail: { reason } }));
  const grace = new Promise((resolve) => setTimeout(resolve, SHUTDOWN_GRACE_MS));
  await Promise.race([Promise.all([server.shutdown(), ...pending]), grace]);
  Deno.exit(0);
}
Deno.addSignalListener("SIGTERM", () => void stop("termination"));
Deno.addSignalListener("SIGINT", () => {});

// The parent holds the other end: when it is gone, however it went, so are we.
for await (const _ of Deno.stdin.readable) {
  // Nothing is ever written.
}
Deno.exit(0);
