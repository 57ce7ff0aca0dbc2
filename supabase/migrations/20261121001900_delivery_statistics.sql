-- Statistics of the delivery engine without counting its log, retention of everything that piles up, and lanes that heal.
-- New tables, functions and jobs; an index on the queue; storage parameters of the queue tables. Replaces
-- public.guardian_meta_statistics() of 1200. Rolls up what the log holds already.
-- Rollback: cron.unschedule the three jobs, drop the new objects, restore public.guardian_meta_statistics().

-- How long something took, in buckets: exact below 16 ms, then eight buckets to every doubling.

create function private.latency_bucket(p_ms integer)
returns integer
language sql
immutable
parallel safe
return 8 * width_bucket(greatest(p_ms, 0), array[
    16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536, 131072, 262144, 524288, 1048576, 2097152, 4194304,
    8388608, 16777216, 33554432, 67108864, 134217728, 268435456, 536870912, 1073741824
  ]) + (greatest(p_ms, 0) >> width_bucket(greatest(p_ms, 0), array[
    16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536, 131072, 262144, 524288, 1048576, 2097152, 4194304,
    8388608, 16777216, 33554432, 67108864, 134217728, 268435456, 536870912, 1073741824
  ]));
comment on function private.latency_bucket(integer) is
  'Bucket of a duration in milliseconds, 0 to 231: one each below 16 ms, then eight of the same width to every doubling, so that a bucket is at most an eighth of its values wide. Negative counts as 0. Without settings, so that calls are inlined.';

create function private.latency_of_bucket(p_bucket integer)
returns integer
language sql
immutable
parallel safe
return ((p_bucket - 8 * greatest(0, p_bucket / 8 - 1)) << greatest(0, p_bucket / 8 - 1))
  + ((1 << greatest(0, p_bucket / 8 - 1)) - 1) / 2;
comment on function private.latency_of_bucket(integer) is
  'The middle of a bucket in milliseconds: at most a sixteenth (6.25 %) away from any value in it, exact below 16 ms. Null for null.';

create function private.latency_histogram(p_ms integer[])
returns bigint[]
language sql
immutable
set search_path = ''
as $$
  with counts as materialized (
    select private.latency_bucket(v.ms) as bucket, count(*) as n from unnest(p_ms) as v (ms) group by 1
  )
  select coalesce(array_agg(coalesce(c.n, 0) order by b.bucket), '{}')
  from generate_series(0, (select max(m.bucket) from counts m)) as b (bucket)
  left join counts c on c.bucket = b.bucket;
$$;
comment on function private.latency_histogram(integer[]) is
  'Counts of durations by private.latency_bucket(): element n + 1 is bucket n. It ends at the last bucket that has any.';

create function private.add_histograms(p_one bigint[], p_other bigint[])
returns bigint[]
language sql
immutable
set search_path = ''
as $$
  select case
    when cardinality(p_one) = 0 then p_other
    when cardinality(p_other) = 0 then p_one
    else array(
      select coalesce(b.one, 0) + coalesce(b.other, 0)
      from unnest(p_one, p_other) with ordinality as b (one, other, place) order by b.place
    ) end;
$$;
comment on function private.add_histograms(bigint[], bigint[]) is 'Two histograms as one.';

create aggregate private.sum_histograms(bigint[]) (sfunc = private.add_histograms, stype = bigint[], initcond = '{}');
comment on aggregate private.sum_histograms(bigint[]) is 'All histograms as one; empty for none.';

create function private.histogram_percentile(p_histogram bigint[], p_share numeric)
returns integer
language sql
immutable
set search_path = ''
as $$
  select private.latency_of_bucket(min(b.bucket)::integer)
  from (
    select h.place - 1 as bucket, sum(h.n) over (order by h.place) as reached, sum(h.n) over () as total
    from unnest(p_histogram) with ordinality as h (n, place)
  ) b
  where b.total > 0 and b.reached >= p_share * b.total;
$$;
comment on function private.histogram_percentile(bigint[], numeric) is
  'The duration below or at which a share of all lie (nearest rank), in milliseconds: exact below 16 ms, else at most 6.25 % off. Null for an empty histogram.';

-- The rollup.

create table private.tenant_delivery_statistics (
  tenant_id uuid not null,
  hour timestamptz not null,
  delivered bigint not null,
  failed bigint not null,
  discarded bigint not null,
  first_attempt_histogram bigint[] not null,
  success_histogram bigint[] not null,
  constraint tenant_delivery_statistics_pkey primary key (tenant_id, hour)
);
comment on table private.tenant_delivery_statistics is
  'delivery_statistics of all subscriptions of a tenant together, so that a tenant with a thousand of them is read as fast. Written by the rollup.';
