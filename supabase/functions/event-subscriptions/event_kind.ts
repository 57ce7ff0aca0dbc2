import { unwrap } from "../_shared/db/unwrap.ts";
import { InterlockError } from "../_shared/guardrails.ts";
import { eventPayload } from "../_shared/delivery/event_payload.ts";
import {
  ATTEMPT_COLUMNS,
  DELIVERY_COLUMNS,
  type SubscriptionKind,
} from "../_shared/subscriptions/subscription_kind.ts";

/** Subscriptions to any event, for the routes that every kind has. */
export const eventKind: SubscriptionKind = {
  name: "event",
  builder: eventPayload,
  async assertExists(db, id) {
    const row = unwrap(await db.from("event_subscriptions").select("id").eq("id", id).maybeSingle());
    if (row === null) throw new InterlockError("NOT_FOUND", "This subscription does not exist.");
  },
  delivery: async (db, deliveryId) =>
    unwrap(
      await db.from("event_deliveries").select(DELIVERY_COLUMNS).eq("id", deliveryId)
        .maybeSingle(),
    ),
  lastAttempt: async (db, deliveryId) =>
    unwrap(
      await db.from("event_delivery_attempts").select(ATTEMPT_COLUMNS).eq("delivery_id", deliveryId)
        .order("attempt", { ascending: false }).limit(1).maybeSingle(),
    ),
};
