import { unwrap } from "../_shared/db/unwrap.ts";
import { InterlockError } from "../_shared/guardrails.ts";
import { guardianPayload } from "../_shared/meta/guardian_payload.ts";
import {
  ATTEMPT_COLUMNS,
  DELIVERY_COLUMNS,
  type SubscriptionKind,
} from "../_shared/subscriptions/subscription_kind.ts";

/** Guardian meta integrations, for the routes that every kind has. */
export const guardianKind: SubscriptionKind = {
  name: "guardian_meta",
  builder: guardianPayload,
  async assertExists(db, id) {
    const row = unwrap(await db.from("guardian_meta_integrations").select("id").eq("id", id).maybeSingle());
    if (row === null) throw new InterlockError("NOT_FOUND", "This integration does not exist.");
  },
  delivery: async (db, deliveryId) =>
    unwrap(
      await db.from("guardian_meta_webhook_events").select(DELIVERY_COLUMNS).eq("id", deliveryId)
        .maybeSingle(),
    ),
  lastAttempt: async (db, deliveryId) =>
    unwrap(
      await db.from("guardian_meta_webhook_attempts").select(ATTEMPT_COLUMNS).eq("delivery_id", deliveryId)
        .order("attempt", { ascending: false }).limit(1).maybeSingle(),
    ),
};
