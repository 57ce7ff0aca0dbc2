// deno-lint-ignore-file no-console -- the summary and failures go to the terminal
import { parseArgs } from "node:util";
import { join, resolve } from "node:path";
import { type Demo, describeDemo } from "./demo.ts";
import { demoAppSecrets } from "./demo_app_secrets.ts";
import { type DemoSink, startDemoSink } from "./demo_sink.ts";
import { sendFirstWebhook } from "./journey.ts";
import { deliverReadiness } from "./outbound_journey.ts";
import { type Stack, startStack } from "./stack.ts";
import { StackError } from "./stack_error.ts";
import { summary } from "./summary.ts";
import { PLANS } from "./worker_limits.ts";

const HELP = `Starts Interlock on this machine: Postgres, PostgREST, Auth, the functions and the schedules.

  deno task start [--port N] [--data-dir DIR] [--fresh] [--plan free|paid]

  --port N        API port on 127.0.0.1, default 54321
  --data-dir DIR  where everything is kept, default .interlock
  --fresh         forget what is there and begin anew
  --plan PLAN     whose limits the functions get, free (default) or paid

Ctrl-C stops everything.`;

/** Reads the command line, and says in a sentence what is wrong with it. */
function readOptions(args: string[]) {
  try {
    const { values } = parseArgs({
      args,
      options: {
        "port": { type: "string", default: "54321" },
        "data-dir": { type: "string", default: ".interlock" },
        "fresh": { type: "boolean", default: false },
        "plan": { type: "string", default: "free" },
        "help": { type: "boolean", short: "h", default: false },
      },
    });
    const port = Number(values.port);
    if (!Number.isInteger(port) || port < 1 || port > 65535) {
      throw new StackError(`--port takes a number from 1 to 65535, not "${values.port}".`);
    }
    const plan = PLANS.find((known) => known === values.plan);
    if (!plan) throw new StackError(`--plan takes ${PLANS.join(" or ")}, not "${values.plan}".`);
    return { port, dataDir: resolve(values["data-dir"]), fresh: values.fresh, plan, help: values.help };
  } catch (error) {
    if (error instanceof StackError) throw error;
    throw new StackError(`${(error as Error).message.split("\n")[0]} Try --help.`);
  }
}

/** Writes stack.json, which tools and tests read; readable by its owner alone, because it holds keys. */
async function writeStackFile(stack: Stack, demo: Demo, sink: DemoSink): Promise<string> {
  const path = join(stack.dataDir, "stack.json");
  const content = {
    api_url: stack.apiUrl,
    db_url: stack.dbUrl,
    publishable_key: stack.publishableKey,
    secret_key: stack.secretKey,
    jwks_url: stack.jwksUrl,
    sink_url: sink.url,
    ...demo,
  };
  await Deno.writeTextFile(path, JSON.stringify(content, null, 2), { mode: 0o600 });
  return path;
}

/** Resolves on Ctrl-C, SIGTERM or a closed terminal. */
function asked(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      Deno.addSignalListener(signal, () => resolve());
    }
  });
}

async function main(): Promise<void> {
  const options = readOptions(Deno.args);
  if (options.help) return console.log(HELP);
  const stopAsked = asked();
  console.log("Starting Interlock ...");
  const stack = await startStack({
    ...options,
    watch: true,
    functionEnv: { INTERLOCK_EGRESS_ALLOW_LOCAL: "1", ...demoAppSecrets() },
  });
  let stackFile: string | null = null;
  let sink: DemoSink | null = null;
  try {
    sink = await startDemoSink(stack);
    const demo = await describeDemo(stack);
    stackFile = await writeStackFile(stack, demo, sink);
    const inbound = { cold: await sendFirstWebhook(stack, demo), warm: await sendFirstWebhook(stack, demo) };
    const outbound = {
      cold: await deliverReadiness(stack, demo, sink),
      warm: await deliverReadiness(stack, demo, sink),
    };
    console.log(summary(stack, demo, sink.url, inbound, outbound));
    stack.log.showOnTerminal();
    await stopAsked;
    console.log("\nStopping ...");
  } finally {
    if (stackFile) await Deno.remove(stackFile).catch(() => {});
    await stack.stop();
    await sink?.stop();
  }
}

try {
  await main();
  Deno.exit(0);
} catch (error) {
  if (!(error instanceof StackError)) throw error;
  console.error(error.message);
  Deno.exit(1);
}
