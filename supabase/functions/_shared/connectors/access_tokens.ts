import { isDeepStrictEqual } from "node:util";
import { systemClock } from "../clock.ts";
import { hexEncode, utf8Bytes } from "../crypto/encoding.ts";
import { sha256 } from "../crypto/hmac.ts";
import { hubStore, type Store } from "../db/store.ts";
import { sendRequest } from "../guardrails/egress/egress.ts";
import type { Logger } from "../log.ts";
import type { OAuthProvider, StoredSecrets, StoredTokens } from "../providers/oauth_provider.ts";
import { oauthProviderOf } from "../providers/oauth_providers.ts";
import { type Send } from "../providers/oauth_requests.ts";
import { ProviderError } from "../providers/provider_error.ts";
import { keepAlive } from "../runtime.ts";
import { beginTokenRefresh, type LeaseAnswer, type StoredConnector } from "./token_lease.ts";
import { refreshUnderLease } from "./token_refresh.ts";

/** How credentials are wanted. */
export interface SecretsWanted {
  /** What the provider has just refused: only others will do. */
  refused?: unknown;
  /** Whether they are refreshed even though they are good for long. */
  anyway?: boolean;
  log: Logger;
  /** Default: the process's own. */
  store?: Store;
  send?: Send;
}

/** Whoever needs new credentials waits so long for somebody else who fetches them. */
const MAX_WAIT_MS = 20_000;
const POLL_MS = { first: 50, last: 500 };

/** Refreshes under way in this process, by connector: whoever comes meanwhile with the same credentials joins. */
const underWay = new Map<string, { seenHash: string; step: Promise<Step> }>();

/**
 * Credentials of a connector that are valid now, from Vault; those of a grant are refreshed before they end, or when they
 * were refused. One process at a time refreshes those of a connector; tokens that are still good are used meanwhile.
 *
 * @throws {ProviderError} reconnect_needed when there are none that work and nobody can fetch others, transient (or
 * rate_limited, malformed_answer, misconfigured) when they cannot be had now.
 * @throws {InterlockError} UNAVAILABLE when the database is away.
 */
export async function validSecrets(connector: StoredConnector, wanted: SecretsWanted): Promise<unknown> {
  const store = wanted.store ?? hubStore();
  const provider = await oauthProviderOf(connector.type);
  const deadlineMs = systemClock.nowMs() + MAX_WAIT_MS;
  let stored = await readSecrets(store, connector);
  for (let pollMs = POLL_MS.first;; pollMs = Math.min(pollMs * 2, POLL_MS.last)) {
    const tokens = provider?.tokensOf(stored) ?? null;
    const isRefused = wanted.refused !== undefined &&
      isSame(provider, wanted.refused as StoredSecrets, stored);
    if (!provider || !tokens || tokens.refreshToken === null) {
      if (isRefused || hasEnded(tokens)) throw nothingNewer();
      return stored;
    }
    if (!isRefused && !wanted.anyway && !endsWithin(tokens, provider.marginMs)) return stored;
    const mayWait = !isRefused && !hasEnded(tokens);
    const answer = await refreshOnce(store, connector, provider, stored, wanted);
    if (answer.secrets) return answer.secrets;
    if (answer.changed) {
      stored = answer.changed;
      wanted = { ...wanted, anyway: false };
      continue;
    }
    if (mayWait && answer.state !== "exhausted") return stored;
    if (answer.failure) throw answer.failure;
    if (systemClock.nowMs() > deadlineMs) throw stillBusy();
    await systemClock.sleep(pollMs);
  }
}

/** What one look at the lease led to. */
interface Step {
  state: LeaseAnswer["state"];
  /** Fetched just now. */
  secrets?: StoredSecrets;
  /** Somebody else has stored others. */
  changed?: StoredSecrets;
  /** Why there are none. */
  failure?: ProviderError;
}