comment on column private.tenant_delivery_statistics.tenant_id is 'The tenant.';
comment on column private.tenant_delivery_statistics.hour is 'Beginning of the hour, UTC.';
comment on column private.tenant_delivery_statistics.delivered is 'Deliveries that succeeded.';
comment on column private.tenant_delivery_statistics.failed is 'Attempts that failed, refused ones included.';
comment on column private.tenant_delivery_statistics.discarded is 'Deliveries that were given up.';
comment on column private.tenant_delivery_statistics.first_attempt_histogram is 'As in delivery_statistics.';
comment on column private.tenant_delivery_statistics.success_histogram is 'As in delivery_statistics.';

create table private.delivery_totals (
  integration_id uuid not null,
  delivered bigint not null,
  failed bigint not null,
  discarded bigint not null,
  constraint delivery_totals_pkey primary key (integration_id)
);
comment on table private.delivery_totals is
  'What a subscription did since it was made, however long its hours are kept. Written by the rollup; what came since stands in delivery_statistics_recent.';
comment on column private.delivery_totals.integration_id is 'The subscription.';
comment on column private.delivery_totals.delivered is 'Deliveries that succeeded; one that was replayed counts again.';
comment on column private.delivery_totals.failed is 'Attempts that failed, refused ones included.';
comment on column private.delivery_totals.discarded is 'Deliveries that were given up; one that was replayed and given up again counts twice.';

create function private.summarize_recent(p_rows private.delivery_statistics_recent[])
returns setof private.delivery_statistics
language sql
stable
set search_path = ''
as $$
  with recent as materialized (
    select r.*, date_trunc('hour', r.at, 'UTC') as hour from unnest(p_rows) as r
  ),
  counts as (
    select r.integration_id, r.hour, sum(r.delivered)::bigint as delivered, sum(r.failed)::bigint as failed,
      sum(r.discarded)::bigint as discarded
    from recent r group by r.integration_id, r.hour
  ),
  first_attempts as (
    select r.integration_id, r.hour, private.latency_histogram(array_agg(v.ms)) as histogram
    from recent r cross join lateral unnest(r.first_attempt_ms) as v (ms) group by r.integration_id, r.hour
  ),
  successes as (
    select r.integration_id, r.hour, private.latency_histogram(array_agg(v.ms)) as histogram
    from recent r cross join lateral unnest(r.success_ms) as v (ms) group by r.integration_id, r.hour
  )
  select c.integration_id, c.hour, c.delivered, c.failed, c.discarded, coalesce(f.histogram, '{}'), coalesce(s.histogram, '{}')
  from counts c
  left join first_attempts f using (integration_id, hour)
  left join successes s using (integration_id, hour);
$$;
comment on function private.summarize_recent(private.delivery_statistics_recent[]) is
  'Reports of workers by subscription and hour, as the rollup keeps them and as readers add them to what is rolled up.';

create function private.keep_hours(p_hours private.delivery_statistics[])
returns void
language plpgsql
set search_path = ''
as $$
begin
  insert into private.delivery_statistics as s
  select h.* from unnest(p_hours) as h
  on conflict (integration_id, hour) do update set
    delivered = s.delivered + excluded.delivered, failed = s.failed + excluded.failed, discarded = s.discarded + excluded.discarded,
    first_attempt_histogram = private.add_histograms(s.first_attempt_histogram, excluded.first_attempt_histogram),
    success_histogram = private.add_histograms(s.success_histogram, excluded.success_histogram);
  insert into private.tenant_delivery_statistics as s
  select l.tenant_id, h.hour, sum(h.delivered), sum(h.failed), sum(h.discarded),
    private.sum_histograms(h.first_attempt_histogram), private.sum_histograms(h.success_histogram)
  from unnest(p_hours) as h
  join private.delivery_lanes l on l.integration_id = h.integration_id
  group by l.tenant_id, h.hour
  on conflict (tenant_id, hour) do update set
    delivered = s.delivered + excluded.delivered, failed = s.failed + excluded.failed, discarded = s.discarded + excluded.discarded,
    first_attempt_histogram = private.add_histograms(s.first_attempt_histogram, excluded.first_attempt_histogram),
    success_histogram = private.add_histograms(s.success_histogram, excluded.success_histogram);
  insert into private.delivery_totals as t
  select h.integration_id, sum(h.delivered), sum(h.failed), sum(h.discarded) from unnest(p_hours) as h group by h.integration_id
  on conflict (integration_id) do update set
    delivered = t.delivered + excluded.delivered, failed = t.failed + excluded.failed, discarded = t.discarded + excluded.discarded;
