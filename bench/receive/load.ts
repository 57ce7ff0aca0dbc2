/**
 * Loads a receiver with signed webhooks and prints a LoadResult as JSON. A process of its own, so that it shares no
 * event loop with the stack's gateway: `load.ts '{"port": ..., "targets": [...], "connections": 10, "durationMs": 3000}'`.
 *
 * @module
 */
import { createHmac } from "node:crypto";
import { KeepAliveConnection } from "./keep_alive_connection.ts";
import { LoadMeter, type LoadResult } from "./load_result.ts";

/** An address of the receiver, with the secret that signs for it. */
export interface Target {
  path: string;
  secret: string;
}

/** How to load a receiver. */
export interface LoadOptions {
  port: number;
  /** Requests go to each in turn. */
  targets: Target[];
  /** Left out = x-signature. */
  signatureHeader?: string;
  connections: number;
  durationMs: number;
}

/** Fills the body up to 1 KB. */
const FILLER = "x".repeat(942);

/**
 * Sends freshly signed webhooks over keep-alive connections, each waiting for its answer before the next: a closed loop
 * of `connections` senders. Signing happens inside the loop, as a provider's would.
 */
async function load(options: LoadOptions): Promise<LoadResult> {
  const connections = await Promise.all(
    Array.from({ length: options.connections }, () => KeepAliveConnection.open(options.port)),
  );
  let sent = 0;
  const meter = new LoadMeter();
  const until = performance.now() + options.durationMs;
  await Promise.all(connections.map(async (connection) => {
    while (performance.now() < until) {
      const target = options.targets[sent++ % options.targets.length]!;
      await sendOne(connection, target, options.signatureHeader, meter);
    }
    connection.close();
  }));
  return meter.result();
}

async function sendOne(
  connection: KeepAliveConnection,
  { path, secret }: Target,
  signatureHeader = "x-signature",
  meter: LoadMeter,
): Promise<void> {
  const body = JSON.stringify({ id: crypto.randomUUID(), type: "bench.event", filler: FILLER });
  const headers = {
    "content-type": "application/json",
    [signatureHeader]: `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`,
    "x-event-id": crypto.randomUUID(),
  };
  const startedMs = performance.now();
  const answer = await connection.post(path, headers, body);
  meter.addLatency(performance.now() - startedMs);
  if (answer.status !== 200 && answer.status !== 202) meter.refused++;
  else if (answer.body.includes('"duplicate":true')) meter.duplicates++;
  else meter.accepted++;
}

if (import.meta.main) {
  const result = await load(JSON.parse(Deno.args[0] ?? "{}"));
  // deno-lint-ignore no-console -- its answer to the parent
  console.log(JSON.stringify(result));
}
