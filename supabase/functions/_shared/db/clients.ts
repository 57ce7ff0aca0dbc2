import { createAdminClient, createContextClient } from "@supabase/server/core";
import type { SupabaseClient } from "@supabase/supabase-js";
import type { Database } from "./database.types.ts";

/** A supabase-js client of this schema. */
export type HubClient = SupabaseClient<Database>;

let serviceClient: HubClient | undefined;

/**
 * The client with the rights of the service, one per process. It bypasses row level security: tenant data is read and
 * written through `tenantDb`, which puts the tenant on every query; this client itself serves the RPCs that hand out
 * work of all tenants.
 */
export function hubClient(): HubClient {
  serviceClient ??= createAdminClient<Database>();
  return serviceClient;
}

/** What a user's client carries besides the token: the tenant and org the request named. */
export interface UserScope {
  tenantId: string | null;
  orgId: string | null;
  requestId: string;
}

/** A client with the rights of a signed-in user; every query passes row level security. */
export function userClient(token: string, scope: UserScope): HubClient {
  const headers: Record<string, string> = { "x-request-id": scope.requestId };
  if (scope.tenantId !== null) headers["x-workspace-id"] = scope.tenantId;
  if (scope.orgId !== null) headers["x-org-id"] = scope.orgId;
  return createContextClient<Database>({
    auth: { token },
    supabaseOptions: { global: { headers } },
  });
}
