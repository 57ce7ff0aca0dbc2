import { hubStore } from "../_shared/db/store.ts";
import { environment } from "../_shared/env.ts";
import { faultPoint } from "../_shared/fault_point.ts";
import { InterlockError } from "../_shared/guardrails.ts";
import type { HandlerContext } from "../_shared/http/route.ts";
import { AccountCache, type AccountTarget } from "../_shared/inbound/account_cache.ts";
import type { StoredReceipt } from "../_shared/inbound/receipt_batcher.ts";
import { UnknownAccountTally } from "../_shared/inbound/unknown_account_tally.ts";
import { type PlacedElement, wantedElements } from "../_shared/inbound/wanted_elements.ts";
import { appByRequest, appOf, appUrl } from "../_shared/providers/apps.ts";
import type { AccountShare, WebhookApp } from "../_shared/providers/webhook_app.ts";
import type { SignedRequest, WebhookKey } from "../_shared/providers/webhook_scheme.ts";
import {
  BODY_LIMIT_BYTES,
  KEYS_TRIED,
  limiter,
  notVerified,
  signedRequest,
  storeReceipt,
  tally,
} from "./receive.ts";

/** What an account's identifier can be; link_connector_account takes no other. */
const ACCOUNT_ID = /^[!-~]{1,200}$/;

const accounts = new AccountCache(hubStore());
const unknown = new UnknownAccountTally(hubStore());
const dummySecrets = new Map<WebhookApp, string>();

/** A request of an app that has verified. */
interface Verified {
  context: HandlerContext;
  provider: string;
  app: WebhookApp;
  /** Every key of the app: what they are made of must not be stored. */
  keys: WebhookKey[];
  request: SignedRequest;
}

/** What became of an account's share. */
interface Delivered {
  outcome: "stored" | "duplicate" | "filtered" | "unknown" | "limited";
  receiptId: string | null;
  retryAfterMs: number;
}

/**
 * `POST /app/{provider}`: the news of many accounts, signed with the app's secret. Each account's share becomes a receipt
 * of the tenant that connected it. Answered is 200 only when every share is stored, known, unwanted or nobody's: else the
 * provider sends all of it again, and what is stored already is known then.
 */
export async function receiveApp(context: HandlerContext): Promise<Response> {
  const body = await context.rawBody.bytes(BODY_LIMIT_BYTES);
  const provider = context.params.provider ?? "";
  const request = signedRequest(context.request, appUrl(provider), body);
  const verified = { context, provider, request, ...await authenticate(provider, request) };
  const answer = verified.app.scheme.handshake?.(request);
  if (answer) {
    context.log.info("app address checked", { provider });
    return answer;
  }
  await faultPoint("receive.verified");
  const shares = await verified.app.shares(request);
  const targets = await accounts.resolve(
    provider,
    shares.flatMap(({ accountId }) => isAccountId(accountId) ? [accountId] : []),
  );
  const retryAfterMs = waitOf([...targets.values()]);
  const delivered = await settled(shares.map((share) => {
    const target = targets.get(share.accountId ?? "") ?? null;
    return deliver(verified, share, target, target ? retryAfterMs.get(target.webhookId) ?? 0 : 0);
  }));
  await faultPoint("receive.stored");
  return answered(delivered);
}

/**
 * The app of a provider, once one of its secrets has verified the request. An unknown provider, one without a secret and a
 * bad signature take the same steps and get the same answer.
 */
async function authenticate(
  provider: string,
  request: SignedRequest,
): Promise<{ app: WebhookApp; keys: WebhookKey[] }> {
  const named = await appOf(provider);
  const app = named ?? await appByRequest(request);
  const secrets = named?.secrets() ?? [];
  const nowMs = Date.now();
  const keys: WebhookKey[] = [];
  let isVerified = false;
  for (const secret of secrets) {
    const key = await app.keyFor(secret, request);
    keys.push(key);
    isVerified ||= await app.scheme.verify(request, key, nowMs);
  }
  if (isVerified) return { app, keys };
  for (let tried = keys.length; tried < KEYS_TRIED; tried++) {
    await app.scheme.verify(request, await app.keyFor(dummySecret(app), request), nowMs);
  }
  throw notVerified();
}

function dummySecret(app: WebhookApp): string {
  const secret = dummySecrets.get(app) ?? app.scheme.generateSecret();
  dummySecrets.set(app, secret);
  return secret;
}

function isAccountId(accountId: string | null): accountId is string {
  return accountId !== null && ACCOUNT_ID.test(accountId);
}

