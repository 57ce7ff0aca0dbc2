import { join } from "node:path";
import postgres from "postgres";
import type { Log } from "./log.ts";
import { ManagedProcess } from "./managed_process.ts";
import type { PostgresFiles } from "./postgres_files.ts";
import { StackError } from "./stack_error.ts";
import type { Watchdog } from "./watchdog.ts";

/** Settings of the server; what is not named is Postgres' default. fsync stays on: data survives a crash. */
const SETTINGS: Record<string, string> = {
  listen_addresses: "127.0.0.1",
  max_connections: "100",
  shared_buffers: "128MB",
  jit: "off",
  log_min_messages: "warning",
  timezone: "UTC",
  password_encryption: "scram-sha-256",
};

/** A running Postgres and how to reach it. */
export interface PostgresServer {
  port: number;
  process: ManagedProcess;
  /** As the role postgres, which is no superuser, as on the platform. */
  dbUrl: string;
  /** As supabase_admin, the superuser; for the stack itself. */
  adminDbUrl: string;
  authenticatorUrl: string;
  /** Whether the cluster was made by this start. */
  isNew: boolean;
}

/**
 * Makes the cluster if there is none, starts it, and makes a new one resemble the platform.
 *
 * @throws {StackError} when the cluster is damaged.
 */
export async function startPostgres(options: {
  files: PostgresFiles;
  port: number;
  password: string;
  /** Settings beyond those of every stack. */
  settings?: Record<string, string>;
  log: Log;
  watchdog: Watchdog;
}): Promise<PostgresServer> {
  const { files, port, password, log, watchdog } = options;
  const isNew = await makeCluster(files, password);
  const url = (role: string) => `postgresql://${role}:${password}@127.0.0.1:${port}/postgres`;
  const server: PostgresServer = {
    port,
    dbUrl: url("postgres"),
    adminDbUrl: url("supabase_admin"),
    authenticatorUrl: url("authenticator"),
    isNew,
    process: new ManagedProcess({
      name: "Postgres",
      command: join(files.binFolder, "postgres"),
      args: [
        ...["-D", files.dataFolder, "-p", String(port), "-k", files.socketFolder],
        ...Object.entries({ ...SETTINGS, ...options.settings }).flatMap((
          [name, value],
        ) => ["-c", `${name}=${value}`]),
      ],
      env: { LC_ALL: "C.UTF-8", PATH: "/usr/bin:/bin" },
      cwd: files.folder,
      user: files.user,
      stopSignal: "SIGINT",
      log,
      watchdog,
      onLine: (line) => log.info("postgres", line),
      probe: () => connectOnce(url("supabase_admin")),
      readyTimeoutMs: 30_000,
    }),
  };
  await server.process.start().catch((error) => {
    throw new StackError(
      `The database in ${files.dataFolder} does not start (${error.message}); run with --fresh to begin anew.`,
    );
  });
  if (isNew) {
    await bootstrap(server.adminDbUrl, password);
    await Deno.writeTextFile(join(files.folder, "bootstrapped"), new Date().toISOString());
  }
  return server;
}

async function makeCluster(files: PostgresFiles, password: string): Promise<boolean> {
  const bootstrapped = await Deno.stat(join(files.folder, "bootstrapped")).then(() => true, () => false);
  if (bootstrapped) {
    const version = await Deno.readTextFile(join(files.dataFolder, "PG_VERSION")).catch(() => "");
    if (version.trim() === "17") return false;
    throw new StackError(
      `The database in ${files.dataFolder} is damaged or of another version; run with --fresh to begin anew.`,
    );
  }
  // What an interrupted first start left behind is of no use.
  await Deno.remove(files.dataFolder, { recursive: true }).catch(() => {});
  const passwordFile = join(files.folder, "password");
  await Deno.writeTextFile(passwordFile, password, { mode: 0o600 });
  await chown(passwordFile, files);
  const made = await new Deno.Command(join(files.binFolder, "initdb"), {
    args: [
      "-D",
      files.dataFolder,
      "-U",
      "supabase_admin",
      "--no-sync",
      "--locale=C.UTF-8",
      "--encoding=UTF8",
      "--auth=scram-sha-256",
      "--pwfile",
      passwordFile,
    ],
    cwd: files.folder,
    clearEnv: true,
    env: { LC_ALL: "C.UTF-8", PATH: "/usr/bin:/bin" },
    stdout: "null",
    stderr: "piped",
    ...files.user,
  }).output();
  await Deno.remove(passwordFile);
  if (!made.success) {
    throw new StackError(
      `The cluster could not be made by initdb: ${new TextDecoder().decode(made.stderr).trim()}`,
    );
  }
  const vaultKey = Array.from(
    crypto.getRandomValues(new Uint8Array(32)),
    (byte) => byte.toString(16).padStart(2, "0"),
  ).join("");
  const vaultKeyFile = join(files.dataFolder, "vault.key");
  await Deno.writeTextFile(vaultKeyFile, vaultKey, { mode: 0o600 });
  await chown(vaultKeyFile, files);
  return true;
}

async function chown(path: string, files: PostgresFiles): Promise<void> {
  if (files.user) await Deno.chown(path, files.user.uid, files.user.gid);
}

async function connectOnce(url: string): Promise<void> {
  const sql = postgres(url, { max: 1, connect_timeout: 2, onnotice: () => {} });
  try {
    await sql`select 1`;
  } finally {
    await sql.end({ timeout: 0 });
  }
}

/** Runs local/bootstrap/*.sql, then gives the login roles their password. */
async function bootstrap(adminDbUrl: string, password: string): Promise<void> {
  const sql = postgres(adminDbUrl, { max: 1, onnotice: () => {} });
  const folder = new URL("./bootstrap/", import.meta.url);
  try {
    const names = [...Deno.readDirSync(folder)].map((entry) => entry.name).filter((name) =>
      name.endsWith(".sql")
    ).sort();
    for (const name of names) await sql.unsafe(await Deno.readTextFile(new URL(name, folder)));
    for (const role of ["postgres", "authenticator"]) {
      await sql.unsafe(`alter role ${role} password '${password}'`);
    }
  } finally {
    await sql.end({ timeout: 1 });
  }
}
