-- Replay of inbound events in bulk: all that was given up, or a time span of a webhook's receipts, as jobs beside those of
-- the delivery log: the same table, job, cancel and policy.
-- Widens two checks of public.delivery_replays, replaces private.work_off_slice of 1700 and private.replay_dispatches of
-- 0500, adds functions. Rollback: restore the two functions and the checks, drop the new functions.

alter table public.delivery_replays drop constraint delivery_replays_kind_check;
alter table public.delivery_replays add constraint delivery_replays_kind_check check (kind in ('guardian_meta', 'event', 'inbound'));
alter table public.delivery_replays drop constraint delivery_replays_phase_check;
alter table public.delivery_replays add constraint delivery_replays_phase_check
  check (phase in ('log', 'dead_letters', 'events', 'receipts', 'dead_dispatches'));
comment on column public.delivery_replays.org_id is 'The org it is narrowed to (kinds event and inbound); null = all of the tenant.';
comment on column public.delivery_replays.kind is
  'guardian_meta or event: whose delivery log it goes through; inbound = receipts of webhooks and their dispatches.';
comment on column public.delivery_replays.integration_id is 'The subscription, of kind inbound the webhook; null = all.';
comment on column public.delivery_replays.filter is
  'replay: {integration_id, from, to, status: delivered|discarded or none, event_type, error_class}; recover: {integration_id, from}; kind inbound: {webhook_id, from, to, status: dead|done or none, type, consumer, error_code}.';
comment on column public.delivery_replays.phase is
  'What it goes through now: the log, the dead letters, or the events of the outbox; of kind inbound the receipts of a webhook, or dead dispatches.';
comment on column public.delivery_replays.total is 'How many (deliveries, events, dispatches) there were to do when it was asked for.';

create or replace function private.replay_dispatches(p_tenant_id uuid, p_event_ids uuid[], p_dispatch_ids bigint[])
returns integer
language plpgsql
set search_path = ''
as $$
declare
  v_replayed integer;
begin
  -- In one order, whoever asks: two replays of the same dispatches never wait for each other in a circle.
  perform from public.event_dispatches d
  where d.tenant_id = p_tenant_id and d.status <> 'pending'
    and (d.event_id = any (p_event_ids) or d.id = any (p_dispatch_ids))
  order by d.id
  for update;
  update public.event_dispatches d
  set status = 'pending', attempts = 0, finished_at = null, next_attempt_at = clock_timestamp(), replays = d.replays + 1,
      lease_token = null, lease_until = null
  where d.tenant_id = p_tenant_id and d.status <> 'pending'
    and (d.event_id = any (p_event_ids) or d.id = any (p_dispatch_ids));
  get diagnostics v_replayed = row_count;
  if v_replayed > 0 then
    perform private.ring('event-dispatch');
  end if;
  return v_replayed;
end;
$$;

create function private.inbound_candidates(p_replay public.delivery_replays, p_rows integer, p_events integer)
returns text
language sql
stable
set search_path = ''
as $$
  select format(
    case p_replay.phase
      when 'receipts' then
        'select r.id::text as id, to_jsonb(r.received_at) #>> ''{}'' as at, r.base, d.ids as dispatch_ids '
        || 'from ('
        || '  select x.*, count(*) over () as base, coalesce(sum(x.event_count) over '
        || '    (order by x.received_at, x.id desc rows between unbounded preceding and 1 preceding), 0) as events_before '
        || '  from ('
        || '    select r.id, r.tenant_id, r.received_at, r.event_count from public.webhook_receipts r '
        || '    where r.tenant_id = %1$L and r.webhook_id = %2$L and r.received_at >= %3$L and r.received_at < %4$L and %5$s '
        || '    order by r.received_at, r.id desc limit %6$s'
        || '  ) x'
        || ') r '
        || 'cross join lateral ('
        || '  select array_agg(d.id) as ids from public.integration_events_outbox e '
        || '  join public.event_dispatches d on d.tenant_id = e.tenant_id and d.event_id = e.id '
        || '  where e.tenant_id = r.tenant_id and e.receipt_id = r.id and d.status <> ''pending'' and %8$s'
        || ') d '
        || 'where r.events_before < %7$s order by r.received_at, r.id desc'
      else
        'select d.id::text as id, to_jsonb(d.finished_at) #>> ''{}'' as at, d.base, '
        || '  case when %8$s and d.created_at >= %3$L and d.created_at < %4$L then array[d.id] end as dispatch_ids '
        || 'from ('
        || '  select x.*, count(*) over () as base from ('
        || '    select r.* from public.event_dispatches r '
        -- Nothing dies before it is stored; what dies later than the job was asked for is not its affair.
        || '    where r.tenant_id = %1$L and r.status = ''dead'' and r.finished_at >= %3$L and r.finished_at < %9$L and %5$s '
        || '    order by r.finished_at, r.id limit %6$s'
        || '  ) x'
        || ') d '
        || 'join public.integration_events_outbox e on e.tenant_id = d.tenant_id and e.id = d.event_id '
        || 'order by d.finished_at, d.id'
      end,
    p_replay.tenant_id, p_replay.integration_id, p_replay.filter ->> 'from',
    least((p_replay.filter ->> 'to')::timestamptz, p_replay.created_at),
    case when p_replay.position is null then 'true'
      when p_replay.phase = 'receipts' then format(
        'r.received_at >= %1$L and (r.received_at > %1$L or r.id < %2$L)', p_replay.position ->> 'at', p_replay.position ->> 'id')
      else format(
        'r.finished_at >= %1$L and (r.finished_at > %1$L or r.id > %2$L)', p_replay.position ->> 'at', p_replay.position ->> 'id') end,
    p_rows, p_events,
    concat_ws(' and ', 'true',
      'e.webhook_id = ' || quote_literal(p_replay.integration_id),
      'e.payload ->> ''type'' = ' || quote_literal(p_replay.filter ->> 'type'),
      'd.status = ' || quote_literal(p_replay.filter ->> 'status'),
      'd.consumer = ' || quote_literal(p_replay.filter ->> 'consumer'),
      'd.last_error_code = ' || quote_literal(p_replay.filter ->> 'error_code'),
      '(d.org_id is null or d.org_id = ' || quote_literal(p_replay.org_id) || ')'),
    p_replay.created_at
  );
