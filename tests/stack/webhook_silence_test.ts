import assert from "node:assert/strict";
import { call } from "../support/api.ts";
import { createCustomer } from "../support/app.ts";
import { adminSql, eventually, sql, stackTest } from "../support/stack.ts";
import { createTenant, type TestTenant } from "../support/tenant.ts";
import { createWebhook, sendGeneric, type TestWebhook } from "../support/webhook.ts";

/** What the watch dog needs of a webhook. */
type Watched = Pick<TestWebhook, "id">;

/** Ten days in which it spoke every hour, until four hours ago. */
async function giveHistory(tenant: TestTenant, webhook: Watched): Promise<void> {
  await sql`insert into private.webhook_statistics (webhook_id, tenant_id, hour, received_count, first_received_at, last_received_at)
    select ${webhook.id}, ${tenant.id}, h, 1, h, h + interval '5 minutes'
    from generate_series(date_trunc('hour', now() - interval '10 days', 'UTC'), now() - interval '4 hours', '1 hour') as h`;
  await adminSql`update private.webhook_watch set watched_since = now() - interval '11 days' where webhook_id = ${webhook.id}`;
}

stackTest("WATCH DOG: admins read of a silence and of its end; a test of ours does not end it", async () => {
  const tenant = await createTenant();
  const [webhook, busy] = [
    await createWebhook(tenant, "generic_hmac"),
    await createWebhook(tenant, "generic_hmac"),
  ];
  for (const one of [webhook, busy]) await giveHistory(tenant, one);
  await sendGeneric(busy, '{"id":1}');
  const look = async () => {
    await sql`select private.roll_up_webhook_statistics('1 hour', '2 seconds', '0')`;
    await sql`select private.watch_webhooks()`;
    const { body } = await call(`integrations/notifications?subject_id=${webhook.id}`, {
      user: tenant.users.manager,
    });
    return body.data.map((row: { kind: string }) => row.kind) as string[];
  };
  const silentSince = async (one: TestWebhook) =>
    (await call(`integrations/webhooks/${one.id}/statistics`, { user: tenant.users.manager })).body
      .silent_since;
  await eventually(async () => (await look()).length > 0);
  assert.ok(Date.parse(await silentSince(webhook)) < Date.now() - 2 * 3_600_000);
  assert.equal(await silentSince(busy), null);
  const tested = await call(`integrations/webhooks/${webhook.id}/test`, {
    user: tenant.users.admin,
    orgId: tenant.orgs[0],
    method: "POST",
  });
  assert.equal(tested.body.success, true);
  assert.deepEqual(await look(), ["webhook.silent"]);
  await sendGeneric(webhook, '{"id":1}');
  await eventually(async () => (await look()).length === 2);
  assert.deepEqual(await look(), ["webhook.speaks_again", "webhook.silent"]);
  assert.equal(await silentSince(webhook), null);
});

stackTest(
  "WATCH DOG: of an inactive connector nobody is told, and once it is active it has its time",
  async () => {
    const [asleep, awake] = [await createCustomer(), await createCustomer()];
    for (const { tenant, webhookId, connectorId } of [asleep, awake]) {
      const status = webhookId === asleep.webhookId ? "inactive" : "error";
      await sql`update public.integration_connectors set status = ${status} where id = ${connectorId}`;
      await giveHistory(tenant, { id: webhookId });
    }
    const look = async () => {
      await sql`select private.roll_up_webhook_statistics('1 hour', '2 seconds', '0')`;
      await sql`select private.watch_webhooks()`;
      const rows =
        await sql`select entity_id from public.integration_events_outbox where event_type = 'webhook.silent'
      and entity_id in (${asleep.webhookId}, ${awake.webhookId})`;
      return rows.map(({ entity_id }) => entity_id);
    };
    await eventually(async () => (await look()).length > 0);
    assert.deepEqual(await look(), [awake.webhookId]);
    await sql`update public.integration_connectors set status = 'active' where id = ${asleep.connectorId}`;
    assert.deepEqual(await look(), [awake.webhookId]);
  },
);
