import type { PeerRuntime, Peers } from "../measure/peers.ts";
import type { Job, Run, Subject } from "./subjects.ts";

/** What a peer's worker prints that we read. */
interface PeerRun {
  jobsPerSec: number;
  cpuMsPerJob: { self: number };
  n: number;
  /** Jobs still in its queue. */
  left: number;
  failed: number;
  sinkUnique: number;
  sinkDup: number;
}

/** A queue of the folder, on the runtime and with the HTTP client that suit it best. */
interface Peer {
  name: string;
  peer: string;
  runtime: PeerRuntime;
  client: "undici" | "http";
}

const PEERS: Peer[] = [
  { name: "graphile-worker, Node + undici", peer: "graphile", runtime: "Node", client: "undici" },
  { name: "graphile-worker, Deno + node:http", peer: "graphile", runtime: "Deno", client: "http" },
  { name: "pg-boss, Node + undici", peer: "pgboss", runtime: "Node", client: "undici" },
  { name: "BullMQ on Redis, Node + undici", peer: "bullmq", runtime: "Node", client: "undici" },
];

/** The other queues as subjects. They deliver as many jobs to the same sink, as many at a time, and warm up by themselves. */
export function peerSubjects(peers: Peers): Subject[] {
  return PEERS.map((peer) => ({
    name: peer.name,
    kind: "peer",
    run: (job) => runPeer(peers, peer, job),
  }));
}

async function runPeer(peers: Peers, { peer, runtime, client }: Peer, job: Job): Promise<Run> {
  const args = Object.entries({
    peer,
    client,
    conc: job.concurrency,
    n: job.count,
    delay: job.sinkDelayMs,
  }).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const result = await peers.runForJson<PeerRun>(runtime, "a/worker.mjs", args);
  return {
    perSecond: Math.round(result.jobsPerSec),
    cpuMsEach: result.cpuMsPerJob.self,
    queued: result.n,
    delivered: result.n - result.left - result.failed,
    attempts: null,
    arrived: result.sinkUnique,
    duplicates: result.sinkDup,
    mostAtOnce: job.concurrency,
  };
}
