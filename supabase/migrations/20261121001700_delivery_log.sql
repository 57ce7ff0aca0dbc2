-- The delivery log for people: lists that stay fast however long the log is, why a delivery does not go out, and replay
-- in bulk as jobs that are worked off in slices.
-- New table, functions, job, and an index on the queue; replaces private.requeue_deliveries() of 1430.
-- Rollback: cron.unschedule('interlock-replays'), drop the new objects, restore private.requeue_deliveries().

-- Reached by failures only: a delivery that succeeds at once never touches it.
create index delivery_queue_failed_idx on private.delivery_queue (integration_id, position) where failure_count > 0;

create function private.delivery_log(p_kind text)
returns regclass
language sql
stable
set search_path = ''
as $$
  select case p_kind
    when 'guardian_meta' then 'public.guardian_meta_webhook_events' when 'event' then 'public.event_deliveries' end::regclass;
$$;
comment on function private.delivery_log(text) is 'The table that logs the deliveries of a kind of subscription.';

-- Why a delivery does not go out.

create function private.delivery_states(p_tenant_id uuid, p_kind text, p_delivery_ids uuid[])
returns jsonb
language plpgsql
stable
set search_path = ''
set enable_seqscan = off
set jit = off
as $$
declare
  v_now constant timestamptz := clock_timestamp();
  v_tenant_flow constant text := (select p.flow from private.delivery_pauses p where p.tenant_id = p_tenant_id);
  v_general_flow constant text := (
    select p.flow from private.delivery_pauses p where p.tenant_id = '00000000-0000-0000-0000-000000000000'
  );
  v_log constant oid := private.delivery_log(p_kind);
  v_states jsonb;
begin
  select jsonb_object_agg(o.id, jsonb_build_object(
    'state', o.state,
    'next_attempt_at', case o.state
      when 'retry_later' then greatest(o.due_at, nullif(o.not_before, '-infinity'))
      when 'held_by_breaker' then o.not_before
      when 'held_by_lane' then o.not_before end,
    'in_flight_since', o.started_at, 'in_flight_until', o.lease_until
  ))
  into v_states
  from (
    select d.id, q.due_at, l.not_before, f.started_at, f.lease_until,
      case
        when d.finished_at is not null then 'finished'
        when f.delivery_id is not null then 'in_flight'
        when q.delivery_id is null or l.integration_id is null then 'astray'
        when q.is_test then 'in_line'
        when not s.is_enabled then 'held_disabled'
        when v_general_flow = 'paused' then 'held_by_all'
        when v_tenant_flow = 'paused' then 'held_by_tenant'
        when s.flow = 'paused' then 'held_paused'
        when not q.is_ready and q.due_at > v_now then 'retry_later'
        when l.breaker_openings > 0 and l.not_before > v_now then 'held_by_breaker'
        -- A rate limit alone gives slots well below a second ahead: that is no hold but the line moving.
        when l.not_before > v_now + interval '2 seconds' then 'held_by_lane'
        else 'in_line' end as state
    from private.deliveries d
    left join private.delivery_queue q on q.delivery_id = d.id
    left join private.delivery_flights f on f.delivery_id = d.id
    left join private.delivery_lanes l on l.integration_id = d.integration_id
    left join private.delivery_subscriptions s on s.id = d.integration_id
    where d.id = any (p_delivery_ids) and (d.tenant_id = p_tenant_id) is true and d.tableoid = v_log
  ) o;
  return coalesce(v_states, '{}'::jsonb);
end;
$$;
comment on function private.delivery_states(uuid, text, uuid[]) is
  'Where deliveries stand: {id: {state, next_attempt_at, in_flight_since, in_flight_until}}. state: finished; in_flight = a worker has it, until in_flight_until at the latest; in_line; retry_later; held_disabled, held_paused (its subscription), held_by_tenant, held_by_all (paused), held_by_breaker, held_by_lane (Retry-After, or the head of a FIFO line); astray = open and nowhere, a fault.';

create function public.delivery_situation(p_tenant_id uuid, p_kind text, p_delivery_id uuid)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_now constant timestamptz := clock_timestamp();
  v_delivery private.deliveries;
  v_position bigint;
  v_ahead integer;
