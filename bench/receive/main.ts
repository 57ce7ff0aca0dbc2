// deno-lint-ignore-file no-console -- prints its results
/**
 * `deno task bench:receive`: how many signed webhooks does the whole webhook-receiver take, over either transport of the
 * store, against the database alone and receivers written by hand, in the same run? Results go to bench/results.
 * `--quick` measures half a second each, to see that it works, and keeps nothing.
 *
 * @module
 */
import postgres from "postgres";
import { describeDemo } from "../../local/demo.ts";
import { type Stack, startStack } from "../../local/stack.ts";
import { measureAll, type Plan } from "./measure.ts";
import { type Findings, isSound, readSetting, renderJson, renderMarkdown } from "./report.ts";
import { measureCeiling, prepareDatabase, subjectsOf } from "./subjects.ts";

const quick = Deno.args.includes("--quick");
const plan: Plan = quick ? { repetitions: 1, durationMs: 500 } : { repetitions: 3, durationMs: 3500 };

async function findOut(stack: Stack, sql: postgres.Sql): Promise<Findings> {
  const demo = await describeDemo(stack);
  const webhook = demo.webhooks.find((candidate) => candidate.provider === "generic_hmac");
  if (!webhook) throw new Error("The demo seed holds no generic_hmac webhook; the bench signs for one.");
  const [known] = await sql`select version from public.integration_webhooks where id = ${webhook.id}`;
  await prepareDatabase(sql);
  const setting = await readSetting(sql, stack.apiUrl, stack.secretKey, plan);
  const ceiling = await measureCeiling(quick ? 500 : 1500);
  const found = await measureAll(sql, subjectsOf(stack, webhook, known!.version), plan);
  return { setting, ceiling, ...found };
}

async function keep(findings: Findings): Promise<void> {
  const folder = new URL("../results/", import.meta.url);
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeTextFile(
    new URL(`receive-${findings.setting.measuredOn}.json`, folder),
    renderJson(findings),
  );
  await Deno.writeTextFile(new URL("receive.md", folder), renderMarkdown(findings));
}

async function run(): Promise<boolean> {
  const dataDir = await Deno.makeTempDir({ prefix: "interlock-bench-" });
  await Deno.chmod(dataDir, 0o755); // Postgres may run as another user than we do.
  try {
    const stack = await startStack({ dataDir, port: 0 });
    const sql = postgres(stack.adminDbUrl, { max: 1, onnotice: () => {} });
    try {
      const findings = await findOut(stack, sql);
      console.log(renderMarkdown(findings));
      if (isSound(findings) && !quick) await keep(findings);
      return isSound(findings);
    } finally {
      await sql.end({ timeout: 1 });
      await stack.stop();
    }
  } finally {
    await Deno.remove(dataDir, { recursive: true });
  }
}

const sound = await run();
if (!sound) {
  console.error("What was accepted and what is stored differ, or requests were refused: nothing is kept.");
}
Deno.exit(sound ? 0 : 1);
