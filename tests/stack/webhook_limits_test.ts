import assert from "node:assert/strict";
import { call } from "../support/api.ts";
import { eventually, sql, stackTest } from "../support/stack.ts";
import { createTenant } from "../support/tenant.ts";
import { createWebhook, sendGeneric } from "../support/webhook.ts";

stackTest(
  "LIMITS: beyond its rate a webhook answers 429 with Retry-After, stores nothing of it, and counts it",
  async () => {
    const tenant = await createTenant();
    const [slow, other] = [
      await createWebhook(tenant, "generic_hmac"),
      await createWebhook(tenant, "generic_hmac"),
    ];
    const set = await call(`integrations/webhooks/${slow.id}`, {
      ...{ user: tenant.users.admin, orgId: tenant.orgs[0], method: "PATCH" },
      body: { rate_limit_per_second: 2 },
    });
    assert.deepEqual([set.status, set.body.rate_limit_per_second], [200, 2]);
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, nth) => sendGeneric(slow, JSON.stringify({ nth }))),
    );
    const taken = answers.filter(({ status }) => status === 200);
    const refused = answers.filter(({ status }) => status === 429);
    assert.equal(taken.length + refused.length, 20);
    assert.ok(refused.length >= 10, `${refused.length} of 20 were sent away`);
    for (const { body, headers } of refused) {
      assert.equal(body.error_code, "RATE_LIMITED");
      assert.ok(Number(headers.get("retry-after")) >= 1);
    }
    const [row] =
      await sql`select count(*)::int as n from public.webhook_receipts where webhook_id = ${slow.id}`;
    assert.equal(row!.n, taken.length);
    assert.equal((await sendGeneric(other, "{}")).status, 200, "the other webhook has a rate of its own");
    await eventually(async () => {
      const [counted] = await sql`select sum(limited_count)::int as n from private.webhook_statistics
      where webhook_id = ${slow.id}`;
      return counted!.n === refused.length;
    });
  },
);

stackTest("LIMITS: who cannot sign is told so, and uses up nobody's rate", async () => {
  const tenant = await createTenant();
  const webhook = await createWebhook(tenant, "generic_hmac");
  await sql`update public.integration_webhooks set rate_limit_per_second = 1 where id = ${webhook.id}`;
  const forged = { ...webhook, secret: "another-secret-that-is-wrong" };
  for (let nth = 0; nth < 5; nth++) assert.equal((await sendGeneric(forged, `{"nth":${nth}}`)).status, 401);
  assert.equal((await sendGeneric(webhook, "{}")).status, 200);
});
