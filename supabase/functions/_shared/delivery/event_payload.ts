import { PayloadRefused, type PayloadSource, type WebhookPayload } from "./contract.ts";

/**
 * The payload of a delivery to an event subscription: the event as it was published, what it happened to, and when. The
 * tenant and its org stay inside: whoever receives it has one endpoint, not the hub.
 *
 * @throws {PayloadRefused} when the event is not there any more.
 */
export function eventPayload({ event, event_type: type, queued_at }: PayloadSource): WebhookPayload {
  if (type === "test") {
    return {
      type,
      timestamp: new Date(queued_at).toISOString(),
      data: { message: "A test event of Interlock: the subscription works." },
    };
  }
  if (!event) throw new PayloadRefused("The event has left by retention before it was sent.");
  return {
    type: event.event_type,
    timestamp: event.metadata.timestamp,
    entity: { type: event.entity_type, id: event.entity_id },
    data: event.payload,
  };
}
