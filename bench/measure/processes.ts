import { fileURLToPath } from "node:url";

/** The repository; every process of a bench runs here, so paths in arguments are relative to it. */
export const root: string = fileURLToPath(new URL("../..", import.meta.url));

/** How Deno runs what a bench starts. */
const RUN = ["run", "--quiet", "--no-check", "-A"];

/** A process under test that listens. */
export interface Listener {
  pid: number;
  port: number;
  /** The last of what it wrote; a bench that fails says it. */
  lastWords(): string;
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
export async function startListener(args: string[], env: Record<string, string>): Promise<Listener> {
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
    if (done) throw new Error(`${args.join(" ")} ended before it listened; what it says stands above.`);
    text += value;
    const port = /LISTENING (\d+)/.exec(text)?.[1];
    if (port === undefined) continue;
    const written = drain(lines);
    return { pid: child.pid, port: Number(port), lastWords: () => written.last, stop };
  }
}

/** Reads on, because a full pipe would stop the process; keeps the end of it. */
function drain(lines: ReadableStreamDefaultReader<string>): { last: string } {
  const written = { last: "" };
  const read = async () => {
    for (let part = await lines.read(); !part.done; part = await lines.read()) {
      written.last = (written.last + part.value).slice(-KEPT_CHARACTERS);
    }
  };
  void read();
  return written;
}

const KEPT_CHARACTERS = 2000;

/** Runs a script with one JSON argument and answers the JSON it prints; `env` is added to this process's own. */
export async function runForJson<T>(
  script: string,
  options: object,
  env: Record<string, string> = {},
): Promise<T> {
  const output = await new Deno.Command(Deno.execPath(), {
    args: [...RUN, script, JSON.stringify(options)],
    cwd: root,
    env,
    stdout: "piped",
    stderr: "inherit",
  }).output();
  if (!output.success) throw new Error(`${script} failed; what it says stands above.`);
  return JSON.parse(new TextDecoder().decode(output.stdout));
}

/** What a process took so far: processor time, in steps of 10 ms, and the memory it holds now. */
export interface Usage {
  cpuMs: number;
  rssMb: number;
}

/** Linux counts processor time in hundredths of a second, whatever the machine. */
const TICK_MS = 10;

/** Reads what the kernel says of a process. */
export async function usageOf(pid: number): Promise<Usage> {
  const stat = await Deno.readTextFile(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  return {
    cpuMs: (Number(fields[11]) + Number(fields[12])) * TICK_MS,
    rssMb: Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024,
  };
}
