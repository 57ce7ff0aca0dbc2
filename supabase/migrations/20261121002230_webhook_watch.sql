-- The watch dog: a webhook that used to speak and is silent for longer than is usual for it becomes a notification, and
-- another one when it speaks again.
-- And what tidies up behind webhooks. New table, functions, triggers and jobs; moves webhook_statistics_series of 2220 to
-- schema private behind one that adds silent_since.
-- Rollback: cron.unschedule the two jobs, drop the new objects, move the function back as security definer.

create table private.webhook_watch (
  webhook_id uuid not null,
  tenant_id uuid not null,
  watched_since timestamptz not null default clock_timestamp(),
  look_after timestamptz not null default '-infinity',
  silent_since timestamptz,
  told_at timestamptz,
  constraint webhook_watch_pkey primary key (webhook_id),
  constraint webhook_watch_webhook_fkey foreign key (tenant_id, webhook_id)
    references public.integration_webhooks (tenant_id, id) on delete cascade,
  constraint webhook_watch_told_check check ((silent_since is null) = (told_at is null))
);
create index webhook_watch_tenant_idx on private.webhook_watch (tenant_id, webhook_id);
create index webhook_watch_silent_idx on private.webhook_watch (webhook_id) where silent_since is not null;
comment on table private.webhook_watch is 'What the watch dog knows of each webhook.';
comment on column private.webhook_watch.webhook_id is 'The webhook.';
comment on column private.webhook_watch.tenant_id is 'Whose webhook.';
comment on column private.webhook_watch.watched_since is 'When it was made or last activated: silence is no longer than that.';
comment on column private.webhook_watch.look_after is 'While it is quiet: when it is looked at again.';
comment on column private.webhook_watch.silent_since is 'Its last receipt before a silence that was told of; null = none was, or it is over.';
comment on column private.webhook_watch.told_at is 'When that silence was told; null = none was.';

create function private.watch_webhook()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  insert into private.webhook_watch as w (webhook_id, tenant_id) values (new.id, new.tenant_id)
  on conflict (webhook_id) do update set watched_since = excluded.watched_since, silent_since = null, told_at = null;
  return null;
end;
$$;
comment on function private.watch_webhook() is
  'Row trigger: a webhook that is made or switched is watched anew; whoever switched it off need not be told that it is silent.';
create trigger integration_webhooks_watch_new after insert on public.integration_webhooks
  for each row execute function private.watch_webhook();
create trigger integration_webhooks_watch_switched after update of is_active on public.integration_webhooks
  for each row when (old.is_active is distinct from new.is_active) execute function private.watch_webhook();
insert into private.webhook_watch (webhook_id, tenant_id, watched_since)
select w.id, w.tenant_id, w.created_at from public.integration_webhooks w;

create function private.last_spoken(p_webhook_id uuid)
returns timestamptz
language sql
stable
set search_path = ''
as $$
  select s.last_received_at from private.webhook_statistics s
  where s.webhook_id = p_webhook_id and s.last_received_at is not null order by s.hour desc limit 1;
$$;
comment on function private.last_spoken(uuid) is 'When a webhook received something last, as far as it is rolled up; null = never.';

create function private.hour_number(p_at timestamptz)
returns bigint
language sql
immutable
parallel safe
return floor(extract(epoch from p_at) / 3600)::bigint;
comment on function private.hour_number(timestamptz) is 'Hours since 1970, UTC. Without settings, so that calls are inlined.';

