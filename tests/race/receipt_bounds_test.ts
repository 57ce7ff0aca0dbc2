import assert from "node:assert/strict";
import type postgres from "postgres";
import { withBareStack } from "../support/bare_stack.ts";

interface Owner {
  tenantId: string;
  webhookIds: string[];
}

/** Three webhooks of a tenant; every third receipt has an event that was given up, and another that waits. */
async function grow(sql: postgres.Sql, { tenantId, webhookIds }: Owner, count: number): Promise<void> {
  await sql`alter table public.integration_events_outbox disable trigger user`;
  await sql`
    with received as (
      insert into public.webhook_receipts
        (id, tenant_id, webhook_id, provider, request_id, body_bytes, event_count, duplicate_count, received_at)
      select gen_random_uuid(), ${tenantId}, (${`{${webhookIds}}`}::text::uuid[])[1 + n % 3], 'generic_hmac', 'bounds', 2, 2, 0,
        clock_timestamp() - n * interval '1 second'
      from generate_series(1, ${count}::int) as n
      returning *, extract(epoch from received_at)::bigint % 3 = 0 as fails
    ),
    told as (
      insert into public.integration_events_outbox
        (tenant_id, event_type, entity_type, entity_id, payload, source, trace_id, webhook_id, receipt_id, dedupe_key)
      select ${tenantId}, 'webhook.received', 'webhook', '1',
        jsonb_build_object('type', case when r.fails then 'failing' else 'fine' end), 'x', 'x', r.webhook_id, r.id, gen_random_uuid()
      from received r
      returning *
    )
    insert into public.event_dispatches (tenant_id, event_id, consumer, status, finished_at, last_error_code, next_attempt_at)
    select ${tenantId}, t.id, c.name, c.status, case when c.status <> 'pending' then clock_timestamp() end,
      case when c.status <> 'done' then 'INTERNAL' end, now() + interval '1 day'
    from told t
    cross join lateral (
      select 'crm', case when t.payload ->> 'type' = 'failing' then 'dead' else 'done' end
      union all select 'other', case when t.payload ->> 'type' = 'failing' then 'pending' else 'done' end
    ) as c (name, status)`;
  await sql`alter table public.integration_events_outbox enable trigger user`;
}

/** Pages of tables and indexes that a query touches, whether cached or not. */
async function pagesRead(admin: postgres.Sql, query: string): Promise<number> {
  const rows = await admin.unsafe(`explain (analyze, buffers, timing off, format json) ${query}`);
  const [{ Plan: plan }] = rows[0]!["QUERY PLAN"];
  return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"];
}

/** What people ask for, whether many or none meet it. */
function questions({ tenantId, webhookIds }: Owner): string[] {
  const nobody = { type: "nobody" };
  const receipts = [{}, nobody, { outcome: "dead" }, { outcome: "failing" }, { duplicates: true }].map((
    filter,
  ) =>
    `select private.receipts_page('${tenantId}', '${webhookIds[0]}', '${JSON.stringify(filter)}', 50, null)`
  );
  const letters = [{}, nobody, { webhook_id: webhookIds[0] }, { error_code: "GONE" }].map((filter) =>
    `select public.list_dead_dispatches('${tenantId}', null, '${JSON.stringify(filter)}', 50, null)`
  );
  return [...receipts, ...letters];
}

/** A page of receipts looks at 2,000, each with two probes of two indexes; one of dead letters at 5,000. */
const MAX_PAGES_READ = 20_000;

Deno.test({
  name: "RECEIPT LOG: a page reads a bounded part of a long log, whatever it is narrowed to",
  sanitizeOps: false,
  sanitizeResources: false,
  fn: () =>
    withBareStack(async ({ sql, admin }) => {
      await admin`update cron.job set active = false`;
      const [tenant] = await sql`insert into public.tenants (name, slug) values ('Log', 'log') returning id`;
      const webhooks =
        await sql`insert into public.integration_webhooks (tenant_id, provider, name, secret_ref)
        select ${
          tenant!.id
        }, 'generic_hmac', 'Log ' || n, gen_random_uuid() from generate_series(1, 3) as n returning id`;
      const owner = { tenantId: tenant!.id, webhookIds: webhooks.map((row) => row.id) };
      for (const [added, statistics] of [[300, "none"], [30_000, "of a short log"], [0, "fresh"]] as const) {
        if (added > 0) await grow(admin, owner, added);
        if (statistics !== "of a short log") await admin`analyze`;
        for (const question of questions(owner)) {
          const pages = await pagesRead(admin, question);
          assert.ok(pages < MAX_PAGES_READ, `statistics ${statistics}: ${pages} pages for ${question}`);
        }
      }
      const empty = await sql`select private.receipts_page(${owner.tenantId}, ${owner
        .webhookIds[0]!}, '{"type":"nobody"}', 50, null) as page`;
      assert.deepEqual(empty[0]!.page.ids, []);
      assert.notEqual(empty[0]!.page.next, null, "it says where to go on");
    }, { migrations: true }),
});
