// deno-lint-ignore-file no-console -- prints its results
/**
 * `deno task bench:flood`: one tenant floods its webhook, another sends steadily. How much longer does the other wait
 * for its answers, with the rate limits as they are by default, and with limits so high that all of the flood is stored?
 * Over either transport; with and without the flood in turn. Results go to bench/results; `--quick` measures little and
 * keeps nothing.
 *
 * @module
 */
import { withBenchStack } from "../measure/bench_stack.ts";
import type { Transport } from "../measure/function_process.ts";
import { readOptions } from "../measure/options.ts";
import { keepResults } from "../measure/results.ts";
import { readStackSetting } from "../measure/setting.ts";
import { quantile, round } from "../measure/statistics.ts";
import { type Finding, isSound, renderMarkdown } from "./report.ts";
import { type Limits, type Phase, prepareScene, startReceiver } from "./scene.ts";
import type { SteadyResult } from "./steady_load.ts";

const { quick, repetitions } = readOptions(Deno.args, 5);
const phaseMs = quick ? 1000 : 8000;
const TRANSPORTS: Transport[] = ["direct connection", "PostgREST"];
const LIMITS: Limits[] = ["default", "raised"];

async function run(): Promise<boolean> {
  const { setting, findings } = await withBenchStack(async (stack, sql) => {
    const scene = await prepareScene(sql);
    const setting = await readStackSetting(sql, stack, ["hono", "postgres", "zod"]);
    const findings: Finding[] = [];
    for (const limits of LIMITS) {
      for (const transport of TRANSPORTS) {
        const receiver = await startReceiver(stack, transport, limits);
        const finding: Finding = { limits, transport, rounds: [], stored: 0 };
        const before = await scene.countReceipts();
        try {
          finding.warmUp = await scene.send(receiver.port, 1000, true);
          for (let repetition = 0; repetition < repetitions; repetition++) {
            const alone = await scene.send(receiver.port, phaseMs, false);
            const beside = await scene.send(receiver.port, phaseMs, true);
            finding.rounds.push({ alone, beside });
          }
        } finally {
          await receiver.stop();
        }
        finding.stored = await scene.countReceipts() - before;
        findings.push(finding);
        console.log(`${limits} limits, ${transport}: measured`);
      }
    }
    return { setting, findings };
  });
  const report = renderMarkdown(findings);
  console.log(report);
  const kept = { setting, findings: findings.map(withoutEveryLatency) };
  if (isSound(findings) && !quick) await keepResults("flood", kept, report);
  return isSound(findings);
}

/** What is kept for machines: quantiles stand for tens of thousands of numbers. */
function withoutEveryLatency({ rounds, warmUp, ...finding }: Finding) {
  const summary = ({ latenciesMs, ...counts }: SteadyResult) => ({
    ...counts,
    p50Ms: round(quantile(latenciesMs, 0.5), 2),
    p99Ms: round(quantile(latenciesMs, 0.99), 2),
  });
  const phase = ({ quiet, flood }: Phase) => ({ quiet: summary(quiet), flood: flood && summary(flood) });
  return {
    ...finding,
    warmUp: warmUp && phase(warmUp),
    rounds: rounds.map(({ alone, beside }) => ({ alone: phase(alone), beside: phase(beside) })),
  };
}

const sound = await run();
if (!sound) {
  console.error(
    "What was accepted and what is stored differ, or the quiet tenant was refused: nothing is kept.",
  );
}
Deno.exit(sound ? 0 : 1);
