-- Statistics of inbound webhooks by hour, without counting receipts and without work for whoever stores them: a job walks
-- forward over what has settled, readers add what came since.
-- New tables, functions and job. Rollback: cron.unschedule('interlock-webhook-statistics'), drop the new objects.

create table private.webhook_statistics (
  webhook_id uuid not null,
  tenant_id uuid not null,
  hour timestamptz not null,
  received_count bigint not null default 0,
  event_count bigint not null default 0,
  duplicate_count bigint not null default 0,
  filtered_count bigint not null default 0,
  refused_count bigint not null default 0,
  limited_count bigint not null default 0,
  dead_count bigint not null default 0,
  body_bytes bigint not null default 0,
  first_received_at timestamptz,
  last_received_at timestamptz,
  constraint webhook_statistics_pkey primary key (webhook_id, hour),
  constraint webhook_statistics_webhook_fkey foreign key (tenant_id, webhook_id)
    references public.integration_webhooks (tenant_id, id) on delete cascade
) with (fillfactor = 80);
create index webhook_statistics_tenant_idx on private.webhook_statistics (tenant_id, webhook_id);
-- Refused requests make rows too: the way to the last one that was received must not lead through them.
create index webhook_statistics_spoken_idx on private.webhook_statistics (webhook_id, hour desc) where last_received_at is not null;
comment on table private.webhook_statistics is
  'What came through a webhook, by hour; tests aside. Written by the rollup and by count_webhook_requests, both of which add.';
comment on column private.webhook_statistics.webhook_id is 'The webhook.';
comment on column private.webhook_statistics.tenant_id is 'Whose webhook.';
comment on column private.webhook_statistics.hour is 'Beginning of the hour, UTC.';
comment on column private.webhook_statistics.received_count is 'Requests that brought something new: receipts.';
comment on column private.webhook_statistics.event_count is 'Elements that were new and became events.';
comment on column private.webhook_statistics.duplicate_count is 'Elements that were known already.';
comment on column private.webhook_statistics.filtered_count is 'Elements that the webhook does not want; counted, not stored.';
comment on column private.webhook_statistics.refused_count is 'Requests whose signature did not verify.';
comment on column private.webhook_statistics.limited_count is 'Requests that were sent away because there were too many.';
comment on column private.webhook_statistics.dead_count is 'Dispatches of its events that were given up in this hour; one that died again counts again.';
comment on column private.webhook_statistics.body_bytes is 'Bytes of the bodies of the receipts.';
comment on column private.webhook_statistics.first_received_at is 'First receipt of the hour; null = none.';
comment on column private.webhook_statistics.last_received_at is 'Last receipt of the hour; null = none.';

create table private.webhook_rollup (
  is_the_one boolean not null default true constraint webhook_rollup_one_check check (is_the_one),
  through timestamptz not null,
  constraint webhook_rollup_pkey primary key (is_the_one)
);
comment on table private.webhook_rollup is 'One row: how far webhook_statistics holds what was received and what died.';
comment on column private.webhook_rollup.is_the_one is 'Always true.';
comment on column private.webhook_rollup.through is
  'Receipts and deaths before this instant are in webhook_statistics, later ones are not. No transaction can add one before it.';
insert into private.webhook_rollup (through)
select coalesce(min(r.received_at), clock_timestamp()) from public.webhook_receipts r;

create function private.settled_instant(p_tables regclass[], p_patience interval, p_slack interval)
returns timestamptz
language plpgsql
set search_path = ''
as $$
declare
  v_settled constant timestamptz := clock_timestamp() - p_slack;
  v_until constant timestamptz := clock_timestamp() + p_patience;
  -- Whoever writes a row holds this lock until its end, from before it asks the clock.
  v_writers constant text[] := array(
    select l.virtualtransaction from pg_catalog.pg_locks l
    where l.locktype = 'relation' and l.mode = 'RowExclusiveLock' and l.relation = any (p_tables::oid[])
      and l.database = (select d.oid from pg_catalog.pg_database d where d.datname = current_database())
      and l.pid is distinct from pg_backend_pid()
  );
begin
  -- Those that come later write later instants.
  while exists (select from pg_catalog.pg_locks l where l.virtualtransaction = any (v_writers)) loop
    if clock_timestamp() >= v_until then
      return null;
    end if;
    perform pg_sleep(0.02);
  end loop;
  return v_settled;
