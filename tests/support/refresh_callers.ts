import { root } from "../../bench/measure/processes.ts";
import { type CallerResult, type CallerTask, READY } from "./refresh_caller.ts";

/** A process that waits for its word to begin. */
interface Caller {
  begin(): Promise<void>;
  result: Promise<CallerResult>;
}

/**
 * Runs the task in several processes, which begin together once the slowest of them is up.
 *
 * @throws {Error} when one of them ends without a result.
 */
export async function callTogether(
  processes: number,
  task: CallerTask,
  env: Record<string, string>,
): Promise<CallerResult> {
  const callers = await Promise.all(Array.from({ length: processes }, () => startCaller(task, env)));
  await Promise.all(callers.map((caller) => caller.begin()));
  const results = await Promise.all(callers.map(({ result }) => result));
  return {
    tokens: results.flatMap(({ tokens }) => tokens),
    failures: results.flatMap(({ failures }) => failures),
  };
}

async function startCaller(task: CallerTask, env: Record<string, string>): Promise<Caller> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-check", "-A", "tests/support/refresh_caller.ts", JSON.stringify(task)],
    cwd: root,
    env,
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!text.startsWith(READY)) {
    const { value, done } = await lines.read();
    if (done) throw new Error("A caller ended before it was ready; what it says stands above.");
    text += value;
  }
  const readOn = async () => {
    for (let part = await lines.read(); !part.done; part = await lines.read()) text += part.value;
    await child.status;
    return JSON.parse(text.slice(READY.length)) as CallerResult;
  };
  return { begin: () => child.stdin.close(), result: readOn() };
}
