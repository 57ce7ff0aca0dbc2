// deno-lint-ignore-file no-console -- prints the count
/**
 * `deno task test`: runs all tests on a stack of their own, beside a running one, and ends with the count.
 * Arguments are paths or flags for `deno test`; without any, everything runs.
 *
 * @module
 */
import { join } from "node:path";
import { freePort } from "../local/free_port.ts";
import { startStack } from "../local/stack.ts";
import { makeAuthority } from "./support/certificate.ts";

const EVERYTHING = [
  "tests/unit",
  "tests/stack",
  "tests/isolation",
  "tests/race",
  "tests/chaos",
  "tests/fuzz",
];

const dataDir = await Deno.makeTempDir({ prefix: "interlock-test-" });
await Deno.chmod(dataDir, 0o755);
/** Functions trust it beside the usual ones, so that a test's endpoint can have a good certificate, or a bad one. */
const certificateAuthority = await makeAuthority();
const caFile = join(dataDir, "test-authority.pem");
await Deno.writeTextFile(caFile, certificateAuthority.caCert);
/** Where the server that plays Slack will listen: functions are told at their start, before a test starts it. */
const slackPort = freePort();
const stack = await startStack({
  dataDir,
  port: 0,
  functionEnv: {
    INTERLOCK_EGRESS_ALLOW_LOCAL: "1",
    INTERLOCK_LOG_LEVEL: "debug",
    INTERLOCK_SLACK_API_URL: `http://127.0.0.1:${slackPort}/api`,
    DENO_CERT: caFile,
  },
});
const description = {
  apiUrl: stack.apiUrl,
  dbUrl: stack.dbUrl,
  adminDbUrl: stack.adminDbUrl,
  publishableKey: stack.publishableKey,
  secretKey: stack.secretKey,
  hubKey: stack.hubKey,
  keys: stack.keys,
  logFile: stack.logFile,
  certificateAuthority,
  slackPort,
};
const stackFile = join(dataDir, "test-stack.json");
await Deno.writeTextFile(stackFile, JSON.stringify(description), { mode: 0o600 });
/** Data folders that tests with stacks of their own begin with (tests/support/prepared_data.ts). */
const preparedFolder = join(dataDir, "prepared");
await Deno.mkdir(preparedFolder);
/** What tests want read whatever came of them: `deno test --quiet` shows nothing that they print. */
const reportFile = join(dataDir, "test-report.txt");

let code = 1;
try {
  const chosen = Deno.args.length > 0 ? Deno.args : EVERYTHING;
  const tests = new Deno.Command(Deno.execPath(), {
    args: ["test", "--quiet", "--allow-all", "--no-check", ...chosen],
    env: {
      INTERLOCK_TEST_STACK: stackFile,
      INTERLOCK_TEST_REPORT: reportFile,
      INTERLOCK_TEST_PREPARED: preparedFolder,
    },
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  let tail = "";
  for await (const chunk of tests.stdout) {
    await Deno.stdout.write(chunk);
    tail = (tail + new TextDecoder().decode(chunk)).slice(-4000);
  }
  code = (await tests.status).code;
  console.log(await Deno.readTextFile(reportFile).catch(() => ""));
  const plain = tail.replaceAll(new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, "g"), "");
  const counts = /(\d+) passed(?: \(\d+ steps?\))? \| (\d+) failed/.exec(plain);
  if (!counts) throw new Error("The test run ended without a count");
  if (/\d+ ignored/.test(plain)) throw new Error("A skipped test is a failed one");
  console.log(`${counts[1]} passed, ${counts[2]} failed`);
  if (Number(counts[1]) === 0) code = 1;
} finally {
  if (code !== 0) await Deno.copyFile(stack.logFile, "test-stack.log").catch(() => {});
  await stack.stop();
  await Deno.remove(dataDir, { recursive: true });
}
Deno.exit(code);
