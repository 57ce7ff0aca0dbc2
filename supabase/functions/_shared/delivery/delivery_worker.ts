import { setImmediate } from "node:timers";
import type { Store } from "../db/store.ts";
import { faultPoint } from "../fault_point.ts";
import type { sendRequest } from "../guardrails/egress/egress.ts";
import { errorFields, type Logger } from "../log.ts";
import { attemptFlight } from "./attempt.ts";
import {
  type Claim,
  claimedDeliveries,
  type DeliveryResult,
  exchangedSchema,
  type PayloadBuilder,
  resultColumns,
} from "./contract.ts";
import { DatabaseClock } from "./database_clock.ts";
import { EndpointCache } from "./endpoint_cache.ts";
import { deferred, failedInside, type Flight, toFlights } from "./flight.ts";
import { TenantShares } from "./tenant_shares.ts";

/** Deliveries held at the same time. Endpoints are mostly waited for, which costs nothing. */
const CONCURRENCY = 512;
/** Most that one call hands out. */
const MAX_CLAIM = 500;
/**
 * A delivery over a new TLS connection costs as much processor time as two more over a kept one (bench/budget: 0.9 ms
 * against 0.3 ms).
 */
const HANDSHAKE_COST = 2;
/** So many requests are begun at a time: their signing and writing would otherwise hold up the database's next answer. */
const BEGUN_AT_ONCE = 8;
/** Longer than the longest request (30 s) and the wait for its slot. */
const LEASE_MS = 90_000;
/** A request that cannot leave this close to its slot goes back: the next one would follow too soon. */
const SLOT_TOLERANCE_MS = 75;
/** Results that could not be reported are kept this long; their leases run out then. */
const KEEP_RESULTS_MS = 60_000;

/**
 * Sends claimed deliveries and reports the results, both in one call per round. What goes wrong with one delivery is
 * that delivery's result and touches no other.
 */
