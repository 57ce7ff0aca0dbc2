// deno-lint-ignore-file no-console -- shows what it measures meanwhile
import { inTurn } from "../measure/turns.ts";
import type { LatencyPlan } from "./latency.ts";
import type { Job, Run, Subject } from "./subjects.ts";

/** What to measure how often. */
export interface Plan {
  repetitions: number;
  /** Deliveries of each subject before anything is measured. */
  warmUpCount: number;
  jobs: Job[];
  latency: LatencyPlan;
}

/** One subject at one job, over all repetitions. */
export interface Measurement {
  subject: string;
  kind: Subject["kind"];
  sinkDelayMs: number;
  runs: Run[];
}

/** Measures every subject at every job, in turn. The warm-up is verified like the rest, but not rated. */
export async function measureJobs(
  subjects: Subject[],
  plan: Plan,
): Promise<{ rated: Measurement[]; warmUps: Measurement[] }> {
  const warmUps: Measurement[] = [];
  for (const subject of subjects) {
    if (subject.kind === "loop" || subject.kind === "peer") continue; // They warm up by themselves.
    const run = await subject.run({
      count: plan.warmUpCount,
      sinkDelayMs: 0,
      concurrency: 50,
      maxInFlight: 10,
    });
    warmUps.push({ subject: subject.name, kind: subject.kind, sinkDelayMs: 0, runs: [run] });
  }
  const rated: Measurement[] = [];
  for (const job of plan.jobs) {
    // What sends nothing does not depend on how slow the endpoint is.
    const sending = job.sinkDelayMs === 0 ? subjects : subjects.filter(({ kind }) => kind !== "queue");
    const measurements = new Map(
      sending.map((
        { name, kind },
      ): [string, Measurement] => [name, { subject: name, kind, sinkDelayMs: job.sinkDelayMs, runs: [] }]),
    );
    for (const { subject, repetition } of inTurn(sending, plan.repetitions)) {
      const run = await subject.run(job);
      measurements.get(subject.name)!.runs.push(run);
      const done = `${repetition + 1}/${plan.repetitions}`;
      console.log(`${done} ${subject.name.padEnd(42)}${run.perSecond}/s at ${job.sinkDelayMs} ms`);
    }
    rated.push(...measurements.values());
  }
  return { rated, warmUps };
}
