// deno-lint-ignore-file no-console -- prints its results
/**
 * `deno task bench:receive-history`: does the receiver slow down when its tables hold five million receipts, and does its
 * memory grow over a million requests? Results go to bench/results. `--quick` measures little and keeps nothing;
 * `--repetitions N` measures both stacks N times in turn.
 *
 * @module
 */
import type postgres from "postgres";
import { describeDemo } from "../../local/demo.ts";
import type { Stack } from "../../local/stack.ts";
import { withBenchStack } from "../measure/bench_stack.ts";
import { startFunction } from "../measure/function_process.ts";
import { readOptions } from "../measure/options.ts";
import { type Listener, runForJson, usageOf } from "../measure/processes.ts";
import { keepResults, markdownTable } from "../measure/results.ts";
import { readStackSetting, settingLines } from "../measure/setting.ts";
import { median, range, round } from "../measure/statistics.ts";
import { inTurn } from "../measure/turns.ts";
import { fillHistory } from "./history_filler.ts";
import type { LoadOptions, Target } from "./load.ts";
import type { LoadResult } from "./load_result.ts";
import { createManyWebhooks } from "./many_webhooks.ts";
import { prepareDatabase } from "./subjects.ts";

const { quick, repetitions } = readOptions(Deno.args, 5);
const ROWS = quick ? 20_000 : 5_000_000;
const REQUESTS = quick ? 5000 : 1_000_000;
const DURATION_MS = quick ? 500 : 3500;
const CONNECTIONS = 50;
const STEPS = 10;

/** A stack with its receiver over a direct connection. */
interface Scene {
  sql: postgres.Sql;
  receiver: Listener;
  targets: Target[];
}

async function prepare(stack: Stack, sql: postgres.Sql): Promise<Scene> {
  await describeDemo(stack);
  await prepareDatabase(sql);
  const targets = await createManyWebhooks(sql);
  return { sql, targets, receiver: await startFunction(stack, "webhook-receiver", "direct connection") };
}

function load({ receiver, targets }: Scene, durationMs: number): Promise<LoadResult> {
  const options: LoadOptions = { port: receiver.port, targets, connections: CONNECTIONS, durationMs };
  return runForJson<LoadResult>("bench/receive/load.ts", options);
}

/** Memory of the receiver after every tenth of the requests. */
async function memoryOver(scene: Scene, requests: number): Promise<{ requests: number; rssMb: number }[]> {
  const found: { requests: number; rssMb: number }[] = [];
  let [done, perSecond] = [0, 2000];
  for (let step = 1; step <= STEPS; step++) {
    while (done < requests * step / STEPS) {
      const missing = requests * step / STEPS - done;
      const result = await load(scene, Math.max(500, missing / perSecond * 1000));
      if (result.refused + result.duplicates > 0) throw new Error("A request was refused; nothing is kept.");
      done += result.accepted;
      perSecond = result.perSecond;
    }
    found.push({ requests: done, rssMb: Math.round((await usageOf(scene.receiver.pid)).rssMb) });
    console.log(`${done} requests: ${found.at(-1)!.rssMb} MB`);
  }
  return found;
}

const findings = await withBenchStack((shortStack, shortSql) =>
  withBenchStack(async (longStack, longSql) => {
    const setting = await readStackSetting(longSql, longStack, ["postgres"]);
    const scenes = {
      short: await prepare(shortStack, shortSql),
      long: await prepare(longStack, longSql),
    };
    const startedMs = performance.now();
    await fillHistory(longSql, ROWS);
    console.log(`${ROWS} receipts after ${round((performance.now() - startedMs) / 1000, 0)} s`);
    const runs: Record<keyof typeof scenes, LoadResult[]> = { short: [], long: [] };
    for (const scene of Object.values(scenes)) await load(scene, DURATION_MS);
    for (const { subject } of inTurn(["short", "long"] as const, repetitions)) {
      runs[subject].push(await load(scenes[subject], DURATION_MS));
      console.log(`${subject}: ${runs[subject].at(-1)!.perSecond}/s`);
    }
    const [size] = await longSql`select pg_database_size(current_database())::float8 / 1e6 as mb`;
    const memory = await memoryOver(scenes.short, REQUESTS);
    for (const { receiver } of Object.values(scenes)) await receiver.stop();
    return { setting, runs, databaseMb: Math.round(size!.mb), memory };
  })
);

const rateOf = (name: "short" | "long") => findings.runs[name].map(({ perSecond }) => perSecond);
const row = (name: "short" | "long", what: string) => [
  what,
  median(rateOf(name)),
  range(rateOf(name)),
  median(findings.runs[name].map(({ p50Ms }) => p50Ms)),
  median(findings.runs[name].map(({ p99Ms }) => p99Ms)),
];
const ratios = rateOf("long").map((rate, nth) => rate / rateOf("short")[nth]!);
const report = `# Receiving webhooks, with a long history

Does the receiver slow down when its tables are long, and does its memory grow? \`deno task bench:receive-history\`,
${findings.setting.measuredOn}, commit ${findings.setting.commit}. ${repetitions} repetitions in turn of ${
  DURATION_MS / 1000
} s each; medians.

${
  settingLines(findings.setting, "Everything runs on it: two stacks, their receivers and the load.").join(
    "\n",
  )
}
- Load as in receive.md: ${CONNECTIONS} connections, 200 webhooks of 50 tenants, over a direct connection.
- The long history is ${
  ROWS.toLocaleString("en")
} receipts with bodies, events and finished dispatches: ${findings.databaseMb} MB.

${
  markdownTable(["history", "stored/s", "range", "p50 ms", "p99 ms"], [
    row("short", "none"),
    row("long", `${ROWS.toLocaleString("en")} receipts`),
  ])
}

Long / none, pair by pair: median ${median(ratios).toFixed(2)} (${range(ratios, 2)}).

Memory of the receiver:

${
  markdownTable(
    ["requests", "MB"],
    findings.memory.map(({ requests, rssMb }) => [requests.toLocaleString("en"), rssMb]),
  )
}
`;
console.log(report);
if (!quick) await keepResults("receive-history", findings, report);
Deno.exit(0);