end;
$$;
comment on function private.settled_instant(regclass[], interval, interval) is
  'An instant a little ago before which no transaction can add a row any more to tables whose rows carry the clock''s time of their writing: it waits for those that write now, and locks nothing. The next statement sees all of them. Null when one is still open after p_patience. p_slack, how little: room for a clock that is set back, and for writers that ask it before they reach the table.';

create function private.summarize_webhooks(p_webhook_ids uuid[], p_from timestamptz, p_to timestamptz)
returns setof private.webhook_statistics
language sql
stable
set search_path = ''
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
  with webhooks as materialized (
    select w.tenant_id, w.id from unnest(p_webhook_ids) as i (id) join public.integration_webhooks w on w.id = i.id
  ),
  deaths as materialized (
    select e.webhook_id, date_trunc('hour', d.finished_at, 'UTC') as hour, count(*) as dead_count
    from (select distinct w.tenant_id from webhooks w) t
    join public.event_dispatches d
      on d.tenant_id = t.tenant_id and d.status = 'dead' and d.finished_at >= p_from and d.finished_at < p_to
    join public.integration_events_outbox e on e.tenant_id = d.tenant_id and e.id = d.event_id
    where e.webhook_id is not null
    group by 1, 2
  ),
  parts as (
    select w.id as webhook_id, w.tenant_id, r.*, 0::bigint as dead_count
    from webhooks w
    cross join lateral (
      select date_trunc('hour', r.received_at, 'UTC') as hour, count(*) as received_count, sum(r.event_count) as event_count,
        sum(r.duplicate_count) as duplicate_count, sum(r.body_bytes) as body_bytes,
        min(r.received_at) as first_received_at, max(r.received_at) as last_received_at
      from public.webhook_receipts r
      where r.tenant_id = w.tenant_id and r.webhook_id = w.id and r.received_at >= p_from and r.received_at < p_to
        and not (r.request_id like 'test\_%' and private.is_webhook_test(r.webhook_id, r.request_id))
      group by 1
    ) r
    union all
    select w.id, w.tenant_id, d.hour, 0, 0, 0, 0, null, null, d.dead_count
    from deaths d join webhooks w on w.id = d.webhook_id
  )
  select p.webhook_id, p.tenant_id, p.hour, sum(p.received_count)::bigint, sum(p.event_count)::bigint,
    sum(p.duplicate_count)::bigint, 0::bigint, 0::bigint, 0::bigint, sum(p.dead_count)::bigint, sum(p.body_bytes)::bigint,
    min(p.first_received_at), max(p.last_received_at)
  from parts p
  group by p.webhook_id, p.tenant_id, p.hour;
$$;
comment on function private.summarize_webhooks(uuid[], timestamptz, timestamptz) is
  'What webhooks received, and which of their dispatches died, from one instant to before another, by hour: as the rollup keeps it and as readers add it to what is rolled up. One index probe per webhook, then what lies between.';

create function private.roll_up_webhook_statistics(
  p_longest interval default '10 minutes', p_patience interval default '2 seconds', p_slack interval default '5 seconds'
)
returns interval
language plpgsql
set search_path = ''
as $$
declare
  v_from timestamptz;
  v_settled timestamptz;
  v_to timestamptz;
begin
  -- One at a time: the bound is walked once.
  select r.through into v_from from private.webhook_rollup r for update skip locked;
  if not found then
    return null;
  end if;
  v_settled := private.settled_instant(
    array['public.webhook_receipts', 'public.event_dispatches']::regclass[], p_patience, p_slack);
  if v_settled is null or v_settled <= v_from then
    return null;
  end if;
  v_to := least(v_settled, v_from + p_longest);
  insert into private.webhook_statistics as s
  select h.* from private.summarize_webhooks(array(select w.id from public.integration_webhooks w), v_from, v_to) as h
  -- In one order, as count_webhook_requests does: neither waits for the other in a circle.
  order by h.webhook_id, h.hour
  on conflict (webhook_id, hour) do update set
    received_count = s.received_count + excluded.received_count, event_count = s.event_count + excluded.event_count,
    duplicate_count = s.duplicate_count + excluded.duplicate_count, dead_count = s.dead_count + excluded.dead_count,
    body_bytes = s.body_bytes + excluded.body_bytes,
    first_received_at = least(s.first_received_at, excluded.first_received_at),
    last_received_at = greatest(s.last_received_at, excluded.last_received_at);
  update private.webhook_rollup r set through = v_to where r.is_the_one;
  return v_to - v_from;