begin
  select d.* into v_delivery from private.deliveries d
  where d.id = p_delivery_id and (d.tenant_id = p_tenant_id) is true and d.tableoid = private.delivery_log(p_kind);
  select q.position into v_position from private.delivery_queue q where q.delivery_id = p_delivery_id and q.is_ready and not q.is_test;
  if v_position is not null then
    select count(*) into v_ahead from (
      select from private.delivery_queue q
      where q.integration_id = v_delivery.integration_id and q.is_ready and not q.is_test and q.position < v_position
      order by q.position limit 1001
    ) a;
  end if;
  return jsonb_build_object(
    'state', private.delivery_states(p_tenant_id, p_kind, array[p_delivery_id]) -> p_delivery_id::text,
    'lane', (
      select jsonb_build_object(
        'is_enabled', s.is_enabled, 'flow', s.flow, 'disabled_reason', s.disabled_reason, 'is_open', l.is_open,
        'in_flight', l.in_flight, 'max_in_flight', l.max_in_flight, 'is_fifo', l.is_fifo,
        'held_until', case when l.not_before > v_now then l.not_before end,
        'consecutive_failures', l.consecutive_failures, 'breaker_is_open', l.breaker_openings > 0,
        'failing_since', l.failing_since, 'last_delivered_at', l.last_delivered_at,
        'ahead', case when v_ahead > 1000 then 1000 else v_ahead end, 'ahead_is_exact', v_ahead <= 1000
      )
      from private.delivery_lanes l
      join private.delivery_subscriptions s on s.id = l.integration_id
      where l.integration_id = v_delivery.integration_id and l.tenant_id = p_tenant_id
    )
  );
end;
$$;
comment on function public.delivery_situation(uuid, text, uuid) is
  'Where one delivery stands and what its lane does: {state: see private.delivery_states, lane: {..., ahead: how many stand before it, counted to 1000; null = it is not in line}}. Definer for service_role alone: the caller has shown that its user may see the delivery.';
grant execute on function public.delivery_situation(uuid, text, uuid) to service_role;

-- Lists.

create function private.delivery_meets(p_kind text, p_org_id uuid, p_filter jsonb)
returns text
language sql
immutable
set search_path = ''
as $$
  select concat_ws(' and ', 'true',
    'd.status = ' || quote_literal(p_filter ->> 'status'),
    'd.event_type = ' || quote_literal(p_filter ->> 'event_type'),
    'd.last_error_class = ' || quote_literal(p_filter ->> 'error_class'),
    'd.created_at >= ' || quote_literal(p_filter ->> 'from'),
    'd.created_at < ' || quote_literal(p_filter ->> 'to'),
    case when p_kind = 'event' then '(d.org_id is null or d.org_id = ' || quote_literal(p_org_id) || ')' end
  );
$$;
comment on function private.delivery_meets(text, uuid, jsonb) is
  'An SQL condition over a row d of a delivery log, made of literals: what {status, event_type, error_class, from, to} says where it says it, and the org.';

create function private.logged_deliveries(p_tenant_id uuid, p_org_id uuid, p_kind text, p_filter jsonb, p_after jsonb, p_rows integer)
returns text
language sql
stable
set search_path = ''
as $$
  -- Before the limit only what an index can answer in order: so that p_rows bounds what is read.
  select format(
    'select d.id, to_jsonb(d.created_at) #>> ''{}'' as at, d.tenant_id = %L and %s as wanted '
    || 'from (select d.* from %s d where %s order by d.created_at desc, d.id limit %s) d',
    p_tenant_id, private.delivery_meets(p_kind, p_org_id, p_filter), private.delivery_log(p_kind),
    concat_ws(' and ',
      coalesce('d.integration_id = ' || quote_literal(p_filter ->> 'integration_id'), 'd.tenant_id = ' || quote_literal(p_tenant_id)),
      'd.created_at >= ' || quote_literal(p_filter ->> 'from'),
      'd.created_at < ' || quote_literal(p_filter ->> 'to'),
      case when p_after is not null then
        format('d.created_at <= %1$L and (d.created_at < %1$L or d.id > %2$L)', p_after ->> 'at', p_after ->> 'id') end
    ), p_rows
  );
$$;
comment on function private.logged_deliveries(uuid, uuid, text, jsonb, jsonb, integer) is
  'A query for the next p_rows rows of a log, newest first: id, at (place for a cursor), wanted = it meets the filter.';

create function private.dead_letters(p_tenant_id uuid, p_org_id uuid, p_kind text, p_filter jsonb, p_after jsonb, p_rows integer)
returns text
language sql
stable
set search_path = ''
as $$
  select format(
    'select l.delivery_id as id, to_jsonb(l.discarded_at) #>> ''{}'' as at, coalesce(l.tenant_id = %L and %s, false) as wanted '
    || 'from (select l.* from private.delivery_dead_letters l where %s order by l.discarded_at desc, l.delivery_id limit %s) l '
    || 'left join %s d on d.id = l.delivery_id and (d.tenant_id = l.tenant_id) is true order by l.discarded_at desc, l.delivery_id',
    p_tenant_id, private.delivery_meets(p_kind, p_org_id, p_filter),
    concat_ws(' and ',
      coalesce('l.integration_id = ' || quote_literal(p_filter ->> 'integration_id'), 'l.tenant_id = ' || quote_literal(p_tenant_id)),
      'l.discarded_at >= ' || quote_literal(p_filter ->> 'from'),
      case when p_after is not null then
        format('l.discarded_at <= %1$L and (l.discarded_at < %1$L or l.delivery_id > %2$L)', p_after ->> 'at', p_after ->> 'id') end
    ), p_rows, private.delivery_log(p_kind)
  );
