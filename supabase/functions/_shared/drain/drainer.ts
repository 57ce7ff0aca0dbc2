import { hubStore } from "../db/store.ts";
import { errorFields, type Logger } from "../log.ts";
import { keepAlive, onWorkerEnding } from "../runtime.ts";

/** What a drainer drains. */
export interface Drained {
  /** Name of the function, of its bell and of its runs. */
  name: string;
  /** What is counted in the run's summary, for example "dispatches". */
  unit: string;
  /** One invocation stops here and asks for the next: far below the platform's limit of processor time. */
  maxItems: number;
  /**
   * Claims what is due and works on it, or reports what became ready. Answers how many items it found or finished.
   *
   * @param awakeMs - how far ahead to promise another round; 0 = promise nothing.
   */
  round(awakeMs: number, log: Logger): Promise<number>;
  /** What the work so far cost beyond its items, in items of usual cost. */
  extraCost?(): number;
  /** Whether work of earlier rounds is still going on. */
  busy?(): boolean;
  /** Resolves when work going on has something to report. */
  ready?(): Promise<void>;
  /** Milliseconds until something that waits may be claimed, as the last round learned; null = nothing waits. */
  nextMs?(): number | null;
  /**
   * Waits for work of earlier rounds and reports it. Called before an invocation ends; when the next one is asked for
   * meanwhile, which looks after that work as well, `interrupted` resolves.
   */
  settle?(log: Logger, interrupted: Promise<void>): Promise<number>;
}

/** A drainer looks again for this long after its last find: the next item then needs no bell. */
const LINGER_MS = 1000;
const POLL_MS = 10;
/** While old work goes on and nothing new comes: a bell ends this wait at once. */
const BUSY_POLL_MS = 250;
/** How far ahead each round promises another one. */
const PROMISE_MS = 400;
const MAX_WALL_MS = 100_000;
/** At this share of its items an invocation asks for the next one, so that a new worker is up when this one stops. */
const ASK_AT_SHARE = 0.6;
/**
 * What comes no later than this is waited for, a little longer than until the schedule's next tick: so whatever comes at
 * an instant is met at that instant.
 */
const WAIT_FOR_NEXT_MS = 31_000;

/**
 * Drains a queue: woken by the database after commit, by a schedule in case that got lost. It claims until nothing was
 * found for a second, lets its promise lapse, and claims once more, so that no wake-up is needed while it is awake and
 * none is lost when it goes to sleep.
 */
export class Drainer {
  #running = false;
  #again = false;
  #ending = false;
  #interrupt: () => void = () => {};

  constructor(private readonly drained: Drained) {
    onWorkerEnding(() => {
      this.#ending = true;
      this.#interrupt();
    });
  }

  /** Starts a drain, or tells the running one to look once more. */
  wake(log: Logger, reason: string): "started" | "running" {
    if (this.#running) {
      this.#again = true;
      this.#interrupt();
      return "running";
    }
    this.#running = true;
    keepAlive(
      this.#drain(log.with({ reason })).finally(() => {
        this.#running = false;
        // A bell may have come after the last look, for example the one this drain asked for itself.
        if (this.#again) this.wake(log, reason);
      }),
    );
    return "started";
  }

  async #drain(log: Logger): Promise<void> {
    const { name, unit } = this.drained;
    const startedAt = new Date();
    let moved = 0;
    // Whoever is still asked after a warning works as usual; it is the running drain that hands over.
    this.#ending = false;
    try {
      const drained = await this.#untilQuiet(log, startedAt.getTime());
      moved = drained.moved;
      // The promise to claim again may still stand and keep the bell silent: another worker is asked to keep it.
      if (!drained.finished && !this.#again) await hubStore().call("wake_drainer", { p_drainer: name });
      moved += await this.drained.settle?.(log, this.#wanted()) ?? 0;
      if (moved === 0) return;
      await hubStore().call("record_agent_run", {
        p_agent: name,
        p_started_at: startedAt.toISOString(),
        p_summary: { [unit]: moved },
      });
    } catch (error) {
      // Nothing is lost: leases run out, and the schedule wakes the next drain.
      log.error("drain ended early", { count: moved, ...errorFields(error) });
    }
  }

  /** Resolves when the next drain is asked for. One endpoint that hangs then holds up nobody else. */
  #wanted(): Promise<void> {
    if (this.#again) return Promise.resolve();
    return new Promise((resolve) =>
      this.#interrupt = () => {
        if (this.#again) resolve();
      }
    );
  }

  /** Answers how many it moved, and whether the queue was quiet before this drain's limits or the worker's were met. */
  async #untilQuiet(log: Logger, startedMs: number): Promise<{ moved: number; finished: boolean }> {
    const { maxItems } = this.drained;
    let moved = 0;
    let foundAtMs = Date.now();
    let promisedUntilMs = 0;
    let hasAsked = false;
    let isAskedHere = false;
    const costBefore = this.drained.extraCost?.() ?? 0;
    const spent = () => moved + (this.drained.extraCost?.() ?? 0) - costBefore;
    while (spent() < maxItems && !this.#ending && Date.now() - startedMs < MAX_WALL_MS) {
      if (this.#again) foundAtMs = Date.now();
      isAskedHere ||= hasAsked && this.#again;
      this.#again = false;
      const lingers = Date.now() - foundAtMs < LINGER_MS;
      if (lingers) promisedUntilMs = Date.now() + PROMISE_MS;
      else await this.#rest(promisedUntilMs - Date.now());
      const found = await this.drained.round(lingers ? PROMISE_MS : 0, log);
      moved += found;
      if (!hasAsked && spent() >= maxItems * ASK_AT_SHARE) {
        hasAsked = true;
        this.#askForNext(log);
      }
      if (found > 0) foundAtMs = Date.now();
      else if (lingers) await this.#rest(POLL_MS);
      else if (this.drained.busy?.()) await this.#rest(BUSY_POLL_MS);
      else if (!this.#again && !await this.#untilNext(startedMs)) return { moved, finished: true };
    }
    this.#again ||= isAskedHere;
    return { moved, finished: false };
  }

  #askForNext(log: Logger): void {
    // Not waited for: this drain has work. Lost, it is asked for once more at the end.
    keepAlive(
      hubStore().call("wake_drainer", { p_drainer: this.drained.name }).then(
        () => {},
        (error) => log.warn("the next drain could not be asked for", errorFields(error)),
      ),
    );
  }

  /** Sleeps, without a promise, until what waits may be claimed. Answers false when nothing comes soon. */
  async #untilNext(startedMs: number): Promise<boolean> {
    const nextMs = this.drained.nextMs?.() ?? null;
    if (nextMs === null || nextMs > WAIT_FOR_NEXT_MS || Date.now() + nextMs - startedMs > MAX_WALL_MS) {
      return false;
    }
    await this.#rest(Math.max(nextMs, POLL_MS));
    return true;
  }

  /** Sleeps, unless a bell or a result comes first. */
  async #rest(durationMs: number): Promise<void> {
    if (durationMs <= 0 || this.#again) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const over = new Promise<void>((resolve) => {
      this.#interrupt = resolve;
      timer = setTimeout(resolve, durationMs);
    });
    await Promise.race(this.drained.busy?.() && this.drained.ready ? [over, this.drained.ready()] : [over]);
    clearTimeout(timer);
    this.#interrupt = () => {};
  }
}
