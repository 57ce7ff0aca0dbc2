// deno-lint-ignore-file no-console -- prints its results
/**
 * `deno task bench:sync`: what does it cost to sync 10,000 and 50,000 files of a drive and employees of an Odoo, against
 * reading the same without storing anything? On the whole stack, whose workers have the platform's limits: time, slices,
 * processor time and memory of the workers, requests to the provider. Results go to bench/results; `--quick` syncs 2,000
 * once and keeps nothing.
 *
 * @module
 */
import type postgres from "postgres";
import type { Stack } from "../../local/stack.ts";
import { freePort } from "../../local/free_port.ts";
import { withBenchStack } from "../measure/bench_stack.ts";
import { readOptions } from "../measure/options.ts";
import { keepResults, markdownTable } from "../measure/results.ts";
import { readStackSetting, type Setting, settingLines } from "../measure/setting.ts";
import { median, round } from "../measure/statistics.ts";
import type { ReadingAlone } from "./reading_alone.ts";
import { driveOf, employeesOf, type SyncSubject } from "./subjects.ts";
import { watchWorkers, type WorkersUsage } from "./worker_watch.ts";

const { quick, repetitions } = readOptions(Deno.args, 3);
const SIZES = quick ? [2000] : [10_000, 50_000];

/** Requests of a run that read no page: what the server is, where its end was at the beginning, how many records. */
const ASKED_ONCE = 12;

/** One subject, read in full and then once more for what changed since. */
interface Finding {
  subject: string;
  records: number;
  alone: ReadingAlone;
  first: Synced;
  /** Nothing has changed. */
  second: Synced;
  usage: WorkersUsage;
}

interface Synced {
  durationMs: number;
  slices: number;
  pages: number;
  requests: number;
}

async function syncOnce(
  stack: Stack,
  sql: postgres.Sql,
  subject: SyncSubject,
  connectorId: string,
): Promise<Synced> {
  const before = subject.requests();
  const started = performance.now();
  const answer = await fetch(`${stack.apiUrl}/functions/v1/${subject.functionName}`, {
    method: "POST",
    headers: { apikey: stack.hubKey, "content-type": "application/json" },
    body: JSON.stringify({ connector_id: connectorId, tenant_id: TENANT }),
  });
  const run = await answer.json();
  if (!answer.ok) throw new Error(`${subject.name}: ${JSON.stringify(run)}`);
  while (true) {
    const [row] =
      await sql`select status, error, slices, pages::int from public.sync_runs where id = ${run.run_id}`;
    if (row!.status === "completed") {
      const durationMs = performance.now() - started;
      return { durationMs, slices: row!.slices, pages: row!.pages, requests: subject.requests() - before };
    }
    if (["failed", "cancelled"].includes(row!.status)) throw new Error(`${subject.name}: ${row!.error}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const TENANT = "a0000000-0000-4000-8000-000000000001";

async function connectorOf(sql: postgres.Sql, subject: SyncSubject): Promise<string> {
  const [row] = await sql`
    insert into public.integration_connectors (tenant_id, type, name, status, config, secret_ref)
    values (${TENANT}, ${subject.type}, 'Bench', 'active', ${JSON.stringify(subject.config)}::text::jsonb,
      public.store_secret(${TENANT}, ${JSON.stringify(subject.secrets)}, 'bench')) returning id`;
  return row!.id;
}

async function measure(
  stack: Stack,
  sql: postgres.Sql,
  subject: SyncSubject,
  records: number,
): Promise<Finding> {
  const { readAlone } = await import("./reading_alone.ts");
  const alone = await readAlone(subject);
  const connectorId = await connectorOf(sql, subject);
  const watch = watchWorkers(stack.apiUrl, subject.functionName);
  const first = await syncOnce(stack, sql, subject, connectorId);
  const usage = await watch.stop();
  const [held] = await sql`select count(*)::int as records from ${sql(`public.${subject.table}`)}
    where connector_id = ${connectorId} and deleted_at is null`;
  if (held!.records !== alone.records) {
    throw new Error(`${subject.name}: ${held!.records} of ${alone.records} records are held`);
  }
  const second = await syncOnce(stack, sql, subject, connectorId);
  for (const { pages, requests, slices } of [first, second]) {
    if (requests > pages + ASKED_ONCE) {
      throw new Error(`${subject.name}: ${requests} requests for ${pages} pages in ${slices} slices`);
    }
  }
  await sql`delete from public.integration_connectors where id = ${connectorId}`;
  return { subject: subject.name, records, alone, first, second, usage };
}

function render(findings: Finding[], setting: Setting): string {
  const groups = Map.groupBy(
    findings,
    ({ subject, records }) => `${subject}, ${records.toLocaleString("en")}`,
  );
  const of = (group: Finding[], value: (finding: Finding) => number) => median(group.map(value));
  const rows = [...groups].map(([name, group]) => [
    name,
    Math.round(of(group, ({ alone }) => alone.durationMs)),
    Math.round(of(group, ({ first }) => first.durationMs)),
    round(of(group, ({ first, alone }) => first.durationMs / alone.durationMs), 2),
    of(group, ({ first }) => first.slices),
    of(group, ({ first }) => first.pages),
    of(group, ({ first }) => first.requests),
    Math.round(of(group, ({ usage, first }) => usage.cpuMs / first.slices)),
    Math.round(of(group, ({ usage }) => usage.maxWorkerCpuMs)),
    Math.max(...group.map(({ usage }) => usage.peakMemoryMb)),
    Math.round(of(group, ({ second }) => second.durationMs)),
    of(group, ({ second }) => second.requests),
  ]);
  return [
    "# What a sync costs",
    "",
    "Everything is read for the first time, then once more with nothing changed. Alone = the same source pages through the",
    "same server in one process and stores nothing. Workers have the platform's limits; processor time includes their boots.",
    "",
    markdownTable([
      "",
      "alone, ms",
      "sync, ms",
      "ratio",
      "slices",
      "pages",
      "requests",
      "CPU per slice, ms",
      "most CPU of a worker, ms",
      "peak memory, MB",
      "again, ms",
      "requests again",
    ], rows),
    "",
    ...settingLines(setting, "The servers that play the providers run on the same machine."),
    "",
  ].join("\n");
}

const googlePort = freePort();
const functionEnv = {
  INTERLOCK_EGRESS_ALLOW_LOCAL: "1",
  INTERLOCK_GOOGLE_API_URL: `http://127.0.0.1:${googlePort}`,
};
await withBenchStack(async (stack, sql) => {
  const own = {
    ...functionEnv,
    SUPABASE_URL: stack.apiUrl,
    SUPABASE_SECRET_KEYS: JSON.stringify({ hub: stack.hubKey }),
  };
  for (const [name, value] of Object.entries(own)) Deno.env.set(name, value);
  const setting = await readStackSetting(sql, stack, ["hono", "zod"]);
  const findings: Finding[] = [];
  for (let repetition = 0; repetition < repetitions; repetition++) {
    for (const records of SIZES) {
      const makers = [
        () => driveOf(records, googlePort),
        () => employeesOf(records, 17),
        () => employeesOf(records, 19),
      ];
      for (const make of makers) {
        const subject = make();
        try {
          const finding = await measure(stack, sql, subject, records);
          findings.push(finding);
          console.log(JSON.stringify(finding));
        } finally {
          await subject.stop();
        }
      }
    }
  }
  const report = render(findings, setting);
  console.log(report);
  const kept = { setting, findings };
  if (!quick) await keepResults("sync", kept, report);
}, { functionEnv });
