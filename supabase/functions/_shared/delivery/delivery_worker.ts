import type { Store } from "../db/store.ts";
import { faultPoint } from "../fault_point.ts";
import type { sendRequest } from "../guardrails/egress/egress.ts";
import { errorFields, type Logger } from "../log.ts";
import { attemptDelivery } from "./attempt.ts";
import {
  type ClaimedDelivery,
  type DeliveryResult,
  exchangedSchema,
  type PayloadBuilder,
} from "./contract.ts";
import { EndpointCache } from "./endpoint_cache.ts";

/** Requests on the wire at the same time. Endpoints are mostly waited for, which costs nothing. */
const CONCURRENCY = 64;
/** Claimed beyond that, so that a free place never waits for the database. */
const AHEAD = 64;
/** Longer than the longest request (30 s) and the wait for a place. */
const LEASE_MS = 90_000;
/** A delivery that could not begin within this is left to its lease's end: it must end well before. */
const MUST_BEGIN_WITHIN_MS = 45_000;
/** Results that could not be reported are kept this long; their leases run out then. */
const KEEP_RESULTS_MS = 60_000;

interface Waiting {
  delivery: ClaimedDelivery;
  claimedAtMs: number;
}

/**
 * Sends claimed deliveries and reports the results, both in one call per round. What goes wrong with one delivery is
 * that delivery's result and touches no other.
 */
export class DeliveryWorker {
  #waiting: Waiting[] = [];
  #inFlight = 0;
  #results: DeliveryResult[] = [];
  #resultsSinceMs = 0;
  #signal: () => void = () => {};
  readonly #endpoints: EndpointCache;

  /**
   * @param builders - payload builder by kind of subscription.
   * @param send - the guarded way outside.
   */
  constructor(
    private readonly store: Store,
    private readonly builders: Map<string, PayloadBuilder>,
    private readonly send: typeof sendRequest,
  ) {
    this.#endpoints = new EndpointCache(store);
  }

  /** Whether deliveries are on the wire or results wait to be reported. */
  busy(): boolean {
    return this.#inFlight > 0 || this.#waiting.length > 0 || this.#results.length > 0;
  }

  /** Resolves when there is a result to report. */
  ready(): Promise<void> {
    if (this.#results.length > 0) return Promise.resolve();
    return new Promise((resolve) => this.#signal = resolve);
  }

  /** Reports results, claims what there is room for, and starts it. Answers how many it reported and claimed. */
  async round(awakeMs: number, log: Logger): Promise<number> {
    const room = CONCURRENCY + AHEAD - this.#inFlight - this.#waiting.length;
    const { finished, claimed } = await this.#exchange(room, awakeMs, log);
    if (claimed.length === 0) return finished;
    const claimedAtMs = Date.now();
    await faultPoint("deliver.claimed");
    await this.#endpoints.load(claimed);
    this.#waiting.push(...claimed.map((delivery) => ({ delivery, claimedAtMs })));
    this.#fill(log);
    return finished + claimed.length;
  }

  /** Waits for everything on the wire and reports it, without claiming more. Answers how many it reported. */
  async settle(log: Logger): Promise<number> {
    let finished = 0;
    while (this.busy()) {
      await this.ready();
      finished += (await this.#exchange(0, 0, log)).finished;
    }
    return finished;
  }

  async #exchange(
    limit: number,
    awakeMs: number,
    log: Logger,
  ): Promise<{ finished: number; claimed: ClaimedDelivery[] }> {
    const results = this.#results;
    this.#results = [];
    try {
      const answer = exchangedSchema.parse(
        await this.store.call("exchange_deliveries", {
          p_results: results,
          p_limit: Math.max(0, limit),
          p_lease_ms: LEASE_MS,
          p_awake_ms: awakeMs,
        }),
      );
      this.#resultsSinceMs = 0;
      if (answer.finished < results.length) {
        log.warn("results came after the lease and changed nothing", {
          count: results.length - answer.finished,
        });
      }
      if (results.length > 0) await faultPoint("deliver.finished");
      return answer;
    } catch (error) {
      // The requests were made: forgetting their results would make them again.
      this.#resultsSinceMs ||= Date.now();
      if (Date.now() - this.#resultsSinceMs < KEEP_RESULTS_MS) this.#results.unshift(...results);
      throw error;
    }
  }

  #fill(log: Logger): void {
    while (this.#inFlight < CONCURRENCY && this.#waiting.length > 0) {
      const { delivery, claimedAtMs } = this.#waiting.shift()!;
      if (Date.now() - claimedAtMs > MUST_BEGIN_WITHIN_MS) continue;
      this.#inFlight++;
      void this.#deliver(delivery, log).finally(() => {
        this.#inFlight--;
        this.#fill(log);
        this.#signal();
      });
    }
  }

  async #deliver(delivery: ClaimedDelivery, log: Logger): Promise<void> {
    const deliveryLog = log.with({
      tenant_id: delivery.tenant_id,
      request_id: delivery.event?.metadata.trace_id,
      integration_id: delivery.integration_id,
      delivery_id: delivery.delivery_id,
      event_type: delivery.event_type,
      attempt: delivery.attempt,
    });
    try {
      const endpoint = this.#endpoints.get(delivery.integration_id);
      const builder = this.builders.get(delivery.kind);
      if (!endpoint || !builder) {
        throw new TypeError(`There is nothing that delivers kind "${delivery.kind}"`);
      }
      const result = await attemptDelivery(delivery, endpoint, builder, this.send);
      this.#results.push(result);
      deliveryLog[result.outcome === "delivered" ? "info" : "warn"](`delivery ${result.outcome}`, {
        status: result.status_code ?? undefined,
        code: result.error_class ?? undefined,
        duration_ms: result.duration_ms,
      });
    } catch (error) {
      deliveryLog.error("delivery was not attempted", errorFields(error));
    }
  }
}