$$;
comment on function private.dead_letters(uuid, uuid, text, jsonb, jsonb, integer) is
  'As private.logged_deliveries, for deliveries that were given up, the latest first.';

create function private.open_lanes(p_tenant_id uuid, p_kind text, p_filter jsonb, p_after jsonb, p_lanes integer)
returns uuid[]
language plpgsql
stable
set search_path = ''
set enable_seqscan = off
set enable_bitmapscan = off
set jit = off
as $$
declare
  v_before constant bigint := coalesce((p_after ->> 'at')::bigint, 9223372036854775807);
begin
  -- The newest n deliveries of all lanes are among those of the n lanes with the newest heads.
  return array(
    select l.integration_id
    from private.delivery_lanes l
    cross join lateral (
      select case p_filter ->> 'status'
        when 'failed' then (
          select q.position from private.delivery_queue q
          where q.integration_id = l.integration_id and q.failure_count > 0 and q.position < v_before order by q.position desc limit 1
        ) else (
          select q.position from private.delivery_queue q
          where q.integration_id = l.integration_id and q.is_ready and not q.is_test and q.position < v_before
          order by q.position desc limit 1
        ) end as position
    ) h
    where l.tenant_id = p_tenant_id and l.kind = p_kind and h.position is not null
      and (p_filter ->> 'integration_id' is null or l.integration_id = (p_filter ->> 'integration_id')::uuid)
    order by h.position desc
    limit p_lanes
  );
end;
$$;
comment on function private.open_lanes(uuid, text, jsonb, jsonb, integer) is
  'The lanes of a tenant in which the newest deliveries wait that are pending, or failed: one index probe per lane, however long they are.';

create function private.open_log(
  p_tenant_id uuid, p_org_id uuid, p_kind text, p_filter jsonb, p_after jsonb, p_rows integer, p_lane_ids uuid[]
)
returns text
language sql
stable
set search_path = ''
as $$
  select format(
    'select o.delivery_id as id, o.position::text as at, coalesce(%1$s, false) as wanted from ('
    || '  select m.* from ('
    || '    select q.* from unnest(%2$L::uuid[]) as l (id) cross join lateral ('
    || '      select q.delivery_id, q.position from private.delivery_queue q '
    || '      where q.integration_id = l.id and %3$s and q.position < %4$s order by q.position desc limit %5$s) q'
    || '    union all select f.delivery_id, f.position from private.delivery_flights f '
    || '      where f.tenant_id = %6$L and f.kind = %7$L and not f.is_test and f.position < %4$s and %8$s'
    || '  ) m order by m.position desc limit %5$s) o '
    || 'left join %9$s d on d.id = o.delivery_id and (d.tenant_id = %6$L) is true order by o.position desc',
    private.delivery_meets(p_kind, p_org_id, p_filter), p_lane_ids,
    case p_filter ->> 'status' when 'failed' then 'q.failure_count > 0' else 'q.is_ready and not q.is_test' end,
    coalesce((p_after ->> 'at')::bigint, 9223372036854775807), p_rows, p_tenant_id, p_kind,
    coalesce('f.integration_id = ' || quote_literal(p_filter ->> 'integration_id'), 'true'), private.delivery_log(p_kind)
  );
$$;
comment on function private.open_log(uuid, uuid, text, jsonb, jsonb, integer, uuid[]) is
  'As private.logged_deliveries, for deliveries that are pending or failed: from queue and flights, the latest queued first; at = place in the line.';

create function private.deliveries_page(p_tenant_id uuid, p_org_id uuid, p_kind text, p_filter jsonb, p_limit integer, p_after jsonb)
returns jsonb
language plpgsql
stable
set search_path = ''
set enable_seqscan = off
set enable_bitmapscan = off
set enable_sort = off
set jit = off
as $$
declare
  v_status constant text := coalesce(p_filter ->> 'status', '');
  v_rows integer := 5000;
  v_lane_ids uuid[];
  v_query text;
  v_ids uuid[];
  v_last jsonb;
