import type postgres from "postgres";
import { freePort } from "../../local/free_port.ts";
import type { PeerRuntime, Peers, Server } from "../measure/peers.ts";
import { overHttp, SLOW_FLUSH_MS, slowly, type Subject } from "./subjects.ts";

/** A receiver of the folder. */
interface Peer {
  name: string;
  runtime: PeerRuntime;
  script: string;
  args: string[];
  /** Measured with a slow disk as well. */
  slowly?: boolean;
}

/** What its receivers expect: their route, secret and header. */
const PATH = "/hook/1/shop";
const SECRET = "whsec_peers_bench";
const SIGNATURE_HEADER = "x-signature-256";
const READY_WITHIN_MS = 15_000;

const SERVER = "b/server.mjs";
const NODE_RED = "nodered/node_modules/node-red/red.js";
const PEERS: Peer[] = [
  {
    name: "Fastify + postgres.js, Node (peer)",
    runtime: "Node",
    script: SERVER,
    args: ["--kind", "fastify", "--store", "sql"],
    slowly: true,
  },
  {
    name: "Fastify + postgres.js, Node, 50 database connections (peer)",
    runtime: "Node",
    script: SERVER,
    args: ["--kind", "fastify", "--store", "sql", "--pool", "50"],
    slowly: true,
  },
  {
    name: "Hono + postgres.js, Deno (peer)",
    runtime: "Deno",
    script: SERVER,
    args: ["--kind", "hono", "--store", "sql"],
  },
  {
    name: "Hono + PostgREST, Deno (peer)",
    runtime: "Deno",
    script: SERVER,
    args: ["--kind", "hono", "--store", "rest"],
  },
  {
    name: "Node-RED + pg (peer)",
    runtime: "Node",
    script: NODE_RED,
    args: ["--settings", "nodered/user/settings.js", "--userDir", "nodered/user"],
  },
];

export const PEER_NAMES: string[] = PEERS.map(({ name }) => name);
export const SLOW_PEER_NAMES: string[] = PEERS.filter((peer) => peer.slowly).map(({ name }) => name);

/** The folder's receivers as subjects, under the same load as ours. Their table starts empty, as ours does. */
export async function peerSubjects(peers: Peers, database: postgres.Sql): Promise<Subject[]> {
  await database`truncate whx.inbound`;
  const common = {
    table: "whx.inbound",
    database,
    targets: [{ path: PATH, secret: SECRET }],
    signatureHeader: SIGNATURE_HEADER,
  };
  return PEERS.flatMap((peer) => {
    const start = () => startPeer(peers, peer);
    const fast = overHttp({ ...common, name: peer.name }, start);
    if (!peer.slowly) return [fast];
    const slow = { connections: [10, 50], flushDelayMs: SLOW_FLUSH_MS };
    return [fast, overHttp({ ...common, ...slow, name: slowly(peer.name) }, start)];
  });
}

async function startPeer(peers: Peers, peer: Peer): Promise<{ port: number; stop(): Promise<void> }> {
  const port = freePort();
  const env = { PORT: String(port) };
  const server = peers.startServer(peer.runtime, peer.script, [...peer.args, "--port", String(port)], env);
  await untilReady(peer.name, port, server);
  return { port, stop: server.stop };
}

/** Ready is what refuses a wrong signature. */
async function untilReady(name: string, port: number, server: Server): Promise<void> {
  const startedMs = performance.now();
  const headers = { "content-type": "application/json", [SIGNATURE_HEADER]: `sha256=${"00".repeat(32)}` };
  while (performance.now() - startedMs < READY_WITHIN_MS) {
    const answer = await fetch(`http://127.0.0.1:${port}${PATH}`, { method: "POST", headers, body: "{}" })
      .catch(() => null);
    await answer?.text();
    if (answer?.status === 401) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  await server.stop();
  throw new Error(`${name} did not start; run it by hand in the peers' folder to see why.`);
}
