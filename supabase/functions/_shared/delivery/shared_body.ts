import type { ClaimedDelivery } from "./contract.ts";
import type { EventEnvelope } from "../events/envelope.ts";
import type { ComposedBody } from "./payload.ts";

/** By event as it was claimed, then by kind and type: gone with the claim. */
const bodies = new WeakMap<EventEnvelope, Map<string, ComposedBody>>();

/**
 * The body of a delivery that says its payload and nothing else, made once for all subscriptions of a kind that were
 * claimed together: mapping, checking and printing the same event for each of them costs more than sending it.
 */
export function sharedBody(delivery: ClaimedDelivery, compose: () => ComposedBody): ComposedBody {
  if (delivery.event === null) return compose();
  const ofEvent = bodies.get(delivery.event) ?? new Map<string, ComposedBody>();
  bodies.set(delivery.event, ofEvent);
  const key = `${delivery.kind}:${delivery.event_type}`;
  const known = ofEvent.get(key);
  if (known) return known;
  const composed = compose();
  // What was refused names the delivery that it refuses.
  if (composed.refusals.size === 0) ofEvent.set(key, composed);
  return composed;
}
