import assert from "node:assert/strict";
import { call } from "../support/api.ts";
import { sql, stackTest } from "../support/stack.ts";
import { createTenant, type TestTenant } from "../support/tenant.ts";
import { createWebhook, sendGeneric, type TestWebhook } from "../support/webhook.ts";

const asAdmin = (tenant: TestTenant) => ({ user: tenant.users.admin, orgId: tenant.orgs[0] });

async function createGroup(tenant: TestTenant, orgId = tenant.orgs[0]): Promise<string> {
  const body = { type: "webhook", name: "Shop" };
  const created = await call("integrations/connectors", { user: tenant.users.admin, orgId, body });
  assert.equal(created.status, 201, JSON.stringify(created.body));
  return created.body.id;
}

const change = (tenant: TestTenant, path: string, body: Record<string, unknown>) =>
  call(`integrations/${path}`, { ...asAdmin(tenant), method: "PATCH", body });

const sent = async (webhook: TestWebhook) =>
  (await sendGeneric(webhook, JSON.stringify({ type: "order.paid", id: crypto.randomUUID() }))).status;

stackTest("webhooks are put into a connector, listed by it, and taken out again", async () => {
  const tenant = await createTenant();
  const group = await createGroup(tenant);
  const created = await call("integrations/webhooks", {
    ...asAdmin(tenant),
    body: { provider: "generic_hmac", name: "Orders", connector_id: group },
  });
  assert.deepEqual([created.status, created.body.connector_id], [201, group]);
  const other = await createWebhook(tenant, "generic_hmac");
  const listed = async () => {
    const answer = await call(`integrations/webhooks?connector_id=${group}`, asAdmin(tenant));
    return answer.body.data.map((webhook: { id: string }) => webhook.id).sort();
  };
  assert.deepEqual(await listed(), [created.body.id]);

  const joined = await change(tenant, `webhooks/${other.id}`, { connector_id: group });
  assert.deepEqual([joined.status, joined.body.connector_id], [200, group]);
  assert.deepEqual(await listed(), [created.body.id, other.id].sort());
  const renamed = await change(tenant, `webhooks/${other.id}`, { name: "Returns" });
  assert.equal(renamed.body.connector_id, group, "what is not named stays");
  const left = await change(tenant, `webhooks/${other.id}`, { connector_id: null });
  assert.deepEqual([left.status, left.body.connector_id], [200, null]);
  assert.deepEqual(await listed(), [created.body.id]);
  const logs = await call(`integrations/logs?connector_id=${group}`, asAdmin(tenant));
  assert.deepEqual(logs.body.data.map((log: { event_type: string }) => log.event_type), [
    "webhook.renamed",
    "webhook.configured",
    "webhook.created",
    "connector.created",
  ]);
});

stackTest("a connector that is switched off silences its webhooks and no others", async () => {
  const tenant = await createTenant();
  const group = await createGroup(tenant);
  const [inside, outside] = [
    await createWebhook(tenant, "generic_hmac"),
    await createWebhook(tenant, "generic_hmac"),
  ];
  await change(tenant, `webhooks/${inside.id}`, { connector_id: group });
  assert.deepEqual([await sent(inside), await sent(outside)], [200, 200]);
  assert.equal((await change(tenant, `connectors/${group}`, { is_active: false })).status, 200);
  assert.deepEqual([await sent(inside), await sent(outside)], [401, 200], "at once, though remembered");
  const test = await call(`integrations/webhooks/${inside.id}/test`, { ...asAdmin(tenant), method: "POST" });
  assert.deepEqual([test.status, test.body.error_code], [409, "CONFLICT"]);
  assert.match(test.body.error, /^The connector of this webhook is inactive/);
  assert.equal((await change(tenant, `connectors/${group}`, { is_active: true })).status, 200);
  assert.deepEqual([await sent(inside), await sent(outside)], [200, 200]);
  const rows =
    await sql`select count(*)::int as receipts from public.webhook_receipts where webhook_id = ${inside.id}`;
  assert.equal(rows[0]!.receipts, 2);
});

stackTest("webhooks outlive their connector; those of an inactive one stay off", async () => {
  const tenant = await createTenant();
  for (const isActive of [true, false]) {
    const group = await createGroup(tenant);
    const webhook = await createWebhook(tenant, "generic_hmac");
    await change(tenant, `webhooks/${webhook.id}`, { connector_id: group });
    if (!isActive) await change(tenant, `connectors/${group}`, { is_active: false });
    const deleted = await call(`integrations/connectors/${group}`, { ...asAdmin(tenant), method: "DELETE" });
    assert.equal(deleted.status, 200, JSON.stringify(deleted.body));
    const shown = await call(`integrations/webhooks/${webhook.id}`, asAdmin(tenant));
    assert.deepEqual([shown.body.connector_id, shown.body.is_active, shown.body.deleted_at], [
      null,
      isActive,
      null,
    ]);
    assert.equal(await sent(webhook), isActive ? 200 : 401);
  }
});

stackTest("a webhook enters no connector of another tenant or org", async () => {
  const [tenant, foreign] = [await createTenant(), await createTenant()];
  const webhook = await createWebhook(tenant, "generic_hmac");
  const groups = [await createGroup(foreign), await createGroup(tenant, tenant.orgs[1]), crypto.randomUUID()];
  for (const connectorId of groups) {
    const body = { provider: "generic_hmac", name: "Orders", connector_id: connectorId };
    const answers = [
      await call("integrations/webhooks", { ...asAdmin(tenant), body }),
      await change(tenant, `webhooks/${webhook.id}`, { connector_id: connectorId }),
    ];
    assert.deepEqual(answers.map(({ status, body }) => [status, body.error]), [
      [404, "This connector does not exist."],
      [404, "This connector does not exist."],
    ]);
  }
  const rows = await sql`select connector_id from public.integration_webhooks where tenant_id = ${tenant.id}`;
  assert.deepEqual(rows.map((row) => row.connector_id), [null]);
});
