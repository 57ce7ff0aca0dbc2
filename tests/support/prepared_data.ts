import { join } from "node:path";
import postgres from "postgres";
import { startStack } from "../../local/stack.ts";

/** What a prepared data folder holds: the platform's own schemas alone, or the project's migrations too. */
export type Prepared = "empty" | "migrated";

/** tests/run.ts names a folder here that lasts as long as the run. */
const FOLDER_VARIABLE = "INTERLOCK_TEST_PREPARED";

/**
 * Fills a data folder as the first start of a stack would: a stack started on it finds its cluster made and its
 * migrations applied. That is done once per test run and copied, because it takes seconds and dozens of tests want a
 * database of their own. Keys and passwords are those of the original.
 */
export async function fillFromPrepared(prepared: Prepared, dataDir: string): Promise<void> {
  const folder = Deno.env.get(FOLDER_VARIABLE);
  if (!folder) return; // Without a run to share it with, the stack does it itself.
  const original = join(folder, prepared);
  if (!await exists(original)) await prepare(prepared, folder, original);
  await Deno.mkdir(join(dataDir, "postgres"), { recursive: true });
  await Deno.copyFile(join(original, "keys.json"), join(dataDir, "keys.json"));
  const entries = [...Deno.readDirSync(join(original, "postgres"))].map(({ name }) => name);
  for (const name of entries) {
    const from = join(original, "postgres", name);
    // Nobody changes the binaries, so all share them.
    if (name.startsWith("server-")) await Deno.symlink(from, join(dataDir, "postgres", name));
    else await copy(from, join(dataDir, "postgres", name));
  }
}

/**
 * Elsewhere first: what is found under its name is whole. The path has to be short, because Postgres makes a socket there.
 */
async function prepare(prepared: Prepared, folder: string, original: string): Promise<void> {
  const dataDir = await Deno.makeTempDir({ prefix: "interlock_made_" });
  await Deno.chmod(dataDir, 0o755);
  const emptyFolder = join(folder, "nothing");
  await Deno.mkdir(emptyFolder, { recursive: true });
  const stack = await startStack({
    dataDir,
    port: 0,
    functionsDir: emptyFolder,
    migrationsDir: prepared === "migrated" ? undefined : emptyFolder,
    seedFile: null,
    postgrest: false,
  });
  await dropTemplates(stack.adminDbUrl);
  await stack.stop();
  await Deno.rename(dataDir, original);
}

/** Half of a cluster's files are of databases that new ones are made from; nobody makes any, and each file takes time. */
async function dropTemplates(adminDbUrl: string): Promise<void> {
  const admin = postgres(adminDbUrl, { max: 1, onnotice: () => {} });
  try {
    await admin`update pg_database set datistemplate = false`;
    for (const name of ["template0", "template1"]) await admin`drop database ${admin(name)}`;
  } finally {
    await admin.end();
  }
}

async function copy(from: string, to: string): Promise<void> {
  const { success, stderr } = await new Deno.Command("cp", { args: ["-a", from, to] }).output();
  if (!success) throw new Error(`${from} could not be copied: ${new TextDecoder().decode(stderr)}`);
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}
