import type { EventEnvelope } from "../../_shared/events/envelope.ts";
import type { ReceiptBody } from "../receipt_bodies.ts";

/** What a consumer gets. */
export interface Consumption {
  event: EventEnvelope;
  /** What makes the event the same when it comes again; null for events that are not deduplicated. */
  dedupeKey: string | null;
  /** The provider's request, for webhook.received; null for all others. */
  receipt: ReceiptBody | null;
}

/**
 * Handles one event. Idempotent, because it may be handed over again; independent of every other consumer; and fit for
 * any order, by comparing occurred_at. Throws to be called again later; a TypeError means "unreadable": dead at once.
 */
export type Consumer = (consumption: Consumption) => Promise<void>;
