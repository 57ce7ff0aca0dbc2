// deno-lint-ignore-file no-console -- prints its results
/**
 * `deno task bench:deliver`: how many deliveries per second does the whole worker make, over either transport, and how
 * long after the commit does the first attempt arrive? Against the same requests without a queue and the queue without
 * requests, in the same run. Results go to bench/results. `--quick` measures little and keeps nothing; `--repetitions N`
 * repeats everything N times; `--peers FOLDER` runs other queues beside it.
 *
 * @module
 */
import type postgres from "postgres";
import type { Stack } from "../../local/stack.ts";
import { withBenchStack } from "../measure/bench_stack.ts";
import { readOptions } from "../measure/options.ts";
import { type Peers, withPeers } from "../measure/peers.ts";
import { keepResults } from "../measure/results.ts";
import { readStackSetting } from "../measure/setting.ts";
import { type Latency, measureAsleep, measureAwake, measureNotify, measureSteady } from "./latency.ts";
import { measureJobs, type Plan } from "./measure.ts";
import { peerSubjects } from "./peer_subjects.ts";
import { type Findings, isSound, renderMarkdown } from "./report.ts";
import { Queue } from "./queue.ts";
import { startSink } from "./sink_client.ts";
import { type Scene, startWorker, subjectsOf, type Worker } from "./subjects.ts";

const { quick, repetitions, peers: peersFolder } = readOptions(Deno.args, 3);
const plan: Plan = quick
  ? {
    repetitions,
    warmUpCount: 160,
    jobs: [
      { count: 480, sinkDelayMs: 0, concurrency: 50, maxInFlight: 32 },
      { count: 160, sinkDelayMs: 50, concurrency: 100, maxInFlight: 10 },
    ],
    latency: { awake: 5, asleep: 1, steadySeconds: 1 },
  }
  : {
    repetitions,
    warmUpCount: 1600,
    jobs: [
      { count: 8000, sinkDelayMs: 0, concurrency: 50, maxInFlight: 32 },
      { count: 3200, sinkDelayMs: 50, concurrency: 100, maxInFlight: 10 },
    ],
    latency: { awake: 20, asleep: 4, steadySeconds: 10 },
  };

async function measureLatencies(scene: Scene, workers: Worker[], sql: postgres.Sql): Promise<Latency[]> {
  const found: Latency[] = [];
  for (let repetition = 0; repetition < plan.repetitions; repetition++) {
    found.push(await measureNotify(scene, sql, plan.latency.awake));
    for (const worker of workers) {
      found.push(await measureAwake(scene, worker, plan.latency.awake));
      found.push(await measureAsleep(scene, worker, plan.latency.asleep));
      found.push(await measureSteady(scene, worker, plan.latency.steadySeconds));
    }
    console.log(`${repetition + 1}/${plan.repetitions} latencies`);
  }
  return found;
}

async function findOut(stack: Stack, sql: postgres.Sql, peers: Peers | null): Promise<Findings> {
  const setting = await readStackSetting(sql, stack, ["postgres", "hono", "zod"]);
  const sink = await startSink(peers?.sinkPort);
  const workers: Worker[] = [];
  try {
    const scene = { stack, sink, queue: await Queue.prepare(sql, sink.url) };
    for (const transport of ["direct connection", "PostgREST"] as const) {
      workers.push(await startWorker(stack, transport));
    }
    const others = peers ? peerSubjects(peers) : [];
    const measurements = await measureJobs([...subjectsOf(scene, workers), ...others], plan);
    const latencies = await measureLatencies(scene, workers, sql);
    return { setting, plan, peers: peers?.versions ?? null, measurements, latencies };
  } finally {
    for (const { listener } of workers) await listener.stop();
    await sink.stop();
  }
}

const findings = await withPeers(
  peersFolder,
  (peers) => withBenchStack((stack, sql) => findOut(stack, sql, peers)),
);
const report = renderMarkdown(findings);
console.log(report);
const sound = isSound(findings);
if (sound && !quick) await keepResults("deliver", findings, report);
if (!sound) console.error("Queued, delivered and arrived differ, or something came twice: nothing is kept.");
Deno.exit(sound ? 0 : 1);
