import { z } from "zod";
import { envelopeSchema } from "../events/envelope.ts";

/** One delivery leased to this worker; shape of `exchange_deliveries`. */
export const claimedDeliverySchema = z.object({
  /** Kind of subscription; names the payload builder. */
  kind: z.string(),
  delivery_id: z.string(),
  lease_token: z.string(),
  /** webhook-id on the wire, the same on every attempt. */
  message_id: z.string(),
  tenant_id: z.string(),
  integration_id: z.string(),
  config_version: z.number(),
  /** Type as the receiver sees it. */
  event_type: z.string(),
  /** Number of this attempt, from 1. */
  attempt: z.number(),
  /** Failed attempts so far, those of lost workers aside. */
  failures: z.number(),
  max_attempts: z.number(),
  queued_at: z.string(),
  /** The event; null for a test, or when it has left by retention. */
  event: envelopeSchema.nullable(),
  /** What an earlier attempt sent; null = build it. */
  body: z.string().nullable(),
});

export type ClaimedDelivery = z.infer<typeof claimedDeliverySchema>;

/** What `exchange_deliveries` answers. */
export const exchangedSchema = z.object({ finished: z.number(), claimed: z.array(claimedDeliverySchema) });

/** What a receiver gets to see of an event: the body of Standard Webhooks. */
export interface WebhookPayload {
  type: string;
  /** ISO 8601 instant at which it happened. */
  timestamp: string;
  data: Record<string, unknown>;
}

/**
 * Makes the payload of a delivery: pure, and the same for the same event.
 *
 * @throws {PayloadRefused} when the event holds something that may not leave.
 */
export type PayloadBuilder = (delivery: ClaimedDelivery) => WebhookPayload;

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

/** What became of an attempt; an entry of `p_results` of `exchange_deliveries`. */
export interface DeliveryResult {
  delivery_id: string;
  lease_token: string;
  outcome: "delivered" | "failed" | "refused";
  max_attempts: number;
  /** Wait before the next attempt; null = there is none. */
  retry_in_ms: number | null;
  /** Disables the subscription; null = leave it. */
  disable_reason: string | null;
  status_code: number | null;
  error_class: string | null;
  /** A sentence for people, without anything the receiver wrote. */
  error: string | null;
  started_at: string;
  duration_ms: number;
  timing: AttemptTiming | null;
  response_excerpt: string | null;
  /** The exact body, with the first attempt that has one. */
  request_body: string | null;
  [column: string]: string | number | AttemptTiming | null;
}
