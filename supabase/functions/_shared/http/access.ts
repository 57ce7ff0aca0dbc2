import { verifyAuth } from "@supabase/server/core";
import * as z from "zod";
import { type HubClient, userClient } from "../db/clients.ts";
import { type TenantDb, tenantDb } from "../db/tenant_db.ts";
import { unwrap } from "../db/unwrap.ts";
import { InterlockError } from "../errors/interlock_error.ts";

/**
 * Who may call a route: anybody, a signed-in user, a machine with the secret key named "hub", or either of the last two.
 */
export type RouteAuth = "public" | "user" | "service" | "user_or_service";

/** What a permission of a role is called. */
export type Permission =
  | "integrations.read"
  | "integrations.manage"
  | "deliveries.read"
  | "deliveries.replay"
  | "webhooks.read"
  | "webhooks.manage"
  | "webhooks.reveal"
  | "connectors.read"
  | "connectors.manage"
  | "connectors.sync"
  | "crm.read"
  | "crm.write"
  | "override.decide"
  | "members.manage"
  | "audit.read";

/** A signed-in user within the tenant (and org) their request resolved to. */
export interface UserAccess {
  userId: string;
  tenantId: string;
  role: string;
  permissions: string[];
  /** The org this request is narrowed to; null = all orgs of the tenant. */
  orgId: string | null;
  /** The tenant's rows with the user's rights: every read passes row level security. */
  db: TenantDb;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
/** No tenant and no org has it. */
const NIL_UUID = "00000000-0000-0000-0000-000000000000";

const accessSchema = z.object({
  tenant_id: z.string(),
  role: z.string(),
  permissions: z.array(z.string()),
  org_id: z.string().nullable(),
  org_exists: z.boolean(),
}).nullable();

/** What a route asks of its caller. */
export interface AccessRule {
  permission?: Permission;
  /** "required" = an org must be known, by membership or X-Org-Id. */
  org?: "required" | "optional";
}

/**
 * Verifies a caller's token and resolves tenant, role and org in one database call.
 *
 * @throws {InterlockError} UNAUTHENTICATED, MISSING_TENANT_ID, TENANT_NOT_FOUND, FORBIDDEN, MISSING_ORG_ID,
 * NOT_FOUND (an org that is not of this tenant), in this order.
 */
export async function resolveUserAccess(
  request: Request,
  requestId: string,
  rule: AccessRule,
): Promise<UserAccess> {
  const auth = await verify(request, "user");
  const namedTenant = idOrNobodys(
    request.headers.get("x-workspace-id") || new URL(request.url).searchParams.get("workspaceId"),
  );
  const namedOrg = idOrNobodys(request.headers.get("x-org-id"));
  const client: HubClient = userClient(auth.token, { tenantId: namedTenant, orgId: namedOrg, requestId });
  const access = accessSchema.parse(unwrap(await client.rpc("current_access")));
  if (access === null) {
    if (namedTenant !== null) throw new InterlockError("TENANT_NOT_FOUND", "This workspace does not exist.");
    throw new InterlockError("MISSING_TENANT_ID", "Name a workspace in the x-workspace-id header.");
  }
  if (rule.permission && !access.permissions.includes(rule.permission)) {
    throw new InterlockError("FORBIDDEN", `Your role does not have the permission "${rule.permission}".`);
  }
  if (access.org_id === null && rule.org === "required") {
    throw new InterlockError("MISSING_ORG_ID", "Name an org in the x-org-id header.");
  }
  if (!access.org_exists) throw new InterlockError("NOT_FOUND", "This org does not exist.");
  return {
    userId: auth.userId,
    tenantId: access.tenant_id,
    role: access.role,
    permissions: access.permissions,
    orgId: access.org_id,
    db: tenantDb(access.tenant_id, client),
  };
}

/** What is no uuid names nothing. It goes no further: PostgREST drops requests whose headers it cannot hold. */
function idOrNobodys(named: string | null): string | null {
  if (!named) return null;
  return UUID.test(named) ? named : NIL_UUID;
}

/** Whoever stands behind a call to a route that both people and machines may call. */
export interface Caller {
  tenantId: string;
  /** The signed-in user; null = a machine. */
  userId: string | null;
  /** The org the call is narrowed to; null = all orgs of the tenant. */
  orgId: string | null;
}

/**
 * The caller of a `user_or_service` route: a machine names the tenant in the body, a user by their membership.
 *
 * @throws {InterlockError} MISSING_TENANT_ID, and TENANT_NOT_FOUND for a user whose body names another tenant.
 */
export function callerOf(access: UserAccess | undefined, body: { tenant_id?: string }): Caller {
  if (access === undefined) {
    if (!body.tenant_id) throw new InterlockError("MISSING_TENANT_ID", "Name a workspace in tenant_id.");
    return { tenantId: body.tenant_id, userId: null, orgId: null };
  }
  if (body.tenant_id !== undefined && body.tenant_id !== access.tenantId) {
    throw new InterlockError("TENANT_NOT_FOUND", "This workspace does not exist.");
  }
  return { tenantId: access.tenantId, userId: access.userId, orgId: access.orgId };
}

/** Whether a request comes with the credentials of a person. What has neither kind is refused as one. */
export function isFromPerson(request: Request): boolean {
  return !request.headers.get("apikey")?.startsWith("sb_secret_");
}

/**
 * Lets only a machine with the secret key named "hub" pass.
 *
 * @throws {InterlockError} UNAUTHENTICATED.
 */
export async function requireService(request: Request): Promise<void> {
  await verify(request, "secret:hub");
}

async function verify(
  request: Request,
  mode: "user" | "secret:hub",
): Promise<{ token: string; userId: string }> {
  const { data, error } = await verifyAuth(request, { auth: mode });
  if (error) {
    if (error.status >= 500) {
      throw new InterlockError("UNAVAILABLE", "Sign-in cannot be checked right now.", {
        cause: error,
        retryAfterMs: 5000,
      });
    }
    throw new InterlockError("UNAUTHENTICATED", "Sign in first: the credentials are missing or not valid.");
  }
  if (mode === "user" && (!data.userClaims?.id || data.userClaims.role !== "authenticated")) {
    throw new InterlockError("UNAUTHENTICATED", "Sign in first: the token is not one of a user.");
  }
  return { token: data.token ?? "", userId: data.userClaims?.id ?? "" };
}
