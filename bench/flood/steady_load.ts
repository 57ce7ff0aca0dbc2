/**
 * Sends signed webhooks at a steady pace, whatever becomes of them, and prints a SteadyResult as JSON. A process of its
 * own: `steady_load.ts '{"url": ..., "secret": ..., "perSecond": 50, "connections": 8, "durationMs": 8000}'`.
 *
 * @module
 */
import { createHmac } from "node:crypto";
import { KeepAliveConnection } from "../receive/keep_alive_connection.ts";

/** What to send, where, and how often. */
export interface SteadyLoad {
  url: string;
  secret: string;
  perSecond: number;
  /** Requests that may be unanswered at once; beyond them the pace falls behind, as a sender's would. */
  connections: number;
  durationMs: number;
}

/** What became of it. */
export interface SteadyResult {
  accepted: number;
  /** Answered 429. */
  limited: number;
  /** Any other answer. */
  refused: number;
  /** From the instant a request was due to its answer, in milliseconds: waiting for a free connection counts. */
  latenciesMs: number[];
}

const FILLER = "x".repeat(942);

async function load({ url, secret, perSecond, connections, durationMs }: SteadyLoad): Promise<SteadyResult> {
  const { port, pathname } = new URL(url);
  const idle = await Promise.all(
    Array.from({ length: connections }, () => KeepAliveConnection.open(Number(port))),
  );
  const waiting: ((connection: KeepAliveConnection) => void)[] = [];
  const result: SteadyResult = { accepted: 0, limited: 0, refused: 0, latenciesMs: [] };
  const sendOne = async (dueAtMs: number) => {
    const connection = idle.pop() ?? await new Promise<KeepAliveConnection>((free) => waiting.push(free));
    const body = JSON.stringify({ id: crypto.randomUUID(), type: "bench.event", filler: FILLER });
    const { status } = await connection.post(pathname, {
      "content-type": "application/json",
      "x-signature": `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`,
    }, body);
    result.latenciesMs.push(performance.now() - dueAtMs);
    if (status === 200) result.accepted++;
    else if (status === 429) result.limited++;
    else result.refused++;
    const next = waiting.shift();
    if (next) next(connection);
    else idle.push(connection);
  };
  const startedMs = performance.now();
  const running = new Set<Promise<void>>();
  const total = Math.floor(perSecond * durationMs / 1000);
  for (let sent = 0; sent < total;) {
    // The first is due at once, each other one after the one before.
    const due = Math.min(total, 1 + Math.floor((performance.now() - startedMs) * perSecond / 1000));
    for (; sent < due && waiting.length < connections; sent++) {
      const one = sendOne(startedMs + sent * 1000 / perSecond).finally(() => running.delete(one));
      running.add(one);
    }
    // Who cannot follow his own pace skips what he is late for, instead of sending it all at the end.
    if (waiting.length >= connections) sent = due;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await Promise.all(running);
  for (const connection of idle) connection.close();
  return result;
}

if (import.meta.main) {
  const result = await load(JSON.parse(Deno.args[0] ?? "{}"));
  // deno-lint-ignore no-console -- its answer to the parent
  console.log(JSON.stringify(result));
}
