// deno-lint-ignore-file no-console -- prints its results
/**
 * `deno task bench:receive`: how many signed webhooks does the whole webhook-receiver take, over either transport of the
 * store, against the database alone and receivers written by hand, in the same run? Results go to bench/results.
 * `--quick` measures half a second each, to see that it works, and keeps nothing; `--repetitions N` repeats it N times; `--peers FOLDER`
 * runs other receivers beside it.
 *
 * @module
 */
import postgres from "postgres";
import { describeDemo } from "../../local/demo.ts";
import type { Stack } from "../../local/stack.ts";
import { withBenchStack } from "../measure/bench_stack.ts";
import { readOptions } from "../measure/options.ts";
import { type Peers, withPeers } from "../measure/peers.ts";
import { keepResults } from "../measure/results.ts";
import { readStackSetting } from "../measure/setting.ts";
import { createManyWebhooks } from "./many_webhooks.ts";
import { measureAll, type Plan } from "./measure.ts";
import { peerSubjects } from "./peer_subjects.ts";
import { type Findings, isSound, PACKAGES, renderMarkdown, rowsOf } from "./report.ts";
import { measureCeiling, prepareDatabase, subjectsOf } from "./subjects.ts";

const { quick, repetitions, peers: peersFolder } = readOptions(Deno.args, 3);
const plan: Plan = { repetitions, durationMs: quick ? 500 : 3500 };

async function findOut(stack: Stack, sql: postgres.Sql, peers: Peers | null): Promise<Findings> {
  const demo = await describeDemo(stack);
  const webhook = demo.webhooks.find((candidate) => candidate.provider === "generic_hmac");
  if (!webhook) throw new Error("The demo seed holds no generic_hmac webhook; the bench signs for one.");
  const [known] = await sql`select version from public.integration_webhooks where id = ${webhook.id}`;
  await prepareDatabase(sql);
  const setting = await readStackSetting(sql, stack, PACKAGES);
  const ceiling = await measureCeiling(quick ? 500 : 1500);
  const peerDatabase = peers && postgres(peers.databaseUrl, { max: 1, onnotice: () => {} });
  const others = peers && peerDatabase ? await peerSubjects(peers, peerDatabase) : [];
  const subjects = subjectsOf(stack, webhook, known!.version, await createManyWebhooks(sql));
  const found = await measureAll(sql, [...subjects, ...others], plan);
  await peerDatabase?.end({ timeout: 1 });
  return {
    setting,
    plan,
    peers: peers?.versions ?? null,
    ceiling,
    ...found,
    rows: rowsOf(found.measurements),
  };
}

async function run(): Promise<boolean> {
  const findings = await withPeers(
    peersFolder,
    (peers) => withBenchStack((stack, sql) => findOut(stack, sql, peers)),
  );
  const report = renderMarkdown(findings);
  console.log(report);
  if (isSound(findings) && !quick) await keepResults("receive", findings, report);
  return isSound(findings);
}

const sound = await run();
if (!sound) {
  console.error("What was accepted and what is stored differ, or requests were refused: nothing is kept.");
}
Deno.exit(sound ? 0 : 1);
