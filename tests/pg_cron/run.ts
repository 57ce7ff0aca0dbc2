// deno-lint-ignore-file no-console -- prints what it tried and the count
/**
 * `deno task test:cron`: applies the migrations to Debian's PostgreSQL 15 with the real pg_cron, and waits for its
 * next minute to see the scheduled jobs run. The oldest Postgres and pg_cron that Interlock supports are these.
 *
 * @module
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import postgres from "postgres";
import { freePort } from "../../local/free_port.ts";
import { createLog } from "../../local/log.ts";
import { applyMigrations, applySeed } from "../../local/migrations.ts";
import { type PostgresServer, startPostgres } from "../../local/postgres_server.ts";
import { Watchdog } from "../../local/watchdog.ts";
import { cronChecks } from "./checks.ts";
import { prepareDebianPostgres } from "./debian_postgres.ts";

const SUPABASE_DIR = fileURLToPath(new URL("../../supabase", import.meta.url));
/** What the platform gives the role postgres once pg_cron is there; Debian's gives its maker alone. */
const PLATFORM_GRANTS = `
  grant usage on schema cron to postgres with grant option;
  grant execute on all functions in schema cron to postgres with grant option;
  grant select on cron.job to postgres with grant option;
  grant all on cron.job_run_details to postgres with grant option;
  grant all on all sequences in schema cron to postgres with grant option;`;

let passed = 0;
let failed = 0;

async function check(what: string, run: () => Promise<void>): Promise<void> {
  try {
    await run();
    passed++;
    console.log(`ok     ${what}`);
  } catch (error) {
    failed++;
    console.log(`FAILED ${what}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function withPostgres(folder: string, run: (server: PostgresServer) => Promise<void>): Promise<void> {
  const log = createLog(join(folder, "postgres.log"));
  const watchdog = new Watchdog();
  try {
    const server = await startPostgres({
      files: await prepareDebianPostgres(folder),
      port: freePort(),
      password: crypto.randomUUID(),
      // Jobs run in background workers: the role postgres then needs no way in without a password.
      settings: { shared_preload_libraries: "pg_cron", "cron.use_background_workers": "on" },
      log,
      watchdog,
    });
    try {
      await run(server);
    } finally {
      await server.process.stop();
    }
  } finally {
    await watchdog.close();
    log.close();
  }
}

async function installCron(adminDbUrl: string): Promise<void> {
  const admin = postgres(adminDbUrl, { max: 1, onnotice: () => {} });
  try {
    await admin.unsafe(`create extension pg_cron; ${PLATFORM_GRANTS}`);
  } finally {
    await admin.end({ timeout: 1 });
  }
}

async function runChecks(server: PostgresServer): Promise<void> {
  await installCron(server.adminDbUrl);
  const migrationsDir = join(SUPABASE_DIR, "migrations");
  await check("every migration applies to Postgres 15, as the role postgres", async () => {
    const applied = await applyMigrations(server.dbUrl, migrationsDir);
    if (applied.length === 0) throw new Error("No migration was found");
  });
  if (failed > 0) return;
  await check("the seed applies", () => applySeed(server.dbUrl, join(SUPABASE_DIR, "seed.sql")));
  const sql = postgres(server.dbUrl, { max: 2, onnotice: () => {} });
  try {
    for (const [what, run] of Object.entries(cronChecks(sql, migrationsDir))) await check(what, run);
  } finally {
    await sql.end({ timeout: 1 });
  }
}

const folder = await Deno.makeTempDir({ prefix: "interlock-cron-" });
try {
  await Deno.chmod(folder, 0o755); // Postgres may run as another user than we do.
  await check("Debian's PostgreSQL 15 with pg_cron starts", async () => {
    await withPostgres(folder, runChecks);
  });
} finally {
  await Deno.remove(folder, { recursive: true });
}
console.log(`${passed} passed, ${failed} failed`);
Deno.exit(failed === 0 && passed > 0 ? 0 : 1);
