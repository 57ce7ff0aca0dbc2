import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const RUN = ["run", "--quiet", "--no-check", "-A"];

/** A receiver under test, in a process of its own. */
export interface Receiver {
  port: number;
  stop(): Promise<void>;
}

/** Variables of this machine that Deno needs in a child. */
function inheritedEnvironment(): Record<string, string> {
  const names = ["PATH", "HOME", "DENO_DIR", "XDG_CACHE_HOME", "DENO_CERT", "DENO_TLS_CA_STORE"];
  return Object.fromEntries(names.flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value]];
  }));
}

/** Starts a process that prints `LISTENING <port>` and ends when its standard input does. */
export async function startReceiver(args: string[], env: Record<string, string>): Promise<Receiver> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [...RUN, ...args],
    cwd: root,
    clearEnv: true,
    env: { ...inheritedEnvironment(), ...env },
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const stop = async () => {
    await child.stdin.close().catch(() => {});
    await child.status;
  };
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (true) {
    const { value, done } = await lines.read();
    if (done) throw new Error(`${args.join(" ")} ended before it listened`);
    text += value;
    const port = /LISTENING (\d+)/.exec(text)?.[1];
    if (port === undefined) continue;
    void drain(lines);
    return { port: Number(port), stop };
  }
}

async function drain(lines: ReadableStreamDefaultReader<string>): Promise<void> {
  while (!(await lines.read()).done) {
    // What it logs is not the question here; but a full pipe would stop it.
  }
}

/** Runs a script of this folder with one JSON argument and answers the JSON it prints. */
export async function runForJson<T>(script: string, options: object): Promise<T> {
  const output = await new Deno.Command(Deno.execPath(), {
    args: [...RUN, `bench/receive/${script}`, JSON.stringify(options)],
    cwd: root,
    stdout: "piped",
    stderr: "inherit",
  }).output();
  if (!output.success) throw new Error(`${script} failed; what it says stands above.`);
  return JSON.parse(new TextDecoder().decode(output.stdout));
}
