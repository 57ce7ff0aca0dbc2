import assert from "node:assert/strict";
import type postgres from "postgres";
import { withBareStack } from "../support/bare_stack.ts";

/** A webhook; `daysAgo` = when it was deleted. */
async function makeWebhook(
  sql: postgres.Sql,
  tenantId: string,
  name: string,
  daysAgo: number | null,
): Promise<string> {
  const [row] =
    await sql`insert into public.integration_webhooks (tenant_id, provider, name, secret_ref, is_active, deleted_at)
    values (${tenantId}, 'generic_hmac', ${name}, gen_random_uuid(), ${daysAgo === null},
      now() - ${daysAgo} * interval '1 day') returning id`;
  return row!.id;
}

async function receive(
  sql: postgres.Sql,
  tenantId: string,
  webhookId: string,
  requestId: string,
  daysAgo: number,
) {
  await sql`insert into public.webhook_receipts
    (id, tenant_id, webhook_id, provider, request_id, body_bytes, event_count, duplicate_count, received_at)
    values (gen_random_uuid(), ${tenantId}, ${webhookId}, 'generic_hmac', ${requestId}, 2, 1, 0,
      now() - ${daysAgo} * interval '1 day' + interval '1 second')`;
}

Deno.test({
  name: "TIDYING: what is old and of which nothing is left goes, and nothing else",
  sanitizeOps: false,
  sanitizeResources: false,
  fn: () =>
    withBareStack(async ({ sql, admin }) => {
      await admin`update cron.job set active = false`;
      const [tenant] =
        await sql`insert into public.tenants (name, slug) values ('Tidy', 'tidy') returning id`;
      const tenantId = tenant!.id;
      const live = await makeWebhook(sql, tenantId, "live", null);
      await makeWebhook(sql, tenantId, "deleted long ago", 91);
      await makeWebhook(sql, tenantId, "deleted lately", 89);
      const received = await makeWebhook(sql, tenantId, "deleted, with a receipt", 91);
      await receive(sql, tenantId, received, "plain", 1);
      for (const days of [399, 401]) {
        await sql`insert into private.webhook_statistics (webhook_id, tenant_id, hour, received_count)
          values (${live}, ${tenantId}, date_trunc('hour', now() - ${days} * interval '1 day', 'UTC'), 1)`;
      }
      const testIds: string[] = [];
      for (const days of [91, 91, 89]) {
        const [row] = await sql`insert into private.webhook_tests (tenant_id, webhook_id, created_at)
          values (${tenantId}, ${live}, now() - ${days} * interval '1 day') returning id`;
        testIds.push(row!.id);
      }
      await receive(sql, tenantId, live, `test_${testIds[0]}`, 91);

      const [tidied] = await sql`select private.tidy_webhooks() as counts`;
      assert.deepEqual(tidied!.counts, { hours: 1, tests: 1, webhooks: 1 });
      const names = (await sql`select name from public.integration_webhooks order by name`).map((row) =>
        row.name
      );
      assert.deepEqual(names, ["deleted lately", "deleted, with a receipt", "live"]);
      const left = (await sql`select id from private.webhook_tests`).map((row) => row.id);
      assert.deepEqual(left.sort(), [testIds[0]!, testIds[2]!].sort());
      const [again] = await sql`select private.tidy_webhooks() as counts`;
      assert.deepEqual(again!.counts, { hours: 0, tests: 0, webhooks: 0 });
      // Kept longer where the tenant says so.
      await sql`update public.tenant_settings set log_retention_days = 365 where tenant_id = ${tenantId}`;
      const [later] = await sql`select private.tidy_webhooks(now() + interval '100 days') as counts`;
      assert.deepEqual(later!.counts, { hours: 1, tests: 0, webhooks: 0 });
    }, { migrations: true }),
});
