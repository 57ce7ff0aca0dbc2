// deno-lint-ignore-file no-console -- shows what the tests report
import { join } from "node:path";
import { DEMO_APP_SECRETS } from "../../local/demo_app_secrets.ts";
import { freePort } from "../../local/free_port.ts";
import { type Stack, startStack } from "../../local/stack.ts";
import { type CertificateAuthority, makeAuthority } from "../support/certificate.ts";
import { FileBlocks } from "./file_blocks.ts";
import { type Outcome, readOutcome } from "./outcome.ts";

/** Tests that run one after the other on a stack of their own. */
export interface Lane {
  /** Of its stack's log, kept in the working folder when a test failed. */
  logName: string;
  /** Paths or flags for `deno test`. */
  tests: string[];
  /** Whether others print meanwhile: then what it prints comes a file at a time. */
  isBesideOthers: boolean;
}

/**
 * Where the servers that play Slack and Google will listen: functions are told at their start, before tests start them.
 * No stack of another lane takes a port from here meanwhile.
 */
const PROVIDER_PORTS = { first: 18_000, last: 19_999 };

interface Setting {
  dataDir: string;
  certificateAuthority: CertificateAuthority;
  slackPort: number;
  googlePort: number;
}

/**
 * Starts a stack, runs the tests on it and ends it.
 *
 * @throws {Error} when the run of the tests has no count, or skipped one.
 */
export async function runLane(lane: Lane): Promise<Outcome> {
  const dataDir = await Deno.makeTempDir({ prefix: "interlock-test-" });
  await Deno.chmod(dataDir, 0o755);
  const setting: Setting = {
    dataDir,
    certificateAuthority: await makeAuthority(),
    slackPort: freePort(PROVIDER_PORTS),
    googlePort: freePort(PROVIDER_PORTS),
  };
  const stack = await startTestStack(setting);
  let outcome: Outcome | undefined;
  try {
    outcome = await runTests(lane, stack, setting);
  } finally {
    if (outcome?.failed !== 0) await Deno.copyFile(stack.logFile, lane.logName).catch(() => {});
    await stack.stop();
    await Deno.remove(dataDir, { recursive: true });
  }
  return outcome;
}

async function startTestStack(setting: Setting): Promise<Stack> {
  const { dataDir, certificateAuthority, slackPort, googlePort } = setting;
  // Functions trust it beside the usual ones, so that a test's endpoint can have a good certificate, or a bad one.
  const caFile = join(dataDir, "test-authority.pem");
  await Deno.writeTextFile(caFile, certificateAuthority.caCert);
  return await startStack({
    dataDir,
    port: 0,
    functionEnv: {
      INTERLOCK_EGRESS_ALLOW_LOCAL: "1",
      INTERLOCK_LOG_LEVEL: "debug",
      INTERLOCK_SLACK_API_URL: `http://127.0.0.1:${slackPort}/api`,
      INTERLOCK_GOOGLE_KEYS_URL: `http://127.0.0.1:${googlePort}/oauth2/v3/certs`,
      INTERLOCK_GOOGLE_API_URL: `http://127.0.0.1:${googlePort}`,
      INTERLOCK_GOOGLE_CLIENT_ID: "google-client.test",
      INTERLOCK_GOOGLE_CLIENT_SECRET: "google-client-secret-of-tests",
      INTERLOCK_SLACK_CLIENT_ID: "slack-client.test",
      INTERLOCK_SLACK_CLIENT_SECRET: "slack-client-secret-of-tests",
      INTERLOCK_CONSOLE_URL: "http://127.0.0.1:9/console",
      INTERLOCK_CLIENT_ADDRESS: "x-forwarded-for:1",
      ...DEMO_APP_SECRETS,
      DENO_CERT: caFile,
      // Tests that mean the limit set it at their webhook.
      INTERLOCK_WEBHOOK_RATE_LIMIT: "100000",
      INTERLOCK_TENANT_RATE_LIMIT: "100000",
    },
  });
}

async function runTests(lane: Lane, stack: Stack, setting: Setting): Promise<Outcome> {
  const { dataDir } = setting;
  const stackFile = join(dataDir, "test-stack.json");
  await Deno.writeTextFile(stackFile, JSON.stringify(descriptionOf(stack, setting)), { mode: 0o600 });
  // Data folders that tests with stacks of their own begin with (tests/support/prepared_data.ts).
  const preparedFolder = join(dataDir, "prepared");
  await Deno.mkdir(preparedFolder);
  // What tests want read whatever came of them: `deno test --quiet` shows nothing that they print.
  const reportFile = join(dataDir, "test-report.txt");
  const tests = new Deno.Command(Deno.execPath(), {
    args: ["test", "--quiet", "--allow-all", "--no-check", ...lane.tests],
    env: {
      INTERLOCK_TEST_STACK: stackFile,
      INTERLOCK_TEST_REPORT: reportFile,
      INTERLOCK_TEST_PREPARED: preparedFolder,
    },
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const output = await shown(tests.stdout, lane.isBesideOthers);
  console.log(await Deno.readTextFile(reportFile).catch(() => ""));
  return readOutcome(output, (await tests.status).success);
}

/** What tests/support/stack.ts reads. */
function descriptionOf(stack: Stack, { certificateAuthority, slackPort, googlePort }: Setting) {
  const { apiUrl, dbUrl, adminDbUrl, publishableKey, secretKey, hubKey, keys, logFile } = stack;
  return {
    ...{ apiUrl, dbUrl, adminDbUrl, publishableKey, secretKey, hubKey, keys, logFile },
    ...{ certificateAuthority, slackPort, googlePort },
  };
}

/** Shows what is printed, and answers it. */
async function shown(printed: ReadableStream<Uint8Array>, byFile: boolean): Promise<string> {
  const show = (text: string) => {
    const bytes = new TextEncoder().encode(text);
    for (let at = 0; at < bytes.length;) at += Deno.stdout.writeSync(bytes.subarray(at));
  };
  const blocks = new FileBlocks(show);
  let output = "";
  for await (const text of printed.pipeThrough(new TextDecoderStream())) {
    output += text;
    if (byFile) blocks.add(text);
    else show(text);
  }
  blocks.end();
  return output;
}
