import { join } from "node:path";
import { CallBudget } from "./call_budget.ts";
import { CHAIN_HEADER, CHAIN_WAIT_HEADER } from "./call_chain.ts";
import { AnswerTimeout, BodyBrokenOff, forwardRequest } from "./function_request.ts";
import { type FunctionUsage, usageOf } from "./function_usage.ts";
import { watchFunctions } from "./function_watcher.ts";
import { FunctionWorker } from "./function_worker.ts";
import type { Log } from "./log.ts";
import type { Watchdog } from "./watchdog.ts";
import type { WorkerLimits } from "./worker_limits.ts";
import { type Breach, superviseWorker } from "./worker_supervisor.ts";

/** What the functions of a stack need. */
export interface FunctionsOptions {
  functionsDir: string;
  env: Record<string, string>;
  limits: WorkerLimits;
  log: Log;
  watchdog: Watchdog;
  /** Restart a function when its files are saved. */
  watch: boolean;
}

/** What fetch sends to nobody. */
const FORBIDDEN_METHODS = ["CONNECT", "TRACE", "TRACK"];

/**
 * Runs every function in a process of its own within the platform's limits: spawned on its first request, and again after
 * a crash, a save or a limit.
 */
export class Functions {
  /** Those that get new requests. */
  readonly #workers = new Map<string, FunctionWorker>();
  /** Those that finish what they have. */
  readonly #retired = new Set<FunctionWorker>();
  readonly #started = new Map<string, number>();
  readonly #budget: CallBudget;
  readonly #watcher: { close(): void } | null;
  #stopped = false;

