import assert from "node:assert/strict";
import { call } from "../support/api.ts";
import { adminSql, sql, stackTest } from "../support/stack.ts";
import { createTenant, type TestTenant } from "../support/tenant.ts";
import { createWebhook, sendGeneric, type TestWebhook } from "../support/webhook.ts";

const asAdmin = (tenant: TestTenant) => ({ user: tenant.users.admin, orgId: tenant.orgs[0] });

const press = async (tenant: TestTenant, webhook: TestWebhook, verb: string, body?: unknown) =>
  await call(`integrations/webhooks/${webhook.id}/${verb}`, { ...asAdmin(tenant), method: "POST", body });

const remove = async (tenant: TestTenant, webhook: TestWebhook) =>
  await call(`integrations/webhooks/${webhook.id}`, { ...asAdmin(tenant), method: "DELETE" });

/** How many secrets of a tenant Vault holds. */
async function secretsOf(tenant: TestTenant): Promise<number> {
  const rows = await adminSql`select 1 from vault.secrets where name like ${`interlock/${tenant.id}/%`}`;
  return rows.length;
}

let sent = 0;
/** Sends something new; answers the status. */
const send = async (webhook: TestWebhook) =>
  (await sendGeneric(webhook, JSON.stringify({ nth: sent++ }))).status;

stackTest(
  "WEBHOOK CONTROL: a secret is revealed to admins, kept by nobody, and the audit says who saw it",
  async () => {
    const tenant = await createTenant();
    const webhook = await createWebhook(tenant, "generic_hmac");
    const shown = await press(tenant, webhook, "reveal");
    assert.deepEqual([shown.status, shown.body], [200, { id: webhook.id, signing_secret: webhook.secret }]);
    assert.equal(shown.headers.get("cache-control"), "no-store");
    const [audited, ...more] = await sql`select * from public.audit_log
    where tenant_id = ${tenant.id} and table_name = 'integration_webhooks' and action = 'reveal'`;
    assert.deepEqual(
      [audited!.actor_id, audited!.row_key, audited!.changes, more.length],
      [tenant.users.admin.id, { id: webhook.id, name: "Test generic_hmac" }, {}, 0],
    );
    assert.ok(Math.abs(Date.now() - audited!.created_at.getTime()) < 60_000);
    for (const table of ["audit_log", "integration_logs"]) {
      const rows = await sql`select * from public.${sql(table)} where tenant_id = ${tenant.id}`;
      assert.equal(JSON.stringify(rows).includes(webhook.secret), false, table);
    }
    const refused = await call(`integrations/webhooks/${webhook.id}/reveal`, {
      user: tenant.users.manager,
      method: "POST",
    });
    assert.deepEqual([refused.status, refused.body.error_code], [403, "FORBIDDEN"]);
    const [count] = await sql`select count(*)::int as n from public.audit_log
    where tenant_id = ${tenant.id} and action = 'reveal'`;
    assert.equal(count!.n, 1, "a refusal shows nothing and is not a reveal");
  },
);

stackTest(
  "WEBHOOK CONTROL: after a rotation the newest secret is revealed; what shows one is not kept",
  async () => {
    const tenant = await createTenant();
    const webhook = await createWebhook(tenant, "generic_hmac");
    const rotated = await press(tenant, webhook, "rotate", {});
    assert.equal(rotated.headers.get("cache-control"), "no-store");
    const shown = await press(tenant, webhook, "reveal");
    assert.equal(shown.body.signing_secret, rotated.body.signing_secret);
    await adminSql`delete from vault.secrets where name like ${`interlock/${tenant.id}/%`}`;
    const lost = await press(tenant, webhook, "reveal");
    assert.deepEqual([lost.status, lost.body.error_code], [409, "CONFLICT"]);
  },
);

stackTest("WEBHOOK CONTROL: an overlap ends at once, and its secret leaves Vault", async () => {
  const tenant = await createTenant();
  const webhook = await createWebhook(tenant, "generic_hmac");
  const rotated = await press(tenant, webhook, "rotate", { overlap_seconds: 600 });
  const renewed = { ...webhook, secret: rotated.body.signing_secret };
  assert.ok(Date.parse(rotated.body.previous_secret_expires_at) > Date.now());
  assert.deepEqual([await send(webhook), await send(renewed), await secretsOf(tenant)], [200, 200, 2]);
  const ended = await press(tenant, webhook, "rotate/end");
  assert.deepEqual([ended.status, ended.body.previous_secret_expires_at], [200, null]);
  assert.deepEqual([await send(webhook), await send(renewed), await secretsOf(tenant)], [401, 200, 1]);
  const again = await press(tenant, webhook, "rotate/end");
  assert.deepEqual([again.status, again.body.updated_at], [200, ended.body.updated_at], "nothing to end");
});

stackTest("WEBHOOK CONTROL: an overlap that ran out by itself is not shown as running", async () => {
  const tenant = await createTenant();
  const webhook = await createWebhook(tenant, "generic_hmac");
  await press(tenant, webhook, "rotate", { overlap_seconds: 600 });
  await sql`update public.integration_webhooks set previous_secret_expires_at = now() where id = ${webhook.id}`;
  const shown = await call(`integrations/webhooks/${webhook.id}`, asAdmin(tenant));
  assert.equal(shown.body.previous_secret_expires_at, null);
});

stackTest(
  "WEBHOOK CONTROL: a deleted webhook is refused and hidden, its receipts stay and can be replayed",
  async () => {
    const tenant = await createTenant();
    const [webhook, other] = [
      await createWebhook(tenant, "generic_hmac"),
      await createWebhook(tenant, "generic_hmac"),
    ];
    const stored = await sendGeneric(webhook, '{"id":1}');
    const deleted = await remove(tenant, webhook);
    assert.deepEqual([deleted.status, deleted.body.is_active], [200, false]);
    assert.ok(Date.parse(deleted.body.deleted_at) > 0);
    assert.deepEqual([await send(webhook), await send(other), await secretsOf(tenant)], [401, 200, 1]);
    const idsOf = async (query: string) =>
      (await call(`integrations/webhooks${query}`, asAdmin(tenant))).body.data.map((row: { id: string }) =>
        row.id
      );
    assert.deepEqual([await idsOf(""), await idsOf("?deleted=true")], [[other.id], [webhook.id]]);
    const path = `integrations/webhooks/${webhook.id}/receipts/${stored.body.receipt_id}`;
    const receipt = await call(path, asAdmin(tenant));
    assert.deepEqual([receipt.status, receipt.body.body_text], [200, '{"id":1}']);
    assert.equal((await call(`${path}/replay`, { ...asAdmin(tenant), method: "POST" })).status, 202);
    const changes = [
      await remove(tenant, webhook),
      await press(tenant, webhook, "reveal"),
      await press(tenant, webhook, "rotate", {}),
      await call(`integrations/webhooks/${webhook.id}`, {
        ...asAdmin(tenant),
        method: "PATCH",
        body: { is_active: true },
      }),
    ];
    assert.deepEqual(changes.map(({ status }) => status), [404, 404, 404, 404], "nothing brings it back");
  },
);
