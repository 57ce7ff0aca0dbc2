import { createHmac } from "node:crypto";

/** What a load run saw. */
export interface LoadResult {
  /** Answers with status 200 or 202, per second. */
  perSecond: number;
  p50Ms: number;
  p99Ms: number;
  accepted: number;
  refused: number;
}

/** How to load a receiver. */
export interface LoadOptions {
  url: string;
  secret: string;
  connections: number;
  durationMs: number;
}

/** A body of about 1 KB, different every time. */
function body(): string {
  return JSON.stringify({ id: crypto.randomUUID(), type: "bench.event", filler: "x".repeat(950) });
}

/**
 * Sends freshly signed webhooks over keep-alive connections, each waiting for its answer before the next: a closed loop
 * of `connections` senders. Signing happens inside the loop, as a provider's would.
 */
export async function load(options: LoadOptions): Promise<LoadResult> {
  const latencies: number[] = [];
  let accepted = 0;
  let refused = 0;
  const until = performance.now() + options.durationMs;
  const sender = async () => {
    while (performance.now() < until) {
      const text = body();
      const signature = createHmac("sha256", options.secret).update(text).digest("hex");
      const headers = {
        "content-type": "application/json",
        "x-signature": `sha256=${signature}`,
        "x-event-id": crypto.randomUUID(),
      };
      const started = performance.now();
      const response = await fetch(options.url, { method: "POST", headers, body: text });
      await response.body?.cancel();
      latencies.push(performance.now() - started);
      if (response.status === 200 || response.status === 202) accepted++;
      else refused++;
    }
  };
  const started = performance.now();
  await Promise.all(Array.from({ length: options.connections }, sender));
  const seconds = (performance.now() - started) / 1000;
  latencies.sort((a, b) => a - b);
  const quantile = (q: number) => Math.round((latencies[Math.floor(latencies.length * q)] ?? 0) * 100) / 100;
  return {
    perSecond: Math.round(accepted / seconds),
    p50Ms: quantile(0.5),
    p99Ms: quantile(0.99),
    accepted,
    refused,
  };
}
