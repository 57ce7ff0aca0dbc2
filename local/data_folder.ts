import { join } from "node:path";
import { postgresFolder } from "./postgres_files.ts";
import { StackError } from "./stack_error.ts";

interface Owner {
  pid: number;
  started: string;
  apiUrl: string;
}

/**
 * Takes a data folder for this process, so that no two stacks write to it. The lock of a stack that is gone is taken over.
 *
 * @returns how to give it back.
 * @throws {StackError} when another live stack has it.
 */
export async function lockDataFolder(dataDir: string, apiUrl: string): Promise<() => Promise<void>> {
  const path = join(dataDir, "lock.json");
  const owner = await readOwner(path);
  if (owner && await startOf(owner.pid) === owner.started) {
    throw new StackError(
      `The data folder ${dataDir} is in use by the stack at ${owner.apiUrl} (process ${owner.pid}); stop that one, or choose another with --data-dir.`,
    );
  }
  const mine: Owner = { pid: Deno.pid, started: await startOf(Deno.pid), apiUrl };
  await Deno.writeTextFile(path, JSON.stringify(mine), { mode: 0o600 });
  return () => Deno.remove(path).catch(() => {});
}

/** Makes the data folder; with `fresh` what was in it is gone, wherever it lay. */
export async function makeDataFolder(dataDir: string, fresh: boolean): Promise<void> {
  if (fresh) {
    const folder = await postgresFolder(dataDir, Deno.uid() === 0 ? { uid: 65534, gid: 65534 } : undefined)
      .catch(() => null);
    if (folder) {
      await endLeftoverPostgres(join(folder, "data"));
      await Deno.remove(folder, { recursive: true }).catch(() => {});
    }
    for (const name of ["keys.json", "stack.json", "seeded", "stack.log"]) {
      await Deno.remove(join(dataDir, name)).catch(() => {});
    }
  }
  await Deno.mkdir(dataDir, { recursive: true });
}

/**
 * Ends a Postgres that outlived its stack, and forgets it: only the process that the cluster's own pid file names, and
 * only while its command line names the cluster.
 */
export async function endLeftoverPostgres(clusterFolder: string): Promise<void> {
  const pidFile = join(clusterFolder, "postmaster.pid");
  const pid = Number((await Deno.readTextFile(pidFile).catch(() => "")).split("\n")[0]);
  if (!pid) return;
  const isOurs = async () =>
    (await Deno.readTextFile(`/proc/${pid}/cmdline`).catch(() => "")).includes(clusterFolder);
  for (const signal of ["SIGQUIT", "SIGKILL"] as const) {
    if (!await isOurs()) break;
    Deno.kill(pid, signal);
    for (let round = 0; round < 50 && await isOurs(); round++) {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  // Postgres refuses to start while the number it finds here belongs to any process, ours or not.
  await Deno.remove(pidFile).catch(() => {});
}

async function readOwner(path: string): Promise<Owner | null> {
  return await Deno.readTextFile(path).then((text) => JSON.parse(text) as Owner, () => null);
}

/** When a process started, in the system's own ticks or words; "" when there is none. */
async function startOf(pid: number): Promise<string> {
  const stat = await Deno.readTextFile(`/proc/${pid}/stat`).catch(() => null);
  if (stat !== null) return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
  if (Deno.build.os === "linux") return "";
  const listed = await new Deno.Command("ps", { args: ["-o", "lstart=", "-p", String(pid)] }).output();
  return new TextDecoder().decode(listed.stdout).trim();
}
