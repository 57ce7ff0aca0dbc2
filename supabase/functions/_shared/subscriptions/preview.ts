import * as z from "zod";
import { utf8Bytes } from "../crypto/encoding.ts";
import { hubClient } from "../db/clients.ts";
import { tenantDb } from "../db/tenant_db.ts";
import { unwrap } from "../db/unwrap.ts";
import { hubStore } from "../db/store.ts";
import type { ChannelRequest } from "../delivery/channels/channel.ts";
import type { ClaimedDelivery } from "../delivery/contract.ts";
import { type Endpoint, EndpointCache } from "../delivery/endpoint_cache.ts";
import { type Flight, messageId } from "../delivery/flight.ts";
import { composeBody, type Refusal } from "../delivery/payload.ts";
import { envelopeSchema, type EventEnvelope } from "../events/envelope.ts";
import { checkUrl, EgressError, InterlockError } from "../guardrails.ts";
import type { UserAccess } from "../http/access.ts";
import type { SubscriptionKind } from "./subscription_kind.ts";

/** Stands where a delivery would have its id. */
const NOBODY = "00000000-0000-0000-0000-000000000000";

const sampleSchema = z.strictObject({
  event_type: z.string().min(1).max(100),
  entity_type: z.string().min(1).max(100).default("sample"),
  entity_id: z.string().min(1).max(200).default("1"),
  payload: z.record(z.string(), z.unknown()),
});

export const previewSchema = z.strictObject({
  integration_id: z.uuid(),
  /** An event that happened. */
  event_id: z.uuid().optional(),
  /** One that did not. */
  sample: sampleSchema.optional(),
}).refine((body) => (body.event_id === undefined) !== (body.sample === undefined), {
  path: ["event_id"],
  message: "Name an event_id, or write a sample.",
});

const sourceSchema = z.object({
  config: z.object({ batch: z.object({}).optional() }),
  event: envelopeSchema.nullable(),
  event_type: z.string().nullable(),
  objections: z.array(z.string()).nullable(),
});
type Source = z.infer<typeof sourceSchema>;

export const previewAnswer = () =>
  z.strictObject({
    would_send: z.boolean().describe("Whether the request could be made; false = see refusal."),
    refusal: z.strictObject({ error_class: z.string().nullable(), error: z.string().nullable() }).nullable(),
    objections: z.array(z.enum(["event_types", "org", "filter", "scopes"])).nullable().describe(
      "Why this event would not be queued for it at all; empty = it would. Null for a sample.",
    ),
    request: z.strictObject({
      method: z.literal("POST"),
      url: z.string().describe("Without the path where that is a secret: an incoming webhook of Slack."),
      headers: z.record(z.string(), z.string()).describe(
        "By names in lower case. What comes from Vault is masked, what only an attempt knows is described.",
      ),
      body: z.string().describe("Byte for byte, but for webhook-ids, which are zeros."),
    }).nullable(),
  });

/**
 * What a given event would send, by the worker's own code, without sending or storing anything.
 *
 * @throws {InterlockError} NOT_FOUND for a subscription or an event that the caller cannot see.
 */
export async function preview(
  kind: SubscriptionKind,
  access: UserAccess,
  body: z.infer<typeof previewSchema>,
): Promise<Response> {
  const source = sourceSchema.parse(unwrap(
    await tenantDb(access.tenantId, hubClient()).rpc("preview_delivery_source", {
      p_org_id: access.orgId as string,
      p_kind: kind.name,
      p_integration_id: body.integration_id,
      p_event_id: (body.event_id ?? null) as string,
      p_actor: access.userId,
    }),
  ));
  const event = source.event ?? sampleEvent(body.sample!, access.tenantId);
  const endpoint = await endpointOf(body.integration_id);
  const flight = previewFlight(source, event, body.integration_id);
  const composed = await composeBody(flight, kind.builder, endpoint);
  const unmade = composed.refusals.get(NOBODY) ?? problemOf(endpoint);
  const request = unmade
    ? null
    : endpoint.channel.request(endpoint, flight.messageId, utf8Bytes(composed.text));
  const refusal = unmade ?? await urlRefusal(request!.url);
  return Response.json({
    would_send: refusal === null,
    refusal: refusal && { error_class: refusal.error_class, error: refusal.error },
    objections: source.objections,
    request: refusal ? null : shown(request!, endpoint, composed.text),
  });
}

/** The endpoint as a worker reads it, with its secrets: they stay in this call. */
async function endpointOf(integrationId: string): Promise<Endpoint> {
  const endpoints = new EndpointCache(hubStore());
  await endpoints.load([{ integration_id: integrationId, config_version: 0 }]);
  const endpoint = endpoints.get(integrationId);
  if (!endpoint) throw new InterlockError("NOT_FOUND", "This integration does not exist.");
  return endpoint;
}

function problemOf({ problem }: Endpoint): Refusal | null {
  return problem && { outcome: "refused", error_class: problem.errorClass, error: problem.error };
}

function sampleEvent(sample: z.infer<typeof sampleSchema>, tenantId: string): EventEnvelope {
  return {
    ...sample,
    id: NOBODY,
    tenant_id: tenantId,
    org_id: null,
    metadata: { trace_id: "preview", source: "preview", actor: null, timestamp: new Date().toISOString() },
  };
}

/** The flight that a worker would make of the event. */
function previewFlight(source: Source, event: EventEnvelope, integrationId: string): Flight {
  const delivery: ClaimedDelivery = {
    delivery_id: NOBODY,
    integration_id: integrationId,
    tenant_id: event.tenant_id,
    kind: "",
    config_version: 0,
    event_id: event.id,
    event_type: source.event_type ?? event.event_type,
    batch_id: null,
    attempt: 1,
    failures: 0,
    queued_at: new Date().toISOString(),
    wait_ms: null,
    body: null,
    lease_token: NOBODY,
    event,
  };
  return {
    messageId: messageId(NOBODY),
    integrationId,
    tenantId: event.tenant_id,
    deliveries: [delivery],
    isBatch: source.config.batch !== undefined,
    claimedAtMs: 0,
    beginAtMs: null,
  };
}

/** Headers of ours that hold nothing of anybody's. Every other value is masked, whatever it is. */
const SHOWN_HEADERS = new Set(["content-type", "user-agent", "webhook-id", "idempotency-key"]);
const DESCRIBED: Record<string, (value: string) => string> = {
  "webhook-timestamp": () => "<seconds, the time of the attempt>",
  "webhook-signature": (value) => value.replaceAll(/,[^ ]+/g, ",<base64>"),
};

/** The worker's own request as people may see it. */
function shown(request: ChannelRequest, endpoint: Endpoint, body: string) {
  const customers = new Set(Object.keys(endpoint.headers).map((name) => name.toLowerCase()));
  const headers = Object.entries(request.headers).map(([written, value]) => {
    const name = written.toLowerCase();
    const isOurs = SHOWN_HEADERS.has(name) && !customers.has(name);
    return [name, isOurs ? value : DESCRIBED[name]?.(value) ?? "[masked]"];
  });
  // The address of an incoming webhook is itself the credential.
  const url = request.secrets.includes(request.url) ? `${new URL(request.url).origin}/[masked]` : request.url;
  return { method: request.method, url, headers: Object.fromEntries(headers), body };
}

async function urlRefusal(url: string): Promise<Refusal | null> {
  try {
    await checkUrl(url);
    return null;
  } catch (error) {
    if (!(error instanceof EgressError)) throw error;
    return { outcome: "refused", error_class: error.errorClass, error: error.message };
  }
}
