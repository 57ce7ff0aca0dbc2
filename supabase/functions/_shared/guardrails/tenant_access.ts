import type { HubClient } from "../db/clients.ts";
import { unwrap } from "../db/unwrap.ts";
import { InterlockError } from "../errors/interlock_error.ts";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/**
 * Makes sure that a call names a tenant its client may act for: with a user's client one the user is a member of, with
 * the service's client one that exists.
 *
 * @throws {InterlockError} MISSING_TENANT_ID (400) without a tenant, TENANT_NOT_FOUND (404) otherwise.
 */
export async function validateTenantAccess(
  supabase: HubClient,
  tenantId: string | null | undefined,
): Promise<{ tenantId: string }> {
  if (!tenantId) throw new InterlockError("MISSING_TENANT_ID", "Name a workspace.");
  const tenant = UUID.test(tenantId)
    ? unwrap(await supabase.from("tenants").select("id").eq("id", tenantId).maybeSingle())
    : null;
  if (tenant === null) throw new InterlockError("TENANT_NOT_FOUND", "This workspace does not exist.");
  return { tenantId: tenant.id };
}