end;
$$;
comment on function private.roll_up_webhook_statistics(interval, interval, interval) is
  'Adds to webhook_statistics what came since the last time, at most p_longest of it; answers how much time that was. Null when there is nothing to do, another one runs, or a transaction that writes receipts or dispatches stays open longer than p_patience: then nothing is lost, readers count what is not rolled up.';

-- No setting: a procedure that has one may not commit. It names every schema instead.
create procedure private.work_off_webhook_statistics()
language plpgsql
as $$
declare
  v_until constant timestamptz := pg_catalog.clock_timestamp() + interval '25 seconds';
begin
  while pg_catalog.clock_timestamp() < v_until and private.roll_up_webhook_statistics() >= interval '10 minutes' loop
    commit;
  end loop;
end;
$$;
comment on procedure private.work_off_webhook_statistics() is
  'Rolls up until it has caught up, ten minutes of receipts in a transaction, for up to 25 s. Called by the job interlock-webhook-statistics.';

create function public.count_webhook_requests(p_counts jsonb)
returns void
language plpgsql
security definer
set search_path = ''
as $$
begin
  if jsonb_array_length(p_counts) > 1000 then
    perform private.raise_error('IL422', 'Requests of at most 1000 webhooks are counted at a time.');
  end if;
  insert into private.webhook_statistics as s
    (webhook_id, tenant_id, hour, duplicate_count, filtered_count, refused_count, limited_count)
  select w.id, w.tenant_id, date_trunc('hour', clock_timestamp(), 'UTC'),
    sum(coalesce(c.duplicates, 0)), sum(coalesce(c.filtered, 0)), sum(coalesce(c.refused, 0)), sum(coalesce(c.limited, 0))
  from jsonb_to_recordset(p_counts) as c (webhook_id uuid, duplicates integer, filtered integer, refused integer, limited integer)
  join public.integration_webhooks w on w.id = c.webhook_id and w.deleted_at is null
  group by w.id, w.tenant_id
  order by w.id
  on conflict (webhook_id, hour) do update set
    duplicate_count = s.duplicate_count + excluded.duplicate_count, filtered_count = s.filtered_count + excluded.filtered_count,
    refused_count = s.refused_count + excluded.refused_count, limited_count = s.limited_count + excluded.limited_count;
end;
$$;
comment on function public.count_webhook_requests(jsonb) is
  'Adds what leaves no receipt to the current hour of webhooks: [{webhook_id, duplicates, filtered, refused, limited}], at most 1000, all but the id optional. Unknown and deleted ones are passed over, so a sender makes at most one row per hour and webhook that exists, however much is refused. Throws IL422. Definer for service_role alone.';
grant execute on function public.count_webhook_requests(jsonb) to service_role;

create function private.open_dispatches_of_webhook(p_tenant_id uuid, p_webhook_id uuid)
returns jsonb
language sql
stable
set search_path = ''
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
  with pending as (
    select d.event_id, d.last_error_code is not null as has_failed, false as is_dead
    from public.event_dispatches d where d.tenant_id = p_tenant_id and d.status = 'pending' limit 10000
  ),
  dead as (
    select d.event_id, true, true
    from public.event_dispatches d where d.tenant_id = p_tenant_id and d.status = 'dead' order by d.finished_at desc limit 10000
  ),
  looked_at as (select * from pending union all select * from dead)
  select jsonb_build_object(
    'pending', count(*) filter (where not l.is_dead and not l.has_failed),
    'failing', count(*) filter (where not l.is_dead and l.has_failed),
    'dead', count(*) filter (where l.is_dead),
    'is_exact', (select count(*) < 10000 from pending) and (select count(*) < 10000 from dead)
  )
  from looked_at l
  join public.integration_events_outbox e on e.tenant_id = p_tenant_id and e.id = l.event_id
  where e.webhook_id = p_webhook_id;
$$;
comment on function private.open_dispatches_of_webhook(uuid, uuid) is
  'Dispatches of a webhook''s events that are not done: {pending (never failed), failing (another attempt follows), dead, is_exact}. At most 10,000 pending and 10,000 dead ones of the tenant are looked at; is_exact false = there are more.';