end;
$$;
comment on function private.keep_hours(private.delivery_statistics[]) is
  'Adds hours of subscriptions to delivery_statistics, to those of their tenants and to the totals.';

create function private.roll_up_delivery_statistics(p_rows integer default 100000)
returns integer
language plpgsql
set search_path = ''
as $$
declare
  v_rows private.delivery_statistics_recent[];
begin
  -- One at a time: two would wait for each other's hours.
  if not pg_try_advisory_xact_lock(hashtext('interlock.roll_up_delivery_statistics')) then
    return 0;
  end if;
  with taken as (
    delete from private.delivery_statistics_recent r
    where r.ctid = any (array(select o.ctid from private.delivery_statistics_recent o limit p_rows))
    returning r as report
  )
  select array_agg(t.report) into v_rows from taken t;
  if v_rows is null then
    return 0;
  end if;
  perform private.keep_hours(array(select h from private.summarize_recent(v_rows) as h));
  return cardinality(v_rows);
end;
$$;
comment on function private.roll_up_delivery_statistics(integer) is
  'Moves reports from delivery_statistics_recent into the hours, at most p_rows; answers how many. Workers go on writing: it takes what is committed and waits for nobody. Readers see either both or neither. 0 while another one runs.';

-- Statistics for people.

create index delivery_queue_waiting_idx on private.delivery_queue (integration_id, position) where not is_ready;

create function private.open_deliveries(p_integration_ids uuid[])
returns table (integration_id uuid, pending bigint, failed bigint, in_flight bigint, untried_24h bigint, oldest_open_at timestamptz)
language sql
stable
set search_path = ''
set enable_seqscan = off
as $$
  select i.id, w.pending, w.failed, f.in_flight, w.untried_24h, least(w.oldest_at, f.oldest_at)
  from unnest(p_integration_ids) as i (id)
  cross join lateral (
    select count(*) filter (where o.failure_count = 0) as pending, count(*) filter (where o.failure_count > 0) as failed,
      count(*) filter (where o.attempt_count = 0 and o.queued_at > now() - interval '24 hours') as untried_24h,
      min(o.queued_at) as oldest_at
    from (
      (
        select q.failure_count, q.attempt_count, q.queued_at from private.delivery_queue q
        where q.integration_id = i.id and q.is_ready and not q.is_test order by q.position limit 100000
      )
      union all
      (
        select q.failure_count, q.attempt_count, q.queued_at from private.delivery_queue q
        where q.integration_id = i.id and not q.is_ready and not q.is_test order by q.position limit 100000
      )
    ) o
  ) w
  left join (
    select g.integration_id, count(*) as in_flight, min(g.queued_at) as oldest_at from private.delivery_flights g
    where not g.is_test group by g.integration_id
  ) n on n.integration_id = i.id
  cross join lateral (select coalesce(n.in_flight, 0) as in_flight, n.oldest_at) f;
$$;
comment on function private.open_deliveries(uuid[]) is
  'What is open of subscriptions, tests aside, from the queue: pending = waits and never failed, failed = waits after a failure, in_flight = a worker has it; untried_24h = came in the last 24 hours and was never tried. At most 100,000 ready and 100,000 waiting ones of a subscription are counted.';

create function private.statistics_summary(
  p_delivered bigint, p_failed bigint, p_discarded bigint, p_first_attempt_histogram bigint[], p_success_histogram bigint[]
)
returns jsonb
language sql
immutable
set search_path = ''
as $$
  select jsonb_build_object(
    'delivered', coalesce(p_delivered, 0), 'failed', coalesce(p_failed, 0), 'discarded', coalesce(p_discarded, 0),
    'failure_rate', round(p_failed::numeric / nullif(p_delivered + p_failed, 0), 4),
    'first_attempt_p50_ms', private.histogram_percentile(p_first_attempt_histogram, 0.5),
    'first_attempt_p95_ms', private.histogram_percentile(p_first_attempt_histogram, 0.95),
    'success_p50_ms', private.histogram_percentile(p_success_histogram, 0.5),
    'success_p95_ms', private.histogram_percentile(p_success_histogram, 0.95)
  );
$$;
comment on function private.statistics_summary(bigint, bigint, bigint, bigint[], bigint[]) is
  'A time span as the API shows it. failure_rate = failed attempts of those that failed or delivered, null when there were none.';

drop function public.guardian_meta_statistics(uuid, uuid[]);

