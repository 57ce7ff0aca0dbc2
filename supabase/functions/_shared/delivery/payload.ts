import {
  type ClaimedDelivery,
  type DeliveryResult,
  type PayloadBuilder,
  PayloadRefused,
} from "./contract.ts";
import type { OutgoingItem } from "./channels/channel.ts";
import type { Endpoint } from "./endpoint_cache.ts";
import type { ErrorClass } from "./error_class.ts";
import { type Flight, messageId } from "./flight.ts";
import { sharedBody } from "./shared_body.ts";
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

/**
 * Makes the body of a request, as its channel wants it; what was sent before is sent again as it was, unless it was made
 * for another channel or address. Answers at once where nothing is transformed: a promise per delivery would cost more
 * than the body.
 */
export function composeBody(
  flight: Flight,
  builder: PayloadBuilder,
  endpoint: Endpoint,
): ComposedBody | Promise<ComposedBody> {
  const repeated = flight.deliveries.find((delivery) => delivery.body?.startsWith(endpoint.bodyStart))?.body;
  if (repeated) return { text: repeated, isRepeated: true, refusals: new Map() };
  const { transform } = endpoint;
  if (transform === null && endpoint.channel.isPayloadAlone && !flight.isBatch) {
    return sharedBody(flight.deliveries[0]!, () => composed(flight, itemsOf(flight, builder), endpoint));
  }
  const items = itemsOf(flight, builder);
  if (transform === null) return composed(flight, items, endpoint);
  return Promise.all(items.map((item, index) => transformed(item, flight.deliveries[index]!, transform)))
    .then((changed) => composed(flight, changed, endpoint));
}

function itemsOf(flight: Flight, builder: PayloadBuilder): (OutgoingItem | Refusal)[] {
  return flight.deliveries.map((delivery) => itemOf(delivery, builder));
}

function composed(flight: Flight, made: (OutgoingItem | Refusal)[], endpoint: Endpoint): ComposedBody {
  const refusals = new Map<string, Refusal>();
  const items: OutgoingItem[] = [];
  for (const [index, item] of made.entries()) {
    if ("outcome" in item) refusals.set(flight.deliveries[index]!.delivery_id, item);
    else items.push(item);
  }
  const text = items.length === 0
    ? ""
    : endpoint.channel.bodyOf(items, flight.isBatch, flight.messageId, endpoint);
  return { text, isRepeated: false, refusals };
}

function itemOf(delivery: ClaimedDelivery, builder: PayloadBuilder): OutgoingItem | Refusal {
  try {
    return { id: messageId(delivery.delivery_id), ...builder(delivery) };
  } catch (error) {
    return refusal(error, PayloadRefused, "payload_refused");
  }
}

/** A test stays as it is: it asks whether the endpoint works, and no expression was written for it. */
async function transformed(
  item: OutgoingItem | Refusal,
  delivery: ClaimedDelivery,
  transform: TransformSettings,
): Promise<OutgoingItem | Refusal> {
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
  errorClass: ErrorClass,
): Refusal {
  const isExpected = error instanceof expected;
  return {
    outcome: "refused",
    error_class: isExpected ? errorClass : "internal",
    error: isExpected ? error.message : "The payload could not be made inside the hub.",
  };
}
