// deno-lint-ignore-file no-console -- prints its results
/**
 * `deno task bench:receive`: how many signed webhooks does the whole webhook-receiver take, over either transport of the
 * store, against receivers written by hand, in the same run? Results go to bench/results.
 *
 * @module
 */
import { cpus, totalmem } from "node:os";
import { fileURLToPath } from "node:url";
import postgres from "postgres";
import { describeDemo } from "../../local/demo.ts";
import { startStack } from "../../local/stack.ts";
import { load, type LoadResult } from "./load.ts";

const REPETITIONS = Number(Deno.args[0] ?? 3);
const DURATION_MS = 4000;
const CONNECTIONS = [1, 10, 50];

/** A receiver under test, in a process of its own. */
interface Receiver {
  url: string;
  stop(): Promise<void>;
}

const root = fileURLToPath(new URL("../..", import.meta.url));
const dataDir = await Deno.makeTempDir({ prefix: "interlock-bench-" });
await Deno.chmod(dataDir, 0o755);
const stack = await startStack({ dataDir, port: 0 });
const sql = postgres(stack.adminDbUrl, { max: 1, onnotice: () => {} });

async function spawn(args: string[], env: Record<string, string>, path: string): Promise<Receiver> {
  const inherited = {
    PATH: Deno.env.get("PATH") ?? "",
    HOME: Deno.env.get("HOME") ?? "",
    DENO_DIR: Deno.env.get("DENO_DIR") ?? "",
  };
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-check", "-A", ...args],
    cwd: root,
    clearEnv: true,
    env: { ...Object.fromEntries(Object.entries(inherited).filter(([, value]) => value !== "")), ...env },
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  let port: string | undefined;
  while (!port) {
    const { value, done } = await lines.read();
    if (done) throw new Error(`${args.join(" ")} did not start`);
    text += value;
    port = /LISTENING (\d+)/.exec(text)?.[1];
  }
  void (async () => {
    while (!(await lines.read()).done);
  })();
  const stop = async () => {
    child.kill("SIGKILL");
    await child.status;
    await child.stdin.close().catch(() => {});
  };
  return { url: `http://127.0.0.1:${port}${path}`, stop };
}

const demo = await describeDemo(stack);
const webhook = demo.webhooks.find((candidate) => candidate.provider === "generic_hmac")!;
const functionEnv = {
  SUPABASE_URL: stack.apiUrl,
  SUPABASE_PUBLISHABLE_KEYS: JSON.stringify(stack.keys.publishableKeys),
  SUPABASE_SECRET_KEYS: JSON.stringify(stack.keys.secretKeys),
  SUPABASE_JWKS: JSON.stringify({ keys: [stack.keys.signingKey.publicJwk] }),
  INTERLOCK_LOG_LEVEL: "warn",
};
const host = [
  "--config",
  "supabase/functions/deno.json",
  "local/function_host.ts",
  `file://${root}supabase/functions/webhook-receiver/index.ts`,
];
const baselineEnv = {
  BENCH_SECRET: webhook.secret,
  BENCH_DB_URL: stack.dbUrl,
  BENCH_API_URL: stack.apiUrl,
  BENCH_SECRET_KEY: stack.secretKey,
};
const receivers: Record<string, () => Promise<Receiver>> = {
  "webhook-receiver, direct": () =>
    spawn(host, { ...functionEnv, INTERLOCK_DB_URL: stack.dbUrl }, `/webhook-receiver/${webhook.id}`),
  "webhook-receiver, PostgREST": () => spawn(host, functionEnv, `/webhook-receiver/${webhook.id}`),
  "Fastify + postgres.js by hand": () => spawn(["bench/receive/baseline.ts", "direct"], baselineEnv, "/"),
  "Hono + one PostgREST call each": () => spawn(["bench/receive/baseline.ts", "rest"], baselineEnv, "/"),
};

const median = (values: number[]) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;

async function measure(): Promise<Map<string, LoadResult[]>> {
  const results = new Map<string, LoadResult[]>();
  for (let repetition = 0; repetition < REPETITIONS; repetition++) {
    for (const [name, start] of Object.entries(receivers)) {
      const receiver = await start();
      await load({ ...receiver, secret: webhook.secret, connections: 4, durationMs: 1000 });
      for (const connections of CONNECTIONS) {
        const result = await load({
          ...receiver,
          secret: webhook.secret,
          connections,
          durationMs: DURATION_MS,
        });
        const key = `${name} @ ${connections}`;
        results.set(key, [...results.get(key) ?? [], result]);
        console.log(
          `${repetition + 1}/${REPETITIONS} ${
            key.padEnd(44)
          } ${result.perSecond}/s p50 ${result.p50Ms} ms p99 ${result.p99Ms} ms refused ${result.refused}`,
        );
      }
      await receiver.stop();
    }
  }
  return results;
}

