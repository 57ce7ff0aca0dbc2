// deno-lint-ignore-file no-console -- shows what it measures meanwhile
import type postgres from "postgres";
import { inTurn } from "../measure/turns.ts";
import { setFlushDelay } from "./flush_delay.ts";
import type { LoadResult } from "./load_result.ts";
import type { Subject } from "./subjects.ts";

/** One subject at one number of connections, over all repetitions. */
export interface Measurement {
  subject: string;
  connections: number;
  runs: LoadResult[];
}

/** Whether what was accepted is in the table, per subject, warm-up included. */
export interface Verification {
  subject: string;
  accepted: number;
  stored: number;
  duplicates: number;
  refused: number;
}

/** How long and how often. */
export interface Plan {
  repetitions: number;
  durationMs: number;
}

/** Measures all subjects in turn, as often as planned. */
export async function measureAll(
  sql: postgres.Sql,
  subjects: Subject[],
  plan: Plan,
): Promise<{ measurements: Measurement[]; verifications: Verification[] }> {
  const measurements = subjects.flatMap(({ name, connections }) =>
    connections.map((count): Measurement => ({ subject: name, connections: count, runs: [] }))
  );
  const verifications = subjects.map(({ name }): Verification => (
    { subject: name, accepted: 0, stored: 0, duplicates: 0, refused: 0 }
  ));
  for (const { subject, repetition } of inTurn(subjects, plan.repetitions)) {
    const database = subject.database ?? sql;
    const before = await countRows(database, subject.table);
    if (subject.flushDelayMs > 0) await setFlushDelay(database, subject.flushDelayMs);
    const results = await measureOne(subject, plan.durationMs);
    if (subject.flushDelayMs > 0) await setFlushDelay(database, 0);
    const verification = verifications.find((one) => one.subject === subject.name)!;
    verification.stored += await countRows(database, subject.table) - before;
    for (const { connections, result } of results) {
      verification.accepted += result.accepted;
      verification.duplicates += result.duplicates;
      verification.refused += result.refused;
      measurements.find((one) => one.subject === subject.name && one.connections === connections)
        ?.runs.push(result);
    }
    console.log(`${repetition + 1}/${plan.repetitions} ${subject.name.padEnd(70)}${describe(results)}`);
  }
  return { measurements, verifications };
}

/** The warm-up stands under 0 connections: it counts for the verification, not for the numbers. */
type Result = { connections: number; result: LoadResult };

async function measureOne(subject: Subject, durationMs: number): Promise<Result[]> {
  const { warmUp, measure, stop } = await subject.start();
  const results: Result[] = [{ connections: 0, result: warmUp }];
  try {
    for (const connections of subject.connections) {
      results.push({ connections, result: await measure(connections, durationMs) });
    }
  } finally {
    await stop();
  }
  return results;
}

function describe(results: Result[]): string {
  return results.filter(({ connections }) => connections > 0)
    .map(({ connections, result }) => `${result.perSecond}/s at ${connections}`).join(", ");
}

async function countRows(sql: postgres.Sql, table: string): Promise<number> {
  const [row] = await sql.unsafe(`select count(*)::integer as count from ${table}`);
  return row!.count;
}
