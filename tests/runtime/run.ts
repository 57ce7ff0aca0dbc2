// deno-lint-ignore-file no-console -- prints what it tried and the count
/**
 * `deno task test:runtime`: boots every function under the Deno that the hosted runtime is compatible with, with
 * functions/deno.json alone, and sends each one good and one bad request.
 *
 * @module
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describeDemo } from "../../local/demo.ts";
import { type Stack, startStack } from "../../local/stack.ts";
import { probes } from "./probes.ts";

const HOSTED_DENO = "deno@2.1.4";
const BOOT_TIMEOUT_MS = 120_000;

const root = fileURLToPath(new URL("../..", import.meta.url));
const workDir = await Deno.makeTempDir({ prefix: "interlock-runtime-" });
await Deno.chmod(workDir, 0o755);

/** A function's process under the hosted runtime's Deno. */
interface Booted {
  port: number;
  stop(): Promise<void>;
}

/** The variables the platform injects. */
function platformEnvironment(stack: Stack): Record<string, string> {
  const inherited = ["PATH", "HOME", "DENO_DIR", "npm_config_cache"].flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value]];
  });
  return {
    ...Object.fromEntries(inherited),
    NO_COLOR: "1",
    SUPABASE_URL: stack.apiUrl,
    SUPABASE_DB_URL: stack.dbUrl,
    SUPABASE_PUBLISHABLE_KEYS: JSON.stringify(stack.keys.publishableKeys),
    SUPABASE_SECRET_KEYS: JSON.stringify(stack.keys.secretKeys),
    SUPABASE_JWKS: JSON.stringify({ keys: [stack.keys.signingKey.publicJwk] }),
    SB_EXECUTION_ID: crypto.randomUUID(),
  };
}

async function boot(name: string, functionsDir: string, stack: Stack): Promise<Booted> {
  const host = join(root, "local/function_host.ts");
  const child = new Deno.Command("npx", {
    args: [
      ...[
        "-y",
        HOSTED_DENO,
        "run",
        "--quiet",
        "--no-lock",
        "--no-prompt",
        "--allow-net",
        "--allow-env",
        "--allow-read",
        "--allow-sys",
      ],
      ...[
        "--config",
        join(functionsDir, "deno.json"),
        host,
        `file://${join(functionsDir, name, "index.ts")}`,
      ],
    ],
    cwd: functionsDir,
    clearEnv: true,
    env: platformEnvironment(stack),
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const errors = new Response(child.stderr).text();
  const port = await firstPort(child.stdout).catch(() => null);
  const stop = async () => {
    // The host ends when its standard input does.
    await child.stdin.close().catch(() => {});
    await child.status;
  };
  if (port !== null) return { port, stop };
  await stop();
  throw new Error(`${name} did not boot under ${HOSTED_DENO}: ${(await errors).slice(-2000)}`);
}

async function firstPort(output: ReadableStream<Uint8Array>): Promise<number> {
  const timeout = AbortSignal.timeout(BOOT_TIMEOUT_MS);
  const [head, rest] = output.tee();
  void rest.pipeTo(new WritableStream()).catch(() => {});
  let text = "";
  for await (const chunk of head.pipeThrough(new TextDecoderStream(), { signal: timeout })) {
    text += chunk;
    const port = /LISTENING (\d+)/.exec(text)?.[1];
    if (port) return Number(port);
  }
  throw new Error("The process ended before it listened");
}

const functionsDir = join(workDir, "functions");
const copied = await new Deno.Command("cp", { args: ["-R", join(root, "supabase/functions"), functionsDir] })
  .output();
if (!copied.success) throw new Error("The functions could not be copied");

let passed = 0;
let failed = 0;
const check = (what: string, ok: boolean, detail = "") => {
  ok ? passed++ : failed++;
  console.log(`${ok ? "ok    " : "FAILED"} ${what}${ok ? "" : ` ${detail}`}`);
};

const stack = await startStack({ dataDir: join(workDir, "stack"), port: 0 });
try {
  const demo = await describeDemo(stack);
  const names = [...Deno.readDirSync(functionsDir)].filter((entry) =>
    entry.isDirectory && !entry.name.startsWith("_")
  );
  for (const { name } of names) {
    const probe = probes[name];
    if (!probe) {
      check(`${name} has a line in tests/runtime/probes.ts`, false);
      continue;
    }
    try {
      const booted = await boot(name, functionsDir, stack);
      const context = { url: `http://127.0.0.1:${booted.port}/${name}`, stack, demo };
      for (const [kind, { expected, send }] of Object.entries(probe)) {
        const response = await send(context);
        const text = await response.text();
        check(
          `${name} under ${HOSTED_DENO}: a ${kind} request is answered ${expected}`,
          response.status === expected,
          `${response.status} ${text}`,
        );
      }
      await booted.stop();
    } catch (error) {
      check(`${name} boots under ${HOSTED_DENO}`, false, error instanceof Error ? error.message : "");
    }
  }
} finally {
  await stack.stop();
  await Deno.remove(workDir, { recursive: true });
}
console.log(`${passed} passed, ${failed} failed`);
Deno.exit(failed === 0 && passed > 0 ? 0 : 1);
