/**
 * What the database itself takes: calls `store_webhook_receipts` with ready-made receipts, no HTTP and no signature, and
 * prints a LoadResult as JSON. Latencies are those of a call, rates those of receipts.
 *
 * @module
 */
import { randomBytes } from "node:crypto";
import postgres from "postgres";
import { LoadMeter } from "./load_result.ts";

/** How to fill the tables. */
export interface RawInsertOptions {
  databaseUrl: string;
  webhookId: string;
  /** Version of the webhook, which the storing call compares. */
  version: number;
  connections: number;
  receiptsPerCall: number;
  durationMs: number;
}

const HEADERS = btoa(
  JSON.stringify({ "content-type": "application/json", "x-event-id": crypto.randomUUID() }),
);

/** A receipt as the receiver hands it over, with a body of 1 KB. */
function receipt(options: RawInsertOptions) {
  return {
    webhook_id: options.webhookId,
    version: options.version,
    receipt_id: crypto.randomUUID(),
    request_id: crypto.randomUUID(),
    content_type: "application/json",
    headers: HEADERS,
    body: randomBytes(1024).toString("base64"),
    elements: [{ dedupe_key: randomBytes(32).toString("hex"), type: "bench.event", index: 0 }],
  };
}

async function fill(options: RawInsertOptions): Promise<LoadMeter> {
  const sql = postgres(options.databaseUrl, { max: options.connections, onnotice: () => {} });
  await Promise.all(Array.from({ length: options.connections }, () => sql`select pg_sleep(0.05)`));
  const meter = new LoadMeter();
  const until = performance.now() + options.durationMs;
  const inserter = async () => {
    while (performance.now() < until) {
      const batch = JSON.stringify(Array.from({ length: options.receiptsPerCall }, () => receipt(options)));
      const startedMs = performance.now();
      const [row] = await sql`select public.store_webhook_receipts(${batch}::text::jsonb) as outcomes`;
      meter.addLatency(performance.now() - startedMs);
      for (const { outcome } of Object.values<{ outcome: string }>(row!.outcomes)) {
        if (outcome === "stored") meter.accepted++;
        else if (outcome === "duplicate") meter.duplicates++;
        else meter.refused++;
      }
    }
  };
  await Promise.all(Array.from({ length: options.connections }, inserter));
  await sql.end();
  return meter;
}

if (import.meta.main) {
  const meter = await fill(JSON.parse(Deno.args[0] ?? "{}"));
  // deno-lint-ignore no-console -- its answer to the parent
  console.log(JSON.stringify(meter.result()));
}
