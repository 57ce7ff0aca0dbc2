import type { FaultPoint } from "../../supabase/functions/_shared/fault_point.ts";

/** What happens to the worker that reaches a point for the nth time, counted over all workers since it was armed. */
export interface Fault {
  point: FaultPoint;
  pass: number;
  /** hold = it waits at the point, everything else in its process goes on; freeze = all of it stands still. */
  act: "kill" | "freeze" | "hold";
}

/** A fault that happened. */
export interface Strike {
  point: FaultPoint;
  pid: number;
  atMs: number;
  /** Lets a frozen or held worker go on. */
  release(): void;
}

/** A point that nobody reached by then is never reached: what should drain is not awake, or not there. */
const STRIKES_WITHIN_MS = 30_000;

interface Armed {
  fault: Fault;
  passesLeft: number;
  struck(strike: Strike): void;
  timer: ReturnType<typeof setTimeout>;
}

/** A worker that passed a point. */
export interface Pass {
  point: FaultPoint;
  pid: number;
}

/**
 * Decides what befalls workers at their fault points. They report here and wait for the answer (local/fault_hook.ts), so
 * whatever is done to them is done exactly there.
 */
export class FaultControl {
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #armed: Armed[] = [];
  /** Every pass so far, oldest first. */
  readonly passes: Pass[] = [];

  constructor() {
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      async (request) => {
        const url = new URL(request.url);
        await this.#reached(url.pathname.slice(1) as FaultPoint, Number(url.searchParams.get("pid")));
        return new Response(null, { status: 204 });
      },
    );
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }

  /**
   * Resolves once the fault has struck. Two faults at one point strike one after the other.
   *
   * @throws {Error} when it does not strike within 30 s.
   */
  arm(fault: Fault): Promise<Strike> {
    const struck = new Promise<Strike>((resolve, reject) => {
      const failure = new Error(`No worker reached ${fault.point} for the ${fault.pass}. time`);
      const timer = setTimeout(() => reject(failure), STRIKES_WITHIN_MS);
      this.#armed.push({ fault, passesLeft: fault.pass, struck: resolve, timer });
    });
    struck.catch(() => {}); // Whoever waits for it hears of it; it may be armed long before.
    return struck;
  }

  /** Forgets what has not struck. */
  disarm(): void {
    for (const { timer } of this.#armed.splice(0)) clearTimeout(timer);
  }

  async stop(): Promise<void> {
    await this.#server.shutdown();
  }

  async #reached(point: FaultPoint, pid: number): Promise<void> {
    this.passes.push({ point, pid });
    const armed = this.#armed.find((candidate) => candidate.fault.point === point);
    if (!armed || --armed.passesLeft > 0) return;
    this.#armed.splice(this.#armed.indexOf(armed), 1);
    clearTimeout(armed.timer);
    const strike = { point, pid, atMs: Date.now() };
    const { act } = armed.fault;
    if (act === "hold") {
      await new Promise<void>((release) => armed.struck({ ...strike, release }));
      return;
    }
    signalOwnChild(pid, act === "kill" ? "SIGKILL" : "SIGSTOP");
    armed.struck({ ...strike, release: () => act === "freeze" && signalOwnChild(pid, "SIGCONT") });
  }
}

/** Signals a worker, but no process that this one has not started, whatever number it was told. */
function signalOwnChild(pid: number, signal: Deno.Signal): void {
  const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
  const parent = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1];
  if (parent !== String(Deno.pid)) throw new Error(`Process ${pid} is not a child of the rig`);
  Deno.kill(pid, signal);
}
