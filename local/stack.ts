import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import postgres from "postgres";
import { createAuthApp } from "./auth/app.ts";
import { startCronWorker } from "./cron_worker.ts";
import { endLeftoverPostgres, lockDataFolder, makeDataFolder } from "./data_folder.ts";
import { FAULT_CONTROL_VARIABLE } from "./fault_hook.ts";
import { freePort } from "./free_port.ts";
import { functionEnvironment } from "./function_environment.ts";
import { FunctionWorker } from "./function_worker.ts";
import { Functions } from "./functions.ts";
import { startGateway } from "./gateway.ts";
import { loadOrCreateKeys, signRoleToken, type StackKeys } from "./keys.ts";
import { createLog, type StackLog } from "./log.ts";
import type { ManagedProcess } from "./managed_process.ts";
import { applyMigrations, applySeed } from "./migrations.ts";
import { startNetWorker } from "./net_worker.ts";
import { preparePostgresFiles } from "./postgres_files.ts";
import { type PostgresServer, startPostgres } from "./postgres_server.ts";
import { createPostgrest } from "./postgrest_server.ts";
import { StackError } from "./stack_error.ts";
import { Watchdog } from "./watchdog.ts";
import { limitsOf, type Plan, type WorkerLimits } from "./worker_limits.ts";

/** How to start a stack. */
export interface StackOptions {
  dataDir: string;
  /** 0 = any free one. Default 54321, as the official CLI. */
  port?: number;
  /** Begin anew: forget everything in the data folder. */
  fresh?: boolean;
  functionsDir?: string;
  migrationsDir?: string;
  /** null = no seed. */
  seedFile?: string | null;
  /** Further variables for the functions. */
  functionEnv?: Record<string, string>;
  /** Restart functions on save. */
  watch?: boolean;
  /** Whose limits the functions get. Default free, which is the tighter one. */
  plan?: Plan;
  /** Limits other than those of the plan, for tests. */
  limits?: Partial<WorkerLimits>;
  /** false = PostgREST stays down, for tests that speak to the database alone. */
  postgrest?: boolean;
  /** For chaos tests: who is asked at every fault point of the functions (fault_hook.ts). */
  faultControlUrl?: string;
}

/** A running stack. */
export interface Stack {
  apiUrl: string;
  /** As the role postgres. */
  dbUrl: string;
  /** As the superuser. */
  adminDbUrl: string;
  keys: StackKeys;
  publishableKey: string;
  secretKey: string;
  hubKey: string;
  jwksUrl: string;
  dataDir: string;
  logFile: string;
  log: StackLog;
  /** Phase -> milliseconds since the start. */
  timings: Record<string, number>;
  postgres: ManagedProcess;
  postgrest: ManagedProcess;
  functions: Functions;
  /** Starts a second process of a function, which no request of the gateway reaches; ends with the stack. */
  startBeside(name: string): FunctionWorker;
  stop(): Promise<void>;
}

const projectFolder = resolve(new URL("..", import.meta.url).pathname);

