import type { Log } from "./log.ts";
import type { Watchdog } from "./watchdog.ts";

/** How to start one function's process. */
export interface FunctionWorkerOptions {
  name: string;
  entrypoint: string;
  configFile: string;
  env: Record<string, string>;
  log: Log;
  watchdog: Watchdog;
}

/** The process of one function, from its spawn on. */
export class FunctionWorker {
  readonly #child: Deno.ChildProcess;
  readonly #stdin: WritableStreamDefaultWriter<Uint8Array>;
  readonly #errorLines: string[] = [];
  /** Its port, once it listens; rejects when it ends before. */
  readonly port: Promise<number>;
  /** Resolves when the process is gone. */
  readonly ended: Promise<Deno.CommandStatus>;
  inFlight = 0;

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
    this.ended = this.#child.status.then((status) => {
      options.watchdog.forget(this.#child.pid);
      return status;
    });
    this.port = this.#readPort();
    this.port.catch(() => {});
    void this.#readLines(this.#child.stderr, (line) => {
      this.#errorLines.push(line);
      options.log.warn(options.name, line);
    });
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Asks it to finish what it has and end; after 5 s it is made to. */
  async stop(): Promise<void> {
    const killer = setTimeout(() => this.#signal("SIGKILL"), 5000);
    this.#signal("SIGTERM");
    await this.ended;
    clearTimeout(killer);
    await this.#stdin.close().catch(() => {});
  }

  #signal(signal: Deno.Signal): void {
    try {
      this.#child.kill(signal);
    } catch {
      // It is gone already.
    }
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
