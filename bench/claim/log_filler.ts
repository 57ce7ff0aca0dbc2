import type postgres from "postgres";

const CHUNK_ROWS = 250_000;
const FILLED = ["public.guardian_meta_webhook_events", "public.guardian_meta_webhook_attempts"];

/**
 * Puts finished deliveries with one attempt each into the log, past the engine, until it holds so many. Ids are those
 * of their time, as real ones are.
 */
export async function fillLog(sql: postgres.Sql, rows: number): Promise<void> {
  // A checkpoint in the midst would write most pages of the indexes once more.
  await sql`alter system set max_wal_size = '16GB'`;
  await sql`alter system set checkpoint_timeout = '1h'`;
  await sql`select pg_reload_conf()`;
  const [have] = await sql`select count(*)::integer as count from public.guardian_meta_webhook_events`;
  for (let missing = rows - have!.count; missing > 0; missing -= CHUNK_ROWS) {
    await sql.begin(async (transaction) => {
      await transaction`set local synchronous_commit = off`;
      await transaction`
        with integrations as (
          select i.id, i.tenant_id, row_number() over (order by i.id) - 1 as place, count(*) over () as total
          from public.guardian_meta_integrations i where i.integration_key like 'lane-%'
        ),
        made as (
          insert into public.guardian_meta_webhook_events (
            id, tenant_id, integration_id, event_id, event_type, status, attempt_count, first_attempt_at, last_attempt_at,
            last_status_code, created_at, finished_at
          )
          select private.time_ordered_id(at.at), i.tenant_id, i.id, private.time_ordered_id(at.at), 'readiness_updated', 'delivered', 1, at.at, at.at, 204, at.at, at.at
          from generate_series(1, ${Math.min(CHUNK_ROWS, missing)}) as n
          join integrations i on i.place = n % i.total
          cross join lateral (select now() - random() * interval '90 days' - n * interval '1 microsecond' as at) at
          returning tenant_id, integration_id, id, created_at
        )
        insert into public.guardian_meta_webhook_attempts (
          tenant_id, integration_id, delivery_id, attempt, outcome, status_code, started_at, duration_ms, request_body
        )
        select m.tenant_id, m.integration_id, m.id, 1, 'delivered', 204, m.created_at, 5, '{"type":"readiness_updated"}' from made m`;
    });
  }
  for (
    const table of [...FILLED, "private.delivery_queue", "private.delivery_flights", "private.delivery_lanes"]
  ) {
    await sql.unsafe(`vacuum analyze ${table}`);
  }
  await sql`alter system reset all`;
  await sql`select pg_reload_conf()`;
  await sql`checkpoint`;
}

/** How much disk the log takes, indexes included. */
export async function logMegabytes(sql: postgres.Sql): Promise<number> {
  const [row] = await sql`
    select sum(pg_total_relation_size(t::regclass))::float8 / 1e6 as megabytes from unnest(${FILLED}::text[]) as t`;
  return Math.round(row!.megabytes);
}