async function refreshOnce(
  store: Store,
  connector: StoredConnector,
  provider: OAuthProvider,
  stored: StoredSecrets,
  wanted: SecretsWanted,
): Promise<Step> {
  const seenHash = await hashOf(stored);
  const joined = underWay.get(connector.connectorId);
  if (joined?.seenHash === seenHash) return await joined.step;
  const step = stepOf(store, connector, provider, stored, seenHash, wanted);
  const entry = { seenHash, step };
  underWay.set(connector.connectorId, entry);
  const ended = () => underWay.get(connector.connectorId) === entry && underWay.delete(connector.connectorId);
  // What a provider has answered is stored even if the request that asked for it has gone.
  keepAlive(step.then(ended, ended));
  return await step;
}

async function stepOf(
  store: Store,
  connector: StoredConnector,
  provider: OAuthProvider,
  stored: StoredSecrets,
  seenHash: string,
  { log, send = sendRequest }: SecretsWanted,
): Promise<Step> {
  const answer = await beginTokenRefresh(store, connector, seenHash);
  switch (answer.state) {
    case "changed":
      return { state: "changed", changed: parsed(answer.secret) };
    case "cooling":
      return { state: "cooling", failure: coolingDown(answer.retry_in_ms) };
    case "exhausted":
    case "gone":
      return { state: "exhausted", failure: nothingNewer() };
    case "busy":
      return { state: "busy" };
  }
  const leaseToken = answer.lease_token;
  try {
    const secrets = await refreshUnderLease({ store, connector, provider, stored, leaseToken, log, send });
    return secrets ? { state: "granted", secrets } : { state: "busy" };
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    return { state: error.errorClass === "reconnect_needed" ? "exhausted" : "cooling", failure: error };
  }
}

/** Whether credentials are those that were refused: the access token counts, not how they were parsed. */
function isSame(provider: OAuthProvider | undefined, refused: StoredSecrets, stored: StoredSecrets): boolean {
  const [theirs, ours] = [provider?.tokensOf(refused), provider?.tokensOf(stored)];
  return theirs && ours ? theirs.accessToken === ours.accessToken : isDeepStrictEqual(refused, stored);
}

/** The text in Vault is what we write, so that the hash of what was read is the database's too. */
const texts = new WeakMap<StoredSecrets, string>();

async function readSecrets(store: Store, { tenantId, secretRef }: StoredConnector): Promise<StoredSecrets> {
  const text = await store.call<string | null>("read_secret", {
    p_tenant_id: tenantId,
    p_secret_ref: secretRef,
  });
  if (text === null) throw nothingNewer();
  return parsed(text);
}

function parsed(text: string): StoredSecrets {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = null;
  }
  // Our own writing: something else there is no failure of the provider's, but only new credentials mend it.
  if (typeof value !== "object" || value === null) throw nothingNewer();
  texts.set(value as StoredSecrets, text);
  return value as StoredSecrets;
}

async function hashOf(stored: StoredSecrets): Promise<string> {
  return hexEncode(await sha256(utf8Bytes(texts.get(stored) ?? JSON.stringify(stored))));
}

function endsWithin({ expiresAtMs }: StoredTokens, marginMs: number): boolean {
  if (expiresAtMs === null) return false;
  // What is no instant says nothing good.
  return Number.isNaN(expiresAtMs) || expiresAtMs - systemClock.nowMs() < marginMs;
}

function hasEnded(tokens: StoredTokens | null): boolean {
  return tokens !== null && endsWithin(tokens, 0);
}

const nothingNewer = () =>
  new ProviderError("reconnect_needed", "The credentials are not accepted any more; connect again.");

const stillBusy = () =>
  new ProviderError("transient", "New credentials are being fetched and do not come; try again later.", {
    retryAfterMs: 30_000,
  });

const coolingDown = (waitMs: number) =>
  new ProviderError(
    "transient",
    "New credentials could not be fetched just now; it is tried again shortly.",
    {
      retryAfterMs: waitMs,
    },
  );
