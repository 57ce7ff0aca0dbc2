import { join } from "node:path";
import { AnswerTimeout, forwardRequest } from "./function_request.ts";
import { FunctionWorker } from "./function_worker.ts";
import type { Log } from "./log.ts";
import type { Watchdog } from "./watchdog.ts";

/** What the functions of a stack need. */
export interface FunctionsOptions {
  functionsDir: string;
  env: Record<string, string>;
  log: Log;
  watchdog: Watchdog;
  /** Restart a function when its files are saved. */
  watch: boolean;
}

/** Runs every function in a process of its own, spawned on its first request and again after a crash or a save. */
export class Functions {
  readonly #workers = new Map<string, FunctionWorker>();
  /** Replaced by newer code, finishing what they have. */
  readonly #retired = new Set<FunctionWorker>();
  #watcher: Deno.FsWatcher | null = null;
  #stopped = false;

  constructor(private readonly options: FunctionsOptions) {
    if (options.watch) void this.#watchFiles();
  }

  /** Names of running functions and their process ids. */
  pids(): Record<string, number> {
    return Object.fromEntries([...this.#workers].map(([name, worker]) => [name, worker.pid]));
  }

  /** Answers a request to /<name>/..., as the platform does (see function_request.ts). */
  async fetch(name: string, request: Request, path: string): Promise<Response> {
    if (!await this.#exists(name)) {
      return failure(404, "NOT_FOUND", `There is no function "${name}".`);
    }
    const worker = this.#worker(name);
    worker.inFlight++;
    try {
      return await forwardRequest(`http://127.0.0.1:${await worker.port}${path}`, request);
    } catch (error) {
      if (error instanceof AnswerTimeout) {
        return failure(504, "IDLE_TIMEOUT", "The function did not answer in time.");
      }
      if (request.signal.aborted) return failure(499, "CLIENT_CLOSED_REQUEST", "The client went away.");
      const booted = await worker.port.then(() => true, () => false);
      if (booted) {
        this.options.log.error("gateway", `${name} broke off`, {
          reason: error instanceof Error ? error.message : "",
        });
        return failure(503, "UNAVAILABLE", "The function broke off; send this again.");
      }
      return failure(503, "BOOT_ERROR", "The function could not be started; its log says why.");
    } finally {
      worker.inFlight--;
    }
  }

  /** Ends one function's process; the next request starts another. */
  async stop(name: string): Promise<void> {
    const worker = this.#workers.get(name);
    this.#workers.delete(name);
    await worker?.stop();
  }

  /** Ends all. */
  async stopAll(): Promise<void> {
    this.#stopped = true;
    this.#watcher?.close();
    const retired = [...this.#retired].map((worker) => worker.stop());
    await Promise.all([...retired, ...[...this.#workers.keys()].map((name) => this.stop(name))]);
  }

  #worker(name: string): FunctionWorker {
    const running = this.#workers.get(name);
    if (running) return running;
    const { functionsDir, env, log, watchdog } = this.options;
    const started = performance.now();
    const worker = new FunctionWorker({
      name,
      entrypoint: new URL(`file://${join(functionsDir, name, "index.ts")}`).href,
      configFile: join(functionsDir, "deno.json"),
      env: { ...env, SB_EXECUTION_ID: crypto.randomUUID(), SUPABASE_FUNCTION_SLUG: name },
      log,
      watchdog,
    });
    this.#workers.set(name, worker);
    worker.port.then(
      () =>
        log.info("stack", `${name} started`, {
          pid: worker.pid,
          ms: Math.round(performance.now() - started),
        }),
      () => log.error("stack", `${name} could not be started`),
    );
    void worker.ended.then((status) => {
      if (this.#workers.get(name) !== worker) return;
      this.#workers.delete(name);
      if (!this.#stopped) {
        log.error("stack", `${name} ended unasked`, { code: status.code, signal: status.signal });
      }
    });
    return worker;
  }

  async #exists(name: string): Promise<boolean> {
    if (!/^[a-z0-9][a-z0-9-]*$/.test(name)) return false;
    return await Deno.stat(join(this.options.functionsDir, name, "index.ts")).then(() => true, () => false);
  }

  async #watchFiles(): Promise<void> {
    this.#watcher = Deno.watchFs(this.options.functionsDir, { recursive: true });
    let timer: ReturnType<typeof setTimeout> | undefined;
    const changed = new Set<string>();
    for await (const event of this.#watcher) {
      if (event.kind === "access") continue;
      for (const path of event.paths) {
        const [folder] = path.slice(this.options.functionsDir.length + 1).split("/");
        if (folder && /\.(ts|json|js)$/.test(path)) changed.add(folder);
      }
      clearTimeout(timer);
      timer = setTimeout(() => {
        this.#reload(changed);
        changed.clear();
      }, 150);
    }
  }

  /** Retires the workers whose files changed: new requests get a new process, running ones finish in the old. */
  #reload(folders: Set<string>): void {
    const everything = [...folders].some((folder) => folder.startsWith("_") || folder.includes("."));
    for (const [name, worker] of [...this.#workers]) {
      if (!everything && !folders.has(name)) continue;
      this.#workers.delete(name);
      this.options.log.info("stack", `${name} changed; the next request runs the new code`);
      void this.#retire(worker);
    }
  }

  /** Ends a worker that no request reaches any more, once those it has are answered. */
  async #retire(worker: FunctionWorker): Promise<void> {
    this.#retired.add(worker);
    while (worker.inFlight > 0 && !this.#stopped) await new Promise((resolve) => setTimeout(resolve, 50));
    await worker.stop();
    this.#retired.delete(worker);
  }
}

function failure(status: number, code: string, sentence: string): Response {
  const headers: Record<string, string> = status === 503 ? { "retry-after": "1" } : {};
  return Response.json({ error: sentence, error_code: code }, { status, headers });
}
