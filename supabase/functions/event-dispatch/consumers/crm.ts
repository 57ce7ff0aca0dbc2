import * as z from "zod";
import { hubStore } from "../../_shared/db/store.ts";
import { executeCrmFirst, InterlockError } from "../../_shared/guardrails.ts";
import type { LosslessJson } from "../../_shared/json/lossless.ts";
import { parseJsonBody } from "../../_shared/providers/json_body.ts";
import {
  type ContactNews,
  contactNews as hubspotContactNews,
} from "../../_shared/providers/hubspot/events.ts";
import type { EventEnvelope } from "../../_shared/events/envelope.ts";
import type { Consumption } from "./consumer.ts";

/** Providers whose webhooks speak of contacts. */
const adapters: ReadonlyMap<string, (element: LosslessJson) => ContactNews[]> = new Map([[
  "hubspot",
  hubspotContactNews,
]]);

const payloadSchema = z.object({ provider: z.string(), type: z.string(), element: z.number().int() });
const appliedSchema = z.object({ contact_id: z.string(), applied: z.boolean() });

/**
 * Turns what a CRM's webhook tells about a contact into crm_contacts and a line of its timeline. The contact comes
 * first; a failing timeline never undoes it, but is tried again, because both steps are idempotent.
 */
export async function consumeForCrm({ event, dedupeKey, receipt }: Consumption): Promise<void> {
  const payload = payloadSchema.parse(event.payload);
  const adapter = adapters.get(payload.provider);
  if (!adapter) return;
  if (!receipt || receipt.tenantId !== event.tenant_id) {
    throw new TypeError("The receipt of the event is gone");
  }
  const body = parseJsonBody(receipt.body);
  const element = Array.isArray(body) ? body[payload.element] : undefined;
  if (element === undefined) throw new TypeError("The receipt has no such element");
  const tie = dedupeKey ?? event.id;
  for (const [index, news] of adapter(element).entries()) {
    await applyNews(event, payload, news, tie, index);
  }
}

async function applyNews(
  event: EventEnvelope,
  payload: { provider: string; type: string },
  news: ContactNews,
  tie: string,
  index: number,
): Promise<void> {
  let contactId = "";
  let failure: unknown;
  const write = async () => {
    const applied = await applyContactNews(event, payload.provider, news, `${tie}:${index}`).catch(
      (error) => {
        failure = error;
        throw error;
      },
    );
    contactId = applied.contact_id;
  };
  const timeline = () => recordActivity(event, payload, news, contactId, `${tie}:${index}`);
  const { crmSuccess, results } = await executeCrmFirst(
    write,
    [{ name: "activity", fn: timeline }],
    event.tenant_id,
  );
  if (!crmSuccess) throw failure;
  const failed = results.find((result) => !result.success);
  if (failed) {
    throw new InterlockError(
      "UNAVAILABLE",
      `The contact stands, the step "${failed.name}" failed: ${failed.error}`,
    );
  }
}

async function applyContactNews(event: EventEnvelope, provider: string, news: ContactNews, tie: string) {
  return appliedSchema.parse(
    await hubStore().call("apply_contact_news", {
      p_tenant_id: event.tenant_id,
      p_org_id: event.org_id,
      p_provider: provider,
      p_external_id: news.externalId,
      p_kind: news.kind,
      p_field: news.field,
      p_value: news.value,
      p_occurred_at: news.occurredAt,
      p_tie: tie,
      p_trace_id: event.metadata.trace_id,
    }),
  );
}

async function recordActivity(
  event: EventEnvelope,
  payload: { provider: string; type: string },
  news: ContactNews,
  contactId: string,
  tie: string,
): Promise<void> {
  await hubStore().call("record_crm_activity", {
    p_tenant_id: event.tenant_id,
    p_contact_id: contactId,
    p_type: `${payload.provider}.${payload.type}`,
    p_subject: news.field === null ? null : `${news.field} changed`,
    p_meta: { idempotency_key: `${tie}:${payload.type}`, source: payload.provider, event_id: event.id },
    p_occurred_at: news.occurredAt,
  });
}
