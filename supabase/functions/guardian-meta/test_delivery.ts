import { z } from "zod";
import { hubClient } from "../_shared/db/clients.ts";
import { tenantDb } from "../_shared/db/tenant_db.ts";
import { unwrap } from "../_shared/db/unwrap.ts";
import { route } from "../_shared/http/route.ts";
import { testAnswer } from "./answers.ts";
import { testSchema } from "./integration_schemas.ts";

/** Longer than the default timeout of an endpoint; the platform would wait 150 s. */
const WAIT_MS = 35_000;
const POLL_MS = 25;

const DELIVERY_COLUMNS = "id, status, attempt_count, last_error_class, last_error, created_at, finished_at";
const ATTEMPT_COLUMNS =
  "attempt, outcome, status_code, error_class, started_at, duration_ms, timing, response_excerpt, request_body";

type HubDb = ReturnType<typeof hubDb>;
const hubDb = (tenantId: string) => tenantDb(tenantId, hubClient());

/** Polls until the one attempt of a test is over, or the wait is. */
async function finishedDelivery(db: HubDb, deliveryId: string) {
  const startedMs = Date.now();
  for (;;) {
    const [delivery] = unwrap(
      await db.from("guardian_meta_webhook_events").select(DELIVERY_COLUMNS).eq("id", deliveryId),
    );
    if (delivery?.finished_at || Date.now() - startedMs > WAIT_MS) return delivery ?? null;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

export const testRoutes = [
  route({
    method: "POST",
    path: "/integrations/test",
    summary: "Sends a test event the real way and answers what the endpoint said",
    auth: "user",
    permission: "integrations.manage",
    body: testSchema,
    response: { status: 200, schema: testAnswer },
    examples: [{
      name: "test",
      body: { integration_id: "a4000000-0000-4000-8000-000000000001" },
      stands_for: { "/integration_id": "integration_id" },
    }],
    handler: async ({ access, body }) => {
      const db = hubDb(access.tenantId);
      const deliveryId = z.uuid().parse(
        unwrap(
          await db.rpc("queue_test_delivery", {
            p_integration_id: body.integration_id,
            p_actor: access.userId,
          }),
        ),
      );
      const delivery = await finishedDelivery(db, deliveryId);
      const [attempt] = unwrap(
        await db.from("guardian_meta_webhook_attempts").select(ATTEMPT_COLUMNS).eq("delivery_id", deliveryId)
          .order("attempt", { ascending: false }).limit(1),
      );
      return Response.json({
        success: delivery?.status === "delivered",
        webhook_id: `msg_${deliveryId.replaceAll("-", "")}`,
        delivery,
        attempt: attempt ?? null,
      });
    },
  }),
];
