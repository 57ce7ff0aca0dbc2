import { systemClock } from "../clock.ts";
import type { Store } from "../db/store.ts";
import type { Logger } from "../log.ts";
import type { OAuthProvider, StoredSecrets, StoredTokens } from "../providers/oauth_provider.ts";
import { refreshTokens, type Send } from "../providers/oauth_requests.ts";
import { ProviderError } from "../providers/provider_error.ts";
import { finishTokenRefresh, type StoredConnector } from "./token_lease.ts";

/** Everything a refresh needs, the right to do it included. */
export interface Refresh {
  store: Store;
  connector: StoredConnector;
  provider: OAuthProvider;
  stored: StoredSecrets;
  leaseToken: string;
  log: Logger;
  send: Send;
}

/** Every grant is used at least so often: providers drop those that nobody uses. */
const IDLE_MS = 24 * 3_600_000;
/** Tokens that something reads without refreshing are renewed so long before they end. */
const FRESH_MS = 10 * 60_000;

/**
 * Asks the provider and stores what it says, with nothing between the two: an answer that brings another refresh token
 * makes the stored one worthless. Answers the new credentials, or null when the lease was somebody else's by then.
 *
 * @throws {ProviderError} as the provider answered; the failure is recorded.
 */
export async function refreshUnderLease(refresh: Refresh): Promise<StoredSecrets | null> {
  const { store, connector, provider, leaseToken, log } = refresh;
  let secrets: StoredSecrets;
  try {
    secrets = await askedFor(refresh);
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    const outcome = error.errorClass === "reconnect_needed" ? "refused" : "failed";
    const isOurs = await finishTokenRefresh(store, connector, leaseToken, { outcome, error: error.message });
    log.warn("tokens were not refreshed", {
      tenant_id: connector.tenantId,
      provider: provider.type,
      reason: `${error.errorClass} ${error.providerCode ?? ""}`.trim(),
    });
    // With a refresh token that somebody else has used meanwhile a refusal says nothing.
    if (!isOurs) return null;
    throw error;
  }
  const tokens = provider.tokensOf(secrets)!;
  const isOurs = await finishTokenRefresh(store, connector, leaseToken, {
    outcome: "refreshed",
    secret: JSON.stringify(secrets),
    expiresAt: tokens.expiresAtMs === null ? null : new Date(tokens.expiresAtMs).toISOString(),
    refreshDueAt: refreshDueAt(provider, tokens),
  });
  if (isOurs) log.debug("tokens were refreshed", { tenant_id: connector.tenantId, provider: provider.type });
  return isOurs ? secrets : null;
}

async function askedFor({ provider, stored, send }: Refresh): Promise<StoredSecrets> {
  const client = provider.client();
  if (client === null) {
    throw new ProviderError(
      "misconfigured",
      `This installation has no OAuth app at ${provider.title} any more; its operator sets ${
        provider.clientVariables.join(" and ")
      }.`,
    );
  }
  const { refreshToken } = provider.tokensOf(stored)!;
  const answer = await refreshTokens(provider, client, send, refreshToken!);
  return provider.renewed(stored, answer, systemClock.nowMs());
}

/** When upkeep refreshes them though nobody asks, as ISO 8601; null = it cannot. */
export function refreshDueAt(provider: OAuthProvider, tokens: StoredTokens): string | null {
  if (tokens.refreshToken === null) return null;
  const idleMs = systemClock.nowMs() + IDLE_MS;
  const dueMs = provider.keepsFresh && tokens.expiresAtMs !== null
    ? Math.min(idleMs, tokens.expiresAtMs - FRESH_MS)
    : idleMs;
  return new Date(dueMs).toISOString();
}
