import { timeOrderedId } from "../_shared/crypto/time_ordered_id.ts";
import { hubStore } from "../_shared/db/store.ts";
import { environment, publicFunctionsUrl } from "../_shared/env.ts";
import { faultPoint } from "../_shared/fault_point.ts";
import { InterlockError } from "../_shared/guardrails.ts";
import type { HandlerContext } from "../_shared/http/route.ts";
import { FlightDepth } from "../_shared/inbound/flight_depth.ts";
import { maskedHeaders } from "../_shared/inbound/masked_headers.ts";
import { ReceiptBatcher, type StoredReceipt } from "../_shared/inbound/receipt_batcher.ts";
import { RateLimiter } from "../_shared/inbound/rate_limiter.ts";
import { RequestTally } from "../_shared/inbound/request_tally.ts";
import { type Verifier, VerifierCache } from "../_shared/inbound/verifier_cache.ts";
import { type PlacedElement, wantedElements } from "../_shared/inbound/wanted_elements.ts";
import { isJsonObject, scalarText } from "../_shared/json/lossless.ts";
import { parseJsonBody } from "../_shared/providers/json_body.ts";
import { openAnswer, schemeByRequest } from "../_shared/providers/registry.ts";
import {
  elementType,
  type SignedRequest,
  type WebhookElement,
  type WebhookKey,
  type WebhookScheme,
} from "../_shared/providers/webhook_scheme.ts";

export const BODY_LIMIT_BYTES = 1024 * 1024;
/** As many keys as a webhook has at most. */
export const KEYS_TRIED = 2;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

const verifiers = new VerifierCache(hubStore());
const batcher = new ReceiptBatcher(hubStore(), new FlightDepth(hubStore().parallelCalls));
export const tally = new RequestTally(hubStore());
export const limiter = new RateLimiter();
const dummyKeys = new Map<WebhookScheme, Promise<WebhookKey>>();

/** What a verified request brings, once its sender is known. */
type ElementReader = (verifier: Verifier, request: SignedRequest) => Promise<WebhookElement[]>;

/** `POST /{webhook_id}`: the provider's own request. */
export async function receiveRaw(context: HandlerContext): Promise<Response> {
  const body = await context.rawBody.bytes(BODY_LIMIT_BYTES);
  const webhookId = context.params.webhook_id ?? "";
  const request = signedRequest(context.request, addressOf(webhookId), body);
  const answer = body.length === 0 ? await openAnswer(request) : null;
  return answer ?? await receive(
    context,
    webhookId,
    request,
    (verifier, signed) => verifier.scheme.elements(signed, verifier.settings),
  );
}

/** `GET /{webhook_id}`: a provider asks whether the address is ours. Nothing is stored. */
export async function answerQuestion(context: HandlerContext): Promise<Response> {
  const webhookId = context.params.webhook_id ?? "";
  const request = signedRequest(context.request, addressOf(webhookId), new Uint8Array());
  await authenticate(webhookId, request);
  const { scheme } = await authenticateAnew(webhookId, request);
  const answer = scheme.handshake?.(request);
  if (!answer) throw notVerified();
  return answer;
}

/** `POST /`: {webhook_id, event, data} for senders that can only be given one URL. */
export async function receiveEnvelope(context: HandlerContext): Promise<Response> {
  const body = await context.rawBody.bytes(BODY_LIMIT_BYTES);
  const envelope = parseJsonBody(body);
  const webhookId = isJsonObject(envelope) ? scalarText(envelope.webhook_id) : null;
  const event = isJsonObject(envelope) ? scalarText(envelope.event) : null;
  if (webhookId === null || event === null) {
    throw new InterlockError("VALIDATION_FAILED", "The body names webhook_id and event.");
  }
  const request = signedRequest(context.request, `${publicFunctionsUrl()}/webhook-receiver`, body);
  return await receive(context, webhookId, request, async (verifier, signed) => {
    const [first] = await verifier.scheme.elements(signed, verifier.settings);
    return first ? [{ dedupeKey: first.dedupeKey, type: elementType(event) }] : [];
  });
}

function addressOf(webhookId: string): string {
  return `${publicFunctionsUrl()}/webhook-receiver/${webhookId}`;
}

export function signedRequest(request: Request, url: string, body: Uint8Array<ArrayBuffer>): SignedRequest {
  const query = request.url.indexOf("?");
  const called = query < 0 ? url : url + request.url.slice(query);
  return { method: request.method, url: called, headers: request.headers, body };
}

async function receive(
  context: HandlerContext,
  webhookId: string,
  request: SignedRequest,
  readElements: ElementReader,
): Promise<Response> {
  let verifier = await authenticate(webhookId, request);
  const log = context.log.with({
    tenant_id: verifier.tenantId,
    webhook_id: webhookId,
    provider: verifier.scheme.provider,
  });
  const answer = verifier.scheme.handshake?.(request);
  if (answer) {
    await authenticateAnew(webhookId, request);
    log.info("webhook address checked");
    return answer;
  }
  await faultPoint("receive.verified");
  refuseFlood(verifier);
  let stored = await storeWanted(context, verifier, request, readElements);
  if (stored?.outcome === "stale") {
    verifier = await authenticateAnew(webhookId, request);
    stored = await storeWanted(context, verifier, request, readElements);
  }
  if (stored === null) {
    log.info("webhook received", { reason: "filtered" });
    return acknowledged(verifier, false, null);
  }
  if (stored.outcome === "stale" || stored.receipt_id === null) {
    throw new InterlockError("UNAVAILABLE", "The webhook is being changed; send this again.", {
      retryAfterMs: 1000,
    });
  }
  await faultPoint("receive.stored");
  log.info("webhook received", { receipt_id: stored.receipt_id, reason: stored.outcome });
  if (stored.outcome === "duplicate") tally.count(verifier.webhookId, "duplicates");
  return acknowledged(verifier, stored.outcome === "duplicate", stored.receipt_id);
}