$$;
comment on function private.inbound_candidates(public.delivery_replays, integer, integer) is
  'A query for the next rows that a job of kind inbound looks at, the oldest first, at most p_rows and about p_events events: id, at, dispatch_ids to be replayed (null = none), base = how many rows there were before p_events ended them.';

create function private.count_inbound_replay(p_replay public.delivery_replays)
returns jsonb
language plpgsql
stable
set search_path = ''
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
declare
  v_rows constant integer := 20000;
  v_total integer;
  v_is_exact boolean;
begin
  execute format(
    'select coalesce(sum(cardinality(c.dispatch_ids)), 0), count(*) = coalesce(max(c.base), 0) and count(*) < %2$s from (%1$s) c',
    private.inbound_candidates(p_replay, v_rows, v_rows), v_rows
  ) into v_total, v_is_exact;
  return jsonb_build_object('total', v_total, 'total_is_exact', v_is_exact);
end;
$$;
comment on function private.count_inbound_replay(public.delivery_replays) is
  'How many dispatches a job of kind inbound that has not begun would replay: {total, total_is_exact}. At most 20,000 receipts, dispatches or events are looked at; total_is_exact false = there are more.';

create function private.work_off_inbound_slice(p_replay public.delivery_replays)
returns void
language plpgsql
set search_path = ''
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
declare
  v_rows constant integer := 1000;
  v_events constant integer := 5000;
  v_ids bigint[];
  v_last jsonb;
  v_examined integer;
  v_base integer;
  v_done integer := 0;
begin
  execute format(
    'with looked_at as materialized (select c.*, row_number() over () as place from (%1$s) c) '
    || 'select (select array_agg(i.id) from looked_at l cross join lateral unnest(l.dispatch_ids) as i (id)), '
    || '(select jsonb_build_object(''at'', l.at, ''id'', l.id) from looked_at l order by l.place desc limit 1), '
    || '(select count(*) from looked_at), (select max(l.base) from looked_at l)',
    private.inbound_candidates(p_replay, v_rows, v_events)
  ) into v_ids, v_last, v_examined, v_base;
  if v_ids is not null then
    v_done := private.replay_dispatches(p_replay.tenant_id, '{}', v_ids);
  end if;
  update public.delivery_replays r
  set position = v_last, done = r.done + v_done, examined = r.examined + v_examined, error_count = 0, last_error = null,
      advanced_at = clock_timestamp()
  where r.id = p_replay.id;
  if v_last is null or (v_examined = v_base and v_base < v_rows) then
    update public.delivery_replays r set state = 'done', finished_at = clock_timestamp() where r.id = p_replay.id;
  end if;
end;
$$;
comment on function private.work_off_inbound_slice(public.delivery_replays) is
  'Looks at the next 1,000 receipts or dead dispatches of a job, or as many as have 5,000 events, and replays those it wants. The caller holds the job''s row.';

create or replace function private.work_off_slice(p_replay public.delivery_replays)
returns void
language plpgsql
set search_path = ''
set enable_seqscan = off
set enable_bitmapscan = off
set enable_sort = off
set jit = off
as $$
declare
  v_rows constant integer := 1000;
  v_ids uuid[];
  v_last jsonb;
  v_examined integer;
  v_done integer := 0;
  v_is_over boolean;
