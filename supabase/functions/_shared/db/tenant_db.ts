import type { Database } from "./database.types.ts";
import { type HubClient, hubClient } from "./clients.ts";

type Tables = Database["public"]["Tables"];
type Functions = Database["public"]["Functions"];

/** Tables whose every row names its tenant. Others are not offered. */
export type TenantTable = {
  [Name in keyof Tables]: Tables[Name]["Row"] extends { tenant_id: string } ? Name : never;
}[keyof Tables];

/** Functions that take the tenant. */
export type TenantFunction = {
  [Name in keyof Functions]: Functions[Name]["Args"] extends { p_tenant_id: string } ? Name : never;
}[keyof Functions];

type WithoutTenant<T> = Omit<T, "tenant_id">;

/**
 * The database as one tenant: the tenant is put on every read and every write, and there is no way to a table
 * without it. Row level security (for a user's client) is the second wall, not the first.
 */
export interface TenantDb {
  readonly tenantId: string;
  /** `select columns from table where tenant_id = ...`; add filters to what comes back. */
  select<Name extends TenantTable, const Columns extends string>(
    table: Name,
    columns: Columns,
  ): ReturnType<ReturnType<typeof selectOf<Name, Columns>>["eq"]>;
  insert<Name extends TenantTable>(
    table: Name,
    row: WithoutTenant<Tables[Name]["Insert"]>,
  ): ReturnType<typeof insertOf<Name>>;
  update<Name extends TenantTable>(
    table: Name,
    values: WithoutTenant<Tables[Name]["Update"]>,
  ): ReturnType<ReturnType<typeof updateOf<Name>>["eq"]>;
  delete<Name extends TenantTable>(table: Name): ReturnType<ReturnType<typeof deleteOf<Name>>["eq"]>;
  rpc<Name extends TenantFunction>(
    name: Name,
    args: Omit<Functions[Name]["Args"], "p_tenant_id">,
  ): ReturnType<typeof rpcOf<Name>>;
}

function selectOf<Name extends TenantTable, const Columns extends string>(
  client: HubClient,
  table: Name,
  columns: Columns,
) {
  return client.from(table).select(columns);
}
function insertOf<Name extends TenantTable>(client: HubClient, table: Name, row: Tables[Name]["Insert"]) {
  return client.from(table).insert(row as never);
}
function updateOf<Name extends TenantTable>(client: HubClient, table: Name, values: Tables[Name]["Update"]) {
  return client.from(table).update(values as never);
}
function deleteOf<Name extends TenantTable>(client: HubClient, table: Name) {
  return client.from(table).delete();
}
function rpcOf<Name extends TenantFunction>(client: HubClient, name: Name, args: Functions[Name]["Args"]) {
  return client.rpc(name, args as never);
}

/**
 * The database as one tenant, with the rights of the service, or of a user when their client is given.
 *
 * @throws {TypeError} when the tenant is empty: a query without a tenant must not exist.
 */
export function tenantDb(tenantId: string, client: HubClient = hubClient()): TenantDb {
  if (!tenantId) throw new TypeError("A tenant database needs a tenant");
  return {
    tenantId,
    select: (table, columns) => selectOf(client, table, columns).eq("tenant_id" as never, tenantId as never),
    insert: (table, row) => insertOf(client, table, { ...row, tenant_id: tenantId } as never),
    update: (table, values) =>
      updateOf(client, table, { ...values, tenant_id: undefined } as never).eq(
        "tenant_id" as never,
        tenantId as never,
      ),
    delete: (table) => deleteOf(client, table).eq("tenant_id" as never, tenantId as never),
    rpc: (name, args) => rpcOf(client, name, { ...args, p_tenant_id: tenantId } as never),
  };
}
