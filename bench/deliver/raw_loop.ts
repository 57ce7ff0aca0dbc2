/**
 * The same requests without a queue: signs and posts `count` bodies from memory, `concurrency` at a time, and prints a
 * RawResult as JSON. Run as a process of its own with RawLoopOptions.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { createHmac, randomBytes } from "node:crypto";
import http from "node:http";
import process from "node:process";

/** What to send with what. */
export interface RawLoopOptions {
  url: string;
  /** Sent before the clock runs. */
  warmUpCount: number;
  count: number;
  concurrency: number;
  /** egress: the hub's own guarded client, with all its checks. */
  client: "fetch" | "node:http" | "egress";
}

/** What came out. */
export interface RawResult {
  seconds: number;
  cpuMs: number;
  /** Answered 200, warm-up included. */
  delivered: number;
  /** Answered 200 while the clock ran. */
  timed: number;
}

type Send = (headers: Record<string, string>, body: Uint8Array<ArrayBuffer>) => Promise<number>;

const key = randomBytes(32);
const TIMEOUT_MS = 10_000;

/** As large as a readiness webhook. */
const BODY = JSON.stringify({
  type: "readiness_updated",
  timestamp: "2026-01-01T00:00:00.000Z",
  data: {
    overall_score: 72,
    band: "operational",
    dimension_scores: { core: 80, governance: 65 },
    computed_at: "2026-01-01T00:00:00.000Z",
  },
});

function withFetch(url: string): Send {
  return async (headers, body) => {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const response = await fetch(url, { method: "POST", headers, body, redirect: "manual", signal });
    await response.arrayBuffer();
    return response.status;
  };
}

function withNodeHttp(url: string, concurrency: number): Send {
  const agent = new http.Agent({ keepAlive: true, maxSockets: concurrency });
  return (headers, body) =>
    new Promise((resolve, reject) => {
      const options = { method: "POST", agent, timeout: TIMEOUT_MS };
      const request = http.request(url, {
        ...options,
        headers: { ...headers, "content-length": body.length },
      }, (response) => {
        response.on("end", () => resolve(response.statusCode ?? 0)).resume();
      });
      request.on("error", reject).end(body);
    });
}

async function withEgress(url: string): Promise<Send> {
  const { sendRequest } = await import("../../supabase/functions/_shared/guardrails/egress/egress.ts");
  return async (headers, body) => {
    const request = { url, method: "POST" as const, headers, body, timeoutMs: TIMEOUT_MS };
    return (await sendRequest({ ...request, maxResponseBytes: 1024 })).status;
  };
}

/** One signed webhook as the worker sends it, from memory. */
async function postOne(send: Send): Promise<number> {
  const id = `msg_${crypto.randomUUID()}`;
  const timestamp = String(Math.floor(Date.now() / 1000));
  const body = new Uint8Array(Buffer.from(BODY));
  const signature = createHmac("sha256", key).update(`${id}.${timestamp}.`).update(body).digest("base64");
  return await send({
    "content-type": "application/json",
    "webhook-id": id,
    "webhook-timestamp": timestamp,
    "webhook-signature": `v1,${signature}`,
  }, body);
}

async function postAll(options: RawLoopOptions): Promise<RawResult> {
  const { url, warmUpCount, count, concurrency, client } = options;
  const clients = {
    "fetch": () => withFetch(url),
    "node:http": () => withNodeHttp(url, concurrency),
    "egress": () => withEgress(url),
  };
  const send = await clients[client]();
  const post = async (left: number) => {
    let delivered = 0;
    await Promise.all(Array.from({ length: concurrency }, async () => {
      while (left-- > 0) if (await postOne(send) === 200) delivered++;
    }));
    return delivered;
  };
  const warmedUp = await post(warmUpCount);
  const cpuAtStart = process.cpuUsage();
  const startedMs = performance.now();
  const timed = await post(count);
  const seconds = (performance.now() - startedMs) / 1000;
  const { user, system } = process.cpuUsage(cpuAtStart);
  return { seconds, cpuMs: (user + system) / 1000, delivered: warmedUp + timed, timed };
}

if (import.meta.main) {
  const result = await postAll(JSON.parse(Deno.args[0] ?? "{}"));
  // deno-lint-ignore no-console -- its answer to the parent
  console.log(JSON.stringify(result));
  Deno.exit(0); // Connections are still kept open.
}
