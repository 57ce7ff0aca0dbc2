/**
 * The queue without HTTP: claims what is due and reports it delivered, in one call after the other, until nothing is
 * left, and prints a RawResult as JSON. What the database alone takes, over one direct connection.
 *
 * @module
 */
import process from "node:process";
import postgres from "postgres";
import type { RawResult } from "./raw_loop.ts";

/** Which queue. */
export interface QueueAloneOptions {
  databaseUrl: string;
  /** Deliveries a call claims at most. */
  limit: number;
}

interface Claimed {
  delivery_id: string;
  lease_token: string;
  max_attempts: number;
}

const LEASE_MS = 90_000;
const BODY = JSON.stringify({ type: "readiness_updated", data: { filler: "x".repeat(150) } });

function resultOf(claimed: Claimed) {
  return {
    delivery_id: claimed.delivery_id,
    lease_token: claimed.lease_token,
    max_attempts: claimed.max_attempts,
    outcome: "delivered",
    status_code: 200,
    started_at: new Date().toISOString(),
    duration_ms: 1,
    timing: { resolve_ms: null, connect_ms: null, tls_ms: null, first_byte_ms: 1 },
    response_excerpt: "ok",
    request_body: BODY,
  };
}

async function drain({ databaseUrl, limit }: QueueAloneOptions): Promise<RawResult> {
  const sql = postgres(databaseUrl, { max: 1, onnotice: () => {} });
  await sql`select 1`;
  const cpuAtStart = process.cpuUsage();
  const startedMs = performance.now();
  let delivered = 0;
  let claimed: Claimed[] = [];
  do {
    const results = JSON.stringify(claimed.map(resultOf));
    const [row] = await sql<{ answer: { finished: number; claimed: Claimed[] } }[]>`
      select public.exchange_deliveries(${results}::text::jsonb, ${limit}, ${LEASE_MS}) as answer`;
    delivered += row!.answer.finished;
    claimed = row!.answer.claimed;
  } while (claimed.length > 0);
  const seconds = (performance.now() - startedMs) / 1000;
  const { user, system } = process.cpuUsage(cpuAtStart);
  await sql.end();
  return { seconds, cpuMs: (user + system) / 1000, delivered, timed: delivered };
}

if (import.meta.main) {
  const result = await drain(JSON.parse(Deno.args[0] ?? "{}"));
  // deno-lint-ignore no-console -- its answer to the parent
  console.log(JSON.stringify(result));
}
