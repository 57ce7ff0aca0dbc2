import { z } from "zod";
import { PayloadRefused, type PayloadSource, type WebhookPayload } from "../delivery/contract.ts";
import { mapReadiness } from "./readiness.ts";
import { instantSchema } from "./vocabulary.ts";

/** Turns the payload of an event into what may leave. Pure; throws a ZodError for anything outside its schema. */
export type MetaMapper = (payload: Record<string, unknown>) => Record<string, unknown>;

/** Mapper by type of guardian meta event. */
export const metaMappers = new Map<string, MetaMapper>([
  ["readiness_updated", mapReadiness],
]);

/**
 * The payload of a guardian meta delivery: scores, statuses, counts and instants. No tenant, no person, no free text;
 * what does not fit the schema of its type is refused as a whole, so that a mistake is seen and nothing slips out.
 *
 * @throws {PayloadRefused} naming the fields, never their values.
 */
export function guardianPayload(delivery: PayloadSource): WebhookPayload {
  if (delivery.event_type === "test") return testPayload(delivery);
  const mapper = metaMappers.get(delivery.event_type);
  if (!mapper) throw new PayloadRefused(`There is no mapper for ${delivery.event_type}.`);
  if (!delivery.event) throw new PayloadRefused("The event has left by retention before it was sent.");
  try {
    return {
      type: delivery.event_type,
      timestamp: instantSchema.parse(delivery.event.metadata.timestamp),
      data: mapper(delivery.event.payload),
    };
  } catch (error) {
    if (!(error instanceof z.ZodError)) throw error;
    const fields = [...new Set(error.issues.map((issue) => String(issue.path[0] ?? "timestamp")))];
    throw new PayloadRefused(`The event holds something that may not leave: ${fields.join(", ")}.`);
  }
}

function testPayload(delivery: PayloadSource): WebhookPayload {
  return {
    type: "test",
    timestamp: new Date(delivery.queued_at).toISOString(),
    data: { message: "A test event of Interlock: the integration works." },
  };
}