  constructor(private readonly options: FunctionsOptions) {
    this.#budget = new CallBudget(options.limits.chainCallsPerMinute);
    this.#watcher = options.watch
      ? watchFunctions(options.functionsDir, (folders) => this.#reload(folders))
      : null;
  }

  /** Names of running functions and their process ids. */
  pids(): Record<string, number> {
    return Object.fromEntries([...this.#workers].map(([name, worker]) => [name, worker.pid]));
  }

  get limits(): WorkerLimits {
    return this.options.limits;
  }

  /** What each worker uses right now, and the functions that none runs for. */
  async usage(): Promise<FunctionUsage[]> {
    const workers = [...this.#workers.values(), ...this.#retired];
    const running = workers.map((worker) => usageOf(worker, this.#started.get(worker.name) ?? 1));
    const names = await functionNames(this.options.functionsDir);
    const idle = names.filter((name) => !workers.some((worker) => worker.name === name)).map((name) => ({
      function: name,
      state: "not running" as const,
      workers_started: this.#started.get(name) ?? 0,
    }));
    return [...running, ...idle].sort((one, other) => one.function.localeCompare(other.function));
  }

  /** Answers a request to /<name>/..., as the platform does (see function_request.ts). */
  async fetch(name: string, request: Request, path: string): Promise<Response> {
    if (!await this.#exists(name)) {
      return failure(404, "NOT_FOUND", `There is no function "${name}".`);
    }
    if (FORBIDDEN_METHODS.includes(request.method)) {
      await request.body?.pipeTo(new WritableStream()).catch(() => {});
      return failure(405, "METHOD_NOT_ALLOWED", `No function takes ${request.method}.`);
    }
    const chain = request.headers.get(CHAIN_HEADER);
    const waitMs = chain === null ? 0 : this.#budget.spend(chain);
    if (chain !== null && waitMs > 0) return this.#refuse(name, request, chain, waitMs);
    if (chain === null) request.headers.set(CHAIN_HEADER, crypto.randomUUID());
    const worker = this.#worker(name);
    worker.beginRequest();
    try {
      const target = `http://127.0.0.1:${await worker.port}${path}`;
      return await forwardRequest(target, request, this.options.limits.answerTimeoutMs);
    } catch (error) {
      return await this.#explain(worker, request, error);
    } finally {
      worker.endRequest();
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
    const { functionsDir, env, limits, log, watchdog } = this.options;
    const worker = new FunctionWorker({
      name,
      entrypoint: new URL(`file://${join(functionsDir, name, "index.ts")}`).href,
      configFile: join(functionsDir, "deno.json"),
      env: { ...env, SB_EXECUTION_ID: crypto.randomUUID(), SUPABASE_FUNCTION_SLUG: name },
      log,
      watchdog,
    });
    this.#workers.set(name, worker);
    this.#started.set(name, (this.#started.get(name) ?? 0) + 1);
    superviseWorker(worker, limits, {
      onRetire: (breach) => this.#retire(worker, breach),
      onKill: (breach) => this.#kill(worker, breach),
    });
    worker.port.then(
      () => log.info("stack", `${name} started`, { pid: worker.pid, ms: Math.round(worker.ageMs) }),
      () => log.error("stack", `${name} could not be started`),
    );
    void worker.ended.then((status) => this.#forget(worker, status));
    return worker;
  }

  #forget(worker: FunctionWorker, status: Deno.CommandStatus): void {
    this.#retired.delete(worker);
    const wasRunning = this.#workers.get(worker.name) === worker;
    if (wasRunning) this.#workers.delete(worker.name);
    if (this.#stopped || !wasRunning) return;
    this.options.log.error("stack", `${worker.name} ended unasked`, {
      code: status.code,
      signal: status.signal,
    });
  }

  /** Why no answer came, as the platform would put it. */
  async #explain(worker: FunctionWorker, request: Request, error: unknown): Promise<Response> {
    const { limits, log } = this.options;
    const facts = { request: request.headers.get("x-request-id"), pid: worker.pid };
    if (error instanceof AnswerTimeout) {
      const allowed = `${limits.answerTimeoutMs} ms`;
      log.error("limits", `${worker.name} answered too late: 504`, {
        limit: "answerTimeoutMs",
        allowed,
        ...facts,
      });
      return failure(504, "IDLE_TIMEOUT", "The function did not answer in time.");
    }
    if (request.signal.aborted || error instanceof BodyBrokenOff) {
      return failure(499, "CLIENT_CLOSED_REQUEST", "The client went away.");
    }
    if (worker.killedFor === null) await worker.endsSoon();
    if (worker.killedFor) {
      log.error("limits", `${worker.name} could not answer: 546`, { ...worker.killedFor, ...facts });
      return workerLimit(worker.killedFor);
    }
    const booted = await worker.port.then(() => true, () => false);
    if (!booted) {
      return failure(503, "BOOT_ERROR", "The function could not be started; its log says why.");
    }
    const reason = error instanceof Error ? error.message : "";
    log.error("gateway", `${worker.name} broke off`, { reason, ...facts });
    return failure(503, "UNAVAILABLE", "The function broke off; send this again.");
  }

  /** The platform throws in the caller instead of answering; the caller's process does so on this answer. */
  #refuse(name: string, request: Request, chain: string, waitMs: number): Response {
    const { limits, log } = this.options;
    log.error("limits", `a call of ${name} by a function was refused: 429`, {
      limit: "chainCallsPerMinute",
      allowed: limits.chainCallsPerMinute,
      chain,
      wait_ms: waitMs,
      request: request.headers.get("x-request-id"),
    });
    const response = failure(429, "RATE_LIMITED", "This chain of functions has used its calls for now.");
    response.headers.set("retry-after", String(Math.ceil(waitMs / 1000)));
    response.headers.set(CHAIN_WAIT_HEADER, String(waitMs));
    return response;
  }

  async #exists(name: string): Promise<boolean> {
    if (!/^[a-z0-9][a-z0-9-]*$/.test(name)) return false;
    return await Deno.stat(join(this.options.functionsDir, name, "index.ts")).then(() => true, () => false);
  }

  #reload(folders: Set<string>): void {
    const everything = [...folders].some((folder) => folder.startsWith("_") || folder.includes("."));
    for (const [name, worker] of [...this.#workers]) {
      if (!everything && !folders.has(name)) continue;
      this.options.log.info("stack", `${name} changed; the next request runs the new code`);
      this.#retire(worker);
    }
  }

  /** New requests get a new process; those it has, and its background work, finish in the old one. */
  #retire(worker: FunctionWorker, breach?: Breach): void {
    if (worker.retired) return;
    if (this.#workers.get(worker.name) === worker) this.#workers.delete(worker.name);
    this.#retired.add(worker);
    worker.retire();
    if (breach) {
      this.options.log.info("limits", `${worker.name} retired`, { ...breach, ...servedBy(worker) });
    }
  }

  #kill(worker: FunctionWorker, breach: Breach): void {
    if (this.#workers.get(worker.name) === worker) this.#workers.delete(worker.name);
    worker.kill(breach);
    this.options.log.error("limits", `${worker.name} killed`, { ...breach, ...servedBy(worker) });
  }
}

function servedBy(worker: FunctionWorker): Record<string, unknown> {
  return {
    pid: worker.pid,
    age_s: Math.round(worker.ageMs / 1000),
    requests: worker.requests,
    open: worker.inFlight,
  };
}

async function functionNames(functionsDir: string): Promise<string[]> {
  const names: string[] = [];
  for await (const entry of Deno.readDir(functionsDir)) {
    const isFunction = entry.isDirectory && !entry.name.startsWith("_") &&
      await Deno.stat(join(functionsDir, entry.name, "index.ts")).then(() => true, () => false);
    if (isFunction) names.push(entry.name);
  }
  return names;
}

/** As the platform answers for a worker that is gone. */
function workerLimit(breach: Breach): Response {
  const message = `The worker was ended at a limit (${breach.limit}: ${breach.allowed}); its log says more.`;
  return Response.json({ code: "WORKER_LIMIT", message }, { status: 546 });
}

function failure(status: number, code: string, sentence: string): Response {
  const headers: Record<string, string> = status === 503 ? { "retry-after": "1" } : {};
  return Response.json({ error: sentence, error_code: code }, { status, headers });
}