try {
  // The dispatcher would compete for the same two cores; here only storing is the question.
  await sql.unsafe(`delete from private.event_consumers;
    create schema bench; create table bench.receipts (tenant_id integer, event_id text, body text, received_at timestamptz default now(), primary key (tenant_id, event_id));
    create function public.bench_insert(p_event_id text, p_body text) returns void language sql security definer as
      'insert into bench.receipts (tenant_id, event_id, body) values (1, p_event_id, p_body) on conflict do nothing';
    grant execute on function public.bench_insert(text, text) to service_role;
    grant usage on schema bench to postgres; grant all on bench.receipts to postgres; notify pgrst, 'reload schema'`);
  await new Promise((resolve) => setTimeout(resolve, 1000));
  const before = await sql`select count(*)::int as n from public.webhook_receipts`;
  const results = await measure();
  const after = await sql`select count(*)::int as n from public.webhook_receipts`;
  await report(results, after[0]!.n - before[0]!.n);
} finally {
  await sql.end();
  await stack.stop();
  await Deno.remove(dataDir, { recursive: true });
}

async function report(results: Map<string, LoadResult[]>, stored: number): Promise<void> {
  const rows = [...results].map(([key, runs]) => ({
    key,
    perSecond: median(runs.map((run) => run.perSecond)),
    p50Ms: median(runs.map((run) => run.p50Ms)),
    p99Ms: median(runs.map((run) => run.p99Ms)),
    range: `${Math.min(...runs.map((run) => run.perSecond))}–${
      Math.max(...runs.map((run) => run.perSecond))
    }`,
  }));
  const rate = (name: string, connections: number) =>
    rows.find((row) => row.key === `${name} @ ${connections}`)!.perSecond;
  const ratio = (one: string, other: string) =>
    CONNECTIONS.map((connections) =>
      `${(rate(one, connections) / rate(other, connections)).toFixed(2)} at ${connections}`
    ).join(", ");
  const names = Object.keys(receivers);
  const [postgresVersion] = await sql`select current_setting('server_version') as version`;
  const machine = `${cpus().length} cores (${cpus()[0]?.model}), ${Math.round(totalmem() / 2 ** 30)} GiB`;
  const text = `# Receiving webhooks

\`deno task bench:receive\`, ${REPETITIONS} repetitions in turn, medians. ${machine}; Deno ${Deno.version.deno}, Postgres ${
    postgresVersion!.version
  }, PostgREST 12.0.2, fsync on.
1 KB JSON body, HMAC verified, deduplicated, stored with event and receipt; the load generator signs every request and runs on the same cores.
The function's process is asked without the gateway; its consumers are switched off.

| receiver @ connections | requests/s (range) | p50 ms | p99 ms |
|---|---|---|---|
${
    rows.map((row) => `| ${row.key} | ${row.perSecond} (${row.range}) | ${row.p50Ms} | ${row.p99Ms} |`).join(
      "\n",
    )
  }

- webhook-receiver, direct / Fastify by hand: ${ratio(names[0]!, names[2]!)}
- webhook-receiver, PostgREST / Fastify by hand: ${ratio(names[1]!, names[2]!)}
- webhook-receiver, PostgREST / one call each: ${ratio(names[1]!, names[3]!)}

Verified: ${
    verifiedCount(results)
  } accepted by webhook-receiver (warm-up aside), ${stored} receipts stored (warm-up included), ${
    refusedCount(results)
  } refused.

What this does not show: a slow disk, many webhooks in use, a full table, the network between function and database.
The receivers by hand store one row in one table; the receiver stores receipt, body and event, and checks more.
`;
  await Deno.writeTextFile(new URL("../results/receive.md", import.meta.url), text);
  await Deno.writeTextFile(
    new URL("../results/receive.json", import.meta.url),
    JSON.stringify({ machine, rows, stored }, null, 2) + "\n",
  );
  console.log(text);
}

function verifiedCount(results: Map<string, LoadResult[]>): number {
  return [...results].filter(([key]) => key.startsWith("webhook-receiver")).flatMap(([, runs]) => runs)
    .reduce((sum, run) => sum + run.accepted, 0);
}

function refusedCount(results: Map<string, LoadResult[]>): number {
  return [...results.values()].flat().reduce((sum, run) => sum + run.refused, 0);
}
