import { join } from "node:path";
import { functionEnvironment } from "../../local/function_environment.ts";
import { signRoleToken } from "../../local/keys.ts";
import type { Stack } from "../../local/stack.ts";

/** The Deno that the hosted runtime is compatible with. */
export const HOSTED_DENO = "deno@2.1.4";

const BOOT_TIMEOUT_MS = 120_000;
const hostFile = new URL("../../local/function_host.ts", import.meta.url).href;

/** A function's process under the hosted runtime's Deno. */
export interface Booted {
  port: number;
  stop(): Promise<void>;
}

/**
 * Starts one function with functions/deno.json alone and the permissions and variables of a local worker.
 *
 * @throws {Error} with what the process wrote, when it ends or says nothing for two minutes.
 */
export async function boot(name: string, functionsDir: string, stack: Stack): Promise<Booted> {
  const permissions = ["--no-prompt", "--allow-net", "--allow-env", "--allow-read", "--allow-sys"];
  const entrypoint = `file://${join(functionsDir, name, "index.ts")}`;
  const child = new Deno.Command("npx", {
    args: [
      ...["-y", HOSTED_DENO, "run", "--quiet", "--no-lock", ...permissions],
      ...["--config", join(functionsDir, "deno.json"), hostFile, entrypoint],
    ],
    cwd: functionsDir,
    clearEnv: true,
    env: await environmentOf(name, stack),
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const errors = new Response(child.stderr).text();
  const stop = async () => {
    // The host ends when its standard input does.
    await child.stdin.close().catch(() => {});
    await child.status;
  };
  try {
    return { port: await readPort(child.stdout), stop };
  } catch {
    await stop();
    throw new Error(`${name} did not boot under ${HOSTED_DENO}: ${(await errors).slice(-2000)}`);
  }
}

/**
 * Runs code under the hosted runtime's Deno with functions/deno.json alone; answers what it prints.
 *
 * @throws {Error} with what it wrote, when it fails.
 */
export async function runHosted(
  functionsDir: string,
  code: string,
  env: Record<string, string> = {},
): Promise<string> {
  const child = new Deno.Command("npx", {
    args: [
      ...["-y", HOSTED_DENO, "run", "--quiet", "--no-lock", "--allow-read", "--allow-env", "--allow-net"],
      ...["--ext=ts", "--config", join(functionsDir, "deno.json"), "-"],
    ],
    env: { NO_COLOR: "1", ...env },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const output = child.output();
  const input = child.stdin.getWriter();
  await input.write(new TextEncoder().encode(code));
  await input.close();
  const { success, stdout, stderr } = await output;
  if (!success) throw new Error(new TextDecoder().decode(stderr).slice(-1000));
  return new TextDecoder().decode(stdout).trim();
}

async function environmentOf(name: string, stack: Stack): Promise<Record<string, string>> {
  const issuer = `${stack.apiUrl}/auth/v1`;
  const roleTokens: [string, string][] = [
    [stack.publishableKey, await signRoleToken(stack.keys.signingKey, "anon", issuer)],
    [stack.secretKey, await signRoleToken(stack.keys.signingKey, "service_role", issuer)],
  ];
  const extra: Record<string, string> = {
    NO_COLOR: "1",
    SB_EXECUTION_ID: crypto.randomUUID(),
    SUPABASE_FUNCTION_SLUG: name,
  };
  const npmCache = Deno.env.get("npm_config_cache");
  if (npmCache !== undefined) extra.npm_config_cache = npmCache;
  return functionEnvironment({ ...stack, roleTokens, extra });
}

/** Waits for `LISTENING <port>`; reads on afterwards, because a full pipe would stop the function. */
async function readPort(output: ReadableStream<Uint8Array>): Promise<number> {
  const reader = output.pipeThrough(new TextDecoderStream()).getReader();
  const timer = setTimeout(() => void reader.cancel().catch(() => {}), BOOT_TIMEOUT_MS);
  try {
    let text = "";
    while (true) {
      const { value, done } = await reader.read();
      if (done) throw new Error("The process ended before it listened");
      text += value;
      const port = /LISTENING (\d+)/.exec(text)?.[1];
      if (port === undefined) continue;
      void drain(reader);
      return Number(port);
    }
  } finally {
    clearTimeout(timer);
  }
}

async function drain(reader: ReadableStreamDefaultReader<string>): Promise<void> {
  while (!(await reader.read()).done) {
    // Log lines; the answers are what is looked at.
  }
}