begin
  if v_status = 'discarded' then
    v_query := private.dead_letters(p_tenant_id, p_org_id, p_kind, p_filter, p_after, v_rows);
  elsif v_status in ('pending', 'failed') then
    v_lane_ids := private.open_lanes(p_tenant_id, p_kind, p_filter, p_after, 200);
    v_rows := case when cardinality(v_lane_ids) <= 1 then 2000 else 200 end;
    v_query := private.open_log(p_tenant_id, p_org_id, p_kind, p_filter, p_after, v_rows, v_lane_ids);
  else
    v_query := private.logged_deliveries(p_tenant_id, p_org_id, p_kind, p_filter, p_after, v_rows);
  end if;
  execute format(
    'select array_agg(w.id order by w.place), '
    || '(array_agg(jsonb_build_object(''at'', w.at, ''id'', w.id) order by w.place))[%2$s] '
    || 'from (select x.* from (select x.*, row_number() over () as place from (%1$s) x) x where x.wanted limit %2$s) w',
    v_query, p_limit
  ) into v_ids, v_last;
  if v_last is null then
    execute format('select jsonb_build_object(''at'', x.at, ''id'', x.id) from (%s) x offset %s limit 1', v_query, v_rows - 1)
    into v_last;
  end if;
  return jsonb_build_object(
    'ids', coalesce(to_jsonb(v_ids), '[]'::jsonb), 'next', v_last, 'states', private.delivery_states(p_tenant_id, p_kind, v_ids)
  );
end;
$$;
comment on function private.deliveries_page(uuid, uuid, text, jsonb, integer, jsonb) is
  'What public.list_deliveries answers. Its settings keep to indexes in their order whatever the statistics say, so that a page reads a bounded number of rows.';

create function public.list_deliveries(p_tenant_id uuid, p_org_id uuid, p_kind text, p_filter jsonb, p_limit integer, p_after jsonb)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  return private.deliveries_page(p_tenant_id, p_org_id, p_kind, p_filter, least(p_limit, 200), p_after);
end;
$$;
comment on function public.list_deliveries(uuid, uuid, text, jsonb, integer, jsonb) is
  'A page of a delivery log, newest first: {ids, states: see private.delivery_states, next: {at, id} or null}. p_filter {integration_id, status, event_type, error_class, from, to}, all optional; from and to by creation. pending and failed come from the queue, discarded from the dead letters, by the time they were given up. A page that is not full may have a next: a bounded number of rows is examined. p_org_id narrows kind event. Definer for service_role alone: callers show rows as far as their user''s policies do.';
grant execute on function public.list_deliveries(uuid, uuid, text, jsonb, integer, jsonb) to service_role;

-- Replays.

create table public.delivery_replays (
  id uuid not null default gen_random_uuid(),
  tenant_id uuid not null,
  org_id uuid,
  kind text not null constraint delivery_replays_kind_check check (kind in ('guardian_meta', 'event')),
  mode text not null constraint delivery_replays_mode_check check (mode in ('replay', 'recover')),
  integration_id uuid,
  filter jsonb not null constraint delivery_replays_filter_check check (jsonb_typeof(filter) = 'object'),
  state text not null default 'running'
    constraint delivery_replays_state_check check (state in ('running', 'done', 'cancelled', 'failed')),
  phase text not null constraint delivery_replays_phase_check check (phase in ('log', 'dead_letters', 'events')),
  position jsonb,
  total integer not null,
  total_is_exact boolean not null,
  done integer not null default 0,
  examined bigint not null default 0,
  error_count integer not null default 0,
  last_error text,
  created_by uuid,
  created_at timestamptz not null default clock_timestamp(),
  advanced_at timestamptz not null default clock_timestamp(),
  finished_at timestamptz,
  constraint delivery_replays_pkey primary key (id),
  constraint delivery_replays_tenant_id_id_key unique (tenant_id, id),
  constraint delivery_replays_tenant_fkey foreign key (tenant_id) references public.tenants (id),
  constraint delivery_replays_org_fkey foreign key (tenant_id, org_id) references public.orgs (tenant_id, id),
  constraint delivery_replays_finished_check check ((state = 'running') = (finished_at is null)),
  constraint delivery_replays_recover_check check (mode = 'replay' or integration_id is not null)
);
create index delivery_replays_tenant_id_created_at_idx on public.delivery_replays (tenant_id, created_at desc, id);
create index delivery_replays_org_idx on public.delivery_replays (tenant_id, org_id) where org_id is not null;
create index delivery_replays_running_idx on public.delivery_replays (advanced_at) where state = 'running';
comment on table public.delivery_replays is
  'Replays in bulk that somebody asked for: jobs, worked off in slices of 1,000 rows, a transaction each. Written by RPCs only.';
