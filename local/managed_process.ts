import type { Log } from "./log.ts";
import type { Watchdog } from "./watchdog.ts";

/** How to run one process of the stack. */
export interface ManagedProcessOptions {
  name: string;
  command: string;
  args: string[];
  env?: Record<string, string>;
  cwd?: string;
  user?: { uid: number; gid: number };
  /** What asks it to end in order. */
  stopSignal: "SIGINT" | "SIGTERM";
  log: Log;
  watchdog: Watchdog;
  /** Called for every line it prints. */
  onLine(line: string): void;
  /** Called once it accepts work; throws while it does not. */
  probe(): Promise<void>;
  readyTimeoutMs: number;
}

/** A process that is started, probed, watched, and started again when it ends unasked. */
export class ManagedProcess {
  #child: Deno.ChildProcess | null = null;
  #wanted = false;
  #lastLines: string[] = [];

  constructor(private readonly options: ManagedProcessOptions) {}

  /** Its process id; null while it is down. */
  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  /** The last lines it printed, for error messages. */
  get lastLines(): string[] {
    return this.#lastLines;
  }

  /**
   * Starts it and waits until it accepts work.
   *
   * @throws {Error} when it ends or stays silent instead.
   */
  async start(): Promise<void> {
    this.#wanted = true;
    const child = this.#spawn();
    const deadline = Date.now() + this.options.readyTimeoutMs;
    let ended = false;
    void child.status.then(() => ended = true);
    while (true) {
      if (ended) {
        throw new Error(
          `${this.options.name} ended right after its start: ${this.#lastLines.slice(-3).join(" ")}`,
        );
      }
      const ready = await this.options.probe().then(() => true, () => false);
      if (ready) return;
      if (Date.now() > deadline) {
        throw new Error(`${this.options.name} did not answer within ${this.options.readyTimeoutMs} ms`);
      }
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }

  /**
   * Ends it and its children without notice, as a crash of the machine would, and waits until it is up again by itself.
   * The children go one by one: those of Postgres lead sessions of their own, out of reach of a signal to its group.
   *
   * @throws {Error} when it does not come back.
   */
  async crash(): Promise<void> {
    const child = this.#child;
    if (!child) throw new Error(`${this.options.name} is not running`);
    // Stopped, it has no more children: one that was born meanwhile would keep its memory, and so the next one from starting.
    endProcess(child, "SIGSTOP");
    const children = await childrenOf(child.pid);
    for (const pid of children) endPid(pid);
    endProcess(child, "SIGKILL");
    await child.status;
    const deadline = Date.now() + this.options.readyTimeoutMs;
    while (this.#child === null || !await this.options.probe().then(() => true, () => false)) {
      if (Date.now() > deadline) {
        throw new Error(`${this.options.name} did not come back: ${this.#lastLines.slice(-3).join(" ")}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }

  /** Asks it to end and waits; after 5 s it is made to. */
  async stop(signal: Deno.Signal = this.options.stopSignal): Promise<void> {
    this.#wanted = false;
    const child = this.#child;
    if (!child) return;
    const killer = setTimeout(() => endProcess(child, "SIGKILL"), 5000);
    endProcess(child, signal);
    await child.status;
    clearTimeout(killer);
  }

  #spawn(): Deno.ChildProcess {
    const { command, args, env, cwd, user, watchdog, log, name } = this.options;
    const child = new Deno.Command(command, {
      args,
      env,
      cwd,
      uid: user?.uid,
      gid: user?.gid,
      clearEnv: env !== undefined,
      // In a session of its own: Ctrl-C in the terminal reaches the stack alone, which stops everything in order.
      detached: true,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#child = child;
    watchdog.watch(child.pid, this.options.stopSignal === "SIGINT" ? "INT" : "TERM");
    for (const stream of [child.stdout, child.stderr]) void this.#read(stream);
    void child.status.then((status) => {
      watchdog.forget(child.pid);
      if (this.#child === child) this.#child = null;
      if (!this.#wanted) return;
      log.error("stack", `${name} ended unasked and is started again`, {
        code: status.code,
        signal: status.signal,
      });
      setTimeout(() => {
        if (this.#wanted && this.#child === null) this.#spawn();
      }, 500);
    });
    return child;
  }

  async #read(stream: ReadableStream<Uint8Array>): Promise<void> {
    let rest = "";
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        this.#lastLines.push(line);
        if (this.#lastLines.length > 20) this.#lastLines.shift();
        this.options.onLine(line);
      }
    }
  }
}

function endProcess(child: Deno.ChildProcess, signal: Deno.Signal): void {
  try {
    child.kill(signal);
  } catch {
    // It is gone already.
  }
}

function endPid(pid: number): void {
  try {
    Deno.kill(pid, "SIGKILL");
  } catch {
    // It is gone already.
  }
}

/** Process ids of the children of a process: from /proc, or from ps where there is none. */
async function childrenOf(parent: number): Promise<number[]> {
  const children: number[] = [];
  try {
    for (const { name } of Deno.readDirSync("/proc")) {
      if (!/^\d+$/.test(name)) continue;
      // "pid (name) state parent ...", and a name may hold anything, parentheses too.
      const stat = await Deno.readTextFile(`/proc/${name}/stat`).catch(() => "");
      if (stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1] === String(parent)) children.push(Number(name));
    }
    return children;
  } catch {
    const { stdout } = await new Deno.Command("ps", { args: ["-axo", "pid=,ppid="] }).output();
    const pairs = new TextDecoder().decode(stdout).trim().split("\n").map((line) =>
      line.trim().split(/\s+/).map(Number)
    );
    return pairs.filter(([, ppid]) => ppid === parent).map(([pid]) => pid!);
  }
}
