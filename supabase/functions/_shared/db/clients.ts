import { PostgrestClient } from "@supabase/postgrest-js";
import { resolveEnv } from "@supabase/server/core";
import type { Database } from "./database.types.ts";

/** What typed queries assume of PostgREST; the same as in supabase-js. */
type PostgrestOptions = { PostgrestVersion: "12" };

/**
 * Queries and calls of this schema. A supabase-js client is one too; ours are made of its query builder alone, because
 * sign-in, storage and realtime would be 0.8 MB of every function, and a user's client is made for every request.
 */
export type HubClient = Pick<PostgrestClient<Database, PostgrestOptions, "public">, "from" | "rpc">;

let serviceClient: HubClient | undefined;

/**
 * The client with the rights of the service, one per process. It bypasses row level security: tenant data is read and
 * written through `tenantDb`, which puts the tenant on every query; this client itself serves the RPCs that hand out
 * work of all tenants.
 */
export function hubClient(): HubClient {
  serviceClient ??= clientWith("secretKeys", {});
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
  const headers: Record<string, string> = {
    authorization: `Bearer ${token}`,
    "x-request-id": scope.requestId,
  };
  if (scope.tenantId !== null) headers["x-workspace-id"] = scope.tenantId;
  if (scope.orgId !== null) headers["x-org-id"] = scope.orgId;
  return clientWith("publishableKeys", headers);
}

/** A client with the default key of a kind. @throws {Error} when the platform's variables are missing. */
function clientWith(kind: "secretKeys" | "publishableKeys", headers: Record<string, string>): HubClient {
  const { data: platform, error } = resolveEnv();
  if (error) throw error;
  const keys = platform[kind];
  const apikey = keys.default ?? Object.values(keys)[0];
  if (!apikey) {
    throw new TypeError(`This project has no ${kind === "secretKeys" ? "secret" : "publishable"} key`);
  }
  return new PostgrestClient<Database, PostgrestOptions, "public">(
    `${platform.url.replace(/\/+$/, "")}/rest/v1`,
    { headers: { ...headers, apikey } },
  );
}
