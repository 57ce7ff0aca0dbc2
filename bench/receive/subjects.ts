import type postgres from "postgres";
import type { Demo } from "../../local/demo.ts";
import type { Stack } from "../../local/stack.ts";
import { startFunction, type Transport } from "../measure/function_process.ts";
import { type Listener, runForJson, startListener } from "../measure/processes.ts";
import type { LoadOptions } from "./load.ts";
import type { LoadResult } from "./load_result.ts";
import type { RawInsertOptions } from "./raw_insert.ts";

/** What is measured: the receiver, or something to compare it with. */
export interface Subject {
  name: string;
  /** Connections to measure it at. */
  connections: number[];
  /** The table it writes one row per accepted request to. */
  table: string;
  /** Where that table is; left out = the stack's database. */
  database?: postgres.Sql;
  /** Makes it ready and answers how to measure it, warmed up; `warmUp` counts as accepted too. */
  start(): Promise<{
    warmUp: LoadResult;
    measure(connections: number, durationMs: number): Promise<LoadResult>;
    stop(): Promise<void>;
  }>;
}

/** What the load generator reaches at most. */
export interface Ceiling {
  connections: number;
  perSecond: number;
  generatorCpuMs: number;
}

export const CONNECTIONS = [1, 10, 50];
export const RECEIVER_DIRECT = "webhook-receiver, direct connection";
export const RECEIVER_POSTGREST = "webhook-receiver, PostgREST";
export const BY_HAND = "Fastify + postgres.js by hand";
export const USUAL = "Hono + one supabase-js call each";
export const RAW_ONE = "store_webhook_receipts alone, 1 a call";
export const RAW_MANY = "store_webhook_receipts alone, 25 a call";

const WARM_UP_MS = 1000;
const RECEIPTS = "public.webhook_receipts";
const LOAD = "bench/receive/load.ts";

/** A table and a function for the receivers by hand, and silence from everything that would compete. */
export async function prepareDatabase(sql: postgres.Sql): Promise<void> {
  await sql.unsafe(`
    create schema bench;
    create table bench.receipts (
      tenant_id integer, event_id text, body text, received_at timestamptz default now(),
      primary key (tenant_id, event_id)
    );
    create function public.bench_insert(p_event_id text, p_body text) returns void language sql security definer as
      'insert into bench.receipts (tenant_id, event_id, body) values (1, p_event_id, p_body) on conflict do nothing';
    grant execute on function public.bench_insert(text, text) to service_role;
    grant usage on schema bench to postgres;
    grant all on bench.receipts to postgres;
    notify pgrst, 'reload schema'`);
  // Dispatches are still written, only nobody is woken for them: the dispatcher would take the same two cores.
  await sql`update cron.job set active = false`;
  await sql`insert into private.drainers (name, awake_until) values ('event-dispatch', 'infinity')
    on conflict (name) do update set awake_until = 'infinity'`;
  await new Promise((resolve) => setTimeout(resolve, 1000));
}

/** Everything that one run measures. */
export function subjectsOf(stack: Stack, webhook: Demo["webhooks"][number], version: number): Subject[] {
  const byHand = {
    BENCH_SECRET: webhook.secret,
    BENCH_DB_URL: stack.dbUrl,
    BENCH_API_URL: stack.apiUrl,
    BENCH_SECRET_KEY: stack.secretKey,
  };
  const { secret } = webhook;
  const ours = { table: RECEIPTS, secret, path: `/webhook-receiver/${webhook.id}` };
  const theirs = { table: "bench.receipts", secret, path: "/" };
  const receiver = (transport: Transport) => startFunction(stack, "webhook-receiver", transport);
  const raw = { databaseUrl: stack.dbUrl, webhookId: webhook.id, version };
  return [
    overHttp({ ...ours, name: RECEIVER_DIRECT }, () => receiver("direct connection")),
    overHttp({ ...ours, name: RECEIVER_POSTGREST }, () => receiver("PostgREST")),
    overHttp({ ...theirs, name: BY_HAND }, () => startListener(baseline("direct"), byHand)),
    overHttp({ ...theirs, name: USUAL }, () => startListener(baseline("rest"), byHand)),
    rawInsert(RAW_ONE, { ...raw, connections: 10, receiptsPerCall: 1 }),
    rawInsert(RAW_MANY, { ...raw, connections: 2, receiptsPerCall: 25 }),
  ];
}

/** What the generator sends at most: a receiver that does nothing, per number of connections. */
export async function measureCeiling(durationMs: number): Promise<Ceiling[]> {
  const receiver = await startListener(baseline("nothing"), {});
  const results: Ceiling[] = [];
  for (const connections of CONNECTIONS) {
    const options = { url: `http://127.0.0.1:${receiver.port}/`, secret: "-", connections, durationMs };
    const { perSecond, generatorCpuMs } = await runForJson<LoadResult>(LOAD, options satisfies LoadOptions);
    results.push({ connections, perSecond, generatorCpuMs });
  }
  await receiver.stop();
  return results;
}

const baseline = (kind: string) => ["bench/receive/baseline.ts", kind];

/** A receiver that is loaded over HTTP. */
export function overHttp(
  { name, table, database, path, secret, signatureHeader }: {
    name: string;
    table: string;
    database?: postgres.Sql;
    path: string;
    secret: string;
    signatureHeader?: string;
  },
  startProcess: () => Promise<Pick<Listener, "port" | "stop">>,
): Subject {
  return {
    name,
    table,
    database,
    connections: CONNECTIONS,
    async start() {
      const receiver = await startProcess();
      const url = `http://127.0.0.1:${receiver.port}${path}`;
      const measure = (connections: number, durationMs: number) => {
        const options: LoadOptions = { url, secret, signatureHeader, connections, durationMs };
        return runForJson<LoadResult>(LOAD, options);
      };
      return { warmUp: await measure(10, WARM_UP_MS), measure, stop: receiver.stop };
    },
  };
}

/** Its number of connections is part of what it is; nothing warms up but the connections themselves. */
function rawInsert(name: string, options: Omit<RawInsertOptions, "durationMs">): Subject {
  const measure = (_connections: number, durationMs: number) =>
    runForJson<LoadResult>(
      "bench/receive/raw_insert.ts",
      { ...options, durationMs } satisfies RawInsertOptions,
    );
  return {
    name,
    table: RECEIPTS,
    connections: [options.connections],
    start: async () => ({ warmUp: await measure(options.connections, 300), measure, stop: async () => {} }),
  };
}
