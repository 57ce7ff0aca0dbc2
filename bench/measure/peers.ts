import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

/** A prepared folder of other queues and receivers, with everything they need running. */
export interface Peers {
  folder: string;
  /** Where its workers deliver to: whoever measures listens there. */
  sinkPort: number;
  /** Its Postgres, as superuser. */
  databaseUrl: string;
  /** Packages of the folder with their versions. */
  versions: Record<string, string>;
  /** Runs one of its scripts under Node or Deno and answers the JSON of its last line. */
  runForJson<T>(runtime: PeerRuntime, script: string, args: string[]): Promise<T>;
  /** Starts one of its servers; `stop` ends it. */
  startServer(runtime: PeerRuntime, script: string, args: string[], env?: Record<string, string>): Server;
  /** Ends what was started for the bench, and nothing else. */
  stop(): Promise<void>;
}

/** A server of the folder. */
export interface Server {
  stop(): Promise<void>;
}

export type PeerRuntime = "Node" | "Deno";

/** Says how to add peers; printed where none take part. */
export const HOW_TO_ADD_PEERS =
  "To run other queues and receivers in the same run, add `--peers FOLDER`; docs/performance.md says what the folder holds.";

/** The oldest Node that the peers run under. */
const OLDEST_NODE = [22, 18];
const SERVICES = ["redis", "postgrest"];

/** Runs a bench with the peers of a folder, or without any, and ends what they needed. */
export async function withPeers<T>(
  folder: string | null,
  work: (peers: Peers | null) => Promise<T>,
): Promise<T> {
  const peers = folder === null ? null : await openPeers(folder);
  try {
    return await work(peers);
  } finally {
    await peers?.stop();
  }
}

/**
 * Starts what a prepared folder of peers needs: its Postgres, Redis and PostgREST. Its own sink stays off, because all
 * subjects of a run deliver to the same one.
 *
 * @throws {Error} saying what is missing.
 */
async function openPeers(path: string): Promise<Peers> {
  const folder = resolve(path);
  for (
    const needed of ["a/worker.mjs", "b/server.mjs", "lib/common.mjs", "pg/data", "node_modules", "svc.sh"]
  ) {
    const isThere = await Deno.stat(join(folder, needed)).then(() => true, () => false);
    if (!isThere) {
      throw new Error(`The peers' folder ${folder} lacks ${needed}; its README says how to prepare it.`);
    }
  }
  const { SINKPORT: sinkPort, PGURL: databaseUrl } = await import(
    pathToFileURL(join(folder, "lib/common.mjs")).href
  ) as { SINKPORT: number; PGURL: string };
  const node = await findNode(folder);
  const wasRunning = (await run(folder, "./pgctl.sh", ["status"])).success;
  if (!wasRunning) await mustRun(folder, "./pgctl.sh", ["start"]);
  await mustRun(folder, "./svc.sh", ["stop", "sink"]);
  for (const service of SERVICES) await mustRun(folder, "./svc.sh", ["start", service]);
  const commandOf = (runtime: PeerRuntime) => runtime === "Node" ? [node] : [Deno.execPath(), "run", "-A"];
  return {
    folder,
    sinkPort,
    databaseUrl,
    versions: await versionsOf(folder),
    async runForJson<T>(runtime: PeerRuntime, script: string, args: string[]): Promise<T> {
      const [command, ...first] = commandOf(runtime);
      const output = await mustRun(folder, command!, [...first, script, ...args]);
      return JSON.parse(output.trim().split("\n").at(-1) ?? "null");
    },
    startServer(runtime, script, args, env = {}) {
      const [command, ...first] = commandOf(runtime);
      return startServer(folder, command!, [...first, script, ...args], env);
    },
    async stop() {
      for (const service of SERVICES) await run(folder, "./svc.sh", ["stop", service]);
      if (!wasRunning) await run(folder, "./pgctl.sh", ["stop"]);
    },
  };
}

function startServer(folder: string, command: string, args: string[], env: Record<string, string>): Server {
  const child = new Deno.Command(command, {
    args,
    cwd: folder,
    env,
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  return {
    async stop() {
      child.kill("SIGTERM");
      const killer = setTimeout(() => child.kill("SIGKILL"), 5000);
      await child.status;
      clearTimeout(killer);
    },
  };
}

async function findNode(folder: string): Promise<string> {
  const own = join(folder, "node24/node_modules/node/bin/node");
  const node = await Deno.stat(own).then(() => own, () => "node");
  const version = (await mustRun(folder, node, ["--version"])).trim();
  const [major, minor] = version.replace("v", "").split(".").map(Number) as [number, number];
  const isNewEnough = major > OLDEST_NODE[0]! || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1]!);
  if (isNewEnough) return node;
  throw new Error(
    `The peers need Node ${OLDEST_NODE.join(".")} or newer, found ${version}; their README says how.`,
  );
}

async function versionsOf(folder: string): Promise<Record<string, string>> {
  const text = await Deno.readTextFile(join(folder, "package.json"));
  const { dependencies } = JSON.parse(text) as { dependencies: Record<string, string> };
  return dependencies;
}

/** Its services are started in the background and keep what they inherit, so their output goes nowhere. */
async function run(
  folder: string,
  command: string,
  args: string[],
): Promise<{ success: boolean; text: string }> {
  const isService = command.endsWith(".sh");
  const output = await new Deno.Command(command, {
    args,
    cwd: folder,
    stdin: "null",
    stdout: isService ? "null" : "piped",
    stderr: isService ? "null" : "piped",
  }).output();
  if (isService) return { success: output.success, text: "" };
  const stream = output.success ? output.stdout : output.stderr;
  return { success: output.success, text: new TextDecoder().decode(stream) };
}

async function mustRun(folder: string, command: string, args: string[]): Promise<string> {
  const { success, text } = await run(folder, command, args);
  if (success) return text;
  throw new Error(`${command} ${args.join(" ")} failed in the peers' folder: ${text.slice(-1000)}`);
}
