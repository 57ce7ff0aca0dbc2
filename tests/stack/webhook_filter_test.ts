import assert from "node:assert/strict";
import { call } from "../support/api.ts";
import { eventually, sql, stackTest } from "../support/stack.ts";
import { createTenant, type TestTenant } from "../support/tenant.ts";
import {
  createWebhook,
  genericSignature,
  receiverUrl,
  sendGeneric,
  type TestWebhook,
} from "../support/webhook.ts";

const asAdmin = (tenant: TestTenant) => ({ user: tenant.users.admin, orgId: tenant.orgs[0] });

const configure = async (tenant: TestTenant, webhook: TestWebhook, body: unknown) =>
  await call(`integrations/webhooks/${webhook.id}`, { ...asAdmin(tenant), method: "PATCH", body });

/** Sends one element per type. */
const send = async (webhook: TestWebhook, ...types: string[]) =>
  await sendGeneric(webhook, JSON.stringify(types.map((type) => ({ type, id: crypto.randomUUID() }))));

/** Types of the stored events with their places in the request, in the order of their places. */
async function stored(webhook: TestWebhook): Promise<[string, number][]> {
  const rows = await sql`select payload ->> 'type' as type, (payload ->> 'element')::int as element
    from public.integration_events_outbox where webhook_id = ${webhook.id} order by 2`;
  return rows.map(({ type, element }) => [type, element]);
}

stackTest(
  "FILTER: what a webhook does not want is counted and not stored, the rest keeps its place",
  async () => {
    const tenant = await createTenant();
    const webhook = await createWebhook(tenant, "generic_hmac");
    const set = await configure(tenant, webhook, { event_types: ["order.*", "invoice.paid"] });
    assert.deepEqual([set.status, set.body.event_types], [200, ["order.*", "invoice.paid"]]);
    const some = await send(
      webhook,
      "order.paid",
      "contact.created",
      "invoice.paid",
      "invoice.paid.late",
      "order",
    );
    assert.deepEqual([some.status, some.body.duplicate], [200, false]);
    assert.deepEqual(await stored(webhook), [["order.paid", 0], ["invoice.paid", 2]]);
    const none = await send(webhook, "contact.created");
    assert.deepEqual([none.status, none.body], [200, { success: true, duplicate: false, receipt_id: null }]);
    const receipts = await sql`select id, event_count, duplicate_count from public.webhook_receipts
    where webhook_id = ${webhook.id}`;
    assert.deepEqual(receipts.map((row) => ({ ...row })), [
      { id: some.body.receipt_id, event_count: 2, duplicate_count: 0 },
    ]);
    await eventually(async () => {
      const [row] = await sql`select sum(filtered_count)::int as filtered from private.webhook_statistics
      where webhook_id = ${webhook.id}`;
      return row!.filtered === 4;
    });
  },
);

stackTest(
  "FILTER: a change counts from the next request on, and the envelope's own type is what is asked",
  async () => {
    const tenant = await createTenant();
    const webhook = await createWebhook(tenant, "generic_hmac");
    assert.equal(
      (await send(webhook, "a.b")).body.receipt_id === null,
      false,
      "everything, unless it says so",
    );
    await configure(tenant, webhook, { event_types: ["deal.*"] });
    assert.equal((await send(webhook, "a.b")).body.receipt_id, null);
    for (const [event, isWanted] of [["deal.won", true], ["task.done", false]] as const) {
      const body = JSON.stringify({ webhook_id: webhook.id, event, data: { id: 1 } });
      const answer = await fetch(receiverUrl, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          "x-signature": genericSignature(webhook.secret, body),
        },
        body,
      });
      assert.deepEqual([answer.status, (await answer.json()).receipt_id !== null], [200, isWanted], event);
    }
    await configure(tenant, webhook, { event_types: ["*"] });
    assert.notEqual((await send(webhook, "a.b")).body.receipt_id, null);
  },
);

stackTest("FILTER: a pattern that means nothing is refused, and the database holds none either", async () => {
  const tenant = await createTenant();
  const webhook = await createWebhook(tenant, "generic_hmac");
  for (const event_types of [[], ["a b"], ["*.created"], ["a.*.b"], [""], ["x".repeat(101)], "a", [null]]) {
    const answer = await configure(tenant, webhook, { event_types });
    assert.deepEqual(
      [answer.status, answer.body.error_code],
      [422, "VALIDATION_FAILED"],
      JSON.stringify(event_types),
    );
  }
  for (const pattern of ["", "a b", "*.created", "a.*.b", "x".repeat(101)]) {
    await assert.rejects(
      sql`update public.integration_webhooks set event_types = ${[pattern]} where id = ${webhook.id}`,
      /integration_webhooks_event_types_check/,
      pattern,
    );
  }
});
