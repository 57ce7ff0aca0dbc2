// deno-lint-ignore-file no-console -- standard output tells the parent the port
/**
 * Where deliveries go: takes every POST, counts it by its `webhook-id`, waits as long as it was told and answers 200. A
 * process of its own, `sink.ts [port]`. It does not verify signatures: that is what the tests do, and here it would take
 * the cores from what is measured.
 *
 * `GET /reset?delay=50` forgets everything and sets the wait in milliseconds, `GET /stats` counts, `GET /arrivals` tells
 * when each id came first, in milliseconds since 1970.
 *
 * @module
 */
import type { SinkStats } from "./sink_client.ts";

let delayMs = 0;
let count = 0;
let inFlight = 0;
let maxInflight = 0;
const firstAtMs = new Map<string, number>();

function stats(): SinkStats {
  return { count, unique: firstAtMs.size, dup: count - firstAtMs.size, maxInflight };
}

function reset(delay: string | null): Response {
  delayMs = Number(delay ?? 0);
  count = 0;
  maxInflight = 0;
  firstAtMs.clear();
  return new Response("ok");
}

async function take(request: Request): Promise<Response> {
  const atMs = performance.timeOrigin + performance.now();
  const id = request.headers.get("webhook-id") ?? "";
  maxInflight = Math.max(maxInflight, ++inFlight);
  count++;
  if (!firstAtMs.has(id)) firstAtMs.set(id, atMs);
  await request.arrayBuffer();
  if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs));
  inFlight--;
  return new Response("ok");
}

function tell(request: Request): Response {
  const { pathname, searchParams } = new URL(request.url);
  if (pathname === "/reset") return reset(searchParams.get("delay"));
  return Response.json(pathname === "/arrivals" ? Object.fromEntries(firstAtMs) : stats());
}

Deno.serve(
  {
    hostname: "127.0.0.1",
    port: Number(Deno.args[0] ?? 0),
    onListen: ({ port }) => console.log(`LISTENING ${port}`),
  },
  (request) => request.method === "POST" ? take(request) : tell(request),
);

// The parent holds the other end of standard input: when it is gone, however it went, so are we.
for await (const _ of Deno.stdin.readable) {
  // Nothing is ever written.
}
Deno.exit(0);
