import {
  type ClaimedDelivery,
  type DeliveryResult,
  type PayloadBuilder,
  PayloadRefused,
  type WebhookPayload,
} from "./contract.ts";
import { type Flight, messageId } from "./flight.ts";
import { TransformError } from "./transform/transform_error.ts";
import { transformPayload, type TransformSettings } from "./transform/transform_payload.ts";

/** The body of a request, and which deliveries may not be in it. */
export interface ComposedBody {
  text: string;
  /** Sent before, byte for byte. */
  isRepeated: boolean;
  /** By delivery id: why it may not leave. */
  refusals: Map<string, Refusal>;
}

/** Why a delivery may not leave. */
export type Refusal = Pick<DeliveryResult, "error_class" | "error"> & { outcome: "refused" };

/** One delivery inside a batch: its own webhook-id and its payload. */
type BatchItem = { id: string } & WebhookPayload;

/**
 * Makes the body of a request: one payload, or a batch of them; what was sent before is sent again as it was. Answers at
 * once where nothing is transformed: a promise per delivery would cost more than the body.
 *
 * @param transform - what the subscription wants to become of its payloads; null = they are sent as they are.
 */
export function composeBody(
  flight: Flight,
  builder: PayloadBuilder,
  transform: TransformSettings | null,
): ComposedBody | Promise<ComposedBody> {
  const repeated = flight.deliveries.find((delivery) => delivery.body !== null)?.body;
  if (repeated) return { text: repeated, isRepeated: true, refusals: new Map() };
  const items = flight.deliveries.map((delivery) => itemOf(delivery, builder));
  if (transform === null) return composed(flight, items);
  return Promise.all(items.map((item, index) => transformed(item, flight.deliveries[index]!, transform)))
    .then((changed) => composed(flight, changed));
}

function composed(flight: Flight, made: (BatchItem | Refusal)[]): ComposedBody {
  const refusals = new Map<string, Refusal>();
  const items: BatchItem[] = [];
  for (const [index, item] of made.entries()) {
    if ("outcome" in item) refusals.set(flight.deliveries[index]!.delivery_id, item);
    else items.push(item);
  }
  return { text: items.length === 0 ? "" : bodyOf(items, flight.isBatch), isRepeated: false, refusals };
}

function itemOf(delivery: ClaimedDelivery, builder: PayloadBuilder): BatchItem | Refusal {
  try {
    return { id: messageId(delivery.delivery_id), ...builder(delivery) };
  } catch (error) {
    return refusal(error, PayloadRefused, "payload_refused");
  }
}

/** A test stays as it is: it asks whether the endpoint works, and no expression was written for it. */
async function transformed(
  item: BatchItem | Refusal,
  delivery: ClaimedDelivery,
  transform: TransformSettings,
): Promise<BatchItem | Refusal> {
  if ("outcome" in item || delivery.event_type === "test") return item;
  try {
    const { id, ...payload } = item;
    return { id, ...await transformPayload(transform, payload) };
  } catch (error) {
    return refusal(error, TransformError, "transform_failed");
  }
}

function refusal(
  error: unknown,
  expected: typeof PayloadRefused | typeof TransformError,
  errorClass: string,
): Refusal {
  const isExpected = error instanceof expected;
  return {
    outcome: "refused",
    error_class: isExpected ? errorClass : "internal",
    error: isExpected ? error.message : "The payload could not be made inside the hub.",
  };
}

function bodyOf(items: BatchItem[], isBatch: boolean): string {
  if (isBatch) {
    const last = items.reduce((newest, item) => item.timestamp > newest ? item.timestamp : newest, "");
    return JSON.stringify({ type: "batch", timestamp: last, data: { events: items } });
  }
  const { id: _, ...payload } = items[0]!;
  return JSON.stringify(payload);
}
