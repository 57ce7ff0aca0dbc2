import { join } from "node:path";
import { installExtensions, NOBODY, type PostgresFiles } from "../../local/postgres_files.ts";
import { StackError } from "../../local/stack_error.ts";

const BINARIES = "/usr/lib/postgresql/15";
const SHARED_FILES = "/usr/share/postgresql/15";

/**
 * Debian's PostgreSQL 15 with the real pg_cron, copied into a folder of its own: Postgres looks for extensions beside
 * its binaries, so the copy can be given the doubles of pg_net and Vault, which Debian has no packages for, while the
 * machine's own installation and clusters stay as they are.
 *
 * @throws {StackError} naming the packages when they are not installed.
 */
export async function prepareDebianPostgres(folder: string): Promise<PostgresFiles> {
  for (
    const needed of [
      `${BINARIES}/bin/postgres`,
      `${BINARIES}/lib/pg_cron.so`,
      `${SHARED_FILES}/extension/pgcrypto.control`,
    ]
  ) {
    const found = await Deno.stat(needed).then(() => true, () => false);
    if (!found) {
      throw new StackError(
        `${needed} is missing; install the real pg_cron with: sudo apt-get install postgresql-15 postgresql-15-cron.`,
      );
    }
  }
  const installed = join(folder, "usr/lib/postgresql/15");
  const shared = join(folder, "usr/share/postgresql/15");
  await copy(`${BINARIES}/bin`, join(installed, "bin"));
  await copy(`${BINARIES}/lib`, join(installed, "lib"));
  await copy(SHARED_FILES, shared);
  await installExtensions(join(shared, "extension"), ["pg_net", "supabase_vault"]);
  const user = Deno.uid() === 0 ? NOBODY : undefined;
  if (user) await run("chown", ["-R", `${user.uid}:${user.gid}`, folder]);
  return {
    folder,
    binFolder: join(installed, "bin"),
    dataFolder: join(folder, "data"),
    socketFolder: folder,
    user,
  };
}

/** Links inside are followed: a server that is run through a link would find the original's extensions. */
async function copy(from: string, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  await run("cp", ["-RL", `${from}/.`, to]);
}

async function run(command: string, args: string[]): Promise<void> {
  const output = await new Deno.Command(command, { args }).output();
  if (!output.success) {
    throw new StackError(
      `${command} ${args.join(" ")} failed: ${new TextDecoder().decode(output.stderr).trim()}.`,
    );
  }
}
