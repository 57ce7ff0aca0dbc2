import type { Stack } from "../../local/stack.ts";
import { environmentBeside, startFunction, type Transport } from "../measure/function_process.ts";
import { type Listener, runForJson, usageOf } from "../measure/processes.ts";
import type { QueueAloneOptions } from "./queue_alone.ts";
import type { Queue } from "./queue.ts";
import type { RawLoopOptions, RawResult } from "./raw_loop.ts";
import type { Sink } from "./sink_client.ts";

/** How much to deliver, and how slow the endpoint is. */
export interface Job {
  count: number;
  sinkDelayMs: number;
  /** Requests at the same time of everything but our worker, whose integrations have limits of their own. */
  concurrency: number;
  /** `max_in_flight` of each of the worker's integrations: it bounds what is claimed ahead as well. */
  maxInFlight: number;
}

/** One measurement. */
export interface Run {
  perSecond: number;
  /** Processor time of the process that sends, per delivery. */
  cpuMsEach: number;
  /** What was to deliver. */
  queued: number;
  /** What the subject says it delivered. */
  delivered: number;
  /** Attempt rows; null where there are none by design. */
  attempts: number | null;
  /** Different ids that came to the sink; null where nothing is sent. */
  arrived: number | null;
  duplicates: number;
  /** Most requests that waited for the endpoint's answer at the same time; null where nothing is sent. */
  mostAtOnce: number | null;
}

/** Something that delivers. */
export interface Subject {
  name: string;
  /** worker: the hub's own, in a process that lives on; loop and peer: a process per run that warms up by itself. */
  kind: "worker" | "loop" | "queue" | "peer";
  run(job: Job): Promise<Run>;
}

export const WORKER_DIRECT = "meta-webhook-deliver, direct connection";
export const WORKER_POSTGREST = "meta-webhook-deliver, PostgREST";
export const RAW_EGRESS = "egress client in a loop, no queue";
export const RAW_FETCH = "fetch in a loop, no queue";
export const RAW_HTTP = "node:http in a loop, no queue";
export const QUEUE_ALONE = "exchange_deliveries alone, no HTTP";

/** Deliveries that the queue alone hands out in one call: about what the worker asks for. */
const ALONE_LIMIT = 128;

/** What a loop sends before its clock runs. */
const EMPTY_WITHIN_MS = 60_000;
const LOOP_WARM_UP = 500;

/** What the parts of the bench share. */
export interface Scene {
  stack: Stack;
  queue: Queue;
  sink: Sink;
}

/** The worker in a process of its own, awake only while it is measured. */
export interface Worker {
  transport: Transport;
  listener: Listener;
  wake(): Promise<void>;
}

/** Starts the worker's function; it sleeps until it is woken. */
export async function startWorker(stack: Stack, transport: Transport): Promise<Worker> {
  const listener = await startFunction(stack, "meta-webhook-deliver", transport);
  return {
    transport,
    listener,
    async wake() {
      const url = `http://127.0.0.1:${listener.port}/meta-webhook-deliver`;
      const headers = { apikey: stack.hubKey, "content-type": "application/json" };
      const answer = await fetch(url, { method: "POST", headers, body: "{}" });
      const text = await answer.text();
      if (answer.status !== 202) throw new Error(`The worker answered ${answer.status}: ${text}`);
    },
  };
}

/** Everything that delivers in one run, the limits included. */
export function subjectsOf(scene: Scene, workers: Worker[]): Subject[] {
  const raw = (name: string, client: RawLoopOptions["client"]): Subject => ({
    name,
    kind: "loop",
    run: (job) => runRaw(scene, job, client),
  });
  return [
    ...workers.map((worker): Subject => ({
      name: worker.transport === "PostgREST" ? WORKER_POSTGREST : WORKER_DIRECT,
      kind: "worker",
      run: (job) => runWorker(scene, worker, job),
    })),
    raw(RAW_EGRESS, "egress"),
    raw(RAW_FETCH, "fetch"),
    raw(RAW_HTTP, "node:http"),
    { name: QUEUE_ALONE, kind: "queue", run: (job) => runQueueAlone(scene, job) },
  ];
}

async function runWorker({ queue, sink }: Scene, worker: Worker, job: Job): Promise<Run> {
  await queue.clear();
  await queue.allow(job.maxInFlight);
  await queue.ringAt(worker.listener.port);
  const queued = await queue.fill(job.count);
  await sink.reset(job.sinkDelayMs);
  const before = await usageOf(worker.listener.pid);
  const startedMs = performance.now();
  await worker.wake();
  // Asking the database all the time would be work that nobody but us makes for it.
  await sink.untilArrived(queued, EMPTY_WITHIN_MS);
  await queue.untilEmpty(worker.listener);
  const seconds = (performance.now() - startedMs) / 1000;
  const cpuMs = (await usageOf(worker.listener.pid)).cpuMs - before.cpuMs;
  await queue.untilAsleep();
  const { delivered, attempts } = await queue.counts();
  return { ...await rated(sink, { seconds, cpuMs, delivered, timed: delivered }, queued), attempts };
}

async function runRaw(
  { stack, sink }: Scene,
  job: Job,
  client: RawLoopOptions["client"],
): Promise<Run> {
  await sink.reset(job.sinkDelayMs);
  const options: RawLoopOptions = {
    url: `${sink.url}/raw`,
    warmUpCount: LOOP_WARM_UP,
    count: job.count,
    concurrency: job.concurrency,
    client,
  };
  const environment = environmentBeside(stack, "direct connection");
  const result = await runForJson<RawResult>("bench/deliver/raw_loop.ts", options, environment);
  return { ...await rated(sink, result, LOOP_WARM_UP + job.count), attempts: null };
}

/** Sends nothing, so the endpoint's delay means nothing to it. */
async function runQueueAlone({ stack, queue, sink }: Scene, job: Job): Promise<Run> {
  await queue.clear();
  await queue.allow(job.maxInFlight);
  const queued = await queue.fill(job.count);
  await sink.reset(0);
  const options: QueueAloneOptions = { databaseUrl: stack.dbUrl, limit: ALONE_LIMIT };
  const result = await runForJson<RawResult>("bench/deliver/queue_alone.ts", options);
  const { attempts } = await queue.counts();
  return { ...await rated(sink, result, queued), attempts, arrived: null, mostAtOnce: null };
}

async function rated(sink: Sink, result: RawResult, queued: number): Promise<Omit<Run, "attempts">> {
  const { unique, dup, maxInflight } = await sink.stats();
  return {
    perSecond: Math.round(result.timed / result.seconds),
    cpuMsEach: result.cpuMs / Math.max(1, result.timed),
    queued,
    delivered: result.delivered,
    arrived: unique,
    duplicates: dup,
    mostAtOnce: maxInflight,
  };
}