create function private.webhook_silence(p_webhook_id uuid, p_last timestamptz, p_since timestamptz, p_now timestamptz)
returns table (is_unusual boolean, longest_gap interval)
language sql
stable
set search_path = ''
set enable_seqscan = off
set jit = off
as $$
  with spoken as materialized (
    select private.hour_number(s.hour) as n, s.first_received_at, s.last_received_at
    from private.webhook_statistics s
    where s.webhook_id = p_webhook_id and s.last_received_at is not null and s.hour <= p_last
      and s.hour > p_last - interval '29 days'
  ),
  known as (
    select count(*) >= 20 and p_last - min(s.first_received_at) >= interval '7 days' as is_enough,
      p_last - min(s.first_received_at) >= interval '28 days' as has_weeks
    from spoken s
  ),
  -- Hours of the week, by number, in which it spoke in three of the last four weeks at least.
  habits as (
    select s.n % 168 as slot from spoken s, known k
    where k.has_weeks and s.n > private.hour_number(p_last) - 672
    group by 1 having count(*) >= 3
  ),
  -- How many of them lie before each hour of the week.
  week as materialized (
    select array_agg(w.habits_before order by w.slot) as habits_before, max(w.habits_before) as habits
    from (
      select g.slot, count(h.slot) over (order by g.slot rows between unbounded preceding and 1 preceding) as habits_before
      from generate_series(0, 168) as g (slot) left join habits h on h.slot = g.slot
    ) w
  ),
  gaps as (
    select s.first_received_at - lag(s.last_received_at) over o as gap, lag(s.n) over o + 1 as begun, s.n as ended
    from spoken s window o as (order by s.n)
    union all
    select null, greatest(private.hour_number(p_last), private.hour_number(p_since)) + 1, private.hour_number(p_now)
  ),
  missed as (
    select g.gap, g.gap is null as is_current,
      (g.ended / 168 - g.begun / 168) * w.habits
        + w.habits_before[(g.ended % 168)::integer + 1] - w.habits_before[(g.begun % 168)::integer + 1] as habits
    from gaps g, week w
    where g.begun is not null
  ),
  compared as (
    select max(m.gap) as longest, coalesce(max(m.habits) filter (where not m.is_current), 0) as before,
      max(m.habits) filter (where m.is_current) as now
    from missed m
  )
  select
    k.is_enough and (
      p_now - greatest(p_last, p_since) > greatest(interval '2 hours', 2 * c.longest)
      or (w.habits >= 10 and c.now >= 2 * c.before + 4)
    ),
    c.longest
  from known k, week w, compared c;
$$;
comment on function private.webhook_silence(uuid, timestamptz, timestamptz, timestamptz) is
  'Whether a webhook that spoke last at p_last, and is watched since p_since, is silent for longer than its last 29 days make likely: longer than two hours and than twice its longest gap; or, where it has habits (ten hours of the week in which it spoke in three of four weeks), through four such hours more than twice as many as ever in a row. Never with less than a week of history, so that it holds a weekend, and twenty hours in which it spoke. Reads its hours only.';

create function private.watch_webhooks(p_now timestamptz default clock_timestamp())
returns integer
language plpgsql
set search_path = ''
as $$
declare
  -- No further than is rolled up: a rollup that stands still must not look like silence.
  v_now constant timestamptz := least(p_now, (select r.through from private.webhook_rollup r));
  v_told integer := 0;
  v_webhook record;
begin
  if not pg_try_advisory_xact_lock(hashtext('interlock.watch_webhooks')) then
    return 0;
  end if;
  for v_webhook in
    select k.webhook_id, k.tenant_id, k.silent_since, w.provider, private.last_spoken(k.webhook_id) as last_at
    from private.webhook_watch k
    join public.integration_webhooks w on w.id = k.webhook_id
    where k.silent_since is not null and private.last_spoken(k.webhook_id) > k.silent_since
    for no key update of k
  loop
    update private.webhook_watch k set silent_since = null, told_at = null where k.webhook_id = v_webhook.webhook_id;
    perform private.notify_admins(v_webhook.tenant_id, 'webhook.speaks_again', 'info', 'The webhook receives requests again.',
      'integration_webhook', v_webhook.webhook_id::text, jsonb_build_object(
        'webhook_id', v_webhook.webhook_id, 'provider', v_webhook.provider, 'silent_since', v_webhook.silent_since,
        'last_received_at', v_webhook.last_at));
    v_told := v_told + 1;
  end loop;
  for v_webhook in
    with quiet as materialized (
      select w.id, w.tenant_id, w.provider, k.watched_since, s.last_at
      from private.webhook_watch k
      join public.integration_webhooks w on w.id = k.webhook_id and w.is_active and not exists (
        select from public.integration_connectors c
        where c.tenant_id = w.tenant_id and c.id = w.connector_id and c.status = 'inactive'
      )
      cross join lateral (select private.last_spoken(k.webhook_id) as last_at offset 0) s
      where k.silent_since is null and k.look_after <= v_now and k.watched_since < v_now - interval '2 hours'
        and s.last_at between v_now - interval '29 days' and v_now - interval '2 hours'
    )
    select q.*, s.is_unusual, s.longest_gap
    from quiet q
    cross join lateral private.webhook_silence(q.id, q.last_at, q.watched_since, v_now) s
  loop
    if not v_webhook.is_unusual then
      update private.webhook_watch k set look_after = date_trunc('hour', v_now, 'UTC') + interval '1 hour'
      where k.webhook_id = v_webhook.id;
      continue;
    end if;
    update private.webhook_watch k set silent_since = v_webhook.last_at, told_at = p_now where k.webhook_id = v_webhook.id;
    perform private.notify_admins(v_webhook.tenant_id, 'webhook.silent', 'warning',
      'The webhook receives nothing for longer than is usual for it; see whether its provider still sends.',
      'integration_webhook', v_webhook.id::text, jsonb_build_object(
        'webhook_id', v_webhook.id, 'provider', v_webhook.provider, 'silent_since', v_webhook.last_at,
        'longest_gap_seconds', extract(epoch from v_webhook.longest_gap)::bigint));
    v_told := v_told + 1;
  end loop;
  return v_told;
