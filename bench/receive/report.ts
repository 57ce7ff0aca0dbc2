import { cpus, totalmem } from "node:os";
import type postgres from "postgres";
import type { LoadResult } from "./load_result.ts";
import type { Measurement, Plan, Verification } from "./measure.ts";
import {
  BY_HAND,
  CONNECTIONS,
  RAW_MANY,
  RAW_ONE,
  RECEIVER_DIRECT,
  RECEIVER_POSTGREST,
  USUAL,
} from "./subjects.ts";

/** Where and with what was measured. */
export interface Setting {
  measuredOn: string;
  commit: string;
  machine: { cores: number; cpu: string; memoryGiB: number };
  versions: Record<string, string>;
  postgres: Record<string, string>;
  /** Of the minute before the run: what else the machine was busy with. */
  loadAverage: number;
  plan: Plan;
}

/** One line of the table: medians over the repetitions. */
interface Row {
  subject: string;
  connections: number;
  perSecond: number;
  slowest: number;
  fastest: number;
  p50Ms: number;
  p99Ms: number;
}

/** Everything that one run found. */
export interface Findings {
  setting: Setting;
  ceiling: Map<number, LoadResult>;
  measurements: Measurement[];
  verifications: Verification[];
}

/** Asks the machine, the server and the working copy who they are. */
export async function readSetting(
  sql: postgres.Sql,
  apiUrl: string,
  secretKey: string,
  plan: Plan,
): Promise<Setting> {
  const settings = await sql<{ name: string; setting: string }[]>`
    select name, current_setting(name) as setting from pg_settings
    where name in ('server_version', 'fsync', 'synchronous_commit', 'shared_buffers', 'jit')`;
  const { server_version: version, ...postgresSettings } = Object.fromEntries(
    settings.map(({ name, setting }) => [name, setting]),
  );
  const rest = await fetch(`${apiUrl}/rest/v1/`, { headers: { apikey: secretKey } });
  await rest.body?.cancel();
  return {
    measuredOn: new Date().toISOString().slice(0, 10),
    commit: await commit(),
    machine: {
      cores: cpus().length,
      cpu: cpus()[0]?.model ?? "unknown",
      memoryGiB: Math.round(totalmem() / 2 ** 30),
    },
    versions: {
      deno: Deno.version.deno,
      postgres: version ?? "unknown",
      postgrest: rest.headers.get("server")?.replace("postgrest/", "") ?? "unknown",
      ...await packageVersions(),
    },
    postgres: postgresSettings,
    loadAverage: Number((Deno.loadavg()[0] ?? 0).toFixed(2)),
    plan,
  };
}

/** The commit measured, marked when the working copy differs from it where it matters. */
async function commit(): Promise<string> {
  const git = async (...args: string[]) => {
    const output = await new Deno.Command("git", { args, cwd: new URL("../..", import.meta.url) }).output();
    return output.success ? new TextDecoder().decode(output.stdout).trim() : null;
  };
  try {
    const hash = await git("rev-parse", "--short", "HEAD");
    const changed = await git("status", "--porcelain", "--", "supabase", "local");
    return hash === null ? "unknown" : `${hash}${changed ? " with changes" : ""}`;
  } catch {
    return "unknown"; // No git on this machine.
  }
}

async function packageVersions(): Promise<Record<string, string>> {
  const { imports } = JSON.parse(await Deno.readTextFile(new URL("../../deno.json", import.meta.url))) as {
    imports: Record<string, string>;
  };
  return Object.fromEntries(
    ["fastify", "hono", "postgres", "@supabase/supabase-js"].map((name) => [
      name === "postgres" ? "postgres.js" : name,
      imports[name]?.split("@").at(-1) ?? "unknown",
    ]),
  );
}

function rowsOf(measurements: Measurement[]): Row[] {
  const median = (values: number[]) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
  return measurements.map(({ subject, connections, runs }) => {
    const rates = runs.map((run) => run.perSecond);
    return {
      subject,
      connections,
      perSecond: median(rates),
      slowest: Math.min(...rates),
      fastest: Math.max(...rates),
      p50Ms: median(runs.map((run) => run.p50Ms)),
      p99Ms: median(runs.map((run) => run.p99Ms)),
    };
  });
}

/** Whether every accepted request is in its table once, and none was refused. */
export function isSound({ verifications }: Findings): boolean {
  return verifications.every((one) =>
    one.accepted > 0 && one.accepted === one.stored && one.duplicates === 0 && one.refused === 0
  );
}

