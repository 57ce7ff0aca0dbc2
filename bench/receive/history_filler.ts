import type postgres from "postgres";

const CHUNK_ROWS = 250_000;
const FILLED = [
  "public.webhook_receipts",
  "public.webhook_receipt_bodies",
  "public.integration_events_outbox",
  "public.event_dispatches",
];

/**
 * Puts receipts of the last 90 days with a short body, an event and a finished dispatch each into the tables, past the
 * storing call, spread over all webhooks. Ids are those of their time, as real ones are.
 *
 * @param sql - a superuser's connection.
 */
export async function fillHistory(sql: postgres.Sql, rows: number): Promise<void> {
  // A checkpoint in the midst would write most pages of the indexes once more.
  await sql`alter system set max_wal_size = '16GB'`;
  await sql`alter system set checkpoint_timeout = '1h'`;
  await sql`select pg_reload_conf()`;
  await sql`alter table public.integration_events_outbox disable trigger user`;
  for (let filled = 0; filled < rows; filled += CHUNK_ROWS) {
    const chunk = Math.min(CHUNK_ROWS, rows - filled);
    const daysAgo = 90 * (1 - filled / rows);
    await sql.begin((transaction) => fillChunk(transaction, chunk, daysAgo, 90 * chunk / rows));
  }
  await sql`alter table public.integration_events_outbox enable trigger user`;
  for (const table of FILLED) await sql.unsafe(`vacuum analyze ${table}`);
  await sql`alter system reset all`;
  await sql`select pg_reload_conf()`;
  await sql`checkpoint`;
}

/** As time went on: the oldest first, `days` of them. */
async function fillChunk(
  sql: postgres.TransactionSql,
  rows: number,
  daysAgo: number,
  days: number,
): Promise<void> {
  await sql`set local synchronous_commit = off`;
  await sql`
    with webhooks as (
      select w.id, w.tenant_id, w.provider, row_number() over (order by w.id) - 1 as place, count(*) over () as total
      from public.integration_webhooks w
    ),
    made as (
      select private.time_ordered_id(at.at) as receipt_id, private.time_ordered_id(at.at) as event_id, w.*, at.at
      from generate_series(1, ${rows}) as n
      join webhooks w on w.place = n % w.total
      cross join lateral (
        select now() - (${daysAgo}::float8 - ${days}::float8 * n / ${rows}) * interval '1 day' as at
      ) at
    ),
    receipts as (
      insert into public.webhook_receipts
        (id, tenant_id, webhook_id, provider, request_id, content_type, body_bytes, event_count, duplicate_count, received_at)
      select m.receipt_id, m.tenant_id, m.id, m.provider, m.receipt_id::text, 'application/json', 2, 1, 0, m.at from made m
    ),
    bodies as (
      insert into public.webhook_receipt_bodies (receipt_id, tenant_id, headers, body)
      select m.receipt_id, m.tenant_id, '{"content-type":"application/json"}', '{}' from made m
    ),
    events as (
      insert into public.integration_events_outbox (
        id, tenant_id, event_type, entity_type, entity_id, payload, source, trace_id, webhook_id, receipt_id, dedupe_key,
        occurred_at, created_at
      )
      select m.event_id, m.tenant_id, 'webhook.received', 'webhook', m.id::text,
        jsonb_build_object('receipt_id', m.receipt_id, 'webhook_id', m.id, 'provider', m.provider, 'type', 'bench.event', 'element', 0),
        m.provider, m.receipt_id::text, m.id, m.receipt_id, encode(sha256(uuid_send(m.event_id)), 'hex'), m.at, m.at
      from made m
      returning id, tenant_id, created_at
    )
    insert into public.event_dispatches (tenant_id, event_id, consumer, status, attempts, created_at, finished_at)
    select e.tenant_id, e.id, 'crm', 'done', 1, e.created_at, e.created_at from events e`;
}
