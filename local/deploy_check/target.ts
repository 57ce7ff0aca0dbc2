import { parseArgs } from "node:util";
import { StackError } from "../stack_error.ts";

/** Which project to look at, and with what. Everything but the database is optional. */
export interface Target {
  dbUrl: string;
  /** Without a slash at the end. */
  apiUrl: string | null;
  publishableKey: string | null;
  secretKey: string | null;
  /** The secret key named "hub". */
  hubKey: string | null;
}

export const HELP = `Says line by line what is present and what is missing on a project.

  deno task deploy:check --db-url URL [--api-url URL] [--publishable-key KEY] [--secret-key KEY] [--hub-key KEY]

  --db-url           Postgres as role postgres: the session pooler or the direct connection
  --api-url          https://<ref>.supabase.co
  --publishable-key  sb_publishable_...
  --secret-key       sb_secret_..., the default one
  --hub-key          sb_secret_..., the one named "hub"

Each may come from the environment instead, so that no secret stands in a process list:
INTERLOCK_CHECK_DB_URL, INTERLOCK_CHECK_API_URL, INTERLOCK_CHECK_PUBLISHABLE_KEY, INTERLOCK_CHECK_SECRET_KEY,
INTERLOCK_CHECK_HUB_KEY.

Reads, but for one call that wakes event-dispatch when --hub-key is given. Exit code 1 = something is missing.`;

const OPTIONS = ["db-url", "api-url", "publishable-key", "secret-key", "hub-key"] as const;
type OptionName = (typeof OPTIONS)[number];

/**
 * Reads the command line and the environment; the command line wins. Null = the user asked for help.
 *
 * @throws {StackError} one sentence for the user.
 */
export function readTarget(args: string[], env: Record<string, string | undefined>): Target | null {
  const values = parse(args);
  if (values.help) return null;
  const valueOf = (name: OptionName): string | null => {
    const value = values[name] ?? env[`INTERLOCK_CHECK_${name.replaceAll("-", "_").toUpperCase()}`];
    return typeof value === "string" && value !== "" ? value : null;
  };
  const dbUrl = valueOf("db-url");
  if (dbUrl === null) throw new StackError("Name the database with --db-url; --help shows all options.");
  if (!/^postgres(ql)?:\/\//.test(dbUrl)) {
    throw new StackError("--db-url reads postgresql://user:password@host:port/database.");
  }
  const apiUrl = valueOf("api-url")?.replace(/\/+$/, "") ?? null;
  if (apiUrl !== null && !/^https?:\/\/[^/]+$/.test(apiUrl)) {
    throw new StackError("--api-url reads https://<ref>.supabase.co, without a path.");
  }
  return {
    dbUrl,
    apiUrl,
    publishableKey: valueOf("publishable-key"),
    secretKey: valueOf("secret-key"),
    hubKey: valueOf("hub-key"),
  };
}

function parse(args: string[]): Record<string, string | boolean | undefined> {
  try {
    const options = Object.fromEntries(OPTIONS.map((name) => [name, { type: "string" as const }]));
    return parseArgs({ args, options: { ...options, help: { type: "boolean", short: "h" } } }).values;
  } catch (error) {
    throw new StackError(`${(error as Error).message.split("\n")[0]} Try --help.`);
  }
}

/** Whether a URL points at this machine: demo data and plain http are fine there. */
export function isLoopback(url: string): boolean {
  return ["127.0.0.1", "localhost", "[::1]"].includes(new URL(url).hostname);
}