end;
$$;
comment on function private.watch_webhooks(timestamptz) is
  'Tells admins of webhooks that went silent, once per silence, and of those that speak again; answers how many notices. Looks at active webhooks that received nothing for two hours, and then once an hour; those of an inactive connector are left alone. Run by the job interlock-webhook-watch.';
select private.schedule_job('interlock-webhook-watch', 300, 'select private.watch_webhooks()');

alter function public.webhook_statistics_series(uuid, uuid, timestamptz, timestamptz, text) set schema private;
alter function private.webhook_statistics_series(uuid, uuid, timestamptz, timestamptz, text) security invoker;
revoke execute on function private.webhook_statistics_series(uuid, uuid, timestamptz, timestamptz, text) from service_role;

create function public.webhook_statistics_series(
  p_tenant_id uuid, p_webhook_id uuid, p_from timestamptz, p_to timestamptz, p_granularity text
)
returns jsonb
language sql
stable
security definer
set search_path = ''
as $$
  select private.webhook_statistics_series(p_tenant_id, p_webhook_id, p_from, p_to, p_granularity)
    || jsonb_build_object('silent_since', (
      select w.silent_since from private.webhook_watch w where w.tenant_id = p_tenant_id and w.webhook_id = p_webhook_id
    ));
$$;
comment on function private.webhook_statistics_series(uuid, uuid, timestamptz, timestamptz, text) is
  'What public.webhook_statistics_series answers, less silent_since.';
comment on function public.webhook_statistics_series(uuid, uuid, timestamptz, timestamptz, text) is
  'Statistics of a webhook by hour or day of UTC, without counting its receipts: {from, to, granularity, last_received_at, silent_since (null = it is not, or nobody knows what is usual), open {pending, failing, dead, is_exact}, total, periods: [{period_start, received, events, duplicates, filtered, refused, limited, dead, body_bytes}]}, periods without any included. At most 744 hours or 366 days. Throws IL404, IL422. Definer for service_role alone.';
grant execute on function public.webhook_statistics_series(uuid, uuid, timestamptz, timestamptz, text) to service_role;

create function private.tidy_webhooks(p_now timestamptz default clock_timestamp())
returns jsonb
language plpgsql
set search_path = ''
set enable_seqscan = off
as $$
declare
  v_hours integer;
  v_tests integer;
  v_webhooks integer;
begin
  delete from private.webhook_statistics t
  using (
    select w.id, h.hour
    from public.tenant_settings s
    join public.integration_webhooks w on w.tenant_id = s.tenant_id
    cross join lateral (
      select o.hour from private.webhook_statistics o
      where o.webhook_id = w.id and o.hour < p_now - greatest(400, s.log_retention_days) * interval '1 day'
      order by o.hour limit 100
    ) h
    limit 10000
  ) g
  where t.webhook_id = g.id and t.hour = g.hour;
  get diagnostics v_hours = row_count;
  -- As long as its receipt is there, a replay must know that it was a test.
  delete from private.webhook_tests t
  using public.tenant_settings s
  where s.tenant_id = t.tenant_id and t.created_at < p_now - s.log_retention_days * interval '1 day'
    and not exists (
      select from public.webhook_receipts r
      where r.tenant_id = t.tenant_id and r.webhook_id = t.webhook_id
        and r.received_at between t.created_at and t.created_at + interval '10 minutes' and r.request_id = 'test_' || t.id
    );
  get diagnostics v_tests = row_count;
  delete from public.integration_webhooks w
  using public.tenant_settings s
  where s.tenant_id = w.tenant_id and w.deleted_at < p_now - s.log_retention_days * interval '1 day'
    and not exists (select from public.webhook_receipts r where r.tenant_id = w.tenant_id and r.webhook_id = w.id)
    and not exists (
      select from public.integration_events_outbox e
      where e.tenant_id = w.tenant_id and e.webhook_id = w.id and e.dedupe_key is not null
    );
  get diagnostics v_webhooks = row_count;
  return jsonb_build_object('hours', v_hours, 'tests', v_tests, 'webhooks', v_webhooks);
end;
$$;
comment on function private.tidy_webhooks(timestamptz) is
  'Removes statistics older than 400 days and than their tenants'' days; and, older than those days, tests whose receipt is gone and deleted webhooks of which no receipt is left. Answers how many {hours, tests, webhooks}. Run by the job interlock-webhook-tidying.';
select private.schedule_job('interlock-webhook-tidying', 3600, 'select private.tidy_webhooks()');