create function private.webhook_summary(
  p_received numeric, p_events numeric, p_duplicates numeric, p_filtered numeric, p_refused numeric, p_limited numeric,
  p_dead numeric, p_body_bytes numeric
)
returns jsonb
language sql
immutable
set search_path = ''
as $$
  select jsonb_build_object(
    'received', coalesce(p_received, 0), 'events', coalesce(p_events, 0), 'duplicates', coalesce(p_duplicates, 0),
    'filtered', coalesce(p_filtered, 0), 'refused', coalesce(p_refused, 0), 'limited', coalesce(p_limited, 0),
    'dead', coalesce(p_dead, 0), 'body_bytes', coalesce(p_body_bytes, 0)
  );
$$;
comment on function private.webhook_summary(numeric, numeric, numeric, numeric, numeric, numeric, numeric, numeric) is
  'A time span of a webhook as the API shows it.';

create function public.webhook_statistics_series(
  p_tenant_id uuid, p_webhook_id uuid, p_from timestamptz, p_to timestamptz, p_granularity text
)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_step constant interval := case p_granularity when 'hour' then interval '1 hour' when 'day' then interval '24 hours' end;
  v_longest constant interval := case p_granularity when 'hour' then interval '744 hours' when 'day' then interval '8784 hours' end;
  v_from constant timestamptz := date_trunc(p_granularity, p_from, 'UTC');
  -- The period that p_to lies in is answered whole.
  v_to constant timestamptz := date_trunc(p_granularity, p_to + v_step - interval '1 microsecond', 'UTC');
  v_through constant timestamptz := (select r.through from private.webhook_rollup r);
begin
  if v_step is null or p_from >= p_to or v_to - v_from > v_longest then
    perform private.raise_error('IL422', 'Statistics cover up to 744 hours or 366 days, from an earlier to a later instant.');
  end if;
  if not exists (select from public.integration_webhooks w where w.tenant_id = p_tenant_id and w.id = p_webhook_id) then
    perform private.raise_error('IL404', 'This webhook does not exist.');
  end if;
  return (
    with recent as materialized (
      select s.* from private.summarize_webhooks(array[p_webhook_id], v_through, 'infinity') s
    ),
    hours as (
      select s.* from private.webhook_statistics s where s.webhook_id = p_webhook_id and s.hour >= v_from and s.hour < v_to
      union all
      select r.* from recent r where r.hour >= v_from and r.hour < v_to
    ),
    periods as (
      select p.start, sum(h.received_count) as received, sum(h.event_count) as events, sum(h.duplicate_count) as duplicates,
        sum(h.filtered_count) as filtered, sum(h.refused_count) as refused, sum(h.limited_count) as limited,
        sum(h.dead_count) as dead, sum(h.body_bytes) as body_bytes
      from generate_series(v_from, v_to - v_step, v_step) as p (start)
      left join hours h on date_trunc(p_granularity, h.hour, 'UTC') = p.start
      group by p.start
    )
    select jsonb_build_object(
      'from', v_from, 'to', v_to, 'granularity', p_granularity,
      'last_received_at', coalesce((select max(r.last_received_at) from recent r), (
        select s.last_received_at from private.webhook_statistics s
        where s.webhook_id = p_webhook_id and s.last_received_at is not null order by s.hour desc limit 1
      )),
      'open', private.open_dispatches_of_webhook(p_tenant_id, p_webhook_id),
      'total', private.webhook_summary(
        sum(s.received), sum(s.events), sum(s.duplicates), sum(s.filtered), sum(s.refused), sum(s.limited), sum(s.dead),
        sum(s.body_bytes)),
      'periods', jsonb_agg(
        jsonb_build_object('period_start', s.start) || private.webhook_summary(
          s.received, s.events, s.duplicates, s.filtered, s.refused, s.limited, s.dead, s.body_bytes)
        order by s.start
      )
    ) from periods s
  );
end;
$$;

comment on function public.webhook_statistics_series(uuid, uuid, timestamptz, timestamptz, text) is
  'Statistics of a webhook by hour or day of UTC, without counting its receipts: {from, to, granularity, last_received_at, open {pending, failing, dead, is_exact}, total, periods: [{period_start, received, events, duplicates, filtered, refused, limited, dead, body_bytes}]}, periods without any included. At most 744 hours or 366 days. Throws IL404, IL422. Definer for service_role alone.';
grant execute on function public.webhook_statistics_series(uuid, uuid, timestamptz, timestamptz, text) to service_role;

select private.schedule_job('interlock-webhook-statistics', 60, 'call private.work_off_webhook_statistics()');
