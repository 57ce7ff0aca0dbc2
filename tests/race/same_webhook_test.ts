import assert from "node:assert/strict";
import { hubspotEvent, hubspotHeaders } from "../../simulators/hubspot/webhook.ts";
import { eventually, sql, stackTest } from "../support/stack.ts";
import { createTenant } from "../support/tenant.ts";
import { createWebhook, sendGeneric } from "../support/webhook.ts";

stackTest(
  "the same webhook 100 times at once is one receipt, one event, one contact and 99 duplicates",
  async () => {
    const tenant = await createTenant();
    const webhook = await createWebhook(tenant);
    const body = JSON.stringify([hubspotEvent({ subscriptionType: "contact.creation", objectId: 1 })]);
    const headers = hubspotHeaders({ ...webhook, body });
    const answers = await Promise.all(Array.from({ length: 100 }, async () => {
      const response = await fetch(webhook.url, { method: "POST", headers, body });
      return { status: response.status, ...await response.json() };
    }));
    assert.deepEqual(answers.map((answer) => answer.status), Array(100).fill(200));
    assert.equal(answers.filter((answer) => answer.duplicate === false).length, 1);
    assert.equal(answers.filter((answer) => answer.duplicate === true).length, 99);
    assert.equal(new Set(answers.map((answer) => answer.receipt_id)).size, 1);
    const counts = await eventually(async () => {
      const [row] = await sql`select
      (select count(*)::int from public.webhook_receipts where tenant_id = ${tenant.id}) as receipts,
      (select count(*)::int from public.integration_events_outbox where tenant_id = ${tenant.id} and event_type = 'webhook.received') as events,
      (select count(*)::int from public.crm_contacts where tenant_id = ${tenant.id}) as contacts,
      (select count(*)::int from public.crm_activities where tenant_id = ${tenant.id}) as activities`;
      return row!.activities > 0 ? row : null;
    });
    assert.deepEqual({ ...counts }, { receipts: 1, events: 1, contacts: 1, activities: 1 });
  },
);

stackTest(
  "1,000 copies of one event at once are one receipt and one event, and all are answered 200",
  async () => {
    const tenant = await createTenant();
    const webhook = await createWebhook(tenant, "generic_hmac");
    const body = JSON.stringify({ id: crypto.randomUUID() });
    const answers = await Promise.all(Array.from({ length: 1000 }, () => sendGeneric(webhook, body)));
    assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
    assert.equal(answers.filter((answer) => answer.body.duplicate === false).length, 1);
    assert.equal(new Set(answers.map((answer) => answer.body.receipt_id)).size, 1);
    const [row] = await sql`select
    (select count(*)::int from public.webhook_receipts where tenant_id = ${tenant.id}) as receipts,
    (select count(*)::int from public.integration_events_outbox where tenant_id = ${tenant.id}) as events`;
    assert.deepEqual({ ...row }, { receipts: 1, events: 1 });
  },
);

stackTest("requests of many tenants that share a batch each get their own receipt", async () => {
  const tenants = await Promise.all([createTenant(), createTenant(), createTenant()]);
  const webhooks = await Promise.all(tenants.map((tenant) => createWebhook(tenant, "generic_hmac")));
  const answers = await Promise.all(
    Array.from({ length: 90 }, (_, index) => sendGeneric(webhooks[index % 3]!, JSON.stringify({ index }))),
  );
  assert.ok(answers.every((answer) => answer.status === 200 && answer.body.duplicate === false));
  for (const [index, tenant] of tenants.entries()) {
    const rows = await sql`select id, webhook_id from public.webhook_receipts where tenant_id = ${tenant.id}`;
    assert.deepEqual(
      new Set(rows.map((row) => row.id)),
      new Set(answers.filter((_, sent) => sent % 3 === index).map((answer) => answer.body.receipt_id)),
    );
    assert.ok(rows.every((row) => row.webhook_id === webhooks[index]!.id));
  }
});
