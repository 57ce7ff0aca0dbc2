// deno-lint-ignore-file no-console -- prints its results
/**
 * `deno task bench:claim`: does a claim cost more when the log is long? And what does one event cost that a thousand
 * subscriptions want? Results go to bench/results. `--quick` measures little and keeps nothing; `--repetitions N` takes N
 * times 40 samples of every size.
 *
 * @module
 */
import { withBenchStack } from "../measure/bench_stack.ts";
import { readOptions } from "../measure/options.ts";
import { keepResults } from "../measure/results.ts";
import { readStackSetting } from "../measure/setting.ts";
import { median, quantile, round } from "../measure/statistics.ts";
import { fillLog, logMegabytes } from "./log_filler.ts";
import { type ClaimCost, type Findings, renderMarkdown } from "./report.ts";
import { Scene } from "./scene.ts";

const { quick, repetitions } = readOptions(Deno.args, 3);
const SIZES = quick ? [1000, 10_000] : [10_000, 1_000_000, 5_000_000];
const SAMPLES = quick ? 5 : 40;

const findings = await withBenchStack(async (stack, sql): Promise<Findings> => {
  const setting = await readStackSetting(sql, stack, ["postgres"]);
  const scene = await Scene.prepare(sql);
  const claims: ClaimCost[] = [];
  for (const rows of SIZES) {
    const startedMs = performance.now();
    await fillLog(sql, rows);
    console.log(`${rows} rows after ${round((performance.now() - startedMs) / 1000, 1)} s`);
    const medians: number[] = [];
    const all: number[] = [];
    for (let repetition = 0; repetition < repetitions; repetition++) {
      const samples = await scene.claimMs(SAMPLES);
      medians.push(median(samples));
      all.push(...samples);
    }
    claims.push({
      rows,
      logMegabytes: await logMegabytes(sql),
      medians,
      medianMs: median(medians),
      p95Ms: quantile(all, 0.95),
    });
  }
  const fanOuts = [];
  for (
    const [kind, eventType] of [["guardian_meta", "guardian.readiness_updated"], [
      "event",
      "contact.created",
    ]] as const
  ) {
    fanOuts.push({ kind, medianMs: await scene.fanOutMs(eventType, quick ? 3 : 20) });
  }
  return { setting, repetitions, samples: SAMPLES, claims, fanOuts };
}, { seedFile: null });
const report = renderMarkdown(findings);
console.log(report);
if (!quick) await keepResults("claim", findings, report);
