import assert from "node:assert/strict";
import type postgres from "postgres";
import { withBareStack } from "../support/bare_stack.ts";

interface Owner {
  tenantId: string;
  integrationIds: string[];
}

async function createOwner(sql: postgres.Sql): Promise<Owner> {
  const [tenant] = await sql`insert into public.tenants (name, slug) values ('Log', 'log') returning id`;
  const integrationIds = [];
  for (const key of ["first", "second", "third"]) {
    const [row] = await sql`select public.create_guardian_meta_integration(
      ${tenant!.id}, ${key}, 'Log', null, false, '{"webhook_url": "https://example.com/"}', null, ${[
      "readiness",
    ]}, '{}',
      'whsec_c2FtcGxlLXNhbXBsZS1zYW1wbGUtc2FtcGxlLXNhbXBsZQ==', null) ->> 'id' as id`;
    integrationIds.push(row!.id);
  }
  return { tenantId: tenant!.id, integrationIds };
}

/** A log in which a tenth was given up, a tenth waits, and a tenth failed and waits, over three integrations. */
async function grow(admin: postgres.Sql, { tenantId, integrationIds }: Owner, count: number): Promise<void> {
  await admin`
    with added as (
      insert into public.guardian_meta_webhook_events
        (tenant_id, integration_id, event_type, status, finished_at, last_error_class)
      select ${tenantId}, (${`{${integrationIds}}`}::text::uuid[])[1 + n % 3], 'readiness_updated', s.status,
        case when s.status in ('delivered', 'discarded') then clock_timestamp() end,
        case when s.status <> 'delivered' then 'timed_out' end
      from generate_series(1, ${count}) n
      cross join lateral (
        select case n % 10 when 1 then 'discarded' when 2 then 'pending' when 3 then 'failed' else 'delivered' end as status
      ) s
      returning *
    ),
    dead as (
      insert into private.delivery_dead_letters (delivery_id, tenant_id, integration_id, kind, error_class, discarded_at)
      select id, tenant_id, integration_id, 'guardian_meta', 'timed_out', finished_at from added where status = 'discarded'
    )
    insert into private.delivery_queue
      (delivery_id, tenant_id, integration_id, kind, event_type, is_ready, due_at, failure_count)
    select id, tenant_id, integration_id, 'guardian_meta', event_type, status = 'pending' or random() < 0.5,
      clock_timestamp() + interval '1 day', (status = 'failed')::integer
    from added where finished_at is null`;
}

/** Pages of tables and indexes that one page of the log touches, whether cached or not. */
async function pagesRead(
  admin: postgres.Sql,
  { tenantId }: Owner,
  filter: Record<string, string>,
): Promise<number> {
  const [row] = await admin`explain (analyze, buffers, timing off, format json)
    select private.deliveries_page(${tenantId}, null, 'guardian_meta', ${admin.json(filter)}, 50, null)`;
  const [{ Plan: plan }] = row!["QUERY PLAN"];
  return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"];
}

function everyFilter(integrationId: string): Record<string, string>[] {
  return [undefined, "pending", "failed", "delivered", "discarded"].flatMap((status) => {
    const one: Record<string, string> = status ? { status } : {};
    const nobody = { ...one, event_type: "nobody" };
    return [
      ...[one, nobody, { ...one, error_class: "gone" }, { ...one, integration_id: integrationId }],
      ...[{ ...nobody, integration_id: integrationId }, { ...nobody, from: "2020-01-01T00:00:00Z" }],
    ];
  });
}

/** A page looks at 5,000 rows at most, each some index pages and a page of its own. */
const MAX_PAGES_READ = 50_000;

Deno.test({
  name: "LOG: a page reads a bounded part of a long log, whatever it is narrowed to",
  sanitizeOps: false,
  sanitizeResources: false,
  fn: () =>
    withBareStack(async ({ sql, admin }) => {
      const owner = await createOwner(sql);
      await grow(admin, owner, 180_000);
      for (const filter of everyFilter(owner.integrationIds[0]!)) {
        const pages = await pagesRead(admin, owner, filter);
        assert.ok(pages <= MAX_PAGES_READ, `${JSON.stringify(filter)}: ${pages} pages`);
      }
    }, { migrations: true }),
});
