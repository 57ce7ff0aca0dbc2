import type { Store } from "../db/store.ts";
import { InterlockError } from "../errors/interlock_error.ts";
import { systemClock } from "../clock.ts";

/** A connector whose credentials lie in Vault. */
export interface StoredConnector {
  tenantId: string;
  connectorId: string;
  type: string;
  secretRef: string;
}

/** What the database says to whoever wants to refresh. */
export type LeaseAnswer =
  | { state: "granted"; lease_token: string }
  /** Somebody has refreshed them: these are the credentials now. */
  | { state: "changed"; secret: string }
  | { state: "busy" }
  | { state: "cooling"; retry_in_ms: number }
  | { state: "exhausted" }
  | { state: "gone" };

/** What became of a refresh. */
export type RefreshOutcome =
  | { outcome: "refreshed"; secret: string; expiresAt: string | null; refreshDueAt: string | null }
  | { outcome: "failed" | "refused"; error: string };

/**
 * How long others wait for whoever refreshes: the request's 10 s, and the rest for storing what it brought. One that is
 * slower may still store it, as long as nobody else has begun.
 */
const LEASE_MS = 30_000;
/** Tokens that came and are not stored are lost, and with them maybe the grant: this takes a minute and a half. */
const STORE_WAITS_MS = [100, 300, 1000, 3000, 10_000, 15_000, 30_000, 30_000];

/** Asks for the right to refresh credentials that were last seen as `seenHash` says. */
export async function beginTokenRefresh(
  store: Store,
  { tenantId, connectorId, secretRef }: StoredConnector,
  seenHash: string,
): Promise<LeaseAnswer> {
  return await store.call<LeaseAnswer>("begin_token_refresh", {
    p_tenant_id: tenantId,
    p_connector_id: connectorId,
    p_secret_ref: secretRef,
    p_seen_hash: seenHash,
    p_lease_ms: LEASE_MS,
  });
}

/**
 * Says what became of it, again and again while the database is away. Answers whether the lease was still ours: if not,
 * nothing was changed, be it that somebody else took over or that an earlier try of ours arrived.
 *
 * @throws {InterlockError} UNAVAILABLE when the database stays away.
 */
export async function finishTokenRefresh(
  store: Store,
  { tenantId, connectorId }: StoredConnector,
  leaseToken: string,
  result: RefreshOutcome,
): Promise<boolean> {
  const isNews = result.outcome === "refreshed";
  const call = () =>
    store.call<boolean>("finish_token_refresh", {
      p_tenant_id: tenantId,
      p_connector_id: connectorId,
      p_lease_token: leaseToken,
      p_outcome: result.outcome,
      p_secret: isNews ? result.secret : null,
      p_expires_at: isNews ? result.expiresAt : null,
      p_refresh_due_at: isNews ? result.refreshDueAt : null,
      p_error: isNews ? null : result.error,
    });
  // What failed is told again by the next one who tries.
  const waitsMs = isNews ? [...STORE_WAITS_MS] : [];
  while (true) {
    try {
      return await call();
    } catch (error) {
      const waitMs = waitsMs.shift();
      if (waitMs === undefined || !(error instanceof InterlockError) || !error.retryable) throw error;
      await systemClock.sleep(waitMs);
    }
  }
}
