import postgres from "postgres";
import { type Stack, type StackOptions, startStack } from "../../local/stack.ts";

/** Runs a bench on a stack of its own, with a superuser's connection; nothing of it stays. */
export async function withBenchStack<T>(
  work: (stack: Stack, sql: postgres.Sql) => Promise<T>,
  options: Partial<StackOptions> = {},
): Promise<T> {
  const dataDir = await Deno.makeTempDir({ prefix: "interlock-bench-" });
  await Deno.chmod(dataDir, 0o755); // Postgres may run as another user than we do.
  try {
    const stack = await startStack({ ...options, dataDir, port: 0 });
    const sql = postgres(stack.adminDbUrl, { max: 1, onnotice: () => {} });
    try {
      return await work(stack, sql);
    } finally {
      await sql.end({ timeout: 1 });
      await stack.stop();
    }
  } finally {
    await Deno.remove(dataDir, { recursive: true });
  }
}