/**
 * Only who can sign is counted: nobody else can use up a sender's share.
 *
 * @throws {InterlockError} RATE_LIMITED with the time until there is room again.
 */
function refuseFlood({ webhookId, tenantId, rateLimitPerSecond }: Verifier): void {
  const { INTERLOCK_WEBHOOK_RATE_LIMIT, INTERLOCK_TENANT_RATE_LIMIT } = environment();
  const retryAfterMs = limiter.take(webhookId, rateLimitPerSecond ?? INTERLOCK_WEBHOOK_RATE_LIMIT) ||
    limiter.take(tenantId, INTERLOCK_TENANT_RATE_LIMIT);
  if (retryAfterMs === 0) return;
  tally.count(webhookId, "limited");
  throw new InterlockError("RATE_LIMITED", "Too many requests; send this again later.", { retryAfterMs });
}

function acknowledged({ scheme }: Verifier, duplicate: boolean, receiptId: string | null): Response {
  return scheme.acknowledgement?.() ?? Response.json({ success: true, duplicate, receipt_id: receiptId });
}

/**
 * Stores what the webhook wants of a request; null = nothing of it. What it does not want is counted. Asked is the
 * database in any case: it knows whether the webhook wants the same as a moment ago.
 */
async function storeWanted(
  context: HandlerContext,
  verifier: Verifier,
  request: SignedRequest,
  readElements: ElementReader,
): Promise<StoredReceipt | null> {
  const elements = await readElements(verifier, request);
  const wanted = wantedElements(elements, verifier.eventTypes);
  const keys = verifier.keys.map(({ key }) => key);
  const stored = await storeReceipt(context, verifier, { scheme: verifier.scheme, keys }, request, wanted);
  if (stored.outcome === "stale") return stored;
  tally.count(verifier.webhookId, "filtered", elements.length - wanted.length);
  return wanted.length === 0 ? null : stored;
}

/**
 * The verifier of the webhook, once one of its secrets has verified the request. Unknown, inactive and wrongly signed
 * take the same steps and get the same answer.
 */
async function authenticate(webhookId: string, request: SignedRequest): Promise<Verifier> {
  const arrivedAtMs = Date.now();
  const id = UUID.test(webhookId) ? webhookId.toLowerCase() : null;
  const remembered = id === null ? null : await verifiers.get(id);
  if (await verifies(remembered, request) && remembered) return remembered;
  const current = id === null ? null : await verifiers.getSince(id, arrivedAtMs);
  if (await verifies(current, request) && current) return current;
  if (current) tally.count(current.webhookId, "refused");
  throw notVerified();
}

/** With nothing remembered: for a request that is known to verify, where no storing call tells of a change. */
async function authenticateAnew(webhookId: string, request: SignedRequest): Promise<Verifier> {
  await verifiers.refresh(webhookId.toLowerCase());
  return await authenticate(webhookId, request);
}

export function notVerified(): InterlockError {
  return new InterlockError("UNAUTHENTICATED", "The signature is missing or not valid.");
}

/**
 * Whether one of the verifier's keys verifies. Where none does, the scheme the request looks like is found and dummy
 * keys are tried, up to as many as a webhook can have: so nobody learns whether there was a verifier, or two secrets.
 */
async function verifies(verifier: Verifier | null, request: SignedRequest): Promise<boolean> {
  const nowMs = Date.now();
  const signed = verifier?.signingUrl
    ? { ...request, url: verifier.signingUrl + new URL(request.url).search }
    : request;
  const keys = verifier?.keys.filter((key) => key.untilMs > nowMs) ?? [];
  for (const { key } of keys) if (await verifier!.scheme.verify(signed, key, nowMs)) return true;
  const looksLike = await schemeByRequest(request);
  const scheme = verifier?.scheme ?? looksLike;
  for (let tried = keys.length; tried < KEYS_TRIED; tried++) {
    await scheme.verify(signed, await dummyKey(scheme), nowMs);
  }
  return false;
}

function dummyKey(scheme: WebhookScheme): Promise<WebhookKey> {
  const known = dummyKeys.get(scheme) ??
    scheme.importKey(scheme.generateSecret(), scheme.settings().parse(scheme.exampleSettings));
  dummyKeys.set(scheme, known);
  return known;
}

/**
 * Stores a verified request, or the part of it that concerns a webhook. Tables hold no secrets: what a key of the sender
 * stands for is masked in the body.
 */
export function storeReceipt(
  context: HandlerContext,
  { tenantId, webhookId, version }: Pick<Verifier, "tenantId" | "webhookId" | "version">,
  { scheme, keys }: { scheme: WebhookScheme; keys: WebhookKey[] },
  { headers, body }: Pick<SignedRequest, "headers" | "body">,
  elements: PlacedElement[],
): Promise<StoredReceipt> {
  const masked = () =>
    keys.reduce<typeof body>((bytes, key) => scheme.withoutSecret?.(bytes, key) ?? bytes, body);
  return batcher.add(tenantId, {
    webhook_id: webhookId,
    version,
    receipt_id: timeOrderedId(Date.now()),
    request_id: context.requestId,
    content_type: headers.get("content-type")?.slice(0, 200) ?? null,
    headers: maskedHeaders(headers),
    // Of what is not wanted nothing is kept.
    body: elements.length === 0 ? new Uint8Array() : masked(),
    elements: elements.map(({ dedupeKey, type, index }) => ({ dedupe_key: dedupeKey, type, index })),
  });
}
