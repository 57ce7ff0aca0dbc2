import type postgres from "postgres";
import type { Demo } from "../../local/demo.ts";
import type { Stack } from "../../local/stack.ts";
import { startFunction, type Transport } from "../measure/function_process.ts";
import { type Listener, runForJson, startListener } from "../measure/processes.ts";
import type { LoadOptions, Target } from "./load.ts";
import type { LoadResult } from "./load_result.ts";
import type { RawInsertOptions } from "./raw_insert.ts";

/** What is measured: the receiver, or something to compare it with. */
export interface Subject {
  name: string;
  /** Connections to measure it at. */
  connections: number[];
  /** How much longer every flush of its database takes meanwhile. */
  flushDelayMs: number;
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
export const BY_HAND_WIDE = "Fastify + postgres.js by hand, 50 database connections";
export const USUAL = "Hono + one supabase-js call each";
export const RAW_ONE = "store_webhook_receipts alone, 1 a call";
export const RAW_MANY = "store_webhook_receipts alone, 25 a call";

/** A subject while every flush of the database takes 2 ms longer. */
export const slowly = (name: string): string => `${name}, flush + ${SLOW_FLUSH_MS} ms`;
/** A receiver while 200 webhooks of 50 tenants are in use. */
export const withMany = (name: string): string => `${name}, 200 webhooks`;

export const SLOW_FLUSH_MS = 2;
/** Code is compiled as it runs: the first seconds are not what a busy receiver does. */
const WARM_UP_MS = 3000;
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
export function subjectsOf(
  stack: Stack,
  webhook: Demo["webhooks"][number],
  version: number,
  many: Target[],
): Subject[] {
  const byHand = (pool: number) => ({
    BENCH_SECRET: webhook.secret,
    BENCH_DB_URL: stack.dbUrl,
    BENCH_API_URL: stack.apiUrl,
    BENCH_SECRET_KEY: stack.secretKey,
    BENCH_POOL: String(pool),
  });
  const ours = {
    table: RECEIPTS,
    targets: [{ path: `/webhook-receiver/${webhook.id}`, secret: webhook.secret }],
  };
  const theirs = { table: "bench.receipts", targets: [{ path: "/", secret: webhook.secret }] };
  const receiver = (transport: Transport) => () => startFunction(stack, "webhook-receiver", transport);
  const fastify = (pool: number) => () => startListener(baseline("direct"), byHand(pool));
  const slow = { connections: [10, 50], flushDelayMs: SLOW_FLUSH_MS };
  const raw = { databaseUrl: stack.dbUrl, webhookId: webhook.id, version };
  return [
    overHttp({ ...ours, name: RECEIVER_DIRECT }, receiver("direct connection")),
    overHttp({ ...ours, name: RECEIVER_POSTGREST }, receiver("PostgREST")),
    overHttp({ ...theirs, name: BY_HAND }, fastify(10)),
    overHttp({ ...theirs, name: USUAL }, () => startListener(baseline("rest"), byHand(1))),
    ...[RECEIVER_DIRECT, RECEIVER_POSTGREST].map((name) =>
      overHttp(
        { ...ours, targets: many, name: withMany(name), connections: [50] },
        receiver(name === RECEIVER_DIRECT ? "direct connection" : "PostgREST"),
      )
    ),
    overHttp({ ...ours, ...slow, name: slowly(RECEIVER_DIRECT) }, receiver("direct connection")),
    overHttp({ ...ours, ...slow, name: slowly(RECEIVER_POSTGREST) }, receiver("PostgREST")),
    overHttp({ ...theirs, ...slow, name: slowly(BY_HAND) }, fastify(10)),
    overHttp({ ...theirs, ...slow, name: slowly(BY_HAND_WIDE) }, fastify(50)),
    rawInsert(RAW_ONE, { ...raw, connections: 10, receiptsPerCall: 1 }),
    rawInsert(RAW_MANY, { ...raw, connections: 2, receiptsPerCall: 25 }),
  ];
}

/** What the generator sends at most: a receiver that does nothing, per number of connections. */
export async function measureCeiling(durationMs: number): Promise<Ceiling[]> {
  const { port, stop } = await startListener(baseline("nothing"), {});
  const results: Ceiling[] = [];
  for (const connections of CONNECTIONS) {
    const options: LoadOptions = { port, targets: [{ path: "/", secret: "-" }], connections, durationMs };
    const { perSecond, generatorCpuMs } = await runForJson<LoadResult>(LOAD, options);
    results.push({ connections, perSecond, generatorCpuMs });
  }
  await stop();
  return results;
}

const baseline = (kind: string) => ["bench/receive/baseline.ts", kind];

/** A receiver that is loaded over HTTP. */
export function overHttp(
  { name, table, database, targets, signatureHeader, connections = CONNECTIONS, flushDelayMs = 0 }: {
    name: string;
    table: string;
    database?: postgres.Sql;
    targets: Target[];
    signatureHeader?: string;
    connections?: number[];
    flushDelayMs?: number;
  },
  startProcess: () => Promise<Pick<Listener, "port" | "stop">>,
): Subject {
  return {
    name,
    table,
    database,
    connections,
    flushDelayMs,
    async start() {
      const { port, stop } = await startProcess();
      const measure = (connections: number, durationMs: number) => {
        const options: LoadOptions = { port, targets, signatureHeader, connections, durationMs };
        return runForJson<LoadResult>(LOAD, options);
      };
      return { warmUp: await measure(50, WARM_UP_MS), measure, stop };
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
    flushDelayMs: 0,
    start: async () => ({ warmUp: await measure(options.connections, 300), measure, stop: async () => {} }),
  };
}
