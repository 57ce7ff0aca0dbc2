import type { Log } from "./log.ts";
import type { ProcessUsage } from "./process_usage.ts";
import type { Watchdog } from "./watchdog.ts";
import { CLOSED_PORTS } from "./worker_limits.ts";
import type { Breach, Measure } from "./worker_supervisor.ts";

/** How to start one function's process. */
export interface FunctionWorkerOptions {
  name: string;
  entrypoint: string;
  configFile: string;
  env: Record<string, string>;
  log: Log;
  watchdog: Watchdog;
}

/** Deno takes addresses here, not names: they are compared after the lookup. IPv6 ranges it cannot read. */
const CLOSED = CLOSED_PORTS.map((port) => `0.0.0.0/0:${port}`).join(",");
const END_SEEN_AFTER_MS = 100;

/** The process of one function, from its spawn on. */
export class FunctionWorker {
  readonly #child: Deno.ChildProcess;
  readonly #stdin: WritableStreamDefaultWriter<Uint8Array>;
  readonly #errorLines: string[] = [];
  /** Its port, once it listens; rejects when it ends before. */
  readonly port: Promise<number>;
  /** Resolves when the process is gone. */
  readonly ended: Promise<Deno.CommandStatus>;
  /** Requests it has been given, and how many of them it has not answered yet. */
  requests = 0;
  inFlight = 0;
  usage: ProcessUsage = { cpuMs: 0, memoryMb: 0 };
  retired = false;
  /** The limit for which it was killed. */
  killedFor: Breach | null = null;
  readonly #startedMs = performance.now();
  #leaving = false;

  constructor(private readonly options: FunctionWorkerOptions) {
    const host = new URL("./function_host.ts", import.meta.url).href;
    this.#child = new Deno.Command(Deno.execPath(), {
      args: [
        ...[
          "run",
          "--quiet",
          "--no-check",
          "--no-prompt",
          "--allow-net",
          "--allow-env",
          "--allow-read",
          "--allow-sys",
          `--deny-net=${CLOSED}`,
        ],
        ...["--config", options.configFile, host, options.entrypoint],
      ],
      clearEnv: true,
      detached: true,
      env: options.env,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#stdin = this.#child.stdin.getWriter();
    options.watchdog.watch(this.#child.pid, "TERM");
    const allSaid = this.#readErrors();
    this.ended = this.#child.status.then(async (status) => {
      options.watchdog.forget(this.#child.pid);
      await allSaid;
      return status;
    });
    this.port = this.#readPort();
    this.port.catch(() => {});
  }

  get name(): string {
    return this.options.name;
  }

  get pid(): number {
    return this.#child.pid;
  }

  get ageMs(): number {
    return performance.now() - this.#startedMs;
  }

  /** A request is on its way to it; call endRequest once it is answered. */
  beginRequest(): void {
    this.requests++;
    this.inFlight++;
  }

  endRequest(): void {
    this.inFlight--;
    this.#leaveWhenDone();
  }

  /** It gets no new requests any more; once it has answered those it has, it finishes its background work and ends. */
  retire(): void {
    this.retired = true;
    this.#leaveWhenDone();
  }

  /** Tells the function that a limit is near, while there is time to hand over. */
  announceEnd(reason: Measure): void {
    this.#tell(`beforeunload ${reason}`);
  }

  /** A broken connection is seen a moment before the end of the process behind it; waits that long for the reason. */
  async endsSoon(): Promise<void> {
    await Promise.race([this.ended, new Promise((resolve) => setTimeout(resolve, END_SEEN_AFTER_MS))]);
  }

  /** Ends it at once. */
  kill(breach: Breach): void {
    this.killedFor ??= breach;
    this.#signal("SIGKILL");
  }

  /** Asks it to finish what it has and end; after 5 s it is made to. */
  async stop(): Promise<void> {
    const killer = setTimeout(() => this.#signal("SIGKILL"), 5000);
    this.#signal("SIGTERM");
    await this.ended;
    clearTimeout(killer);
    await this.#stdin.close().catch(() => {});
  }

  #leaveWhenDone(): void {
    if (!this.retired || this.inFlight > 0 || this.#leaving) return;
    this.#leaving = true;
    this.#tell("leave");
    void this.ended.then(() => this.#stdin.close().catch(() => {}));
  }

  #tell(line: string): void {
    this.#stdin.write(new TextEncoder().encode(`${line}\n`)).catch(() => {});
  }

  #signal(signal: Deno.Signal): void {
    try {
      this.#child.kill(signal);
    } catch {
      // It is gone already.
    }
  }

  async #readErrors(): Promise<void> {
    await this.#readLines(this.#child.stderr, (line) => {
      this.#errorLines.push(line);
      this.options.log.warn(this.options.name, line);
    });
  }

  #readPort(): Promise<number> {
    return new Promise((resolve, reject) => {
      void this.#readLines(this.#child.stdout, (line) => {
        const port = /^LISTENING (\d+)$/.exec(line)?.[1];
        if (port) resolve(Number(port));
        else this.#forward(line);
      });
      void this.ended.then(() =>
        reject(new Error(this.#errorLines.join("\n") || "The process ended at once"))
      );
    });
  }

  /** Functions log JSON lines; here they become readable ones. */
  #forward(line: string): void {
    const { log, name } = this.options;
    try {
      const { level, at: _at, function: _function, msg, tenant_id, ...fields } = JSON.parse(line) as Record<
        string,
        unknown
      >;
      const write = level === "error" ? log.error : level === "warn" ? log.warn : log.info;
      write(name, String(msg), { tenant: tenant_id, ...fields });
    } catch {
      log.info(name, line);
    }
  }

  async #readLines(stream: ReadableStream<Uint8Array>, onLine: (line: string) => void): Promise<void> {
    let rest = "";
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      lines.filter((line) => line !== "").forEach(onLine);
    }
  }
}