comment on column public.delivery_replays.id is 'The job.';
comment on column public.delivery_replays.tenant_id is 'Whose deliveries.';
comment on column public.delivery_replays.org_id is 'The org it is narrowed to (kind event); null = all of the tenant.';
comment on column public.delivery_replays.kind is 'guardian_meta or event: whose log it goes through.';
comment on column public.delivery_replays.mode is 'replay = finished deliveries that meet the filter; recover = what one subscription was not given since an instant.';
comment on column public.delivery_replays.integration_id is 'The subscription; null = all.';
comment on column public.delivery_replays.filter is 'replay: {integration_id, from, to, status: delivered|discarded or none, event_type, error_class}; recover: {integration_id, from}.';
comment on column public.delivery_replays.state is 'running -> done, cancelled by a person, or failed: ten slices in a row could not be worked off.';
comment on column public.delivery_replays.phase is 'What it goes through now: the log, the dead letters, or the events of the outbox.';
comment on column public.delivery_replays.position is '{at, id} of the last row that was looked at in this phase; null = it is at the beginning.';
comment on column public.delivery_replays.total is 'How many there were to do when it was asked for.';
comment on column public.delivery_replays.total_is_exact is 'false = there were more than total: counting stops after 20,000 rows.';
comment on column public.delivery_replays.done is 'How many it has put into the queue.';
comment on column public.delivery_replays.examined is 'How many rows it has looked at.';
comment on column public.delivery_replays.error_count is 'Slices that failed in a row; 0 after one that did not.';
comment on column public.delivery_replays.last_error is 'Why the latest of them failed; null = none did.';
comment on column public.delivery_replays.created_by is 'Who asked for it; null = the service.';
comment on column public.delivery_replays.created_at is 'When. What was created or given up later is not touched.';
comment on column public.delivery_replays.advanced_at is 'End of the latest slice.';
comment on column public.delivery_replays.finished_at is 'When it was done, cancelled or failed; null while it runs.';
create trigger delivery_replays_audit after insert or update of state on public.delivery_replays
  for each row execute function private.audit_row();
alter table public.delivery_replays enable row level security;
alter table public.delivery_replays force row level security;
grant select on public.delivery_replays to authenticated, service_role;
create policy "readers of deliveries see replays of their org scope" on public.delivery_replays for select to authenticated
  using (
    tenant_id = (select private.get_current_workspace_id())
    and (select private.has_tenant_permission('deliveries.read'))
    -- One over all orgs is the platform level's.
    and (kind = 'guardian_meta' or (select private.get_current_org_id()) is null or org_id = (select private.get_current_org_id()))
  );

create or replace function private.requeue_deliveries(p_tenant_id uuid, p_delivery_ids uuid[])
returns integer
language plpgsql
set search_path = ''
set enable_seqscan = off
as $$
declare
  v_requeued integer;
begin
  -- Whoever changes deliveries holds their lanes first: a report and a replay never wait for each other in a circle.
  perform from private.delivery_lanes l
  where l.integration_id in (
    select d.integration_id from private.deliveries d
    where d.id = any (p_delivery_ids) and (d.tenant_id = p_tenant_id) is true
  )
  order by l.integration_id
  for no key update;
  -- In one order, whoever asks: nor do two replays of the same deliveries.
  perform from private.deliveries d
  where d.id = any (p_delivery_ids) and (d.tenant_id = p_tenant_id) is true and d.finished_at is not null
  order by d.id
  for update;
  with again as (
    update private.deliveries d
    set status = 'pending', finished_at = null, next_attempt_at = null, replays = d.replays + 1
    where d.id = any (p_delivery_ids) and (d.tenant_id = p_tenant_id) is true and d.finished_at is not null and d.event_type <> 'test'
      -- Without a lane nobody would ever claim it.
      and exists (select from private.delivery_lanes l where l.integration_id = d.integration_id)
    returning d.tableoid::regclass as log, d.*
  ),
  waiting as (
    insert into private.delivery_queue (delivery_id, tenant_id, integration_id, kind, event_id, event_type, attempt_count)
    select a.id, a.tenant_id, a.integration_id,
      case a.log when 'public.guardian_meta_webhook_events'::regclass then 'guardian_meta' else 'event' end,
      a.event_id, a.event_type, a.attempt_count
    from again a
    order by a.created_at, a.id
    returning delivery_id
  ),
  redeemed as (
    delete from private.delivery_dead_letters l using again a where l.delivery_id = a.id
  )
  select count(*) into v_requeued from waiting;
  if v_requeued > 0 then
    perform private.ring('meta-webhook-deliver');
  end if;
  return v_requeued;
end;
$$;