/**
 * After how long each webhook takes more; 0 = it takes this. A request counts once for each webhook and tenant it has
 * news for, however many accounts these are: else one with more accounts than a second allows could never be taken.
 */
function waitOf(targets: AccountTarget[]): Map<string, number> {
  const { INTERLOCK_WEBHOOK_RATE_LIMIT, INTERLOCK_TENANT_RATE_LIMIT } = environment();
  const waits = new Map<string, number>();
  const tenantWaits = new Map<string, number>();
  for (const { webhookId, tenantId, rateLimitPerSecond } of targets) {
    if (waits.has(webhookId)) continue;
    let waitMs = limiter.take(webhookId, rateLimitPerSecond ?? INTERLOCK_WEBHOOK_RATE_LIMIT);
    if (waitMs === 0) {
      waitMs = tenantWaits.get(tenantId) ?? limiter.take(tenantId, INTERLOCK_TENANT_RATE_LIMIT);
      tenantWaits.set(tenantId, waitMs);
    }
    waits.set(webhookId, waitMs);
    if (waitMs > 0) tally.count(webhookId, "limited");
  }
  return waits;
}

/** All of them, also when one failed: what can be stored is stored before the provider is told to send again. */
async function settled(deliveries: Promise<Delivered>[]): Promise<Delivered[]> {
  const results = await Promise.allSettled(deliveries);
  const failed = results.find((result) => result.status === "rejected");
  if (failed) throw failed.reason;
  return results.flatMap((result) => result.status === "fulfilled" ? [result.value] : []);
}

async function deliver(
  verified: Verified,
  share: AccountShare,
  target: AccountTarget | null,
  retryAfterMs: number,
): Promise<Delivered> {
  if (target === null) return passedOver(verified, share);
  if (retryAfterMs > 0) return { outcome: "limited", receiptId: null, retryAfterMs };
  let current = target;
  let wanted = wantedElements(share.elements, current.eventTypes);
  let stored = await storeShare(verified, share, current, wanted);
  if (stored.outcome === "stale") {
    const changed = await accounts.refresh(verified.provider, share.accountId!);
    if (changed === null) return passedOver(verified, share);
    current = changed;
    wanted = wantedElements(share.elements, current.eventTypes);
    stored = await storeShare(verified, share, current, wanted);
  }
  if (stored.outcome === "stale") {
    throw new InterlockError("UNAVAILABLE", "A connector is being changed; send this again.", {
      retryAfterMs: 1000,
    });
  }
  tally.count(current.webhookId, "filtered", share.elements.length - wanted.length);
  const outcome = wanted.length === 0 ? "filtered" : stored.outcome;
  if (outcome === "duplicate") tally.count(current.webhookId, "duplicates");
  verified.context.log.info("webhook received", {
    tenant_id: current.tenantId,
    webhook_id: current.webhookId,
    provider: verified.provider,
    receipt_id: stored.receipt_id ?? undefined,
    reason: outcome,
  });
  return { outcome, receiptId: stored.receipt_id, retryAfterMs: 0 };
}

function storeShare(
  { context, app, keys, request }: Verified,
  { body }: AccountShare,
  target: AccountTarget,
  wanted: PlacedElement[],
): Promise<StoredReceipt> {
  return storeReceipt(
    context,
    target,
    { scheme: app.scheme, keys },
    { headers: request.headers, body },
    wanted,
  );
}

function passedOver({ context, provider }: Verified, { accountId, elements }: AccountShare): Delivered {
  unknown.count(provider, isAccountId(accountId) ? accountId : "", elements.length);
  context.log.info("webhook of an unknown account", { provider, count: elements.length });
  return { outcome: "unknown", receiptId: null, retryAfterMs: 0 };
}

/** @throws {InterlockError} RATE_LIMITED when a share has to come again; the others are stored. */
function answered(delivered: Delivered[]): Response {
  const retryAfterMs = Math.max(0, ...delivered.map((share) => share.retryAfterMs));
  if (retryAfterMs > 0) {
    throw new InterlockError("RATE_LIMITED", "Too many requests; send this again later.", { retryAfterMs });
  }
  const outcomes = new Set(delivered.map(({ outcome }) => outcome));
  return Response.json({
    success: true,
    duplicate: outcomes.has("duplicate") && !outcomes.has("stored"),
    receipt_ids: delivered.flatMap(({ receiptId }) => receiptId ?? []),
    unknown_accounts: delivered.filter(({ outcome }) => outcome === "unknown").length,
  });
}
