import type { HubClient } from "../db/clients.ts";
import { unwrap } from "../db/unwrap.ts";
import { InterlockError } from "../errors/interlock_error.ts";

/**
 * Makes sure that a campaign belongs to the tenant. One of another tenant and one that does not exist look alike.
 *
 * @throws {InterlockError} MISSING_TENANT_ID (400) without a tenant, INVALID_CAMPAIGN_TENANT (404) otherwise.
 */
export async function validateCampaignOwnership(
  supabase: HubClient,
  campaignId: string,
  tenantId: string | null | undefined,
): Promise<{ campaignId: string; tenantId: string }> {
  if (!tenantId) throw new InterlockError("MISSING_TENANT_ID", "Name a workspace.");
  const isUuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(campaignId);
  const { tenantDb } = await import("../db/tenant_db.ts");
  const campaign = isUuid
    ? unwrap(
      await tenantDb(tenantId, supabase).from("cmo_campaigns").select("id").eq("id", campaignId)
        .maybeSingle(),
    )
    : null;
  if (campaign === null) {
    throw new InterlockError("INVALID_CAMPAIGN_TENANT", "This campaign does not exist in the workspace.");
  }
  return { campaignId, tenantId };
}