create function public.delivery_statistics(p_tenant_id uuid, p_integration_ids uuid[])
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_since constant timestamptz := date_trunc('hour', now() - interval '24 hours', 'UTC');
  v_ids constant uuid[] := array(
    select l.integration_id from private.delivery_lanes l
    where l.tenant_id = p_tenant_id and l.integration_id = any (p_integration_ids)
  );
begin
  return (
    with recent as materialized (
      select h.* from private.summarize_recent(array(
        select r from private.delivery_statistics_recent r where r.integration_id = any (v_ids)
      )) as h
    ),
    day as (
      select h.integration_id, sum(h.delivered)::bigint as delivered, sum(h.failed)::bigint as failed,
        sum(h.discarded)::bigint as discarded, private.sum_histograms(h.first_attempt_histogram) as first_attempts,
        private.sum_histograms(h.success_histogram) as successes
      from (
        select s.* from private.delivery_statistics s where s.integration_id = any (v_ids) and s.hour >= v_since
        union all
        select r.* from recent r where r.hour >= v_since
      ) h
      group by h.integration_id
    ),
    totals as (
      select t.integration_id, sum(t.delivered)::bigint as delivered, sum(t.discarded)::bigint as discarded
      from (
        select d.integration_id, d.delivered, d.discarded from private.delivery_totals d where d.integration_id = any (v_ids)
        union all
        select r.integration_id, r.delivered, r.discarded from recent r
      ) t
      group by t.integration_id
    )
    select coalesce(jsonb_object_agg(o.integration_id, jsonb_build_object(
      'delivered', coalesce(t.delivered, 0), 'pending', o.pending, 'failed', o.failed, 'in_flight', o.in_flight,
      'discarded', coalesce(t.discarded, 0),
      'last_24h', private.statistics_summary(d.delivered, d.failed, d.discarded, d.first_attempts, d.successes)
        || jsonb_build_object('queued', o.untried_24h + coalesce((select sum(b.n) from unnest(d.first_attempts) as b (n)), 0)),
      'oldest_open_at', o.oldest_open_at,
      'last_attempt_at', (
        select a.started_at from private.delivery_attempts a where a.integration_id = o.integration_id
        order by a.started_at desc limit 1
      )
    )), '{}'::jsonb)
    from private.open_deliveries(v_ids) o
    left join day d on d.integration_id = o.integration_id
    left join totals t on t.integration_id = o.integration_id
  );
end;
$$;
comment on function public.delivery_statistics(uuid, uuid[]) is
  'Statistics of a tenant''s subscriptions of any kind, without counting the log: {integration_id: {delivered and discarded since it was made, pending, failed, in_flight, last_24h {delivered, failed (attempts), discarded, queued, failure_rate, first_attempt_p50_ms, first_attempt_p95_ms, success_p50_ms, success_p95_ms}, oldest_open_at, last_attempt_at}}. last_24h is the current hour and the 24 before it; queued = came to their first attempt in it, or wait for it since less than 24 h. Those of other tenants are missing. Definer for service_role alone.';