/** The findings for machines. */
export function renderJson(findings: Findings): string {
  const { ceiling, measurements } = findings;
  const generatorCeiling = CONNECTIONS.map((connections) => ({
    connections,
    perSecond: ceiling.get(connections)!.perSecond,
    generatorCpuMs: ceiling.get(connections)!.generatorCpuMs,
  }));
  return `${
    JSON.stringify({ ...findings, ceiling: generatorCeiling, rows: rowsOf(measurements) }, null, 2)
  }\n`;
}

/** The findings for readers. */
export function renderMarkdown(findings: Findings): string {
  const { setting, ceiling, measurements, verifications } = findings;
  const { machine, versions, plan } = setting;
  const rows = rowsOf(measurements);
  const settings = Object.entries(setting.postgres).map(([name, value]) => `${name} ${value}`).join(", ");
  const tableLines = rows.map((row) =>
    `| ${row.subject} | ${row.connections} | ${row.perSecond} | ${row.slowest}–${row.fastest} | ${row.p50Ms} | ${row.p99Ms} |`
  );
  const verificationLines = verifications.map((one) =>
    `| ${one.subject} | ${one.accepted} | ${one.stored} | ${one.duplicates} | ${one.refused} |`
  );
  const most = CONNECTIONS.map((count) => `${ceiling.get(count)!.perSecond} at ${count}`).join(", ");
  return `# Receiving webhooks

How many signed webhooks per second does the whole \`webhook-receiver\` take? \`deno task bench:receive\`, ${setting.measuredOn},
commit ${setting.commit}. ${plan.repetitions} repetitions in turn of ${
    plan.durationMs / 1000
  } s each; medians.

- Machine: ${machine.cores} cores (${machine.cpu}), ${machine.memoryGiB} GiB. Load average at the start: ${setting.loadAverage}.
  Everything runs on it: Postgres, the receiver and the load.
- Versions: ${Object.entries(versions).map(([name, version]) => `${name} ${version}`).join(", ")}.
- Postgres: ${settings}.
- Load: 1 KB of JSON, generic HMAC, a fresh event id and signature per request, keep-alive connections that each wait for
  their answer. To a receiver that does nothing the generator sends ${most} connections.
- The function's process is asked without the gateway in front. Its calls to PostgREST go through the gateway, as on the
  platform. It holds up to 4 database connections (the default), the receiver by hand 10.
- Events and dispatches are written as always; the dispatcher sleeps, since it would take the same cores.

| what | connections | stored/s | range | p50 ms | p99 ms |
|---|---|---|---|---|---|
${tableLines.join("\n")}

\`store_webhook_receipts\` alone is the database without HTTP and signatures; its latencies are those of a call.

${ratioLines(rows).join("\n")}

Verified, warm-up included: accepted requests against rows in the table.

| what | accepted | stored | duplicates | refused |
|---|---|---|---|---|
${verificationLines.join("\n")}

What this does not show: a slow disk, many webhooks in use at once, tables of millions of rows, the network between function
and database, the hosted runtime's limits on processor time, the dispatcher at work beside it. The receivers by hand store one
row in one table; the receiver stores receipt, body, event and dispatch, and checks the webhook again while storing.
`;
}

function ratioLines(rows: Row[]): string[] {
  const rate = (subject: string, connections?: number) =>
    rows.find((row) => row.subject === subject && (connections ?? row.connections) === row.connections)!
      .perSecond;
  const ratio = (one: string, count: number, other: string, otherCount?: number) =>
    `${(rate(one, count) / rate(other, otherCount)).toFixed(2)} at ${count}`;
  const each = (one: string, other: string) =>
    CONNECTIONS.map((count) => ratio(one, count, other, count)).join(", ");
  return [RECEIVER_DIRECT, RECEIVER_POSTGREST].flatMap((receiver) => [
    `- ${receiver} / ${BY_HAND}: ${each(receiver, BY_HAND)}`,
    `- ${receiver} / ${USUAL}: ${each(receiver, USUAL)}`,
    `- ${receiver} / ${RAW_ONE}: ${ratio(receiver, 10, RAW_ONE)}`,
    `- ${receiver} / ${RAW_MANY}: ${ratio(receiver, 50, RAW_MANY)}`,
  ]);
}
