import assert from "node:assert/strict";
import type { ClaimedDelivery } from "../../supabase/functions/_shared/delivery/contract.ts";
import type { ComposedBody, Refusal } from "../../supabase/functions/_shared/delivery/payload.ts";
import { sharedBody } from "../../supabase/functions/_shared/delivery/shared_body.ts";
import type { EventEnvelope } from "../../supabase/functions/_shared/events/envelope.ts";

function newEvent(): EventEnvelope {
  return {
    ...{ id: crypto.randomUUID(), event_type: "contact.created", entity_type: "contact", entity_id: "1" },
    ...{ tenant_id: crypto.randomUUID(), org_id: null, payload: {} },
    metadata: { trace_id: "t", source: "test", actor: null, timestamp: "2026-01-01T00:00:00.000Z" },
  };
}

function delivery(event: EventEnvelope | null, kind = "event", type = "contact.created"): ClaimedDelivery {
  return {
    ...{
      delivery_id: crypto.randomUUID(),
      integration_id: crypto.randomUUID(),
      lease_token: "",
      batch_id: null,
    },
    ...{
      event_id: event?.id ?? null,
      event_type: type,
      attempt: 1,
      failures: 0,
      queued_at: "",
      wait_ms: null,
    },
    ...{ body: null, tenant_id: "", kind, config_version: 1, event },
  };
}

/** Counts how often a body is made, and says so in it. */
function composer(refusals = new Map<string, Refusal>()) {
  let made = 0;
  return (): ComposedBody => ({ text: `body ${++made}`, isRepeated: false, refusals });
}

Deno.test("sharedBody() makes the body of an event once for all subscriptions of a kind, and no other's", () => {
  const [event, later] = [newEvent(), newEvent()];
  const compose = composer();
  assert.equal(sharedBody(delivery(event), compose).text, "body 1");
  assert.equal(sharedBody(delivery(event), compose).text, "body 1");
  assert.equal(sharedBody(delivery(event, "guardian_meta"), compose).text, "body 2");
  assert.equal(sharedBody(delivery(event, "event", "contact.changed"), compose).text, "body 3");
  assert.equal(sharedBody(delivery(later), compose).text, "body 4");
  assert.equal(
    sharedBody(delivery({ ...event }), compose).text,
    "body 5",
    "claimed anew, it may have changed",
  );
});

Deno.test("sharedBody() shares neither a test's body nor a refusal, which names its delivery", () => {
  const event = newEvent();
  const compose = composer(new Map([["one", { outcome: "refused", error_class: null, error: null }]]));
  assert.equal(sharedBody(delivery(event), compose).text, "body 1");
  assert.equal(sharedBody(delivery(event), compose).text, "body 2");
  assert.equal(sharedBody(delivery(null), composer()).text, "body 1");
  const tests = composer();
  sharedBody(delivery(null), tests);
  assert.equal(sharedBody(delivery(null), tests).text, "body 2");
});
