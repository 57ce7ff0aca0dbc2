import type postgres from "postgres";
import type { Scene, Worker } from "./subjects.ts";

/** From the commit to the first arrival at the endpoint, in milliseconds. */
export interface Latency {
  subject: string;
  samplesMs: number[];
  /** Commits whose webhook never came, and ids that came twice; there must be none. */
  lost: number;
  duplicates: number;
}

export const NOTIFY = "NOTIFY and one POST, by hand";

/** How often to sample in one repetition. */
export interface LatencyPlan {
  awake: number;
  asleep: number;
  /** How long to go on at STEADY_PER_SECOND. */
  steadySeconds: number;
}

export const STEADY_PER_SECOND = 200;

const pause = (durationMs: number) => new Promise((resolve) => setTimeout(resolve, durationMs));
/** Between two commits while the worker is awake: no multiple of how often it looks. */
const spacingMs = () => 30 + Math.random() * 90;

const subjectOf = (worker: Worker, state: string) => `meta-webhook-deliver, ${worker.transport}, ${state}`;

/** A worker that looks every few milliseconds anyway: no bell is needed. */
export async function measureAwake(scene: Scene, worker: Worker, samples: number): Promise<Latency> {
  const { queue } = scene;
  await beginAt(scene, worker);
  await queue.commitOne(); // Wakes it; not counted.
  await queue.untilEmpty(worker.listener);
  const committedMs = [];
  for (let sample = 0; sample < samples; sample++) {
    await pause(spacingMs());
    committedMs.push(await queue.commitOne());
  }
  await queue.untilEmpty(worker.listener);
  return await collect(scene, subjectOf(worker, "awake"), [NaN, ...committedMs]);
}

/** A worker that sleeps: the database's bell wakes it after the commit. Its process is up. */
export async function measureAsleep(scene: Scene, worker: Worker, samples: number): Promise<Latency> {
  const { queue } = scene;
  await beginAt(scene, worker);
  const committedMs = [];
  for (let sample = 0; sample < samples; sample++) {
    await queue.untilAsleep();
    await pause(spacingMs());
    committedMs.push(await queue.commitOne());
    await queue.untilEmpty(worker.listener);
  }
  return await collect(scene, subjectOf(worker, "asleep"), committedMs);
}

/** Commits at an even pace, none of which waits for the one before: what a busy app does. */
export async function measureSteady(scene: Scene, worker: Worker, seconds: number): Promise<Latency> {
  const { queue } = scene;
  await beginAt(scene, worker);
  await queue.commitOne(); // Wakes it; not counted.
  await queue.untilEmpty(worker.listener);
  const startedMs = performance.now();
  const commits: Promise<number>[] = [];
  for (let sample = 0; sample < seconds * STEADY_PER_SECOND; sample++) {
    const waitMs = startedMs + sample * 1000 / STEADY_PER_SECOND - performance.now();
    if (waitMs > 0) await pause(waitMs);
    commits.push(queue.commitOne());
  }
  // A commit and a delivery are paired by their order, which a commit that overtakes another changes by one place.
  const committedMs = (await Promise.all(commits)).sort((left, right) => left - right);
  await queue.untilEmpty(worker.listener);
  return await collect(scene, subjectOf(worker, `${STEADY_PER_SECOND}/s`), [NaN, ...committedMs]);
}

async function beginAt({ queue, sink }: Scene, worker: Worker): Promise<void> {
  await queue.untilAsleep();
  await queue.clear();
  await queue.ringAt(worker.listener.port);
  await sink.reset(0);
}

/** Pairs commits with arrivals by the order of the deliveries. NaN = not counted. */
async function collect({ queue, sink }: Scene, subject: string, committedMs: number[]): Promise<Latency> {
  const arrivals = await sink.arrivals();
  const { dup } = await sink.stats();
  const ids = await queue.messageIds();
  const all = committedMs.map((atMs, index) => (arrivals[ids[index] ?? ""] ?? Infinity) - atMs);
  const counted = all.filter((durationMs) => !Number.isNaN(durationMs));
  return {
    subject,
    samplesMs: counted.filter(Number.isFinite),
    lost: counted.filter((durationMs) => durationMs === Infinity).length,
    duplicates: dup,
  };
}

/**
 * The least there is on this machine: the transaction notifies, a listening connection posts. Nothing is claimed, signed or
 * reported, and what nobody heard is lost.
 */
export async function measureNotify(
  { sink }: Scene,
  sql: postgres.Sql,
  samples: number,
): Promise<Latency> {
  await sink.reset(0);
  const post = async (id: string) => {
    const answer = await fetch(`${sink.url}/notify`, {
      method: "POST",
      headers: { "webhook-id": id },
      body: id,
    });
    await answer.text();
  };
  const posts: Promise<void>[] = [];
  const { unlisten } = await sql.listen("bench", (id) => posts.push(post(id)));
  const committedMs: number[] = [];
  for (let sample = 0; sample < samples; sample++) {
    await pause(spacingMs());
    committedMs.push(
      await sql.begin(async (transaction) => {
        await transaction`select pg_notify('bench', ${`msg_${sample}`})`;
        return performance.timeOrigin + performance.now();
      }),
    );
  }
  await pause(200);
  await unlisten();
  await Promise.all(posts);
  const arrivals = await sink.arrivals();
  const samplesMs = committedMs.flatMap((atMs, index) => {
    const arrivedMs = arrivals[`msg_${index}`];
    return arrivedMs === undefined ? [] : [arrivedMs - atMs];
  });
  const { dup } = await sink.stats();
  return { subject: NOTIFY, samplesMs, lost: samples - samplesMs.length, duplicates: dup };
}
