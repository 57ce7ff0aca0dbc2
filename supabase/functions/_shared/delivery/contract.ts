import * as z from "zod";
import { envelopeSchema, type EventEnvelope } from "../events/envelope.ts";
import type { ErrorClass } from "./error_class.ts";

const laneSchema = z.object({
  tenant_id: z.string(),
  /** Kind of subscription; names the payload builder. */
  kind: z.string(),
  config_version: z.number(),
});

const leasedSchema = z.object({
  delivery_id: z.string(),
  integration_id: z.string(),
  event_id: z.string().nullable(),
  /** Type as the receiver sees it. */
  event_type: z.string(),
  /** Deliveries with the same value leave in one request; null = a request of its own. */
  batch_id: z.string().nullable(),
  /** Number of this attempt, from 1. */
  attempt: z.number(),
  /** Failed attempts so far, those of lost workers aside. */
  failures: z.number(),
  queued_at: z.string(),
  /** Not to be sent earlier than this after the claim: its slot of the lane's rate limit; null = there is no limit. */
  wait_ms: z.number().nullable(),
  /** What an earlier attempt sent; null = build it. */
  body: z.string().nullable(),
});

const claimSchema = z.object({
  lease_token: z.string(),
  /** By the database's clock, in milliseconds since 1970. */
  claimed_at_ms: z.number(),
  deliveries: z.array(leasedSchema),
  lanes: z.record(z.string(), laneSchema),
  events: z.record(z.string(), envelopeSchema),
});

/** What `exchange_deliveries` answers. */
export const exchangedSchema = z.object({
  finished: z.number(),
  /** null = nothing was due. */
  claimed: claimSchema.nullable(),
  /** Time until something waits no longer; null = nothing waits. Only said when nothing was claimed. */
  next_ms: z.number().nullable(),
  /** Lane to go on behind with the next claim; null = all were looked at. */
  next_after: z.string().nullable(),
});

/** What one call handed out. */
export type Claim = z.infer<typeof claimSchema>;

/** One delivery leased to this worker, with what its lane and its event say. */
export interface ClaimedDelivery extends z.infer<typeof leasedSchema>, z.infer<typeof laneSchema> {
  lease_token: string;
  /** The event; null for a test, or when it has left by retention. */
  event: EventEnvelope | null;
}

/** The deliveries of a claim, each with its lane and its event. */
export function claimedDeliveries(claim: Claim): ClaimedDelivery[] {
  return claim.deliveries.map((delivery) => ({
    ...claim.lanes[delivery.integration_id]!,
    ...delivery,
    lease_token: claim.lease_token,
    event: delivery.event_id === null ? null : claim.events[delivery.event_id] ?? null,
  }));
}

/** What a receiver gets to see of an event: the body of Standard Webhooks. */
export interface WebhookPayload {
  type: string;
  /** ISO 8601 instant at which it happened. */
  timestamp: string;
  /** What it happened to; kinds that may not say leave it out. */
  entity?: { type: string; id: string };
  data: Record<string, unknown>;
}

/** What a payload is made of: a claimed delivery, or an event that somebody wants to see a preview of. */
export type PayloadSource = Pick<ClaimedDelivery, "event_type" | "queued_at" | "event">;

/**
 * Makes the payload of a delivery: pure, and the same for the same event.
 *
 * @throws {PayloadRefused} when the event holds something that may not leave.
 */
export type PayloadBuilder = (source: PayloadSource) => WebhookPayload;

/** The event holds something that may not leave the house; the delivery is discarded, nothing is sent or stored. */
export class PayloadRefused extends Error {
  override name = "PayloadRefused";
}

/** Where an attempt's time went, in milliseconds; null where a phase did not happen. */
export interface AttemptTiming {
  resolve_ms: number | null;
  connect_ms: number | null;
  tls_ms: number | null;
  first_byte_ms: number | null;
  [phase: string]: number | null;
}

/** What became of an attempt; a row of `p_results` of `exchange_deliveries`. */
export interface DeliveryResult {
  delivery_id: string;
  integration_id: string;
  lease_token: string;
  /** deferred = it was not tried and goes back to its place. */
  outcome: "delivered" | "failed" | "refused" | "deferred";
  /** Wait before the next attempt; null = there is none. */
  retry_in_ms: number | null;
  /** The endpoint asks that nothing be sent for so long; null = it does not. */
  hold_lane_ms: number | null;
  /** Disables the subscription; null = leave it. */
  disable_reason: string | null;
  /** The endpoint itself is in trouble, whatever the request: what the breaker counts. */
  endpoint_failed: boolean;
  status_code: number | null;
  error_class: ErrorClass | null;
  /** A sentence for people, without anything the receiver wrote. */
  error: string | null;
  /** From the claim to the beginning of the attempt. */
  began_after_ms: number;
  duration_ms: number;
  timing: AttemptTiming | null;
  response_excerpt: string | null;
  /** The exact body, with the first attempt that has one. */
  request_body: string | null;
  [column: string]: string | number | boolean | AttemptTiming | null;
}

const RESULT_COLUMNS = [
  ...[
    "delivery_id",
    "integration_id",
    "lease_token",
    "outcome",
    "retry_in_ms",
    "hold_lane_ms",
    "disable_reason",
  ],
  ...["endpoint_failed", "status_code", "error_class", "error", "began_after_ms", "duration_ms", "timing"],
  ...["response_excerpt", "request_body"],
];

/** Results as `exchange_deliveries` takes them: column by column, those without a value left out; {} = none. */
export function resultColumns(
  results: Record<string, DeliveryResult[string]>[],
): Record<string, DeliveryResult[string][]> {
  const columns = RESULT_COLUMNS.map((name) =>
    [name, results.map((result) => result[name] ?? null)] as const
  );
  return Object.fromEntries(columns.filter(([, values]) => values.some((value) => value !== null)));
}
