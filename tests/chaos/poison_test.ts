import assert from "node:assert/strict";
import { utf8Bytes } from "../../supabase/functions/_shared/crypto/encoding.ts";
import { createDirectStore } from "../../supabase/functions/_shared/db/direct_store.ts";
import { createPostgrestStore } from "../../supabase/functions/_shared/db/postgrest_store.ts";
import { FlightDepth } from "../../supabase/functions/_shared/inbound/flight_depth.ts";
import { ReceiptBatcher } from "../../supabase/functions/_shared/inbound/receipt_batcher.ts";
import type { ReceiptToStore } from "../../supabase/functions/_shared/inbound/receipt_frame.ts";
import { hubspotEvent, sendHubspotEvents } from "../../simulators/hubspot/webhook.ts";
import { eventually, sql, stack, stackTest } from "../support/stack.ts";
import { createTenant } from "../support/tenant.ts";
import { createWebhook, sendGeneric } from "../support/webhook.ts";

stackTest("one malformed body among 50 of ten tenants costs only its sender", async () => {
  const tenants = await Promise.all(Array.from({ length: 10 }, createTenant));
  const webhooks = await Promise.all(tenants.map((tenant) => createWebhook(tenant, "generic_hmac")));
  const answers = await Promise.all(
    Array.from(
      { length: 50 },
      (_, index) =>
        sendGeneric(webhooks[index % 10]!, index === 23 ? '{"poison": ' : JSON.stringify({ index })),
    ),
  );
  assert.deepEqual(
    answers.map((answer) => answer.status),
    Array.from({ length: 50 }, (_, index) => (index === 23 ? 400 : 200)),
  );
});

const stores = {
  PostgREST: () => createPostgrestStore({ restUrl: `${stack.apiUrl}/rest/v1`, secretKey: stack.secretKey }),
  "a direct connection": () => createDirectStore({ databaseUrl: stack.dbUrl, maxConnections: 2 }),
};

for (const [transport, createStore] of Object.entries(stores)) {
  stackTest(`data that the database refuses costs only its sender, over ${transport}`, async () => {
    const tenants = await Promise.all(Array.from({ length: 5 }, createTenant));
    const webhooks = await Promise.all(tenants.map((tenant) => createWebhook(tenant, "generic_hmac")));
    const store = createStore();
    const batcher = new ReceiptBatcher(store, new FlightDepth(store.parallelCalls));
    const receipt = (index: number): ReceiptToStore => ({
      webhook_id: webhooks[index % 5]!.id,
      version: 1,
      receipt_id: crypto.randomUUID(),
      request_id: "poison-test",
      content_type: null,
      headers: "{}",
      body: utf8Bytes(`{"index":${index}}`),
      // No request can produce such a type; jsonb refuses the whole head (22P05).
      elements: [{ dedupe_key: crypto.randomUUID(), type: index === 17 ? "\u0000" : "test", index: 0 }],
    });
    try {
      const outcomes = await Promise.all(
        Array.from(
          { length: 50 },
          (_, index) =>
            batcher.add(tenants[index % 5]!.id, receipt(index)).then(
              (stored) => stored.outcome,
              (error) => error.code,
            ),
        ),
      );
      assert.deepEqual(
        outcomes,
        Array.from({ length: 50 }, (_, index) => (index === 17 ? "VALIDATION_FAILED" : "stored")),
      );
    } finally {
      await store.close();
    }
    const [row] = await sql`select count(*)::int as n from public.webhook_receipts where tenant_id in ${
      sql(tenants.map((tenant) => tenant.id))
    }`;
    assert.equal(row!.n, 49);
  });
}

stackTest(
  "a verified event that the database cannot hold is dead at once, beside a good one that is done",
  async () => {
    const webhook = await createWebhook(await createTenant(), "hubspot");
    const good = hubspotEvent({ subscriptionType: "contact.creation", objectId: 7 });
    // Longer than any identifier of a provider that is kept.
    const long = {
      ...hubspotEvent({ subscriptionType: "contact.creation", objectId: 1 }),
      objectId: "9".repeat(400),
    };
    // deno-lint-ignore house/double-cast -- an event that HubSpot would not send
    const sent = await sendHubspotEvents(webhook, [long as unknown as typeof good, good]);
    assert.equal(sent.status, 200, await sent.text());
    const finished = await eventually(async () => {
      const rows = await sql`
      select d.status, d.attempts, d.last_error_code, d.last_error from public.event_dispatches d
      join public.integration_events_outbox e on e.id = d.event_id
      where e.payload ->> 'webhook_id' = ${webhook.id} order by (e.payload ->> 'element')::int`;
      return rows.length === 2 && rows.every((row) => row.attempts > 0 && row.status !== "pending") &&
        [...rows];
    });
    assert.deepEqual(finished.map((row) => [row.status, row.attempts, row.last_error_code]), [
      ["dead", 1, "VALIDATION_FAILED"],
      ["done", 1, null],
    ]);
    assert.equal(finished[0]!.last_error, "The database refused a value of this event; the log says which.");
  },
);