create function private.missed_events(p_replay public.delivery_replays, p_rows integer)
returns text
language sql
stable
set search_path = ''
as $$
  select format(
    'select e.id, to_jsonb(e.created_at) #>> ''{}'' as at, (%s) '
    || 'and not exists (select from %s d where d.event_id = e.id and d.integration_id = %L) as wanted '
    || 'from (select e.* from public.integration_events_outbox e where %s order by e.created_at, e.id desc limit %s) e',
    case p_replay.kind
      when 'guardian_meta' then format(
        'exists (select from private.guardian_meta_event_types t '
        || 'join public.guardian_meta_integrations i on i.id = %L and i.tenant_id = e.tenant_id and i.scopes @> array[t.scope] '
        || 'and (not i.config ? ''event_types'' or i.config -> ''event_types'' ? t.event_type) '
        || 'where t.source_event_type = e.event_type)', p_replay.integration_id)
      else format(
        'exists (select from public.event_subscriptions s where s.id = %L and s.tenant_id = e.tenant_id '
        || 'and (s.org_id is null or e.org_id is null or s.org_id = e.org_id) '
        || 'and s.event_types && private.event_type_candidates(e.event_type) '
        || 'and (s.filter_path is null or coalesce(pg_catalog.jsonb_path_match(private.event_envelope(e), s.filter_path, ''{}'', true), false)))',
        p_replay.integration_id) end,
    private.delivery_log(p_replay.kind), p_replay.integration_id,
    concat_ws(' and ',
      'e.tenant_id = ' || quote_literal(p_replay.tenant_id),
      'e.created_at >= ' || quote_literal(p_replay.filter ->> 'from'),
      'e.created_at < ' || quote_literal(p_replay.created_at),
      -- Of what is older, deliveries may have left the log: they would go out a second time.
      'e.created_at >= ' || quote_literal(p_replay.created_at - coalesce((
        select s.log_retention_days from public.tenant_settings s where s.tenant_id = p_replay.tenant_id
      ), 90) * interval '1 day'),
      case when p_replay.position is not null then
        format('e.created_at >= %1$L and (e.created_at > %1$L or e.id < %2$L)', p_replay.position ->> 'at', p_replay.position ->> 'id') end
    ), p_rows
  );
$$;
comment on function private.missed_events(public.delivery_replays, integer) is
  'A query for the next p_rows events of the outbox that a job looks at, the oldest first: id, at, wanted = its subscription wants it, enabled or not, and has no delivery of it.';

create function private.replay_candidates(p_replay public.delivery_replays, p_rows integer)
returns text
language sql
stable
set search_path = ''
as $$
  select case p_replay.phase
    when 'events' then private.missed_events(p_replay, p_rows)
    when 'log' then format(
      'select d.id, to_jsonb(d.created_at) #>> ''{}'' as at, d.tenant_id = %L and d.finished_at is not null and d.event_type <> ''test'' and %s as wanted '
      || 'from (select d.* from %s d where %s order by d.created_at, d.id desc limit %s) d',
      p_replay.tenant_id, private.delivery_meets(p_replay.kind, p_replay.org_id, p_replay.filter), private.delivery_log(p_replay.kind),
      concat_ws(' and ',
        coalesce('d.integration_id = ' || quote_literal(p_replay.integration_id), 'd.tenant_id = ' || quote_literal(p_replay.tenant_id)),
        'd.created_at >= ' || quote_literal(p_replay.filter ->> 'from'),
        'd.created_at < ' || quote_literal(least((p_replay.filter ->> 'to')::timestamptz, p_replay.created_at)),
        case when p_replay.position is not null then
          format('d.created_at >= %1$L and (d.created_at > %1$L or d.id < %2$L)', p_replay.position ->> 'at', p_replay.position ->> 'id') end
      ), p_rows)
    else format(
      'select l.delivery_id as id, to_jsonb(l.discarded_at) #>> ''{}'' as at, coalesce(l.tenant_id = %L and d.event_type <> ''test'' and %s, false) as wanted '
      || 'from (select l.* from private.delivery_dead_letters l where %s order by l.discarded_at, l.delivery_id desc limit %s) l '
      || 'left join %s d on d.id = l.delivery_id and (d.tenant_id = l.tenant_id) is true order by l.discarded_at, l.delivery_id desc',
      -- A recovery takes all that was given up since; a replay goes by creation.
      p_replay.tenant_id, private.delivery_meets(p_replay.kind, p_replay.org_id, case p_replay.mode when 'replay' then p_replay.filter else '{}' end),
      concat_ws(' and ',
        coalesce('l.integration_id = ' || quote_literal(p_replay.integration_id), 'l.tenant_id = ' || quote_literal(p_replay.tenant_id)),
        'l.discarded_at >= ' || quote_literal(p_replay.filter ->> 'from'),
        'l.discarded_at < ' || quote_literal(p_replay.created_at),
        case when p_replay.position is not null then
          format('l.discarded_at >= %1$L and (l.discarded_at > %1$L or l.delivery_id < %2$L)', p_replay.position ->> 'at', p_replay.position ->> 'id') end
      ), p_rows, private.delivery_log(p_replay.kind)) end;
$$;
comment on function private.replay_candidates(public.delivery_replays, integer) is
  'A query for the next p_rows rows that a job looks at, the oldest first: id, at, wanted = to be sent (again).';

