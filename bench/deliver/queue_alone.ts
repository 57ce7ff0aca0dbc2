/**
 * The queue without HTTP: claims what is due and reports it delivered, in one call after the other, until nothing is
 * left, and prints a RawResult as JSON. What the database alone takes, over one direct connection.
 *
 * @module
 */
import process from "node:process";
import postgres from "postgres";
import { resultColumns } from "../../supabase/functions/_shared/delivery/contract.ts";
import type { RawResult } from "./raw_loop.ts";

/** Which queue. */
export interface QueueAloneOptions {
  databaseUrl: string;
  /** Deliveries a call claims at most. */
  limit: number;
}

interface Claimed {
  delivery_id: string;
  integration_id: string;
}

interface Answer {
  finished: number;
  claimed: { lease_token: string; deliveries: Claimed[] } | null;
}

const LEASE_MS = 90_000;
const BODY = JSON.stringify({ type: "readiness_updated", data: { filler: "x".repeat(150) } });

function resultOf(claimed: Claimed, leaseToken: string) {
  return {
    delivery_id: claimed.delivery_id,
    integration_id: claimed.integration_id,
    lease_token: leaseToken,
    outcome: "delivered",
    endpoint_failed: false,
    status_code: 200,
    began_after_ms: 1,
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
  let answer: Answer = { finished: 0, claimed: null };
  let delivered = 0;
  do {
    const results = JSON.stringify(resultColumns(
      answer.claimed?.deliveries.map((one) => resultOf(one, answer.claimed!.lease_token)) ?? [],
    ));
    const [row] = await sql<{ answer: Answer }[]>`
      select public.exchange_deliveries(${results}::text::jsonb, ${limit}, ${LEASE_MS}) as answer`;
    answer = row!.answer;
    delivered += answer.finished;
  } while (answer.claimed !== null);
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