begin
  if p_replay.kind = 'inbound' then
    perform private.work_off_inbound_slice(p_replay);
    return;
  end if;
  execute format(
    'select array_agg(c.id) filter (where c.wanted), (array_agg(jsonb_build_object(''at'', c.at, ''id'', c.id) order by c.place))[%2$s], count(*) '
    || 'from (select c.*, row_number() over () as place from (%1$s) c) c',
    private.replay_candidates(p_replay, v_rows), v_rows
  ) into v_ids, v_last, v_examined;
  if v_ids is not null then
    v_done := case p_replay.phase
      when 'events' then private.queue_missed_events(p_replay, v_ids)
      else private.requeue_deliveries(p_replay.tenant_id, v_ids) end;
  end if;
  v_is_over := v_last is null and (p_replay.mode = 'replay' or p_replay.phase = 'events');
  update public.delivery_replays r
  set phase = case when v_last is null and not v_is_over then 'events' else r.phase end,
      position = v_last, done = r.done + v_done, examined = r.examined + v_examined, error_count = 0, last_error = null,
      advanced_at = clock_timestamp()
  where r.id = p_replay.id;
  if v_is_over then
    update public.delivery_replays r set state = 'done', finished_at = clock_timestamp() where r.id = p_replay.id;
  end if;
end;
$$;
comment on function private.work_off_slice(public.delivery_replays) is
  'Looks at the next 1,000 rows of a job and queues those it wants. The caller holds the job''s row.';

create function public.create_inbound_replay(p_tenant_id uuid, p_org_id uuid, p_filter jsonb, p_preview boolean, p_actor uuid)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_replay public.delivery_replays;
  v_count jsonb;
begin
  perform private.assert_permission(p_tenant_id, p_actor, 'deliveries.replay');
  perform private.set_actor(p_actor);
  v_replay.tenant_id := p_tenant_id;
  v_replay.org_id := p_org_id;
  v_replay.kind := 'inbound';
  v_replay.mode := 'replay';
  v_replay.integration_id := (p_filter ->> 'webhook_id')::uuid;
  v_replay.filter := p_filter;
  v_replay.phase := case p_filter ->> 'status' when 'dead' then 'dead_dispatches' else 'receipts' end;
  v_replay.created_at := clock_timestamp();
  if v_replay.integration_id is null and v_replay.phase = 'receipts' then
    perform private.raise_error('IL422', 'webhook_id: is needed, unless only what is dead is replayed.');
  end if;
  if v_replay.integration_id is not null and not exists (
    select from public.integration_webhooks w
    where w.tenant_id = p_tenant_id and w.id = v_replay.integration_id
      and (p_org_id is null or w.org_id is null or w.org_id = p_org_id)
  ) then
    perform private.raise_error('IL404', 'This webhook does not exist.');
  end if;
  v_count := private.count_inbound_replay(v_replay);
  if p_preview then
    return v_count;
  end if;
  if (select count(*) >= 10 from public.delivery_replays r where r.tenant_id = p_tenant_id and r.state = 'running') then
    perform private.raise_error('IL409', 'Ten replays are running already; wait for one to end or cancel it.');
  end if;
  insert into public.delivery_replays (tenant_id, org_id, kind, mode, integration_id, filter, phase, total, total_is_exact, created_by, created_at)
  values (p_tenant_id, p_org_id, v_replay.kind, v_replay.mode, v_replay.integration_id, p_filter, v_replay.phase,
    (v_count ->> 'total')::integer, (v_count ->> 'total_is_exact')::boolean, p_actor, v_replay.created_at)
  returning * into v_replay;
  -- Short ones are done before anybody asks how far they are.
  perform private.advance_replays(v_replay.id);
  return (select private.replay_resource(r) from public.delivery_replays r where r.id = v_replay.id);
end;
$$;
comment on function public.create_inbound_replay(uuid, uuid, jsonb, boolean, uuid) is
  'Makes a job that sends inbound events through their consumers again, and works off its first slice; p_preview only counts. p_filter as in delivery_replays, from and to by the time of storing; p_org_id narrows it. Answers the job, or {total, total_is_exact}. Throws IL403, IL404, IL409 (ten of the tenant are running), IL422. Definer for service_role alone.';
grant execute on function public.create_inbound_replay(uuid, uuid, jsonb, boolean, uuid) to service_role;

comment on column public.notifications.kind is
  'For example integration.failing, integration.exhausted, integration.disabled, integration.recovered, webhook.silent, webhook.speaks_again.';
comment on column public.notifications.subject_type is 'What it is about: guardian_meta_integration, event_subscription, integration_webhook.';