create function private.count_replay(p_replay public.delivery_replays)
returns jsonb
language plpgsql
stable
set search_path = ''
set enable_seqscan = off
set enable_bitmapscan = off
set enable_sort = off
set jit = off
as $$
declare
  v_rows constant integer := 20000;
  v_wanted integer;
  v_examined integer;
  v_missed integer := 0;
  v_is_exact boolean;
begin
  execute format('select count(*) filter (where c.wanted), count(*) from (%s) c', private.replay_candidates(p_replay, v_rows))
  into v_wanted, v_examined;
  v_is_exact := v_examined < v_rows;
  if p_replay.mode = 'recover' then
    p_replay.phase := 'events';
    execute format('select count(*) filter (where c.wanted), count(*) from (%s) c', private.replay_candidates(p_replay, v_rows))
    into v_missed, v_examined;
    v_is_exact := v_is_exact and v_examined < v_rows;
  end if;
  return jsonb_build_object('total', v_wanted + v_missed, 'total_is_exact', v_is_exact, 'replayed', v_wanted, 'missed', v_missed);
end;
$$;
comment on function private.count_replay(public.delivery_replays) is
  'How much a job that has not begun would do: {total, total_is_exact, replayed, missed: events that were never queued}. At most 20,000 rows of each phase are looked at; total_is_exact false = there are more.';

create function private.queue_missed_events(p_replay public.delivery_replays, p_event_ids uuid[])
returns integer
language plpgsql
set search_path = ''
set enable_seqscan = off
as $$
declare
  v_queued integer;
begin
  with guardian as (
    insert into public.guardian_meta_webhook_events (tenant_id, integration_id, event_id, event_type)
    select e.tenant_id, p_replay.integration_id, e.id, t.event_type
    from public.integration_events_outbox e
    join private.guardian_meta_event_types t on t.source_event_type = e.event_type
    where p_replay.kind = 'guardian_meta' and e.tenant_id = p_replay.tenant_id and e.id = any (p_event_ids)
    order by e.created_at, e.id desc
    on conflict (event_id, integration_id) do nothing
    returning id, tenant_id, integration_id, event_id, event_type, created_at
  ),
  event as (
    insert into public.event_deliveries (tenant_id, org_id, integration_id, event_id, event_type)
    select e.tenant_id, e.org_id, p_replay.integration_id, e.id, e.event_type
    from public.integration_events_outbox e
    where p_replay.kind = 'event' and e.tenant_id = p_replay.tenant_id and e.id = any (p_event_ids)
    order by e.created_at, e.id desc
    on conflict (event_id, integration_id) do nothing
    returning id, tenant_id, integration_id, event_id, event_type, created_at
  ),
  waiting as (
    insert into private.delivery_queue (delivery_id, tenant_id, integration_id, kind, event_id, event_type, due_at, queued_at)
    select n.id, n.tenant_id, n.integration_id, p_replay.kind, n.event_id, n.event_type, n.created_at, n.created_at
    from (select * from guardian union all select * from event) n
    order by n.created_at
    returning true
  )
  select count(*) into v_queued from waiting;
  if v_queued > 0 then
    perform private.ring('meta-webhook-deliver');
  end if;
  return v_queued;
end;
$$;
comment on function private.queue_missed_events(public.delivery_replays, uuid[]) is
  'Queues events for the subscription of a job, as the triggers of the outbox would have. What has a delivery already gets no second one.';

create function private.work_off_slice(p_replay public.delivery_replays)
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

create function private.advance_replays(p_replay_id uuid default null)
returns text
language plpgsql
set search_path = ''
as $$
declare
  v_replay public.delivery_replays;
begin
  select r.* into v_replay from public.delivery_replays r
  where r.state = 'running' and (p_replay_id is null or r.id = p_replay_id)
  order by r.advanced_at
  limit 1
  for update skip locked;
  if not found then
    return 'idle';
  end if;
  begin
    perform private.work_off_slice(v_replay);
    return 'advanced';
  exception when others then
    update public.delivery_replays r
    set error_count = r.error_count + 1, last_error = left(sqlerrm, 500), advanced_at = clock_timestamp()
    where r.id = v_replay.id;
    if v_replay.error_count + 1 >= 10 then
      update public.delivery_replays r set state = 'failed', finished_at = clock_timestamp() where r.id = v_replay.id;
    end if;
    return 'hindered';
  end;
end;
$$;
comment on function private.advance_replays(uuid) is
  'Works off one slice of the job that waits longest, or of the one named: advanced; hindered = the slice failed and is tried again at the next call, ten times; idle = nothing to do. Jobs that somebody else works off or cancels at this moment are passed over.';

