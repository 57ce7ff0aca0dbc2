import {
  type ClaimedDelivery,
  type DeliveryResult,
  type PayloadBuilder,
  PayloadRefused,
  type WebhookPayload,
} from "./contract.ts";
import { type Flight, messageId } from "./flight.ts";

/** The body of a request, and which deliveries may not be in it. */
export interface ComposedBody {
  text: string;
  /** Sent before, byte for byte. */
  isRepeated: boolean;
  /** By delivery id: why it may not leave. */
  refusals: Map<string, Refusal>;
}

/** Why a delivery may not leave. */
type Refusal = Pick<DeliveryResult, "error_class" | "error"> & { outcome: "refused" };

/** One delivery inside a batch: its own webhook-id and its payload. */
type BatchItem = { id: string } & WebhookPayload;

/** Makes the body of a request: one payload, or a batch of them; what was sent before is sent again as it was. */
export function composeBody(flight: Flight, builder: PayloadBuilder): ComposedBody {
  const refusals = new Map<string, Refusal>();
  const repeated = flight.deliveries.find((delivery) => delivery.body !== null)?.body;
  if (repeated) return { text: repeated, isRepeated: true, refusals };
  const items: BatchItem[] = [];
  for (const delivery of flight.deliveries) {
    const item = itemOf(delivery, builder);
    if ("outcome" in item) refusals.set(delivery.delivery_id, item);
    else items.push(item);
  }
  return { text: items.length === 0 ? "" : bodyOf(items, flight.isBatch), isRepeated: false, refusals };
}

function itemOf(delivery: ClaimedDelivery, builder: PayloadBuilder): BatchItem | Refusal {
  try {
    return { id: messageId(delivery.delivery_id), ...builder(delivery) };
  } catch (error) {
    const isRefused = error instanceof PayloadRefused;
    return {
      outcome: "refused",
      error_class: isRefused ? "payload_refused" : "internal",
      error: isRefused ? error.message : "The payload could not be made inside the hub.",
    };
  }
}

function bodyOf(items: BatchItem[], isBatch: boolean): string {
  if (isBatch) {
    const last = items.reduce((newest, item) => item.timestamp > newest ? item.timestamp : newest, "");
    return JSON.stringify({ type: "batch", timestamp: last, data: { events: items } });
  }
  const { id: _, ...payload } = items[0]!;
  return JSON.stringify(payload);
}
