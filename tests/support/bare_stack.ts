import { join } from "node:path";
import postgres from "postgres";
import { type Stack, startStack } from "../../local/stack.ts";
import { fillFromPrepared } from "./prepared_data.ts";

/** A stack of a test's own, without functions and seed; without migrations and PostgREST too, unless they are asked for. */
export interface BareStack {
  stack: Stack;
  /** As the role postgres, like a migration. */
  sql: postgres.Sql;
  /** As the superuser. */
  admin: postgres.Sql;
  /** As PostgREST connects, before it sets the role. */
  authenticator: postgres.Sql;
}

/**
 * Runs a test on a stack with an empty database and removes everything after. What is tried there is what the stack
 * itself promises, whatever the project's migrations are.
 */
export async function withBareStack(
  test: (bare: BareStack) => Promise<void>,
  options: { migrations?: boolean; postgrest?: boolean } = {},
): Promise<void> {
  const dataDir = await Deno.makeTempDir({ prefix: "interlock_test_" });
  // Started by root, Postgres runs as nobody, who has to get into the folder; otherwise its files would stay behind.
  await Deno.chmod(dataDir, 0o755);
  const emptyFolder = join(dataDir, "empty");
  await Deno.mkdir(emptyFolder);
  let stack: Stack | undefined;
  const clients: postgres.Sql[] = [];
  const connect = (url: string) => {
    const sql = postgres(url, { max: 3, onnotice: () => {} });
    clients.push(sql);
    return sql;
  };
  try {
    await fillFromPrepared(options.migrations ? "migrated" : "empty", dataDir);
    stack = await startStack({
      dataDir,
      port: 0,
      functionsDir: emptyFolder,
      migrationsDir: options.migrations ? undefined : emptyFolder,
      seedFile: null,
      postgrest: options.postgrest ?? false,
    });
    await test({
      stack,
      sql: connect(stack.dbUrl),
      admin: connect(stack.adminDbUrl),
      authenticator: connect(stack.dbUrl.replace("//postgres:", "//authenticator:")),
    });
  } finally {
    await Promise.all(clients.map((sql) => sql.end({ timeout: 1 })));
    await stack?.stop();
    await Deno.remove(dataDir, { recursive: true });
  }
}

/** Runs a statement as an API role, in a transaction that is rolled back. */
export async function asRole(sql: postgres.Sql, role: string, statement: string): Promise<void> {
  const reserved = await sql.reserve();
  try {
    await reserved.unsafe(`begin; set local role ${role}; ${statement}`);
  } finally {
    await reserved.unsafe("rollback");
    reserved.release();
  }
}

/** The SQLSTATE with which a statement is refused; fails when it is not. */
export async function refusal(statement: PromiseLike<unknown>): Promise<string> {
  try {
    await statement;
  } catch (error) {
    if (error instanceof postgres.PostgresError) return error.code;
    throw error;
  }
  throw new Error("The statement was expected to be refused, but it ran.");
}

/** Waits until `probe` answers something, and answers it; fails after `timeoutMs`. */
export async function eventually<Found>(
  what: string,
  timeoutMs: number,
  probe: () => Promise<Found | undefined | null | false>,
): Promise<Found> {
  const deadline = Date.now() + timeoutMs;
  while (true) {
    const found = await probe();
    if (found) return found;
    if (Date.now() > deadline) throw new Error(`${what} did not happen within ${timeoutMs} ms.`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
