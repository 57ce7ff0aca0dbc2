import { validSecrets } from "../_shared/connectors/access_tokens.ts";
import { hubStore } from "../_shared/db/store.ts";
import { sendRequest } from "../_shared/guardrails.ts";
import { errorFields, type Logger } from "../_shared/log.ts";
import type { StoredSecrets } from "../_shared/providers/oauth_provider.ts";
import { oauthProviderOf } from "../_shared/providers/oauth_providers.ts";
import { revokeTokens } from "../_shared/providers/oauth_requests.ts";

/** A grant to revoke, as claim_oauth_revocations hands it out. */
interface Revocation {
  id: string;
  tenant_id: string;
  provider: string;
  secret: string | null;
  is_granted_elsewhere: boolean;
}

/** A connector whose tokens upkeep refreshes, as claim_due_token_refreshes hands it out. */
interface DueConnector {
  tenant_id: string;
  connector_id: string;
  type: string;
  secret_ref: string;
}

const REVOCATIONS_AT_ONCE = 20;
const REFRESHES_AT_ONCE = 4;
const MAX_REFRESHES = 200;
/** The platform gives an invocation 150 s; what is left waits for the next minute. */
const MAX_WALL_MS = 60_000;

let running: Promise<void> | undefined;

/** Starts a round of upkeep, unless one is running in this process. */
export function upkeep(log: Logger): { state: "started" | "running"; work: Promise<void> } {
  if (running) return { state: "running", work: running };
  running = round(log).catch((error) => log.error("upkeep stopped", errorFields(error))).finally(() => {
    running = undefined;
  });
  return { state: "started", work: running };
}

async function round(log: Logger): Promise<void> {
  const deadlineMs = Date.now() + MAX_WALL_MS;
  await revokeDue(log);
  await refreshDue(log, deadlineMs);
}

/**
 * Revokes grants that ended, or one of them; fails soft: what the provider does not hear is tried again by the schedule.
 * Answers the ids of those that are revoked now.
 */
export async function revokeDue(log: Logger, revocationId?: string): Promise<string[]> {
  try {
    const due = await hubStore().call<Revocation[]>("claim_oauth_revocations", {
      p_limit: REVOCATIONS_AT_ONCE,
      p_revocation_id: revocationId ?? null,
    });
    const revoked = await Promise.all(due.map((one) => revoke(one, log)));
    return due.filter((_, index) => revoked[index]).map(({ id }) => id);
  } catch (error) {
    log.warn("revocations wait for the schedule", errorFields(error));
    return [];
  }
}

async function revoke(revocation: Revocation, log: Logger): Promise<boolean> {
  const fields = { tenant_id: revocation.tenant_id, provider: revocation.provider };
  const provider = await oauthProviderOf(revocation.provider);
  const client = provider?.client();
  const tokens = provider && revocation.secret !== null
    ? provider.tokensOf(JSON.parse(revocation.secret) as StoredSecrets)
    : null;
  // Of what is used elsewhere only our copy goes.
  const mayRevoke = provider && tokens && !revocation.is_granted_elsewhere;
  let isDone = !mayRevoke;
  let isRevoked = false;
  if (mayRevoke && client) {
    try {
      await revokeTokens(provider, client, sendRequest, tokens);
      isDone = isRevoked = true;
    } catch (error) {
      log.warn("a grant was not revoked", { ...fields, ...errorFields(error) });
    }
  }
  await hubStore().call("finish_oauth_revocation", { p_revocation_id: revocation.id, p_is_done: isDone });
  log.info("a grant ended", {
    ...fields,
    reason: isRevoked ? "revoked" : isDone ? "kept elsewhere" : "not revoked",
  });
  return isRevoked;
}

async function refreshDue(log: Logger, deadlineMs: number): Promise<void> {
  const due = await hubStore().call<DueConnector[]>("claim_due_token_refreshes", { p_limit: MAX_REFRESHES });
  const work = async () => {
    for (let next = due.shift(); next && Date.now() < deadlineMs; next = due.shift()) {
      const { tenant_id: tenantId, connector_id: connectorId, type, secret_ref: secretRef } = next;
      try {
        await validSecrets({ tenantId, connectorId, type, secretRef }, { anyway: true, log });
      } catch (error) {
        log.info("tokens were not refreshed", { tenant_id: tenantId, provider: type, ...errorFields(error) });
      }
    }
  };
  await Promise.all(Array.from({ length: REFRESHES_AT_ONCE }, work));
}
