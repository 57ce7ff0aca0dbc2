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
import { checkInboundSignatures } from "./inbound_signatures.ts";
import { boot, HOSTED_DENO } from "./hosted_runtime.ts";
import { probes } from "./probes.ts";
import { checkSignatures } from "./signatures.ts";

let passed = 0;
let failed = 0;

function check(what: string, ok: boolean, detail = ""): void {
  if (ok) passed++;
  else failed++;
  console.log(`${ok ? "ok    " : "FAILED"} ${what}${ok ? "" : `: ${detail}`}`);
}

/** The functions in a folder of their own, with nothing of the repository above it. */
async function copyFunctions(workDir: string): Promise<string> {
  const functionsDir = join(workDir, "functions");
  const source = fileURLToPath(new URL("../../supabase/functions", import.meta.url));
  const { success } = await new Deno.Command("cp", { args: ["-R", source, functionsDir] }).output();
  if (!success) throw new Error(`The functions could not be copied to ${functionsDir}; is the disk full?`);
  return functionsDir;
}

async function probeFunction(name: string, functionsDir: string, stack: Stack): Promise<void> {
  const probe = probes[name];
  if (!probe) {
    check(`${name} has a line in tests/runtime/probes.ts`, false, "add one good and one bad request");
    return;
  }
  const booted = await boot(name, functionsDir, stack);
  try {
    const context = {
      url: `http://127.0.0.1:${booted.port}/${name}`,
      stack,
      demo: await describeDemo(stack),
    };
    for (const [kind, { expected, send }] of Object.entries(probe)) {
      const response = await send(context);
      const text = await response.text();
      check(
        `${name} under ${HOSTED_DENO}: a ${kind} request is answered ${expected}`,
        response.status === expected,
        `${response.status} ${text}`,
      );
    }
  } finally {
    await booted.stop();
  }
}

async function run(workDir: string): Promise<void> {
  const functionsDir = await copyFunctions(workDir);
  const signatures = {
    "both kinds of signature are the published ones": checkSignatures,
    "inbound signatures of every kind verify": checkInboundSignatures,
  };
  for (const [what, checkAll] of Object.entries(signatures)) {
    await checkAll(functionsDir).then(
      () => check(`under ${HOSTED_DENO} ${what}`, true),
      (error) =>
        check(`under ${HOSTED_DENO} ${what}`, false, error instanceof Error ? error.message : String(error)),
    );
  }
  const names = [...Deno.readDirSync(functionsDir)]
    .filter((entry) => entry.isDirectory && !entry.name.startsWith("_")).map((entry) => entry.name).sort();
  const stack = await startStack({ dataDir: join(workDir, "stack"), port: 0 });
  try {
    for (const name of names) {
      await probeFunction(name, functionsDir, stack).catch((error) =>
        check(`${name} under ${HOSTED_DENO}`, false, error instanceof Error ? error.message : String(error))
      );
    }
  } finally {
    await stack.stop();
  }
}

const workDir = await Deno.makeTempDir({ prefix: "interlock-runtime-" });
try {
  await Deno.chmod(workDir, 0o755); // Postgres may run as another user than we do.
  await run(workDir);
} finally {
  await Deno.remove(workDir, { recursive: true });
}
console.log(`${passed} passed, ${failed} failed`);
Deno.exit(failed === 0 && passed > 0 ? 0 : 1);
