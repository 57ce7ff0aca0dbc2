import type { PostgrestClient, PostgrestFilterBuilder, PostgrestQueryBuilder } from "@supabase/postgrest-js";
import type { Database } from "./database.types.ts";
import { type HubClient, hubClient } from "./clients.ts";

type Schema = Database["public"];
type Tables = Schema["Tables"];
type Functions = Schema["Functions"];
type PostgrestOptions = { PostgrestVersion: "12" };

/** Tables whose every row names its tenant. Others are not offered. */
export type TenantTable = {
  [Name in keyof Tables]: Tables[Name]["Row"] extends { tenant_id: string } ? Name : never;
}[keyof Tables];

/** Functions that take the tenant. */
export type TenantFunction = {
  [Name in keyof Functions]: Functions[Name]["Args"] extends { p_tenant_id: string } ? Name : never;
}[keyof Functions];

type Query<Name extends TenantTable> = PostgrestQueryBuilder<
  PostgrestOptions,
  Schema,
  Tables[Name],
  Name,
  Tables[Name]["Relationships"]
>;

/** The result of a write: rows only after a further `.select(...)`. */
type Write<Name extends TenantTable, Method extends string> = PostgrestFilterBuilder<
  PostgrestOptions,
  Schema,
  Tables[Name]["Row"],
  null,
  Name,
  Tables[Name]["Relationships"],
  Method
>;

type Call<Name extends TenantFunction> = PostgrestFilterBuilder<
  PostgrestOptions,
  Schema,
  Record<string, unknown>,
  Functions[Name]["Returns"],
  Name,
  null,
  "RPC"
>;

/** One table of one tenant. */
export interface TenantTableDb<Name extends TenantTable> {
  /** `select columns from table where tenant_id = ...`; add filters to what comes back. */
  select: Query<Name>["select"];
  insert(row: Omit<Tables[Name]["Insert"], "tenant_id">): Write<Name, "POST">;
  update(values: Omit<Tables[Name]["Update"], "tenant_id">): Write<Name, "PATCH">;
  delete(): Write<Name, "DELETE">;
}

/** The database as one tenant. */
export interface TenantDb {
  readonly tenantId: string;
  from<Name extends TenantTable>(table: Name): TenantTableDb<Name>;
  rpc<Name extends TenantFunction>(
    name: Name,
    args: Omit<Functions[Name]["Args"], "p_tenant_id">,
  ): Call<Name>;
}

/**
 * The database as one tenant, with the rights of the service, or of a user when their client is given: the tenant is put
 * on every read and every write, and there is no way to a table without it. Row level security (for a user's client) is
 * the second wall, not the first.
 *
 * The types are written out instead of derived from calls: derived ones cost the compiler minutes.
 *
 * @throws {TypeError} when the tenant is empty: a query without a tenant must not exist.
 */
export function tenantDb(tenantId: string, client: HubClient = hubClient()): TenantDb {
  if (!tenantId) throw new TypeError("A tenant database needs a tenant");
  const untyped = client as PostgrestClient;
  const from = (table: string) => ({
    select: (columns?: string, options?: { head?: boolean; count?: "exact" }) =>
      untyped.from(table).select(columns, options).eq("tenant_id", tenantId),
    insert: (row: object) => untyped.from(table).insert({ ...row, tenant_id: tenantId }),
    update: (values: object) =>
      untyped.from(table).update({ ...values, tenant_id: undefined }).eq("tenant_id", tenantId),
    delete: () => untyped.from(table).delete().eq("tenant_id", tenantId),
  });
  const rpc = (name: string, args: object) => untyped.rpc(name, { ...args, p_tenant_id: tenantId });
  return { tenantId, from, rpc } as TenantDb;
}
