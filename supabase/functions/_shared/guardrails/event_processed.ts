import * as z from "zod";
import type { HubClient } from "../db/clients.ts";
import { unwrap } from "../db/unwrap.ts";

/** A provider's message about an e-mail. */
export interface ProviderEvent {
  tenantId: string;
  providerMessageId: string;
  /** open, click, bounce, reply ... */
  eventType: string;
  campaignId?: string;
  /** ISO 8601; default: now. */
  occurredAt?: string;
}

const resultSchema = z.object({ duplicate: z.boolean(), idempotency_key: z.string() });

/**
 * Asks whether an event was handled before, and claims it if not, in one statement: of any number of callers at once
 * exactly one reads `duplicate: false`. All others answer `{success: true, duplicate: true}` to their caller.
 *
 * @returns the key `{provider message id}:{event type}`, to be kept in `crm_activities.meta.idempotency_key`.
 */
export async function checkEventProcessed(
  supabase: HubClient,
  event: ProviderEvent,
): Promise<{ duplicate: boolean; idempotencyKey: string }> {
  const { tenantDb } = await import("../db/tenant_db.ts");
  const result = resultSchema.parse(unwrap(
    await tenantDb(event.tenantId, supabase).rpc("check_event_processed", {
      p_provider_message_id: event.providerMessageId,
      p_event_type: event.eventType,
      p_campaign_id: (event.campaignId ?? null) as string,
      p_occurred_at: (event.occurredAt ?? null) as string,
    }),
  ));
  return { duplicate: result.duplicate, idempotencyKey: result.idempotency_key };
}
