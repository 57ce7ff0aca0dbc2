import assert from "node:assert/strict";
import { type Findings, isSound } from "../../bench/deliver/report.ts";
import type { Run } from "../../bench/deliver/subjects.ts";

const goodRun: Run = {
  perSecond: 1,
  cpuMsEach: 1,
  queued: 10,
  delivered: 10,
  attempts: 10,
  arrived: 10,
  duplicates: 0,
  mostAtOnce: 50,
};
const goodLatency = { subject: "worker", samplesMs: [12], lost: 0, duplicates: 0 };

function found(run: Partial<Run>, latency: Partial<typeof goodLatency> = {}): Findings {
  const measurement = {
    subject: "worker",
    kind: "worker" as const,
    sinkDelayMs: 0,
    runs: [{ ...goodRun, ...run }],
  };
  // deno-lint-ignore house/double-cast -- what the judgement reads, no more
  return {
    measurements: { rated: [measurement], warmUps: [] },
    latencies: [{ ...goodLatency, ...latency }],
  } as unknown as Findings;
}

Deno.test("BENCH: a delivery bench is void when a count does not add up", () => {
  assert.equal(isSound(found({})), true);
  assert.equal(isSound(found({ attempts: null, arrived: null })), true);
  for (
    const wrong of [{ queued: 0, delivered: 0 }, { delivered: 9 }, { attempts: 9 }, { arrived: 9 }, {
      duplicates: 1,
    }]
  ) {
    assert.equal(isSound(found(wrong)), false, JSON.stringify(wrong));
  }
  for (const wrong of [{ lost: 1 }, { duplicates: 1 }, { samplesMs: [] }]) {
    assert.equal(isSound(found({}, wrong)), false, JSON.stringify(wrong));
  }
});