/**
 * Starts Postgres, PostgREST, Auth, the gateway, the functions and the schedules, with every migration applied. Several
 * stacks run side by side, each with a data folder and port of its own.
 *
 * @throws {StackError} with one sentence that says what to do.
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const started = performance.now();
  const timings: Record<string, number> = {};
  const mark = (phase: string) => timings[phase] = Math.round(performance.now() - started);
  const undo: (() => Promise<unknown> | unknown)[] = [];
  const stop = async () => {
    for (const step of undo.splice(0).reverse()) await step();
  };

  try {
    const dataDir = resolve(options.dataDir);
    const port = options.port === 0 ? freePort() : options.port ?? 54321;
    const apiUrl = `http://127.0.0.1:${port}`;
    requireFreePort(port);
    await Deno.mkdir(dataDir, { recursive: true });
    undo.push(await lockDataFolder(dataDir, apiUrl));
    await makeDataFolder(dataDir, options.fresh ?? false);
    const logFile = join(dataDir, "stack.log");
    const log = createLog(logFile);
    undo.push(() => log.close());
    const keys = await loadOrCreateKeys(dataDir);
    const watchdog = new Watchdog();
    undo.push(() => watchdog.close());

    const files = await preparePostgresFiles(dataDir, log);
    await endLeftoverPostgres(files.dataFolder);
    mark("files");
    const server = await startPostgres({
      files,
      port: freePort(),
      password: keys.databasePassword,
      log,
      watchdog,
    });
    undo.push(() => server.process.stop());
    mark("postgres");
    const ports = { rest: freePort(), restAdmin: freePort() };
    const postgrest = await createPostgrest({
      authenticatorUrl: server.authenticatorUrl,
      signingKey: keys.signingKey,
      port: ports.rest,
      adminPort: ports.restAdmin,
      log,
      watchdog,
    });
    await fillDatabase(options, server, dataDir, apiUrl, keys);
    mark("migrations");
    if (options.postgrest ?? true) await postgrest.start();
    undo.push(() => postgrest.stop());
    mark("postgrest");

    const issuer = `${apiUrl}/auth/v1`;
    const auth = createAuthApp({ ...keys, adminDbUrl: server.adminDbUrl, issuer, log });
    undo.push(() => auth.stop());
    const roleTokens = await roleTokensOf(keys, issuer);
    const forFunctions = {
      functionsDir: resolve(options.functionsDir ?? join(projectFolder, "supabase/functions")),
      limits: limitsOf(options.plan ?? "free", options.limits),
      env: {
        ...functionEnvironment({ apiUrl, dbUrl: server.dbUrl, keys, roleTokens, extra: options.functionEnv }),
        ...(options.faultControlUrl ? { [FAULT_CONTROL_VARIABLE]: options.faultControlUrl } : {}),
      },
      log,
      watchdog,
    };
    const functions = new Functions({ ...forFunctions, watch: options.watch ?? false });
    undo.push(() => functions.stopAll());
    const startBeside = (name: string) => {
      const { functionsDir } = forFunctions;
      const entrypoint = pathToFileURL(join(functionsDir, name, "index.ts")).href;
      const configFile = join(functionsDir, "deno.json");
      const worker = new FunctionWorker({ ...forFunctions, name, entrypoint, configFile });
      undo.push(() => worker.stop());
      return worker;
    };
    const health = () => ({
      name: "Interlock local stack",
      postgres: server.process.pid !== null,
      postgrest: postgrest.pid !== null,
      functions: functions.pids(),
    });
    const gateway = startGateway({
      port,
      postgrestUrl: `http://127.0.0.1:${ports.rest}`,
      auth,
      functions,
      roleTokens: new Map(roleTokens),
      health,
      log,
    });
    undo.push(() => gateway.shutdown());
    for (const worker of [startNetWorker, startCronWorker]) {
      const { stop: stopWorker } = await worker({ adminDbUrl: server.adminDbUrl, log });
      undo.push(stopWorker);
    }
    mark("ready");
    return {
      apiUrl,
      dbUrl: server.dbUrl,
      adminDbUrl: server.adminDbUrl,
      keys,
      publishableKey: keys.publishableKeys.default!,
      secretKey: keys.secretKeys.default!,
      hubKey: keys.secretKeys.hub!,
      jwksUrl: `${issuer}/.well-known/jwks.json`,
      dataDir,
      logFile,
      log,
      timings,
      postgres: server.process,
      postgrest,
      functions,
      startBeside,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function requireFreePort(port: number): void {
  try {
    Deno.listen({ hostname: "127.0.0.1", port }).close();
  } catch (error) {
    if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    throw new StackError(`Port ${port} is taken; choose another with --port.`);
  }
}

/** Migrations, seed, and the two Vault entries by which the database reaches the functions. */
async function fillDatabase(
  options: StackOptions,
  server: PostgresServer,
  dataDir: string,
  apiUrl: string,
  keys: StackKeys,
): Promise<void> {
  const migrationsDir = options.migrationsDir ?? join(projectFolder, "supabase/migrations");
  await applyMigrations(server.dbUrl, migrationsDir);
  const seedFile = options.seedFile === undefined
    ? join(projectFolder, "supabase/seed.sql")
    : options.seedFile;
  const seeded = join(dataDir, "seeded");
  if (server.isNew) await Deno.remove(seeded).catch(() => {});
  if (seedFile !== null && !await Deno.stat(seeded).then(() => true, () => false)) {
    await applySeed(server.dbUrl, seedFile);
    await Deno.writeTextFile(seeded, new Date().toISOString());
  }
  const sql = postgres(server.dbUrl, { max: 1, onnotice: () => {} });
  try {
    const [vault] = await sql`select 1 from pg_extension where extname = 'supabase_vault'`;
    if (!vault) return;
    await putSecret(sql, "interlock_functions_url", `${apiUrl}/functions/v1`);
    await putSecret(sql, "interlock_hub_key", keys.secretKeys.hub!);
  } finally {
    await sql.end({ timeout: 1 });
  }
}

async function putSecret(sql: postgres.Sql, name: string, secret: string): Promise<void> {
  const [known] = await sql`select id from vault.secrets where name = ${name}`;
  if (known) await sql`select vault.update_secret(${known.id}, ${secret})`;
  else await sql`select vault.create_secret(${secret}, ${name}, 'how the database reaches the functions')`;
}

async function roleTokensOf(keys: StackKeys, issuer: string): Promise<[string, string][]> {
  const anon = await signRoleToken(keys.signingKey, "anon", issuer);
  const service = await signRoleToken(keys.signingKey, "service_role", issuer);
  return [
    ...Object.values(keys.publishableKeys).map((key): [string, string] => [key, anon]),
    ...Object.values(keys.secretKeys).map((key): [string, string] => [key, service]),
  ];
}
