import * as z from "zod";
import { hubClient } from "../db/clients.ts";
import { type TenantDb, tenantDb } from "../db/tenant_db.ts";
import { unwrap } from "../db/unwrap.ts";
import { messageId } from "../delivery/flight.ts";
import type { UserAccess } from "../http/access.ts";
import type { DeliveryReport, SubscriptionKind } from "./subscription_kind.ts";

/** Longer than the default timeout of an endpoint; the platform would wait 150 s. */
const WAIT_MS = 35_000;
const POLL_MS = 25;

export const testSchema = z.strictObject({ integration_id: z.uuid() });

const instant = () => z.iso.datetime({ offset: true });
const count = () => z.int().min(0);

/** What became of a test. */
export const testAnswer = () =>
  z.strictObject({
    success: z.boolean(),
    webhook_id: z.string().describe("webhook-id on the wire."),
    delivery: z.strictObject({
      id: z.uuid(),
      status: z.enum(["pending", "failed", "delivered", "discarded"]),
      attempt_count: count(),
      last_error_class: z.string().nullable(),
      last_error: z.string().nullable(),
      created_at: instant(),
      finished_at: instant().nullable(),
    }).nullable(),
    attempt: z.strictObject({
      attempt: z.int(),
      outcome: z.enum(["delivered", "failed", "refused", "lost"]),
      status_code: z.int().nullable(),
      error_class: z.string().nullable(),
      started_at: instant(),
      duration_ms: count().nullable(),
      timing: z.record(z.string(), z.number().nullable()).nullable().describe("Phases in milliseconds."),
      response_excerpt: z.string().nullable().describe("First bytes of the answer, our secrets masked."),
      request_body: z.string().nullable(),
    }).nullable().describe("Null when no worker took it within 35 s."),
  });

/**
 * Sends a synthetic event through the real path and waits for what the endpoint says.
 *
 * @throws {InterlockError} NOT_FOUND for a subscription that the caller cannot see.
 */
export async function sendTest(
  kind: SubscriptionKind,
  access: UserAccess,
  integrationId: string,
): Promise<Response> {
  await kind.assertExists(access.db, integrationId);
  const db = tenantDb(access.tenantId, hubClient());
  const deliveryId = z.uuid().parse(
    unwrap(await db.rpc("queue_test_delivery", { p_integration_id: integrationId, p_actor: access.userId })),
  );
  const delivery = await finishedDelivery(kind, db, deliveryId);
  return Response.json({
    success: delivery?.status === "delivered",
    webhook_id: messageId(deliveryId),
    delivery,
    attempt: await kind.lastAttempt(db, deliveryId),
  });
}

/** Polls until the one attempt of a test is over, or the wait is. */
async function finishedDelivery(
  kind: SubscriptionKind,
  db: TenantDb,
  deliveryId: string,
): Promise<DeliveryReport | null> {
  const startedMs = Date.now();
  for (;;) {
    const delivery = await kind.delivery(db, deliveryId);
    if (delivery?.finished_at || Date.now() - startedMs > WAIT_MS) return delivery;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
