/**
 * What the database itself takes: calls `store_webhook_receipts` with ready-made receipts, no HTTP and no signature, and
 * prints a LoadResult as JSON. Latencies are those of a call, rates those of receipts.
 *
 * @module
 */
import { randomBytes } from "node:crypto";
import { timeOrderedId } from "../../supabase/functions/_shared/crypto/time_ordered_id.ts";
import { createDirectStore } from "../../supabase/functions/_shared/db/direct_store.ts";
import {
  receiptFrame,
  type ReceiptToStore,
  type StoredFrame,
} from "../../supabase/functions/_shared/inbound/receipt_frame.ts";
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

const HEADERS = JSON.stringify({ "content-type": "application/json", "x-event-id": crypto.randomUUID() });

/** A receipt as the receiver hands it over, with a body of 1 KB. */
function receipt(options: RawInsertOptions): ReceiptToStore {
  return {
    webhook_id: options.webhookId,
    version: options.version,
    receipt_id: timeOrderedId(Date.now()),
    request_id: crypto.randomUUID(),
    content_type: "application/json",
    headers: HEADERS,
    body: randomBytes(1024),
    elements: [{ dedupe_key: randomBytes(32).toString("hex"), type: "bench.event", index: 0 }],
  };
}

async function fill(options: RawInsertOptions): Promise<LoadMeter> {
  const store = createDirectStore({ databaseUrl: options.databaseUrl, maxConnections: options.connections });
  const meter = new LoadMeter();
  const until = performance.now() + options.durationMs;
  const inserter = async () => {
    while (performance.now() < until) {
      const frame = receiptFrame(Array.from({ length: options.receiptsPerCall }, () => receipt(options)));
      const startedMs = performance.now();
      const { stored } = await store.callWithBytes<StoredFrame>("store_webhook_receipts", frame);
      meter.addLatency(performance.now() - startedMs);
      meter.accepted += stored.length;
      meter.refused += options.receiptsPerCall - stored.length;
    }
  };
  await Promise.all(Array.from({ length: options.connections }, inserter));
  await store.close();
  return meter;
}

if (import.meta.main) {
  const meter = await fill(JSON.parse(Deno.args[0] ?? "{}"));
  // deno-lint-ignore no-console -- its answer to the parent
  console.log(JSON.stringify(meter.result()));
}
