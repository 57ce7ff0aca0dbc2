import * as z from "zod";
import { hubClient } from "../db/clients.ts";
import { tenantDb } from "../db/tenant_db.ts";
import { unwrap } from "../db/unwrap.ts";
import { messageId } from "../delivery/flight.ts";
import { InterlockError } from "../errors/interlock_error.ts";
import type { UserAccess } from "../http/access.ts";
import type { DeliveryKind } from "./delivery_kind.ts";
import { deliveryResource, visibleDeliveries } from "./log_page.ts";
import { standingSchema } from "./standing.ts";

/** More attempts than any delivery has that was not replayed for days on end. */
const MAX_ATTEMPTS = 200;

const ATTEMPT_COLUMNS =
  "attempt, batch_id, outcome, status_code, error_class, started_at, duration_ms, timing, response_excerpt, request_body";
const EVENT_COLUMNS = "id, event_type, entity_type, entity_id, source, trace_id, occurred_at, payload";

const attemptsSchema = z.array(z.looseObject({
  batch_id: z.string().nullable(),
  started_at: z.string(),
  request_body: z.string().nullable(),
}));

const situationSchema = z.object({ state: standingSchema.nullable(), lane: z.unknown() });

/**
 * One delivery with all that is known of it.
 *
 * @throws {InterlockError} NOT_FOUND for one that the caller may not see.
 */
export async function deliveryDetail(kind: DeliveryKind, access: UserAccess, deliveryId: string) {
  const [row] = await visibleDeliveries(kind, access, [deliveryId]);
  if (!row) throw new InterlockError("NOT_FOUND", "This delivery does not exist.");
  const [attempts, event, situation] = await Promise.all([
    access.db.from(kind.attempts).select(ATTEMPT_COLUMNS).eq("delivery_id", deliveryId)
      .order("attempt", { ascending: false }).limit(MAX_ATTEMPTS).then(unwrap),
    row.event_id === null ? null : access.db.from("integration_events_outbox").select(EVENT_COLUMNS)
      .eq("id", row.event_id).maybeSingle().then(unwrap),
    tenantDb(access.tenantId, hubClient()).rpc("delivery_situation", {
      p_kind: kind.kind,
      p_delivery_id: deliveryId,
    }).then(unwrap),
  ]);
  const { state, lane } = situationSchema.parse(situation);
  const tries = attemptsSchema.parse(attempts);
  return {
    ...deliveryResource(row, state ?? undefined),
    request_body: await bodySent(kind, access, row.integration_id, tries),
    attempts: tries.toReversed().map(({ request_body: _, ...attempt }) => ({
      ...attempt,
      webhook_id: messageId(attempt.batch_id ?? deliveryId),
    })),
    event,
    lane,
  };
}

/** The latest body. Of a batch it stands with one delivery only, whose attempt began at the same instant. */
async function bodySent(
  kind: DeliveryKind,
  access: UserAccess,
  integrationId: string,
  tries: z.infer<typeof attemptsSchema>,
): Promise<string | null> {
  const own = tries.find((attempt) => attempt.request_body !== null)?.request_body;
  const batched = tries.at(-1);
  if (own !== undefined && own !== null) return own;
  if (!batched?.batch_id) return null;
  const [other] = z.array(z.object({ request_body: z.string() })).parse(unwrap(
    await access.db.from(kind.attempts).select("request_body").eq("integration_id", integrationId)
      .eq("started_at", batched.started_at).eq("batch_id", batched.batch_id)
      .not("request_body", "is", null).limit(1),
  ));
  return other?.request_body ?? null;
}
