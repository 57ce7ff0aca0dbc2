import type { ClaimedDelivery, DeliveryResult } from "./contract.ts";
import { retryAfterFailureMs } from "./judge_answer.ts";

/** Deliveries that leave in one request: one, or the members of a batch. */
export interface Flight {
  /** webhook-id on the wire, the same on every attempt (Standard Webhooks). */
  messageId: string;
  integrationId: string;
  tenantId: string;
  /** In the order of their queueing; never empty. */
  deliveries: ClaimedDelivery[];
  isBatch: boolean;
  /** Clock of this process, from `performance.now()`. */
  claimedAtMs: number;
  /** Its slot, by the same clock: it begins neither earlier nor much later; null = whenever it can. */
  beginAtMs: number | null;
}

/** webhook-id of a delivery or of a batch, like `private.message_id` of the database. */
export function messageId(id: string): string {
  return `msg_${id.replaceAll("-", "")}`;
}

/**
 * Sorts claimed deliveries into the requests they leave in.
 *
 * @param claimedAtMs - when the claim came, of `performance.now()`.
 * @param slotsFromMs - when the database made it, by the same clock.
 */
export function toFlights(
  deliveries: ClaimedDelivery[],
  claimedAtMs: number,
  slotsFromMs: number,
): Flight[] {
  const flights: Flight[] = [];
  const batches = new Map<string, Flight>();
  for (const delivery of deliveries) {
    const batch = delivery.batch_id === null ? undefined : batches.get(delivery.batch_id);
    if (batch) {
      batch.deliveries.push(delivery);
      continue;
    }
    const flight = {
      messageId: messageId(delivery.batch_id ?? delivery.delivery_id),
      integrationId: delivery.integration_id,
      tenantId: delivery.tenant_id,
      deliveries: [delivery],
      isBatch: delivery.batch_id !== null,
      claimedAtMs,
      beginAtMs: delivery.wait_ms === null ? null : slotsFromMs + delivery.wait_ms,
    };
    flights.push(flight);
    if (delivery.batch_id !== null) batches.set(delivery.batch_id, flight);
  }
  return flights;
}

/** A result that says nothing yet. */
export function blankResult(flight: Flight, delivery: ClaimedDelivery): DeliveryResult {
  return {
    delivery_id: delivery.delivery_id,
    integration_id: delivery.integration_id,
    lease_token: delivery.lease_token,
    outcome: "failed",
    retry_in_ms: null,
    hold_lane_ms: null,
    disable_reason: null,
    endpoint_failed: false,
    status_code: null,
    error_class: null,
    error: null,
    began_after_ms: Math.max(0, Math.round(performance.now() - flight.claimedAtMs)),
    duration_ms: 0,
    timing: null,
    response_excerpt: null,
    request_body: null,
  };
}

/** Results of a flight that the hub itself could not make: as after an attempt that failed, but nothing was sent. */
export function failedInside(flight: Flight): DeliveryResult[] {
  return flight.deliveries.map((delivery) => ({
    ...blankResult(flight, delivery),
    retry_in_ms: retryAfterFailureMs("internal", { failures: delivery.failures + 1 }),
    error_class: "internal",
    error: "The attempt failed inside the hub.",
  }));
}

/** Results of a flight that was not made: its deliveries go back to their places. */
export function deferred(flight: Flight): DeliveryResult[] {
  return flight.deliveries.map((delivery) => ({ ...blankResult(flight, delivery), outcome: "deferred" }));
}