-- No setting: a procedure that has one may not commit. It names every schema instead.
create procedure private.work_off_replays()
language plpgsql
as $$
declare
  v_until constant timestamptz := pg_catalog.clock_timestamp() + interval '25 seconds';
begin
  while pg_catalog.clock_timestamp() < v_until and private.advance_replays() = 'advanced' loop
    commit;
  end loop;
end;
$$;
comment on procedure private.work_off_replays() is
  'Works off replays slice by slice, a transaction each, until nothing is left or 25 s are over. Called by the job interlock-replays.';

create function private.replay_resource(p_replay public.delivery_replays)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select to_jsonb(p_replay) - array['tenant_id', 'org_id', 'kind', 'phase', 'error_count', 'advanced_at', 'position']
    || jsonb_build_object('reached_at', p_replay.position -> 'at');
$$;
comment on function private.replay_resource(public.delivery_replays) is 'A job as the API shows it.';

create function public.create_delivery_replay(
  p_tenant_id uuid, p_org_id uuid, p_kind text, p_mode text, p_filter jsonb, p_preview boolean, p_actor uuid
)
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
  v_replay.org_id := case p_kind when 'event' then p_org_id end;
  v_replay.kind := p_kind;
  v_replay.mode := p_mode;
  v_replay.integration_id := (p_filter ->> 'integration_id')::uuid;
  v_replay.filter := p_filter;
  v_replay.phase := case when p_mode = 'recover' or p_filter ->> 'status' = 'discarded' then 'dead_letters' else 'log' end;
  v_replay.created_at := clock_timestamp();
  if v_replay.integration_id is not null then
    if not exists (
      select from private.delivery_lanes l
      where l.integration_id = v_replay.integration_id and l.tenant_id = p_tenant_id and l.kind = p_kind
    ) then
      perform private.raise_error('IL404', 'This integration does not exist.');
    end if;
    perform private.assert_org_of_subscription(p_tenant_id, v_replay.org_id, v_replay.integration_id);
  end if;
  v_count := private.count_replay(v_replay);
  if p_preview then
    return v_count;
  end if;
  if (select count(*) >= 10 from public.delivery_replays r where r.tenant_id = p_tenant_id and r.state = 'running') then
    perform private.raise_error('IL409', 'Ten replays are running already; wait for one to end or cancel it.');
  end if;
  insert into public.delivery_replays (tenant_id, org_id, kind, mode, integration_id, filter, phase, total, total_is_exact, created_by, created_at)
  values (v_replay.tenant_id, v_replay.org_id, p_kind, p_mode, v_replay.integration_id, p_filter, v_replay.phase,
    (v_count ->> 'total')::integer, (v_count ->> 'total_is_exact')::boolean, p_actor, v_replay.created_at)
  returning * into v_replay;
  -- Short ones are done before anybody asks how far they are.
  perform private.advance_replays(v_replay.id);
  if v_replay.mode = 'recover' then
    perform private.advance_replays(v_replay.id);
  end if;
  return (select private.replay_resource(r) from public.delivery_replays r where r.id = v_replay.id);
end;
$$;
comment on function public.create_delivery_replay(uuid, uuid, text, text, jsonb, boolean, uuid) is
  'Makes a job that replays (p_mode replay) or recovers, and works off its first slice; p_preview only counts. p_filter as in delivery_replays; p_org_id narrows kind event. Answers the job, or the count {total, total_is_exact, replayed, missed}. Throws IL403, IL404, IL409 (ten of the tenant are running). Definer for service_role alone.';

create function public.cancel_delivery_replay(p_tenant_id uuid, p_replay_id uuid, p_actor uuid)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_replay public.delivery_replays;
begin
  perform private.assert_permission(p_tenant_id, p_actor, 'deliveries.replay');
  perform private.set_actor(p_actor);
  select r.* into v_replay from public.delivery_replays r
  where r.tenant_id = p_tenant_id and r.id = p_replay_id
  for no key update;
  if v_replay.id is null then
    perform private.raise_error('IL404', 'This replay does not exist.');
  elsif v_replay.state = 'running' then
    update public.delivery_replays r set state = 'cancelled', finished_at = clock_timestamp()
    where r.id = p_replay_id
    returning r.* into v_replay;
  end if;
  return private.replay_resource(v_replay);
end;
$$;
comment on function public.cancel_delivery_replay(uuid, uuid, uuid) is
  'Stops a job: waits for the slice that is being worked off, at most 1,000 rows, and no other follows. What it has queued goes out. Answers the job; one that has ended stays what it is. Throws IL403, IL404. Definer for service_role alone.';
grant execute on function
  public.create_delivery_replay(uuid, uuid, text, text, jsonb, boolean, uuid), public.cancel_delivery_replay(uuid, uuid, uuid)
to service_role;

select private.schedule_job('interlock-replays', 10, 'call private.work_off_replays()');