create function public.delivery_statistics_series(
  p_tenant_id uuid, p_integration_id uuid, p_from timestamptz, p_to timestamptz, p_granularity text
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
  v_ids constant uuid[] := array(
    select l.integration_id from private.delivery_lanes l
    where l.tenant_id = p_tenant_id and (p_integration_id is null or l.integration_id = p_integration_id)
  );
begin
  if v_step is null or p_from >= p_to or v_to - v_from > v_longest then
    perform private.raise_error('IL422', 'Statistics cover up to 744 hours or 366 days, from an earlier to a later instant.');
  end if;
  if p_integration_id is not null and cardinality(v_ids) = 0 then
    perform private.raise_error('IL404', 'This integration does not exist.');
  end if;
  return (
    with hours as (
      select s.hour, s.delivered, s.failed, s.discarded, s.first_attempt_histogram, s.success_histogram
      from private.delivery_statistics s
      where s.integration_id = p_integration_id and s.integration_id = any (v_ids) and s.hour >= v_from and s.hour < v_to
      union all
      select s.hour, s.delivered, s.failed, s.discarded, s.first_attempt_histogram, s.success_histogram
      from private.tenant_delivery_statistics s
      where p_integration_id is null and s.tenant_id = p_tenant_id and s.hour >= v_from and s.hour < v_to
      union all
      select s.hour, s.delivered, s.failed, s.discarded, s.first_attempt_histogram, s.success_histogram
      from private.summarize_recent(array(
        select r from private.delivery_statistics_recent r
        where r.integration_id = any (v_ids) and r.at >= v_from and r.at < v_to
      )) s
    ),
    periods as (
      select p.start, sum(h.delivered)::bigint as delivered, sum(h.failed)::bigint as failed, sum(h.discarded)::bigint as discarded,
        private.sum_histograms(coalesce(h.first_attempt_histogram, '{}')) as first_attempts,
        private.sum_histograms(coalesce(h.success_histogram, '{}')) as successes
      from generate_series(v_from, v_to - v_step, v_step) as p (start)
      left join hours h on date_trunc(p_granularity, h.hour, 'UTC') = p.start
      group by p.start
    )
    select jsonb_build_object(
      'from', v_from, 'to', v_to, 'granularity', p_granularity,
      'open', (
        select jsonb_build_object(
          'pending', coalesce(sum(o.pending), 0), 'failed', coalesce(sum(o.failed), 0),
          'in_flight', coalesce(sum(o.in_flight), 0), 'oldest_open_at', min(o.oldest_open_at)
        ) from private.open_deliveries(v_ids) o
      ),
      'total', private.statistics_summary(
        sum(s.delivered)::bigint, sum(s.failed)::bigint, sum(s.discarded)::bigint,
        private.sum_histograms(s.first_attempts), private.sum_histograms(s.successes)
      ),
      'periods', jsonb_agg(
        jsonb_build_object('period_start', s.start)
          || private.statistics_summary(s.delivered, s.failed, s.discarded, s.first_attempts, s.successes)
        order by s.start
      )
    ) from periods s
  );
end;
$$;
comment on function public.delivery_statistics_series(uuid, uuid, timestamptz, timestamptz, text) is
  'Statistics of a subscription, or of all of the tenant (null), by hour or day of UTC: {from, to, granularity, open {pending, failed, in_flight, oldest_open_at}, total, periods: [{period_start, delivered, failed, discarded, failure_rate, first_attempt_p50_ms, first_attempt_p95_ms, success_p50_ms, success_p95_ms}]}, periods without deliveries included. At most 744 hours or 366 days. Throws IL404, IL422. Definer for service_role alone.';

grant execute on function public.delivery_statistics(uuid, uuid[]),
  public.delivery_statistics_series(uuid, uuid, timestamptz, timestamptz, text)
to service_role;

-- What the log holds already, up to the first report that will be rolled up by itself.

with span as (
  select coalesce((select min(r.at) from private.delivery_statistics_recent r), now()) as until
),
finished as (
  select d.integration_id, date_trunc('hour', d.finished_at, 'UTC') as hour, count(*) filter (where d.status = 'delivered') as delivered,
    count(*) filter (where d.status = 'discarded') as discarded,
    coalesce(array_agg(least(2147483647, extract(epoch from d.finished_at - d.created_at) * 1000)::integer)
      filter (where d.status = 'delivered'), '{}') as success_ms
  from private.deliveries d, span
  where d.finished_at < span.until and d.event_type <> 'test' group by 1, 2
),
begun as (
  select d.integration_id, date_trunc('hour', d.first_attempt_at, 'UTC') as hour,
    array_agg(least(2147483647, extract(epoch from d.first_attempt_at - d.created_at) * 1000)::integer) as first_attempt_ms
  from private.deliveries d, span
  where d.first_attempt_at < span.until and d.event_type <> 'test' group by 1, 2
),
failed as (
  select a.integration_id, date_trunc('hour', a.started_at, 'UTC') as hour, count(*) as failed
  from private.delivery_attempts a
  join private.deliveries d on d.tenant_id = a.tenant_id and d.id = a.delivery_id and d.event_type <> 'test', span
  where a.started_at < span.until and a.outcome in ('failed', 'refused') group by 1, 2
)
select private.keep_hours(array(
  select row(
    integration_id, hour, coalesce(f.delivered, 0), coalesce(a.failed, 0), coalesce(f.discarded, 0),
    private.latency_histogram(coalesce(b.first_attempt_ms, '{}')), private.latency_histogram(coalesce(f.success_ms, '{}'))
  )::private.delivery_statistics
  from finished f
  full join begun b using (integration_id, hour)
  full join failed a using (integration_id, hour)
));

-- Retention.

comment on column public.tenant_settings.log_retention_days is
  'Days that logs are kept: integration_logs, notifications, finished deliveries with their attempts and dead letters, and events with their finished dispatches and receipts. Statistics stay for 400 days, or as long as this when it is more.';

create table private.retention_marks (
  tenant_id uuid not null,
  log text not null,
  through timestamptz not null,
  constraint retention_marks_pkey primary key (tenant_id, log)
);
comment on table private.retention_marks is
  'How far retention has walked a log of a tenant in this round. What must stay (a delivery that is open for months) is passed once a round, not at every run.';
comment on column private.retention_marks.tenant_id is 'The tenant.';
comment on column private.retention_marks.log is 'The table.';
comment on column private.retention_marks.through is 'Rows created until then were looked at; the next run goes on behind, and after the last one the round begins anew.';

create function private.expired_rows(p_log regclass, p_rows integer, p_now timestamptz)
returns table (tenant_id uuid, key text, until timestamptz)
language plpgsql
set search_path = ''
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
begin
  return query execute format($query$
    with waiting as (
      select s.tenant_id, coalesce(m.through, '-infinity') as after, $2 - s.log_retention_days * interval '1 day' as until
      from public.tenant_settings s
      left join private.retention_marks m on m.tenant_id = s.tenant_id and m.log = $3
      where m.tenant_id is not null or exists (
        select from %1$s t where t.tenant_id = s.tenant_id and t.created_at < $2 - s.log_retention_days * interval '1 day'
      )
      order by random()
      limit 10
    ),
    shares as materialized (
      select w.*, greatest(1, $1 / count(*) over ())::integer as share from waiting w
    ),
    walked as materialized (
      select w.tenant_id, w.until, w.share, r.key, r.created_at
      from shares w
      cross join lateral (
        select t.id::text as key, t.created_at from %1$s t
        where t.tenant_id = w.tenant_id and t.created_at > w.after and t.created_at < w.until
        order by t.created_at limit w.share
      ) r
    ),
    steps as (
      select w.tenant_id, count(k.key) = w.share as goes_on, max(k.created_at) as through
      from shares w left join walked k on k.tenant_id = w.tenant_id
      group by w.tenant_id, w.share
    ),
    marked as (
      insert into private.retention_marks as m (tenant_id, log, through)
      select s.tenant_id, $3, s.through from steps s where s.goes_on
      on conflict (tenant_id, log) do update set through = excluded.through
    ),
    ended as (
      delete from private.retention_marks m using steps s
      where m.tenant_id = s.tenant_id and m.log = $3 and not s.goes_on
    )
    select w.tenant_id, w.key, w.until from walked w
  $query$, p_log) using p_rows, p_now, p_log::text;
end;
$$;
comment on function private.expired_rows(regclass, integer, timestamptz) is
  'The next rows of a log (tenant_id, id, created_at) that are older than their tenants'' days, about p_rows of up to ten tenants taken by chance; until = the end of what a tenant no longer keeps. Takes no lock; whoever deletes must still ask whether a row may go.';

create function private.prune_deliveries(p_log regclass, p_attempts regclass, p_rows integer, p_now timestamptz)
returns integer
language plpgsql
set search_path = ''
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
declare
  v_pruned integer;
begin
  -- By the names of the child tables: joined through their parents, which have no index, the planner reads them whole.
  execute format($query$
    with going as (
      -- Skipped when somebody has it: a replay keeps it, and a result never waits.
      select d.tenant_id, d.id
      from private.expired_rows($1, $2, $3) o
      join %1$s d on d.id = o.key::uuid and (d.tenant_id = o.tenant_id) is true
      where d.finished_at < o.until
      for update of d skip locked
    ),
    gone as (
      delete from %1$s d using going g where d.id = g.id and (d.tenant_id = g.tenant_id) is true
      returning d.tenant_id, d.id
    ),
    attempts as (
      delete from %2$s a using gone g where a.tenant_id = g.tenant_id and a.delivery_id = g.id
    ),
    letters as (
      delete from private.delivery_dead_letters l using gone g where l.delivery_id = g.id
    )
    select count(*) from gone
  $query$, p_log, p_attempts) using p_log, p_rows, p_now into v_pruned;
  return v_pruned;
end;
$$;
comment on function private.prune_deliveries(regclass, regclass, integer, timestamptz) is
  'Removes finished deliveries that are older than their tenants'' days and were finished before them, with their attempts and dead letters. Open ones stay, however old.';

create function private.prune_events(p_rows integer, p_now timestamptz)
returns integer
language plpgsql
set search_path = ''
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
declare
  v_tenant_ids uuid[];
  v_ids uuid[];
  v_untils timestamptz[];
  v_receipt_ids uuid[];
  v_receipt_tenant_ids uuid[];
  v_pruned integer;
begin
  select array_agg(o.tenant_id), array_agg(o.key::uuid), array_agg(o.until) into v_tenant_ids, v_ids, v_untils
  from private.expired_rows('public.integration_events_outbox', p_rows, p_now) o;
  if v_ids is null then
    return 0;
  end if;
  delete from public.event_dispatches d
  using (
    select x.id from unnest(v_tenant_ids, v_ids, v_untils) as o (tenant_id, id, until)
    join public.event_dispatches x on x.tenant_id = o.tenant_id and x.event_id = o.id
    where x.status <> 'pending' and x.finished_at < o.until
    for update of x skip locked
  ) g
  where d.id = g.id;
  -- A statement of its own: it sees which dispatches are left, and what is gone cannot be replayed any more.
  perform set_config('interlock.retention', 'on', true);
  with gone as (
    delete from public.integration_events_outbox e
    using unnest(v_tenant_ids, v_ids) as o (tenant_id, id)
    where e.tenant_id = o.tenant_id and e.id = o.id
      and not exists (select from public.event_dispatches d where d.tenant_id = e.tenant_id and d.event_id = e.id)
      and not exists (select from public.guardian_meta_webhook_events d where d.event_id = e.id)
      and not exists (select from public.event_deliveries d where d.event_id = e.id)
    returning e.tenant_id, e.receipt_id
  )
  select count(*), array_agg(g.tenant_id) filter (where g.receipt_id is not null), array_agg(g.receipt_id) filter (where g.receipt_id is not null)
  into v_pruned, v_receipt_tenant_ids, v_receipt_ids
  from gone g;
  perform set_config('interlock.retention', '', true);
  delete from public.webhook_receipts r
  using (select distinct o.* from unnest(v_receipt_tenant_ids, v_receipt_ids) as o (tenant_id, id)) o
  where r.tenant_id = o.tenant_id and r.id = o.id
    and not exists (select from public.integration_events_outbox e where e.tenant_id = r.tenant_id and e.receipt_id = r.id);
  return v_pruned;
end;
$$;
comment on function private.prune_events(integer, timestamptz) is
  'Removes events that are older than their tenants'' days and that no delivery of the log and no dispatch needs, with their finished dispatches; and receipts, bodies included, with the last of their events.';

create function private.prune_statistics(p_rows integer, p_now timestamptz)
returns integer
language plpgsql
set search_path = ''
set enable_seqscan = off
as $$
declare
  v_of_tenants integer;
  v_of_integrations integer;
begin
  delete from private.tenant_delivery_statistics t
  using (
    select s.tenant_id, h.hour
    from public.tenant_settings s
    cross join lateral (
      select o.hour from private.tenant_delivery_statistics o
      where o.tenant_id = s.tenant_id and o.hour < p_now - greatest(400, s.log_retention_days) * interval '1 day'
      order by o.hour limit 100
    ) h
    limit p_rows
  ) g
  where t.tenant_id = g.tenant_id and t.hour = g.hour;
  get diagnostics v_of_tenants = row_count;
  delete from private.delivery_statistics t
  using (
    select l.integration_id, h.hour
    from public.tenant_settings s
    join private.delivery_lanes l on l.tenant_id = s.tenant_id
    cross join lateral (
      select o.hour from private.delivery_statistics o
      where o.integration_id = l.integration_id and o.hour < p_now - greatest(400, s.log_retention_days) * interval '1 day'
      order by o.hour limit 100
    ) h
    limit p_rows
  ) g
  where t.integration_id = g.integration_id and t.hour = g.hour;
  get diagnostics v_of_integrations = row_count;
  return v_of_tenants + v_of_integrations;
end;
$$;
comment on function private.prune_statistics(integer, timestamptz) is
  'Removes hours that are older than 400 days and than their tenants'' days. Totals stay.';

create function private.prune_expired(p_rows integer default 5000, p_now timestamptz default clock_timestamp())
returns jsonb
language plpgsql
set search_path = ''
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
declare
  v_pruned jsonb := '{}';
  v_rows integer;
begin
  if not pg_try_advisory_xact_lock(hashtext('interlock.prune_expired')) then
    return v_pruned;
  end if;
  -- Deliveries before events: an event stays as long as a delivery of it does.
  v_pruned := v_pruned || jsonb_build_object(
    'guardian_meta_webhook_events', private.prune_deliveries(
      'public.guardian_meta_webhook_events', 'public.guardian_meta_webhook_attempts', p_rows, p_now),
    'event_deliveries', private.prune_deliveries('public.event_deliveries', 'public.event_delivery_attempts', p_rows, p_now)
  );
  v_pruned := v_pruned || jsonb_build_object('integration_events_outbox', private.prune_events(p_rows, p_now));
  delete from public.notifications n using private.expired_rows('public.notifications', p_rows, p_now) o
  where n.tenant_id = o.tenant_id and n.id = o.key::uuid;
  get diagnostics v_rows = row_count;
  v_pruned := v_pruned || jsonb_build_object('notifications', v_rows);
  delete from public.integration_logs l using private.expired_rows('public.integration_logs', p_rows, p_now) o
  where l.tenant_id = o.tenant_id and l.id = o.key::bigint;
  get diagnostics v_rows = row_count;
  v_pruned := v_pruned || jsonb_build_object('integration_logs', v_rows);
  v_pruned := v_pruned || jsonb_build_object('statistics', private.prune_statistics(p_rows, p_now));
  delete from cron.job_run_details r
  using (
    select d.runid from cron.job j
    join cron.job_run_details d on d.jobid = j.jobid
    where j.jobname like 'interlock-%' and d.end_time < p_now - interval '7 days' limit p_rows
  ) o
  where r.runid = o.runid;
  get diagnostics v_rows = row_count;
  return v_pruned || jsonb_build_object('job_run_details', v_rows);
end;
$$;
comment on function private.prune_expired(integer, timestamptz) is
  'One run of retention, in one short transaction: at most about p_rows rows of every log, found by index (tenant_id, created_at). It locks only rows that it deletes, finished ones, and waits for nobody; neither queue nor flights nor lanes are touched. Runs of the hub''s own jobs are kept for 7 days. Answers {log: rows}; {} while another one runs.';

-- Lanes that heal.

create function private.heal_delivery_lanes()
returns integer
language plpgsql
set search_path = ''
as $$
declare
  v_suspect_ids uuid[];
  v_healed integer;
begin
  v_suspect_ids := array(
    select l.integration_id from private.delivery_lanes l
    left join (
      select f.integration_id, count(distinct coalesce(f.batch_id, f.delivery_id))::integer as requests
      from private.delivery_flights f where not f.is_test group by f.integration_id
    ) c on c.integration_id = l.integration_id
    where l.in_flight <> coalesce(c.requests, 0)
  );
  if cardinality(v_suspect_ids) = 0 then
    return 0;
  end if;
  -- Whoever claims or reports holds the lane: under this lock both counts stand still, and the next statement sees them.
  perform from private.delivery_lanes l where l.integration_id = any (v_suspect_ids) order by l.integration_id for no key update;
  with counted as (
    select l.integration_id, l.tenant_id, l.in_flight as was, (
      select count(distinct coalesce(f.batch_id, f.delivery_id))::integer from private.delivery_flights f
      where f.integration_id = l.integration_id and not f.is_test
    ) as requests
    from private.delivery_lanes l where l.integration_id = any (v_suspect_ids)
  ),
  healed as (
    update private.delivery_lanes l set in_flight = c.requests
    from counted c
    where l.integration_id = c.integration_id and c.was <> c.requests
    returning c.*
  ),
  told as (
    insert into public.integration_logs (tenant_id, event_type, status, message, error_code, details)
    select h.tenant_id, 'delivery.lane_healed', 'warning', 'The count of requests on their way was wrong and was put right.',
      'LANE_HEALED', jsonb_build_object('integration_id', h.integration_id, 'was', h.was, 'is', h.requests)
    from healed h
    returning id
  )
  select count(*) into v_healed from told;
  return v_healed;
end;
$$;
comment on function private.heal_delivery_lanes() is
  'Puts delivery_lanes.in_flight right where it differs from delivery_flights, and says so in integration_logs; answers how many. A fault of Interlock when it is not 0: a count too high would hold a lane below its limit for ever.';

-- The queue tables live on few rows that change all the time. Without a share of the table in the condition, autovacuum
-- comes after so many dead rows, whatever the size was when the queue was long; without delay it is done at once. Their
-- files keep their size: giving the empty end back would lock the table against claims, and it fills again anyway.
alter table private.delivery_queue set (
  autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0,
  autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 20000, vacuum_truncate = off
);
alter table private.delivery_flights set (
  autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0, vacuum_truncate = off
);
alter table private.delivery_lanes set (
  autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0, vacuum_truncate = off
);
-- Emptied every minute; only rollup and statistics read it.
alter table private.delivery_statistics_recent set (
  autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0, vacuum_truncate = off
);
-- The hour that is being counted is changed once a minute; room on its page keeps that off the index.
alter table private.delivery_statistics set (fillfactor = 80);
alter table private.tenant_delivery_statistics set (fillfactor = 80);

select private.schedule_job('interlock-statistics', 60, 'select private.roll_up_delivery_statistics()');
select private.schedule_job('interlock-retention', 30, 'select private.prune_expired()');
select private.schedule_job('interlock-lanes', 3600, 'select private.heal_delivery_lanes()');
