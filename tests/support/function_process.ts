import { functionEnvironment } from "../../local/function_environment.ts";
import { type Listener, root, startListener } from "../../bench/measure/processes.ts";
import { stack, type TestStack } from "./stack.ts";

/**
 * A function of this run's stack in a process of its own, without the gateway in front, which would take in a small body
 * before the function sees any of it. For what a test must measure, slow down or kill.
 *
 * @param extra - variables beside those of a function of the stack.
 * @param of - another stack than that of this run.
 */
export async function withFunctionProcess(
  name: string,
  extra: Record<string, string>,
  test: (process: Listener, url: string) => Promise<void>,
  of: Pick<TestStack, "apiUrl" | "dbUrl" | "keys"> = stack,
): Promise<void> {
  const entrypoint = `file://${root}supabase/functions/${name}/index.ts`;
  const env = functionEnvironment({ ...of, roleTokens: [], extra });
  const args = ["--config", "supabase/functions/deno.json", "local/function_host.ts", entrypoint];
  const process = await startListener(args, env);
  try {
    await test(process, `http://127.0.0.1:${process.port}/${name}`);
  } finally {
    await process.stop();
  }
}
