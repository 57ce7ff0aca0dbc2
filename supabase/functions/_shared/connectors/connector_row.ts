import type { HubClient } from "../db/clients.ts";
import { tenantDb } from "../db/tenant_db.ts";
import { unwrap } from "../db/unwrap.ts";
import { InterlockError } from "../errors/interlock_error.ts";

/** A connector as it is stored: what is needed to open it. */
export interface ConnectorRow {
  tenantId: string;
  connectorId: string;
  type: string;
  /** As stored; the definition's schema says whether it is still right. */
  config: unknown;
  /** Vault id of its credentials; null = it has none. */
  secretRef: string | null;
}

/** Who wants to use a connector. */
export interface ConnectorUse {
  tenantId: string;
  connectorId: string;
  /** The org the caller is narrowed to; null = all. */
  orgId: string | null;
  /** Only this type; another one is not found. */
  type?: string;
  /** false = one that is not active will do as well, for a test. Default: it must be active. */
  isInUse?: boolean;
}

/**
 * Reads a connector that the caller may use: one of their tenant, of their org or of all orgs, with the service's rights.
 *
 * @throws {InterlockError} NOT_FOUND; CONNECTOR_INACTIVE or RECONNECT_NEEDED when it is not in use.
 */
export async function usableConnector(use: ConnectorUse, client?: HubClient): Promise<ConnectorRow> {
  const db = tenantDb(use.tenantId, client);
  const row = unwrap(
    await db.from("integration_connectors").select("type, org_id, status, config, secret_ref, last_error")
      .eq("id", use.connectorId).maybeSingle(),
  );
  const isVisible = row !== null && (row.org_id === null || use.orgId === null || row.org_id === use.orgId);
  if (!isVisible) throw new InterlockError("NOT_FOUND", "This connector does not exist.");
  if (use.type !== undefined && row.type !== use.type) {
    throw new InterlockError("NOT_FOUND", `This connector is one of ${row.type}, not of ${use.type}.`);
  }
  if (use.isInUse !== false) refuseUnusable(row.status, row.last_error);
  return {
    tenantId: use.tenantId,
    connectorId: use.connectorId,
    type: row.type,
    config: row.config,
    secretRef: row.secret_ref,
  };
}

/** @throws {InterlockError} when a connector is not active. */
export function refuseUnusable(status: string, lastError: string | null): void {
  if (status === "active") return;
  if (status === "error") {
    throw new InterlockError(
      "RECONNECT_NEEDED",
      lastError ?? "The connector does not work; connect it again.",
    );
  }
  throw new InterlockError("CONNECTOR_INACTIVE", "The connector is not active; activate it first.");
}
