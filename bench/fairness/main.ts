// deno-lint-ignore-file no-console -- prints its results
/**
 * `deno task bench:fairness`: 100,000 deliveries wait for ten endpoints of one tenant that hang for 10 s each. How long
 * does another tenant's event take from its commit to its first attempt, against the same on an idle hub? With one
 * worker and with two, over a direct connection. Results go to bench/results; `--quick` measures little and keeps nothing.
 *
 * @module
 */
import { startWorker, type Worker } from "../deliver/subjects.ts";
import { withBenchStack } from "../measure/bench_stack.ts";
import { readOptions } from "../measure/options.ts";
import { keepResults, markdownTable } from "../measure/results.ts";
import { readStackSetting } from "../measure/setting.ts";
import { median, quantile, round } from "../measure/statistics.ts";
import { Scene } from "./scene.ts";

const { quick } = readOptions(Deno.args, 1);
const PENDING = quick ? 2000 : 100_000;
const SAMPLES = quick ? 20 : 200;
const HANG_MS = 10_000;

/** First-attempt latencies of the other tenant, in milliseconds. */
interface Finding {
  workers: number;
  pending: number;
  hangingRequests: number;
  samplesMs: number[];
}

/** Each count of workers on a stack of its own: what hung before hangs nowhere else. */
async function measure(workerCount: number) {
  return await withBenchStack(async (stack, sql) => {
    const setting = await readStackSetting(sql, stack, ["postgres", "hono", "zod"]);
    const scene = await Scene.prepare(sql, HANG_MS);
    const workers: Worker[] = [];
    try {
      for (let index = 0; index < workerCount; index++) {
        workers.push(await startWorker(stack, "direct connection"));
      }
      await scene.latencies(20, workers); // Warm-up.
      const idle = await scene.latencies(SAMPLES, workers);
      const pending = await scene.fill(PENDING);
      for (const worker of workers) await worker.wake();
      const hangingRequests = await scene.untilHanging(200);
      const busy = await scene.latencies(SAMPLES, workers);
      const findings: Finding[] = [
        { workers: workerCount, pending: 0, hangingRequests: 0, samplesMs: idle },
        { workers: workerCount, pending, hangingRequests, samplesMs: busy },
      ];
      return { setting, findings };
    } finally {
      for (const { listener } of workers) await listener.stop();
      await scene.stop();
    }
  });
}

function render(findings: Finding[]): string {
  const rows = findings.map(({ workers, pending, hangingRequests, samplesMs }, index) => {
    const idle = median(findings[index - index % 2]!.samplesMs);
    return [
      workers,
      pending,
      hangingRequests,
      round(median(samplesMs), 1),
      round(quantile(samplesMs, 0.99), 1),
      round(median(samplesMs) / idle, 2),
    ];
  });
  const header = [
    "workers",
    "pending of a tenant that hangs",
    "requests that hang",
    "p50 ms",
    "p99 ms",
    "p50 / idle p50",
  ];
  return `# Fairness\n\nCommit to first attempt of another tenant's event.\n\n${
    markdownTable(header, rows)
  }\n`;
}

const all = [await measure(1), await measure(2)];
const findings = all.flatMap((one) => one.findings);
const report = render(findings);
console.log(report);
const kept = { setting: all[0]!.setting, findings };
const sound = findings.every(({ samplesMs }) => samplesMs.every(Number.isFinite));
if (sound && !quick) await keepResults("fairness", kept, report);
if (!sound) console.error("Some events did not arrive: nothing is kept.");
Deno.exit(sound ? 0 : 1);
