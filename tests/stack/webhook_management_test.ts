import assert from "node:assert/strict";
import { call } from "../support/api.ts";
import { adminSql, sql, stackTest } from "../support/stack.ts";
import { createTenant } from "../support/tenant.ts";
import { createWebhook, sendGeneric } from "../support/webhook.ts";

stackTest("an admin creates, sees, renames and lists webhooks; the secret is shown once", async () => {
  const tenant = await createTenant();
  const admin = { user: tenant.users.admin, orgId: tenant.orgs[0] };
  const created = await call("integrations/webhooks", {
    ...admin,
    body: { provider: "standard_webhooks", name: "Billing" },
  });
  assert.equal(created.status, 201);
  assert.match(created.body.signing_secret, /^whsec_/);
  assert.equal(created.body.url.endsWith(`/functions/v1/webhook-receiver/${created.body.id}`), true);
  const shown = await call(`integrations/webhooks/${created.body.id}`, admin);
  assert.equal(shown.status, 200);
  assert.equal("signing_secret" in shown.body, false);
  const renamed = await call(`integrations/webhooks/${created.body.id}`, {
    method: "PATCH",
    ...admin,
    body: { name: "Invoices" },
  });
  assert.equal(renamed.body.name, "Invoices");
  for (let index = 0; index < 4; index++) await createWebhook(tenant, "generic_hmac");
  const names: string[] = [];
  let cursor: string | null = "";
  while (cursor !== null) {
    const page: { body: { data: { id: string }[]; next_cursor: string | null } } = await call(
      `integrations/webhooks?limit=2${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`,
      admin,
    );
    assert.ok(page.body.data.length <= 2);
    names.push(...page.body.data.map((webhook) => webhook.id));
    cursor = page.body.next_cursor;
  }
  assert.equal(new Set(names).size, 5);
  assert.equal(names.length, 5);
});

stackTest(
  "every change of a webhook is in the audit log with the person behind it, and holds no secret",
  async () => {
    const tenant = await createTenant();
    const webhook = await createWebhook(tenant, "generic_hmac");
    await call(`integrations/webhooks/${webhook.id}/rotate`, {
      user: tenant.users.admin,
      orgId: tenant.orgs[0],
      body: {},
    });
    const rows =
      await sql`select * from public.audit_log where tenant_id = ${tenant.id} and table_name = 'integration_webhooks' order by id`;
    assert.deepEqual(rows.map((row) => [row.action, row.actor_id]), [["insert", tenant.users.admin.id], [
      "update",
      tenant.users.admin.id,
    ]]);
    assert.equal(JSON.stringify(rows).includes(webhook.secret), false);
  },
);

stackTest(
  "a secret whose overlap is over leaves Vault by itself, and the new one goes on verifying",
  async () => {
    const tenant = await createTenant();
    const webhook = await createWebhook(tenant, "generic_hmac");
    const rotated = await call(`integrations/webhooks/${webhook.id}/rotate`, {
      user: tenant.users.admin,
      orgId: tenant.orgs[0],
      body: { overlap_seconds: 600 },
    });
    assert.equal(rotated.status, 200, JSON.stringify(rotated.body));
    const renewed = { ...webhook, secret: rotated.body.signing_secret };
    const stored = async () => {
      const rows = await adminSql`select decrypted_secret as secret from vault.decrypted_secrets
      where name like ${`interlock/${tenant.id}/%`}`;
      return [webhook.secret, renewed.secret].map((secret) => rows.some((row) => row.secret === secret));
    };
    await adminSql`select private.forget_ended_secrets()`;
    assert.deepEqual(await stored(), [true, true], "while both verify");
    assert.equal((await sendGeneric(webhook, '{"id":1}')).status, 200);
    await sql`update public.integration_webhooks set previous_secret_expires_at = now() where id = ${webhook.id}`;
    await adminSql`select private.forget_ended_secrets()`;
    assert.deepEqual(await stored(), [false, true]);
    const [row] = await sql`select previous_secret_ref, previous_secret_expires_at
    from public.integration_webhooks where id = ${webhook.id}`;
    assert.deepEqual({ ...row }, { previous_secret_ref: null, previous_secret_expires_at: null });
    const statuses = [];
    for (const sender of [webhook, renewed]) statuses.push((await sendGeneric(sender, '{"id":2}')).status);
    assert.deepEqual(statuses, [401, 200]);
  },
);

for (
  const [what, body] of [
    ["an unknown provider", { provider: "fax", name: "x" }],
    ["no name", { provider: "generic_hmac" }],
    ["a name of control characters", { provider: "generic_hmac", name: "a\u0000b" }],
    ["an unknown field", { provider: "generic_hmac", name: "x", is_admin: true }],
    ["a short secret", { provider: "generic_hmac", name: "x", secret: "short" }],
    ["a Standard Webhooks secret that is none", {
      provider: "standard_webhooks",
      name: "x",
      secret: "whsec_!!!!!!!!!!!!!!!!!!!",
    }],
    ["HubSpot without its secret", { provider: "hubspot", name: "x" }],
    ["a signing URL that is none", {
      provider: "hubspot",
      name: "x",
      secret: "0123456789abcdef",
      signing_url: "javascript:1",
    }],
  ] as const
) {
  stackTest(`creating a webhook with ${what} is 422 with a sentence`, async () => {
    const tenant = await createTenant();
    const answer = await call("integrations/webhooks", {
      user: tenant.users.admin,
      orgId: tenant.orgs[0],
      body,
    });
    assert.deepEqual(
      [answer.status, answer.body.error_code],
      [422, "VALIDATION_FAILED"],
      JSON.stringify(answer.body),
    );
    assert.ok(answer.body.error.length > 10);
  });
}

stackTest(
  "receipts are listed newest first in pages, with cursors that cannot be forged into filters",
  async () => {
    const tenant = await createTenant();
    const webhook = await createWebhook(tenant, "generic_hmac");
    for (let index = 0; index < 5; index++) await sendGeneric(webhook, JSON.stringify({ index }));
    const manager = { user: tenant.users.manager };
    const first = await call(`integrations/webhooks/${webhook.id}/receipts?limit=3`, manager);
    const second = await call(
      `integrations/webhooks/${webhook.id}/receipts?limit=3&cursor=${
        encodeURIComponent(first.body.next_cursor)
      }`,
      manager,
    );
    const ids = [...first.body.data, ...second.body.data].map((receipt: { id: string }) => receipt.id);
    assert.deepEqual([ids.length, new Set(ids).size, second.body.next_cursor], [5, 5, null]);
    const forged = btoa(JSON.stringify({ at: "2026-01-01),id.gt.(0", id: crypto.randomUUID() }));
    const refused = await call(`integrations/webhooks/${webhook.id}/receipts?cursor=${forged}`, manager);
    assert.deepEqual([refused.status, refused.body.error_code], [422, "VALIDATION_FAILED"]);
  },
);