export class DeliveryWorker {
  #held = 0;
  #results: DeliveryResult[] = [];
  #resultsSinceMs = 0;
  #nextAfter: string | null = null;
  #nextMs: number | null = null;
  #handshakes = 0;
  #signal: () => void = () => {};
  readonly #endpoints: EndpointCache;
  readonly #shares = new TenantShares();
  readonly #clock = new DatabaseClock();

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
    return this.#held > 0 || this.#results.length > 0;
  }

  /** What the deliveries so far cost beyond their number, in deliveries. */
  extraCost(): number {
    return this.#handshakes * HANDSHAKE_COST;
  }

  /** Resolves when there is a result to report. */
  ready(): Promise<void> {
    if (this.#results.length > 0) return Promise.resolve();
    return new Promise((resolve) => this.#signal = resolve);
  }

  /** Milliseconds until something that waits may be claimed, as the last round learned; null = nothing waits. */
  nextMs(): number | null {
    return this.#nextMs;
  }

  /** Reports results, claims what there is room for, and starts it. Answers how many it reported and claimed. */
  async round(awakeMs: number, log: Logger): Promise<number> {
    const room = CONCURRENCY - this.#held;
    // Whoever has no room promises nothing: the bell then finds another worker.
    const { finished, flights, claimed } = await this.#exchange(room, room > 0 ? awakeMs : 0, log);
    if (claimed === 0) return finished;
    this.#held += claimed;
    for (const flight of flights) this.#shares.add(flight.tenantId, flight.deliveries.length);
    await faultPoint("deliver.claimed");
    try {
      await this.#endpoints.load(flights.map((flight) => flight.deliveries[0]!));
    } catch (error) {
      // What was claimed goes back with the next report, and gives its room back now.
      for (const flight of flights) this.#land(flight, deferred(flight));
      throw error;
    }
    // The next round asks first: the database works on it while these are signed and written.
    setImmediate(() => this.#begin(flights, log));
    return finished + claimed;
  }

  /** Begins the first at once; of many the rest when the next round has asked the database, which works meanwhile. */
  #begin(flights: Flight[], log: Logger): void {
    for (const flight of flights.slice(0, BEGUN_AT_ONCE)) void this.#fly(flight, log);
    const rest = flights.slice(BEGUN_AT_ONCE);
    if (rest.length > 0) setImmediate(() => this.#begin(rest, log));
  }

  /**
   * Waits for everything on the wire and reports it, without claiming more, unless the next rounds begin before.
   * Answers how many it reported.
   */
  async settle(log: Logger, interrupted?: Promise<void>): Promise<number> {
    let finished = 0;
    let isInterrupted = false;
    void interrupted?.then(() => isInterrupted = true);
    while (this.busy()) {
      await Promise.race(interrupted ? [this.ready(), interrupted] : [this.ready()]);
      if (isInterrupted) break;
      finished += (await this.#exchange(0, 0, log)).finished;
    }
    return finished;
  }

  async #exchange(
    room: number,
    awakeMs: number,
    log: Logger,
  ): Promise<{ finished: number; claimed: number; flights: Flight[] }> {
    const results = this.#results;
    this.#results = [];
    const askedAtMs = performance.now();
    try {
      const answer = exchangedSchema.parse(
        await this.store.call("exchange_deliveries", {
          p_results: resultColumns(results),
          p_limit: Math.min(Math.max(0, room), MAX_CLAIM),
          p_lease_ms: LEASE_MS,
          p_awake_ms: awakeMs,
          p_after: this.#nextAfter,
          p_full_tenant_ids: this.#shares.full(room),
        }),
      );
      this.#resultsSinceMs = 0;
      this.#nextAfter = answer.next_after;
      this.#nextMs = answer.next_ms;
      if (answer.finished < results.length) {
        log.warn("results came after the lease and changed nothing", {
          count: results.length - answer.finished,
        });
      }
      if (results.length > 0) await faultPoint("deliver.finished");
      return {
        finished: answer.finished,
        claimed: answer.claimed?.deliveries.length ?? 0,
        flights: answer.claimed ? this.#flightsOf(answer.claimed, askedAtMs) : [],
      };
    } catch (error) {
      // The requests were made: forgetting their results would make them again.
      this.#resultsSinceMs ||= Date.now();
      if (Date.now() - this.#resultsSinceMs < KEEP_RESULTS_MS) this.#results.unshift(...results);
      throw error;
    }
  }

  #flightsOf(claim: Claim, askedAtMs: number): Flight[] {
    const nowMs = performance.now();
    const slotsFromMs = this.#clock.localMs(claim.claimed_at_ms, askedAtMs, nowMs);
    return toFlights(claimedDeliveries(claim), nowMs, slotsFromMs);
  }

  async #fly(flight: Flight, log: Logger): Promise<void> {
    const flightLog = log.with({
      tenant_id: flight.tenantId,
      request_id: flight.deliveries[0]!.event?.metadata.trace_id,
      integration_id: flight.integrationId,
      delivery_id: flight.deliveries[0]!.delivery_id,
    });
    let results: DeliveryResult[];
    try {
      results = await this.#attempt(flight);
    } catch (error) {
      flightLog.error("delivery was not attempted", errorFields(error));
      results = failedInside(flight);
    }
    this.#land(flight, results);
    for (const result of results) {
      if (result.outcome === "delivered" || result.outcome === "deferred") continue;
      flightLog.warn(`delivery ${result.outcome}`, {
        status: result.status_code ?? undefined,
        code: result.error_class ?? undefined,
        duration_ms: result.duration_ms,
      });
    }
  }

  async #attempt(flight: Flight): Promise<DeliveryResult[]> {
    const endpoint = this.#endpoints.get(flight.integrationId);
    const builder = this.builders.get(flight.deliveries[0]!.kind);
    if (!endpoint || !builder) {
      throw new TypeError(`There is nothing that delivers kind "${flight.deliveries[0]!.kind}"`);
    }
    if (!await slotOf(flight)) return deferred(flight);
    // After a long sleep of the process somebody else may have it by now.
    const leftMs = LEASE_MS - (performance.now() - flight.claimedAtMs);
    return leftMs > endpoint.timeoutMs
      ? await attemptFlight(flight, endpoint, builder, this.send)
      : deferred(flight);
  }

  #land(flight: Flight, results: DeliveryResult[]): void {
    this.#results.push(...results);
    if (typeof results.find((result) => result.timing)?.timing?.tls_ms === "number") this.#handshakes++;
    this.#held -= flight.deliveries.length;
    this.#shares.remove(flight.tenantId, flight.deliveries.length);
    this.#signal();
  }
}

/** Waits for the slot that the rate limit gave a request. Answers whether it can still leave in it. */
async function slotOf(flight: Flight): Promise<boolean> {
  if (flight.beginAtMs === null) return true;
  const waitMs = flight.beginAtMs - performance.now();
  if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
  return performance.now() - flight.beginAtMs <= SLOT_TOLERANCE_MS;
}
