-- The delivery engine: events into the queue, results in, next deliveries out, and what becomes of a lane that fails.
-- Functions only, and the notices they write. Rollback: drop them; restore private.dispatch_new_events() of 1200.

create table public.notifications (
  id uuid not null default gen_random_uuid(),
  tenant_id uuid not null,
  kind text not null constraint notifications_kind_check check (kind ~ '^[a-z_]+(\.[a-z_]+)+$' and char_length(kind) <= 100),
  severity text not null constraint notifications_severity_check check (severity in ('info', 'warning', 'error')),
  message text not null constraint notifications_message_check check (char_length(message) between 1 and 1000),
  subject_type text not null,
  subject_id text not null,
  details jsonb not null default '{}'::jsonb,
  created_at timestamptz not null default clock_timestamp(),
  constraint notifications_pkey primary key (id),
  constraint notifications_tenant_id_id_key unique (tenant_id, id),
  constraint notifications_tenant_fkey foreign key (tenant_id) references public.tenants (id)
);
create index notifications_tenant_id_created_at_idx on public.notifications (tenant_id, created_at desc, id);
comment on table public.notifications is
  'What admins should know without looking for it, once per change of state. Written by the hub only.';
comment on column public.notifications.id is 'The notification.';
comment on column public.notifications.tenant_id is 'Whose admins.';
comment on column public.notifications.kind is 'For example integration.failing, integration.exhausted, integration.disabled, integration.recovered.';
comment on column public.notifications.severity is 'info, warning or error.';
comment on column public.notifications.message is 'A sentence for a person.';
comment on column public.notifications.subject_type is 'What it is about: guardian_meta_integration, event_subscription.';
comment on column public.notifications.subject_id is 'Which one.';
comment on column public.notifications.details is 'Facts; never a secret, never personal data.';
comment on column public.notifications.created_at is 'Instant of the change.';
alter table public.notifications enable row level security;
alter table public.notifications force row level security;
grant select on public.notifications to authenticated, service_role;
create policy "readers of integrations see notifications of their tenant" on public.notifications for select to authenticated
  using (tenant_id = (select private.get_current_workspace_id()) and (select private.has_tenant_permission('integrations.read')));

-- Into the queue.

create function private.event_type_candidates(p_event_type text)
returns text[]
language sql
immutable
set search_path = ''
as $$
  select array['*', p_event_type] || coalesce(array(
    select array_to_string(s.segments[1:n], '.') || '.*'
    from (select string_to_array(p_event_type, '.')) as s (segments), generate_series(1, cardinality(s.segments) - 1) as n
  ), '{}');
$$;
comment on function private.event_type_candidates(text) is
  'Every pattern that an event type matches: contact.created -> {*, contact.created, contact.*}. A subscription wants it when its event_types overlap.';

create or replace function private.dispatch_new_events()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  insert into public.event_dispatches (tenant_id, org_id, event_id, consumer)
  select n.tenant_id, n.org_id, n.id, c.consumer
  from new_events n
  join private.event_consumers c on c.event_type = n.event_type;
  if found then
    perform private.ring('event-dispatch');
  end if;
  return null;
end;
$$;
comment on function private.dispatch_new_events() is
  'Statement trigger on the outbox: one dispatch per new event and registered consumer, then the bell. Definer: no user writes dispatches.';

create function private.queue_guardian_deliveries()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_queued boolean;
begin
  if not exists (select from new_events n join private.guardian_meta_event_types t on t.source_event_type = n.event_type) then
    return null;
  end if;
  with wanted as (
    select n.tenant_id, n.id as event_id, n.org_id, n.trace_id, n.event_type as source_type, t.event_type, i.id as integration_id,
      n.place
    from (select e.*, row_number() over () as place from new_events e) n
    join private.guardian_meta_event_types t on t.source_event_type = n.event_type
    left join public.guardian_meta_integrations i on i.tenant_id = n.tenant_id and i.is_enabled and i.scopes @> array[t.scope]
      and i.flow <> 'draining' and i.tenant_id <> all ((select private.draining_tenants())::uuid[])
      and (not i.config ? 'event_types' or i.config -> 'event_types' ? t.event_type)
  ),
  queued as (
    insert into public.guardian_meta_webhook_events (tenant_id, integration_id, event_id, event_type)
    select w.tenant_id, w.integration_id, w.event_id, w.event_type from wanted w where w.integration_id is not null
    order by w.place
    on conflict (event_id, integration_id) do nothing
    returning id, tenant_id, integration_id, event_id, event_type, created_at
  ),
  waiting as (
    insert into private.delivery_queue (delivery_id, tenant_id, integration_id, kind, event_id, event_type, due_at, queued_at)
    select q.id, q.tenant_id, q.integration_id, 'guardian_meta', q.event_id, q.event_type, q.created_at, q.created_at from queued q
    returning true
  ),
  unmatched as (
    insert into public.integration_logs (tenant_id, org_id, event_type, status, message, details, request_id)
    select w.tenant_id, w.org_id, 'event.unmatched', 'success', 'No enabled integration wants this event; it is kept.',
      jsonb_build_object('event_id', w.event_id, 'event_type', w.source_type), w.trace_id
    from wanted w where w.integration_id is null
  )
  select exists (select from waiting) into v_queued;
  if v_queued then
    perform private.ring('meta-webhook-deliver');
  end if;
  return null;
end;
$$;
comment on function private.queue_guardian_deliveries() is
  'Statement trigger on the outbox: queues new events for the guardian meta integrations that want them, in one statement, then rings. Definer: no user writes queues. An event nobody wants says so in integration_logs.';
create trigger integration_events_outbox_guardian_deliveries after insert on public.integration_events_outbox
  referencing new table as new_events for each statement execute function private.queue_guardian_deliveries();

create function private.queue_event_deliveries()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_queued boolean;
begin
  if not exists (
    select from new_events n join public.event_subscriptions s on s.tenant_id = n.tenant_id and s.is_enabled
  ) then
    return null;
  end if;
  with events as materialized (
    select n.tenant_id, n.org_id, n.id, n.event_type, private.event_type_candidates(n.event_type) as candidates,
      private.event_envelope(n) as envelope, row_number() over () as place
    from new_events n
  ),
  queued as (
    insert into public.event_deliveries (tenant_id, org_id, integration_id, event_id, event_type)
    select e.tenant_id, e.org_id, s.id, e.id, e.event_type
    from events e
    join public.event_subscriptions s on s.tenant_id = e.tenant_id and s.is_enabled and s.flow <> 'draining'
      and s.tenant_id <> all ((select private.draining_tenants())::uuid[])
      and (s.org_id is null or e.org_id is null or s.org_id = e.org_id)
      and s.event_types && e.candidates
      and (s.filter_path is null or coalesce(pg_catalog.jsonb_path_match(e.envelope, s.filter_path, '{}', true), false))
    order by e.place
    on conflict (event_id, integration_id) do nothing
    returning id, tenant_id, integration_id, event_id, event_type, created_at
  ),
  waiting as (
    insert into private.delivery_queue (delivery_id, tenant_id, integration_id, kind, event_id, event_type, due_at, queued_at)
    select q.id, q.tenant_id, q.integration_id, 'event', q.event_id, q.event_type, q.created_at, q.created_at from queued q
    returning true
  )
  select exists (select from waiting) into v_queued;
  if v_queued then
    perform private.ring('meta-webhook-deliver');
  end if;
  return null;
end;
$$;
comment on function private.queue_event_deliveries() is
  'Statement trigger on the outbox: queues new events for the event subscriptions whose types, org and filter they meet, in one statement, then rings. Definer: no user writes queues.';
create trigger integration_events_outbox_event_deliveries after insert on public.integration_events_outbox
  referencing new table as new_events for each statement execute function private.queue_event_deliveries();

-- What becomes of a lane.

create function private.notify_admins(
  p_tenant_id uuid, p_kind text, p_severity text, p_message text, p_subject_type text, p_subject_id text, p_details jsonb
)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_id uuid;
begin
  insert into public.notifications (tenant_id, kind, severity, message, subject_type, subject_id, details)
  values (p_tenant_id, p_kind, p_severity, p_message, p_subject_type, p_subject_id, p_details)
  returning id into v_id;
  perform private.publish_event(
    p_tenant_id, null, p_kind, p_subject_type, p_subject_id,
    jsonb_build_object('severity', p_severity, 'message', p_message) || p_details, 'interlock', v_id::text
  );
end;
$$;
comment on function private.notify_admins(uuid, text, text, text, text, text, jsonb) is
  'Tells a tenant''s admins: a row of notifications, and the same as an event, so that it can leave as a webhook.';

create function private.judge_lane(p_news jsonb, p_now timestamptz)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_lane private.delivery_lanes;
  v_subject_type text;
  v_details jsonb;
  v_subscription record;
  v_disable_reason text := p_news ->> 'disable_reason';
begin
  select l.* into v_lane from private.delivery_lanes l where l.integration_id = (p_news ->> 'integration_id')::uuid;
  v_subject_type := case v_lane.kind when 'guardian_meta' then 'guardian_meta_integration' else 'event_subscription' end;
  v_details := jsonb_build_object('integration_id', v_lane.integration_id);
  if (p_news ->> 'delivered')::integer > 0 then
    if v_lane.breaker_openings > 0 then
      v_lane.not_before := private.not_before_unheld(v_lane.not_before, v_lane.send_interval_ms);
    end if;
    -- An endpoint that takes some deliveries and not others would be told of again and again.
    if v_lane.told_failing_at is not null or v_lane.told_exhausted_at < p_now - interval '1 hour' then
      perform private.notify_admins(v_lane.tenant_id, 'integration.recovered', 'info', 'The endpoint accepts deliveries again.',
        v_subject_type, v_lane.integration_id::text, v_details);
      v_lane.told_exhausted_at := null;
    end if;
    v_lane.breaker_openings := 0;
    v_lane.failing_since := null;
    v_lane.told_failing_at := null;
  elsif (p_news ->> 'failures')::integer > 0 then
    v_lane.failing_since := coalesce(v_lane.failing_since, p_now);
    v_lane.consecutive_failures := v_lane.consecutive_failures + (p_news ->> 'endpoint_failures')::integer;
    -- What was on the wire when it opened says nothing new: only a probe's failure opens it for longer.
    if (v_lane.breaker_openings = 0 and v_lane.consecutive_failures >= 10)
      or (v_lane.breaker_openings > 0 and (p_news ->> 'failed_claimed_at')::timestamptz > v_lane.breaker_opened_at) then
      v_lane.not_before := greatest(
        v_lane.not_before, p_now + least(600, 30 * power(2, least(v_lane.breaker_openings, 10))) * interval '1 second');
      v_lane.breaker_openings := v_lane.breaker_openings + 1;
      v_lane.breaker_opened_at := clock_timestamp();
    end if;
    if v_lane.breaker_openings > 0 and v_lane.told_failing_at is null then
      v_lane.told_failing_at := p_now;
      perform private.notify_admins(v_lane.tenant_id, 'integration.failing', 'warning',
        'The endpoint fails again and again; deliveries wait, and one at a time probes it.',
        v_subject_type, v_lane.integration_id::text, v_details);
    end if;
    if v_disable_reason is null and v_lane.failing_since < p_now - interval '5 days' then
      v_disable_reason := 'failing';
    end if;
  end if;
  if (p_news ->> 'hold_ms')::bigint > 0 then
    v_lane.not_before := greatest(v_lane.not_before, p_now + (p_news ->> 'hold_ms')::bigint * interval '1 millisecond');
  end if;
  if (p_news ->> 'exhausted')::integer > 0 and v_lane.told_exhausted_at is null then
    v_lane.told_exhausted_at := p_now;
    perform private.notify_admins(v_lane.tenant_id, 'integration.exhausted', 'error',
      'A delivery was given up after its last attempt; it is kept and can be replayed.',
      v_subject_type, v_lane.integration_id::text, v_details);
  end if;
  update private.delivery_lanes l
  set not_before = v_lane.not_before, consecutive_failures = v_lane.consecutive_failures,
      breaker_openings = v_lane.breaker_openings, breaker_opened_at = v_lane.breaker_opened_at,
      failing_since = v_lane.failing_since,
      told_failing_at = v_lane.told_failing_at, told_exhausted_at = v_lane.told_exhausted_at
  where l.integration_id = v_lane.integration_id;
  update private.delivery_subscriptions s
  set failing_since = v_lane.failing_since
  where s.id = v_lane.integration_id and s.failing_since is distinct from v_lane.failing_since;
  if v_disable_reason is null then
    return;
  end if;
  update private.delivery_subscriptions s
  set is_enabled = false, disabled_at = p_now, disabled_reason = v_disable_reason
  where s.id = v_lane.integration_id and s.is_enabled
  returning s.id into v_subscription;
  if found then
    insert into public.integration_logs (tenant_id, event_type, status, message, error_code, details)
    values (v_lane.tenant_id, 'integration.disabled', 'error', private.disabled_message(v_disable_reason), upper(v_disable_reason), v_details);
    perform private.notify_admins(v_lane.tenant_id, 'integration.disabled', 'error', private.disabled_message(v_disable_reason),
      v_subject_type, v_lane.integration_id::text, v_details || jsonb_build_object('reason', v_disable_reason));
  end if;
end;
$$;
comment on function private.judge_lane(jsonb, timestamptz) is
  'What a report with failures, or a success after failures, means for the lane: breaker (opens at 10 failures of the endpoint in a row, for 30 s doubling to 10 min), hold, disabling (what the results say, or five days of failing), and notices, each once per change of state.';

create function private.disabled_message(p_reason text)
returns text
language sql
immutable
set search_path = ''
as $$
  select case p_reason
    when 'gone' then 'The endpoint said that it is gone (410); deliveries wait until the integration is enabled again.'
    else 'The endpoint has failed for days; deliveries wait until the integration is enabled again.' end;
$$;
comment on function private.disabled_message(text) is 'Why the engine disabled an integration, in a sentence.';

-- Results in.

create type private.delivery_result as (
  delivery_id uuid, integration_id uuid, lease_token uuid, outcome text, retry_in_ms bigint, hold_lane_ms bigint,
  disable_reason text, endpoint_failed boolean, status_code integer, error_class text, error text, began_after_ms integer,
  duration_ms integer, timing jsonb, response_excerpt text, request_body text
);
comment on type private.delivery_result is 'What a worker reports of one delivery: a row of p_results of exchange_deliveries.';

create type private.landed_delivery as (
  delivery_id uuid, position bigint, tenant_id uuid, integration_id uuid, kind text, event_id uuid, event_type text,
  is_test boolean, batch_id uuid, attempt_count integer, failure_count integer, lost_count integer, queued_at timestamptz,
  started_at timestamptz, outcome text, status text, is_fifo boolean, began_at timestamptz, retry_at timestamptz,
  retry_in_ms bigint, hold_lane_ms bigint, disable_reason text, endpoint_failed boolean, status_code integer,
  error_class text, error text, duration_ms integer
);
comment on type private.landed_delivery is
  'A delivery whose result was taken: what its flight was, what came of it, and its status from now on; status waiting = it was not tried and goes back to its place. disable_reason counts: nothing stands against it.';

create function private.read_results(p_results jsonb)
returns private.delivery_result[]
language plpgsql
immutable
set search_path = ''
as $$
begin
  return array(
    select r::private.delivery_result
    from jsonb_to_record(p_results) as c (
      delivery_id uuid[], integration_id uuid[], lease_token uuid[], outcome text[], retry_in_ms bigint[],
      hold_lane_ms bigint[], disable_reason text[], endpoint_failed boolean[], status_code integer[],
      error_class text[], error text[], began_after_ms integer[], duration_ms integer[], timing jsonb[],
      response_excerpt text[], request_body text[]
    ),
    unnest(
      c.delivery_id, c.integration_id, c.lease_token, c.outcome, c.retry_in_ms, c.hold_lane_ms, c.disable_reason,
      c.endpoint_failed, c.status_code, c.error_class, c.error, c.began_after_ms, c.duration_ms, c.timing,
      c.response_excerpt, c.request_body
    ) as r
  );
end;
$$;
comment on function private.read_results(jsonb) is
  'Results as they come, column by column: a name for every value of every row would cost the half of reading them again.';

create function private.take_results(p_results private.delivery_result[], p_now timestamptz)
returns private.landed_delivery[]
language plpgsql
set search_path = ''
as $$
declare
  v_landed private.landed_delivery[];
begin
  -- Lanes are locked in one order, whatever order results come in: two workers never wait for each other in a circle.
  perform from private.delivery_lanes l
  where l.integration_id in (select r.integration_id from unnest(p_results) as r)
  order by l.integration_id
  for no key update;
  with landed as (
    -- By ctid from here on: whatever the planner believes of a table that was empty a moment ago, the rows are looked up
    -- one by one. They stay where they are: only who holds the lane touches them.
    delete from private.delivery_flights f using unnest(p_results) as r
    where f.ctid = (select o.ctid from private.delivery_flights o where o.delivery_id = r.delivery_id and o.lease_token = r.lease_token)
    returning f.*, r.outcome, r.retry_in_ms, r.hold_lane_ms, r.disable_reason, r.endpoint_failed, r.status_code,
      left(r.error_class, 100) as error_class, left(r.error, 500) as error,
      f.started_at + coalesce(r.began_after_ms, 0) * interval '1 millisecond' as began_at,
      r.duration_ms, r.timing, r.response_excerpt, r.request_body
  ),
  guardian_attempts as (
    insert into public.guardian_meta_webhook_attempts (
      tenant_id, integration_id, delivery_id, attempt, outcome, status_code, error_class, started_at, duration_ms, timing,
      response_excerpt, request_body, batch_id
    )
    select d.tenant_id, d.integration_id, d.delivery_id, d.attempt_count, d.outcome, d.status_code, d.error_class,
      d.began_at, d.duration_ms, d.timing, d.response_excerpt, d.request_body, d.batch_id
    from landed d
    where d.kind = 'guardian_meta' and d.outcome <> 'deferred'
    -- Whatever stands there already: one row in the way must not hold up every other result.
    on conflict do nothing
  ),
  event_attempts as (
    insert into public.event_delivery_attempts (
      tenant_id, integration_id, delivery_id, attempt, outcome, status_code, error_class, started_at, duration_ms, timing,
      response_excerpt, request_body, batch_id
    )
    select d.tenant_id, d.integration_id, d.delivery_id, d.attempt_count, d.outcome, d.status_code, d.error_class,
      d.began_at, d.duration_ms, d.timing, d.response_excerpt, d.request_body, d.batch_id
    from landed d
    where d.kind = 'event' and d.outcome <> 'deferred'
    on conflict do nothing
  ),
  -- A test asks how the endpoint is and decides nothing; nor does what was claimed before somebody mended it.
  weighed as (
    select d.*, n.is_fifo, n.max_attempts,
      case when not d.is_test and d.started_at >= n.changed_at then d.disable_reason end as disables_for
    from landed d
    join private.delivery_lanes n on n.integration_id = d.integration_id
  )
  select array_agg(row(
    d.delivery_id, d.position, d.tenant_id, d.integration_id, d.kind, d.event_id, d.event_type, d.is_test, d.batch_id,
    d.attempt_count, d.failure_count, d.lost_count, d.queued_at, d.started_at, d.outcome,
    case
      when d.outcome = 'deferred' then 'waiting'
      when d.outcome = 'delivered' then 'delivered'
      when d.outcome = 'refused' or d.disables_for is not null or d.is_test or d.failure_count + 1 >= d.max_attempts then 'discarded'
      else 'failed' end,
    d.is_fifo, d.began_at, p_now + coalesce(d.retry_in_ms, 0) * interval '1 millisecond', d.retry_in_ms, d.hold_lane_ms,
    d.disables_for, d.endpoint_failed, d.status_code, d.error_class, d.error, d.duration_ms
  )::private.landed_delivery) into v_landed
  from weighed d;
  return v_landed;
end;
$$;
comment on function private.take_results(private.delivery_result[], timestamptz) is
  'Takes results whose lease token still matches: their flights end and their attempts are written. Answers the deliveries with what each one is from now on; null = none.';

create function private.log_landed(p_landed private.landed_delivery[], p_now timestamptz)
returns void
language plpgsql
set search_path = ''
as $$
begin
  -- Kind by kind: over both tables at once every row would be looked for three times.
  if exists (select from unnest(p_landed) as j where j.kind = 'guardian_meta') then
    update public.guardian_meta_webhook_events d
    set status = j.status,
        finished_at = case when j.status <> 'failed' then p_now end,
        next_attempt_at = case when j.status = 'failed' then j.retry_at end,
        attempt_count = j.attempt_count,
        first_attempt_at = coalesce(d.first_attempt_at, j.began_at),
        last_attempt_at = j.began_at,
        last_status_code = j.status_code,
        last_error_class = case when j.status <> 'delivered' then j.error_class end,
        last_error = case when j.status <> 'delivered' then j.error end
    from unnest(p_landed) as j
    where j.kind = 'guardian_meta' and j.status <> 'waiting'
      and d.ctid = (select o.ctid from public.guardian_meta_webhook_events o where o.id = j.delivery_id and (o.tenant_id = j.tenant_id) is true);
  end if;
  if exists (select from unnest(p_landed) as j where j.kind = 'event') then
    update public.event_deliveries d
    set status = j.status,
        finished_at = case when j.status <> 'failed' then p_now end,
        next_attempt_at = case when j.status = 'failed' then j.retry_at end,
        attempt_count = j.attempt_count,
        first_attempt_at = coalesce(d.first_attempt_at, j.began_at),
        last_attempt_at = j.began_at,
        last_status_code = j.status_code,
        last_error_class = case when j.status <> 'delivered' then j.error_class end,
        last_error = case when j.status <> 'delivered' then j.error end
    from unnest(p_landed) as j
    where j.kind = 'event' and j.status <> 'waiting'
      and d.ctid = (select o.ctid from public.event_deliveries o where o.id = j.delivery_id and (o.tenant_id = j.tenant_id) is true);
  end if;
end;
$$;
comment on function private.log_landed(private.landed_delivery[], timestamptz) is
  'Writes into the log what landed deliveries are from now on; those that were not tried stay as they were.';

create function private.keep_undelivered(p_landed private.landed_delivery[], p_now timestamptz)
returns void
language plpgsql
set search_path = ''
as $$
begin
  insert into private.delivery_queue (
    delivery_id, position, tenant_id, integration_id, kind, event_id, event_type, is_test, is_ready, due_at, batch_id,
    attempt_count, failure_count, lost_count, queued_at
  )
  overriding system value
  select j.delivery_id, j.position, j.tenant_id, j.integration_id, j.kind, j.event_id, j.event_type, j.is_test,
    j.is_fifo or j.status = 'waiting', case when j.status = 'waiting' then p_now else j.retry_at end, j.batch_id,
    j.attempt_count - (j.status = 'waiting')::integer, j.failure_count + (j.status = 'failed')::integer, j.lost_count, j.queued_at
  from unnest(p_landed) as j
  where j.status in ('failed', 'waiting');
  insert into private.delivery_dead_letters (delivery_id, tenant_id, integration_id, kind, error_class, discarded_at)
  select j.delivery_id, j.tenant_id, j.integration_id, j.kind, coalesce(j.error_class, 'unknown'), p_now
  from unnest(p_landed) as j
  where j.status = 'discarded' and not j.is_test
  on conflict (delivery_id) do nothing;
  insert into public.integration_logs (tenant_id, event_type, status, message, error_code, details)
  select j.tenant_id, 'delivery.refused', 'error', j.error, upper(j.error_class),
    jsonb_build_object('integration_id', j.integration_id, 'delivery_id', j.delivery_id, 'event_id', j.event_id)
  from unnest(p_landed) as j
  where j.outcome = 'refused';
end;
$$;
comment on function private.keep_undelivered(private.landed_delivery[], timestamptz) is
  'Landed deliveries that were not delivered go back in line, or to the dead letters; what may not leave is told in the log.';

create function private.tell_lanes(p_landed private.landed_delivery[], p_now timestamptz)
returns jsonb
language plpgsql
set search_path = ''
as $$
declare
  v_troubles jsonb;
  v_delivering_ids uuid[];
begin
  with lanes as (
    select j.integration_id,
      count(distinct coalesce(j.batch_id, j.delivery_id)) filter (where not j.is_test) as requests,
      count(*) filter (where j.status = 'delivered') as delivered,
      count(*) filter (where j.outcome in ('failed', 'refused') and not j.is_test) as failed,
      count(*) filter (where j.outcome = 'failed' and not j.is_test) as failures,
      count(*) filter (where j.status = 'discarded' and not j.is_test) as discarded,
      count(*) filter (where j.status = 'discarded' and j.outcome = 'failed' and not j.is_test) as exhausted,
      count(distinct coalesce(j.batch_id, j.delivery_id)) filter (where j.endpoint_failed and not j.is_test) as endpoint_failures,
      max(j.started_at) filter (where j.endpoint_failed and not j.is_test) as failed_claimed_at,
      greatest(max(j.hold_lane_ms), max(j.retry_in_ms) filter (where j.is_fifo and j.status = 'failed')) as hold_ms,
      max(j.disable_reason) as disable_reason,
      coalesce(array_agg(least(2147483647, extract(epoch from j.began_at - j.queued_at) * 1000)::integer) filter (where j.attempt_count = 1 and j.status <> 'waiting' and not j.is_test), '{}') as first_attempt_ms,
      coalesce(array_agg(least(2147483647, extract(epoch from j.began_at - j.queued_at) * 1000 + j.duration_ms)::integer) filter (where j.status = 'delivered' and not j.is_test), '{}') as success_ms
    from unnest(p_landed) as j
    group by j.integration_id
  ),
  counted as (
    insert into private.delivery_statistics_recent (integration_id, at, delivered, failed, discarded, first_attempt_ms, success_ms)
    select c.integration_id, p_now, cardinality(c.success_ms), c.failed, c.discarded, c.first_attempt_ms, c.success_ms
    from lanes c
    where c.failed + c.discarded + cardinality(c.first_attempt_ms) + cardinality(c.success_ms) > 0
  ),
  told as (
    update private.delivery_lanes l
    set in_flight = greatest(0, l.in_flight - c.requests),
        consecutive_failures = case when c.delivered > 0 then 0 else l.consecutive_failures end,
        last_delivered_at = case
          when c.delivered > 0 and coalesce(l.last_delivered_at < p_now - interval '1 second', true) then p_now
          else l.last_delivered_at end
    from lanes c
    where l.integration_id = c.integration_id
    returning l.integration_id, c.delivered, c.failures, c.exhausted, c.endpoint_failures, c.failed_claimed_at, c.hold_ms,
      c.disable_reason, l.last_delivered_at = p_now as is_delivering,
      c.failures > 0 or c.hold_ms is not null or c.disable_reason is not null
        or (c.delivered > 0 and (
          l.failing_since is not null or l.told_failing_at is not null or l.told_exhausted_at < p_now - interval '1 hour'
        )) as troubled
  )
  select jsonb_agg(to_jsonb(t) order by t.integration_id) filter (where t.troubled),
    array_agg(t.integration_id) filter (where t.is_delivering)
  into v_troubles, v_delivering_ids
  from told t;
  if v_delivering_ids is not null then
    update private.delivery_subscriptions s set last_synced_at = p_now
    where s.id = any (v_delivering_ids)
      -- Whoever is changing the subscription now may wait for its lane: nobody waits for them here.
      and exists (select from private.delivery_subscriptions o where o.id = s.id for no key update skip locked);
  end if;
  return v_troubles;
end;
$$;
comment on function private.tell_lanes(private.landed_delivery[], timestamptz) is
  'Their requests are back: lanes and statistics learn what came of them. Answers the news that private.judge_lane should hear, lane by lane; null = none.';

create function private.finish_deliveries(p_results jsonb)
returns integer
language plpgsql
set search_path = ''
as $$
declare
  v_now constant timestamptz := clock_timestamp();
  v_landed constant private.landed_delivery[] := private.take_results(private.read_results(p_results), v_now);
  v_troubles jsonb;
begin
  if v_landed is null then
    return 0;
  end if;
  perform private.log_landed(v_landed, v_now);
  if exists (select from unnest(v_landed) as j where j.status <> 'delivered') then
    perform private.keep_undelivered(v_landed, v_now);
  end if;
  v_troubles := private.tell_lanes(v_landed, v_now);
  if v_troubles is not null then
    perform private.judge_lane(t.value, v_now) from jsonb_array_elements(v_troubles) as t (value);
  end if;
  return cardinality(v_landed);
end;
$$;
comment on function private.finish_deliveries(jsonb) is
  'Takes results as columns {delivery_id: [], integration_id: [], lease_token: [], outcome: [delivered|failed|refused|deferred], retry_in_ms: [], hold_lane_ms, disable_reason, endpoint_failed, status_code, error_class, error, began_after_ms, duration_ms, timing, response_excerpt, request_body}, where a column that is left out holds nulls; changes a delivery and writes its attempt only where the lease token still matches, and answers how many. deferred = it was not tried: back to its place, no attempt counted. disable_reason counts for nothing from a test, and from an attempt claimed before the subscription was changed or enabled last: that delivery is tried again.';

create function private.take_over_lost_deliveries()
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_now constant timestamptz := clock_timestamp();
  v_exhausted jsonb;
begin
  if not exists (select from private.delivery_flights f where f.lease_until <= v_now) then
    return;
  end if;
  with lanes as (
    select l.integration_id from private.delivery_lanes l
    where l.integration_id in (select f.integration_id from private.delivery_flights f where f.lease_until <= v_now)
    order by l.integration_id
    for no key update skip locked
  ),
  lost as materialized (
    delete from private.delivery_flights f using lanes l
    where f.integration_id = l.integration_id and f.lease_until <= v_now
    returning f.*, f.lost_count >= 9 or f.is_test as is_given_up
  ),
  waiting as (
    insert into private.delivery_queue (
      delivery_id, position, tenant_id, integration_id, kind, event_id, event_type, is_test, batch_id,
      attempt_count, failure_count, lost_count, queued_at
    )
    overriding system value
    select o.delivery_id, o.position, o.tenant_id, o.integration_id, o.kind, o.event_id, o.event_type, o.is_test, o.batch_id,
      o.attempt_count, o.failure_count, o.lost_count + 1, o.queued_at
    from lost o
    where not o.is_given_up
  ),
  given_up as (
    insert into private.delivery_dead_letters (delivery_id, tenant_id, integration_id, kind, error_class, discarded_at)
    select o.delivery_id, o.tenant_id, o.integration_id, o.kind, 'worker_lost', v_now from lost o
    where o.is_given_up and not o.is_test
    on conflict (delivery_id) do nothing
  ),
  logged as (
    update private.deliveries d
    set status = case when o.is_given_up then 'discarded' else d.status end,
        finished_at = case when o.is_given_up then v_now end,
        attempt_count = o.attempt_count,
        first_attempt_at = coalesce(d.first_attempt_at, o.started_at),
        last_attempt_at = o.started_at,
        last_status_code = null,
        last_error_class = 'worker_lost',
        last_error = 'The worker disappeared during the attempt and reported no result.'
    from lost o
    where d.id = o.delivery_id and (d.tenant_id = o.tenant_id) is true
  ),
  guardian_attempts as (
    insert into public.guardian_meta_webhook_attempts (tenant_id, integration_id, delivery_id, attempt, outcome, error_class, started_at, batch_id)
    select o.tenant_id, o.integration_id, o.delivery_id, o.attempt_count, 'lost', 'worker_lost', o.started_at, o.batch_id from lost o
    where o.kind = 'guardian_meta'
    on conflict do nothing
  ),
  event_attempts as (
    insert into public.event_delivery_attempts (tenant_id, integration_id, delivery_id, attempt, outcome, error_class, started_at, batch_id)
    select o.tenant_id, o.integration_id, o.delivery_id, o.attempt_count, 'lost', 'worker_lost', o.started_at, o.batch_id from lost o
    where o.kind = 'event'
    on conflict do nothing
  ),
  landed as (
    update private.delivery_lanes l
    set in_flight = greatest(0, l.in_flight - c.requests)
    from (
      select o.integration_id, count(distinct coalesce(o.batch_id, o.delivery_id)) as requests,
        count(*) filter (where o.is_given_up) as exhausted
      from lost o where not o.is_test group by o.integration_id
    ) c
    where l.integration_id = c.integration_id
    returning l.integration_id, c.exhausted
  )
  select jsonb_agg(to_jsonb(l) order by l.integration_id) from landed l where l.exhausted > 0 into v_exhausted;
  perform private.judge_lane(t.value, v_now) from jsonb_array_elements(v_exhausted) as t (value);
end;
$$;
comment on function private.take_over_lost_deliveries() is
  'Brings deliveries whose lease ran out back to their place and writes their attempts down as lost. A delivery whose worker disappeared ten times is discarded: it may be what kills workers.';

-- Next deliveries out.

create function private.ready_lanes(p_after uuid, p_limit integer)
returns setof uuid
language plpgsql
stable
set search_path = ''
as $$
begin
  return query with recursive walk as (
    (
      select q.integration_id, 1 as step from private.delivery_queue q
      where q.is_ready and not q.is_test and (p_after is null or q.integration_id > p_after)
      order by q.integration_id limit 1
    )
    union all
    select (
      select q.integration_id from private.delivery_queue q
      where q.is_ready and not q.is_test and q.integration_id > w.integration_id order by q.integration_id limit 1
    ), w.step + 1
    from walk w
    where w.integration_id is not null and w.step < p_limit
  )
  select w.integration_id from walk w where w.integration_id is not null;
end;
$$;
comment on function private.ready_lanes(uuid, integer) is
  'Lanes with deliveries ready, in order of their ids from p_after on (null = from the first), at most p_limit: one index probe each, however long they are.';

create function private.pick_batch(p_integration_id uuid, p_max_events integer, p_max_wait_ms integer, p_now timestamptz)
returns table (delivery_id uuid, batch_id uuid)
language plpgsql
stable
set search_path = ''
as $$
declare
  v_head record;
  v_members uuid[];
begin
  select q.delivery_id, q.batch_id, q.due_at, q.failure_count + q.lost_count > 0 as was_tried into v_head
  from private.delivery_queue q
  where q.integration_id = p_integration_id and q.is_ready and not q.is_test
  order by q.position limit 1;
  if v_head.batch_id is not null then
    return query select q.delivery_id, q.batch_id from private.delivery_queue q
    where q.batch_id = v_head.batch_id
      and not exists (select from private.delivery_queue o where o.batch_id = v_head.batch_id and not o.is_ready);
    return;
  elsif v_head.was_tried then
    return query select v_head.delivery_id, null::uuid;
    return;
  end if;
  v_members := array(
    select q.delivery_id from private.delivery_queue q
    where q.integration_id = p_integration_id and q.is_ready and not q.is_test
      and q.batch_id is null and q.failure_count = 0 and q.lost_count = 0
    order by q.position limit p_max_events
  );
  if cardinality(v_members) >= p_max_events or v_head.due_at <= p_now - p_max_wait_ms * interval '1 millisecond' then
    return query select m.id, b.id from unnest(v_members) as m (id), (select gen_random_uuid()) as b (id);
  end if;
end;
$$;
comment on function private.pick_batch(uuid, integer, integer, timestamptz) is
  'The deliveries of a lane''s next request. What was tried before goes out as it did then: a batch with the same deliveries, a single one (null) alone. Else a new batch when it is full or its oldest has waited long enough; else none.';

create function private.ready_due_deliveries()
returns void
language plpgsql
set search_path = ''
as $$
begin
  if not exists (select from private.delivery_queue q where not q.is_ready and q.due_at <= clock_timestamp()) then
    return;
  end if;
  update private.delivery_queue q set is_ready = true
  from (
    select w.delivery_id from private.delivery_queue w
    where not w.is_ready and w.due_at <= clock_timestamp() order by w.due_at limit 500
    for update skip locked
  ) due
  where q.delivery_id = due.delivery_id;
end;
$$;
comment on function private.ready_due_deliveries() is 'Lets retries whose wait is over stand in line again, up to 500.';

create type private.lane_turn as (
  integration_id uuid, turn bigint, allowance integer, first_wait_ms integer, send_interval_ms double precision,
  batch_max_events integer, batch_max_wait_ms integer
);
comment on type private.lane_turn is 'What one lane may give to a claim, and its place among the others.';

create type private.picked_delivery as (delivery_id uuid, batch_id uuid, wait_ms integer, turn bigint);
comment on type private.picked_delivery is 'A delivery that a claim may take; the same batch_id = one request.';

create function private.take_turns(p_limit integer, p_lane_ids uuid[], p_full_tenant_ids uuid[], p_now timestamptz)
returns private.lane_turn[]
language plpgsql
set search_path = ''
as $$
begin
  return array(
    with free as materialized (
      select l.* from private.delivery_lanes l
      where l.integration_id = any (p_lane_ids) and l.is_open and l.in_flight < l.max_in_flight
        and (l.breaker_openings = 0 or l.in_flight = 0)
        and l.tenant_id <> all (p_full_tenant_ids)
        and l.not_before <= p_now + case when l.send_interval_ms is null then 0 else 400 end * interval '1 millisecond'
      for no key update skip locked
    ),
    -- The first lane of every tenant comes before the second of any; a tenant takes at most half of what is free, so that
    -- something always stays for those who come next.
    turns as (
      select f.*,
        row_number() over (partition by f.tenant_id order by random()) as turn,
        least(ceil(p_limit::numeric / count(*) over ()), greatest(1, p_limit / 2 / count(*) over (partition by f.tenant_id)))::integer as share,
        greatest(0, ceil(extract(epoch from f.not_before - p_now) * 1000))::integer as first_wait_ms
      from free f
    )
    select row(
      t.integration_id, t.turn,
      least(
        greatest(1, t.share), t.max_in_flight - t.in_flight,
        case when t.breaker_openings > 0 then 1 end,
        floor((400 - t.first_wait_ms) / t.send_interval_ms)::integer + 1
      ),
      t.first_wait_ms, t.send_interval_ms, t.batch_max_events, t.batch_max_wait_ms
    )::private.lane_turn
    from turns t
    order by t.turn, random()
    limit greatest(p_limit, 1)
  );
end;
$$;
comment on function private.take_turns(integer, uuid[], uuid[], timestamptz) is
  'Locks those of the lanes that may give something now and shares p_limit among them. A lane another worker claims from is passed over, never waited for.';

create function private.pick_deliveries(p_turns private.lane_turn[], p_limit integer, p_now timestamptz)
returns private.picked_delivery[]
language plpgsql
set search_path = ''
as $$
declare
  v_picked private.picked_delivery[];
begin
  v_picked := array(
    select row(p.delivery_id, p.batch_id, a.first_wait_ms + round((p.place - 1) * a.send_interval_ms)::integer, a.turn)::private.picked_delivery
    from unnest(p_turns) as a
    cross join lateral (
      select q.delivery_id, q.batch_id, row_number() over (order by q.position) as place
      from private.delivery_queue q
      where a.batch_max_events is null and q.integration_id = a.integration_id and q.is_ready and not q.is_test
        and (q.batch_id is null or not exists (select from private.delivery_queue o where o.batch_id = q.batch_id and not o.is_ready))
      order by q.position
      limit a.allowance
    ) p
    order by a.turn
    limit p_limit
  );
  if exists (select from private.delivery_queue q where q.is_test) then
    v_picked := array(
      select row(t.delivery_id, null, null, 0)::private.picked_delivery
      from (select q.delivery_id from private.delivery_queue q where q.is_test order by q.position limit 20 for update skip locked) t
    ) || v_picked;
  end if;
  if exists (select from unnest(p_turns) as a where a.batch_max_events is not null) then
    v_picked := v_picked || array(
      select row(b.delivery_id, b.batch_id, case when a.send_interval_ms is not null then a.first_wait_ms end, a.turn)::private.picked_delivery
      from unnest(p_turns) as a
      cross join lateral private.pick_batch(a.integration_id, a.batch_max_events, a.batch_max_wait_ms, p_now) b
      where a.batch_max_events is not null
    );
  end if;
  return v_picked;
end;
$$;
comment on function private.pick_deliveries(private.lane_turn[], integer, timestamptz) is
  'What the lanes would give: tests of any lane first, then each lane''s next deliveries in its line, or its next batch.';

create function private.whole_batches(p_picked private.picked_delivery[], p_limit integer)
returns private.picked_delivery[]
language plpgsql
set search_path = ''
as $$
begin
  return array(
    with batches as (
      select p.batch_id, min(p.turn) as turn, min(p.wait_ms) as wait_ms,
        sum(count(*)) over (order by min(p.turn), p.batch_id) - count(*) as deliveries_before
      from unnest(p_picked) as p
      where p.batch_id is not null
      group by p.batch_id
    )
    (
      select row(p.delivery_id, p.batch_id, p.wait_ms, p.turn)::private.picked_delivery
      from unnest(p_picked) as p where p.batch_id is null order by p.turn limit p_limit
    )
    union all
    select row(q.delivery_id, b.batch_id, b.wait_ms, b.turn)::private.picked_delivery
    from batches b
    join lateral (
      select p.delivery_id from unnest(p_picked) as p where p.batch_id = b.batch_id
      union
      select o.delivery_id from private.delivery_queue o where o.batch_id = b.batch_id
    ) q on true
    where b.deliveries_before < p_limit
  );
end;
$$;
comment on function private.whole_batches(private.picked_delivery[], integer) is
  'Of what was picked so many singles as the limit allows, and whole batches until there are deliveries enough: with every member, picked or not.';

create function private.claim_deliveries(p_limit integer, p_lease_ms integer, p_lane_ids uuid[], p_full_tenant_ids uuid[])
returns json
language plpgsql
set search_path = ''
as $$
declare
  v_token constant uuid := gen_random_uuid();
  v_now constant timestamptz := clock_timestamp();
  v_picked private.picked_delivery[] := private.pick_deliveries(
    private.take_turns(p_limit, p_lane_ids, p_full_tenant_ids, v_now), p_limit, v_now);
  v_claimed json;
begin
  if cardinality(v_picked) > p_limit or exists (select from unnest(v_picked) as p where p.batch_id is not null) then
    v_picked := private.whole_batches(v_picked, p_limit);
  end if;
  if cardinality(v_picked) = 0 then
    return null;
  end if;
  with moved as (
    delete from private.delivery_queue q using unnest(v_picked) as p
    where q.ctid = (select o.ctid from private.delivery_queue o where o.delivery_id = p.delivery_id)
    returning q.*, p.batch_id as new_batch_id, p.wait_ms
  ),
  flights as (
    insert into private.delivery_flights (
      delivery_id, position, tenant_id, integration_id, kind, event_id, event_type, is_test, batch_id, attempt_count,
      failure_count, lost_count, queued_at, lease_token, lease_until, started_at
    )
    select m.delivery_id, m.position, m.tenant_id, m.integration_id, m.kind, m.event_id, m.event_type, m.is_test,
      m.new_batch_id, m.attempt_count + 1, m.failure_count, m.lost_count, m.queued_at, v_token,
      v_now + p_lease_ms * interval '1 millisecond', v_now
    from moved m
  ),
  held as (
    update private.delivery_lanes l
    set in_flight = l.in_flight + c.requests,
        not_before = case
          when l.send_interval_ms is null then l.not_before
          else greatest(l.not_before, v_now) + c.requests * l.send_interval_ms * interval '1 millisecond' end
    from (
      select m.integration_id, count(distinct coalesce(m.new_batch_id, m.delivery_id)) as requests from moved m
      where not m.is_test group by m.integration_id
    ) c
    where l.integration_id = c.integration_id
  )
  select case when not exists (select from moved) then null else json_build_object(
    'lease_token', v_token, 'claimed_at_ms', floor(extract(epoch from v_now) * 1000),
    -- Rows as they are: json_build_object would ask the catalog for the type of each value of each row.
    'deliveries', (
      select json_agg(d) from (
        select m.delivery_id, m.integration_id, m.event_id, m.event_type, m.new_batch_id as batch_id,
          m.attempt_count + 1 as attempt, m.failure_count as failures, m.queued_at, m.wait_ms,
          case when m.attempt_count > 0 then (
            select a.request_body from private.delivery_attempts a
            where a.tenant_id = m.tenant_id and a.delivery_id = m.delivery_id and a.request_body is not null
              and m.batch_id is not distinct from m.new_batch_id and a.batch_id is not distinct from m.batch_id
            order by a.attempt desc limit 1
          ) end as body
        from moved m
        order by m.position
      ) d
    ),
    'lanes', (
      select json_object_agg(l.integration_id, json_build_object(
        'tenant_id', l.tenant_id, 'kind', l.kind, 'config_version', l.config_version
      )) from (select distinct m.integration_id from moved m) m
      join private.delivery_lanes l on l.integration_id = m.integration_id
    ),
    'events', (
      -- As private.event_envelope() has it; a call per event would cost more than all the rest.
      select coalesce(json_object_agg(e.id, json_build_object(
        'id', e.id, 'event_type', e.event_type, 'entity_type', e.entity_type, 'entity_id', e.entity_id,
        'tenant_id', e.tenant_id, 'org_id', e.org_id, 'payload', e.payload,
        'metadata', json_build_object(
          'trace_id', e.trace_id, 'source', e.source, 'actor', e.actor,
          'timestamp', to_char(e.occurred_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
        )
      )), '{}') from (select distinct m.event_id from moved m) m
      join public.integration_events_outbox e on e.id = m.event_id
    )
  ) end
  into v_claimed;
  return v_claimed;
end;
$$;
comment on function private.claim_deliveries(integer, integer, uuid[], uuid[]) is
  'Moves ready deliveries into flight under one lease token: tests first, then the same share for every lane that is open, tenants in turn, within each lane''s limits. A lane another worker claims from is passed over, never waited for. Of a request body only what an earlier attempt sent is answered.';

create function private.next_delivery_ms(p_lane_limit integer)
returns integer
language plpgsql
stable
set search_path = ''
as $$
begin
  return (select case when min(n.at) is not null then
    least(86400000, greatest(0, ceil(extract(epoch from min(n.at) - clock_timestamp()) * 1000)))::integer end
  from (
    (select q.due_at as at from private.delivery_queue q where not q.is_ready order by q.due_at limit 1)
    union all
    select case
      when l.batch_max_events is null or h.batch_id is not null or h.failure_count + h.lost_count > 0 or exists (
        select from private.delivery_queue q
        where q.integration_id = l.integration_id and q.is_ready and not q.is_test
        order by q.position offset l.batch_max_events - 1 limit 1
      ) then l.not_before
      else greatest(l.not_before, h.due_at + l.batch_max_wait_ms * interval '1 millisecond') end
    from private.ready_lanes(null, p_lane_limit) r (integration_id)
    join private.delivery_lanes l on l.integration_id = r.integration_id and l.is_open and l.in_flight < l.max_in_flight
      and (l.breaker_openings = 0 or l.in_flight = 0)
    cross join lateral (
      select q.batch_id, q.failure_count, q.lost_count, q.due_at from private.delivery_queue q
      where q.integration_id = l.integration_id and q.is_ready and not q.is_test order by q.position limit 1
    ) h
  ) n);
end;
$$;
comment on function private.next_delivery_ms(integer) is
  'Milliseconds until something that waits may be claimed: a retry, a lane that is held, a batch that fills. Null = nothing waits; lanes beyond the first p_lane_limit are not looked at.';

create function public.exchange_deliveries(
  p_results jsonb, p_limit integer, p_lease_ms integer, p_awake_ms integer default 0, p_after uuid default null,
  p_full_tenant_ids uuid[] default '{}'
)
returns json
language plpgsql
security definer
set search_path = ''
set jit = off
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set plan_cache_mode = force_generic_plan
as $$
declare
  v_page constant integer := 500;
  v_finished integer := 0;
  v_lane_ids uuid[];
  v_after uuid := p_after;
  v_claimed json;
  v_next_ms integer;
begin
  -- The settings above hold for all that is called from here: plans of an engine are made once per connection, when its
  -- tables may be empty, and have to stay right when they are not.
  if p_limit not between 0 and 500 or p_lease_ms not between 1000 and 3600000 then
    perform private.raise_error('IL422', 'A claim takes 0 to 500 deliveries for 1000 to 3600000 ms.');
  end if;
  if p_awake_ms > 0 then
    perform private.promise_to_claim('meta-webhook-deliver', p_awake_ms);
  end if;
  if p_results <> '{}' then
    v_finished := private.finish_deliveries(p_results);
  end if;
  if p_limit > 0 then
    perform private.take_over_lost_deliveries();
    perform private.ready_due_deliveries();
    -- Lanes that are held stand in line as well: however many there are, those behind them get their turn.
    for v_pages in 1..20 loop
      v_lane_ids := array(select private.ready_lanes(v_after, v_page));
      v_claimed := private.claim_deliveries(p_limit, p_lease_ms, v_lane_ids, p_full_tenant_ids);
      v_after := case when cardinality(v_lane_ids) = v_page then v_lane_ids[v_page] end;
      exit when v_claimed is not null or v_after is null;
    end loop;
    if v_claimed is null then
      -- Whoever promises to come again in a moment only needs to know that something waits.
      v_next_ms := case
        when v_after is null then private.next_delivery_ms(case when p_awake_ms > 0 then 100 else 5000 end) else 0 end;
    end if;
  end if;
  return json_build_object('finished', v_finished, 'claimed', v_claimed, 'next_ms', v_next_ms, 'next_after', v_after);
end;
$$;
comment on function public.exchange_deliveries(jsonb, integer, integer, integer, uuid, uuid[]) is
  'The one call of a delivery worker: takes results (see private.finish_deliveries) and claims the next deliveries in one transaction. p_after goes on behind a lane (next_after of the answer before); p_full_tenant_ids get nothing this time. Answers {finished, claimed: null or {lease_token, claimed_at_ms: by the database''s clock, deliveries: [{delivery_id, integration_id, event_id, event_type, batch_id, attempt, failures, queued_at, wait_ms, body}], lanes: {integration_id: {tenant_id, kind, config_version}}, events: {event_id: envelope}}, next_ms: until something waits no longer, when nothing was claimed, next_after: lane to go on behind; null = all were looked at}. p_awake_ms > 0 also promises to claim again. Definer for service_role alone.';
grant execute on function public.exchange_deliveries(jsonb, integer, integer, integer, uuid, uuid[]) to service_role;

create or replace function public.queue_test_delivery(p_tenant_id uuid, p_integration_id uuid, p_actor uuid)
returns uuid
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_kind text;
  v_delivery private.deliveries;
begin
  perform private.assert_permission(p_tenant_id, p_actor, 'integrations.manage');
  select l.kind into v_kind from private.delivery_lanes l where l.tenant_id = p_tenant_id and l.integration_id = p_integration_id;
  if v_kind = 'guardian_meta' then
    insert into public.guardian_meta_webhook_events (tenant_id, integration_id, event_type, metadata)
    values (p_tenant_id, p_integration_id, 'test', jsonb_strip_nulls(jsonb_build_object('requested_by', p_actor)))
    returning id, created_at into v_delivery.id, v_delivery.created_at;
  elsif v_kind = 'event' then
    insert into public.event_deliveries (tenant_id, integration_id, event_type, metadata, org_id)
    select p_tenant_id, s.id, 'test', jsonb_strip_nulls(jsonb_build_object('requested_by', p_actor)), s.org_id
    from public.event_subscriptions s where s.tenant_id = p_tenant_id and s.id = p_integration_id
    returning id, created_at into v_delivery.id, v_delivery.created_at;
  else
    perform private.raise_error('IL404', 'This integration does not exist.');
  end if;
  insert into private.delivery_queue (delivery_id, tenant_id, integration_id, kind, event_type, is_test, due_at, queued_at)
  values (v_delivery.id, p_tenant_id, p_integration_id, v_kind, 'test', true, v_delivery.created_at, v_delivery.created_at);
  perform private.ring('meta-webhook-deliver');
  return v_delivery.id;
end;
$$;
comment on function public.queue_test_delivery(uuid, uuid, uuid) is
  'Queues a synthetic event for one integration or subscription, open or not; it gets one attempt past the lane''s limits. Answers the delivery. Throws IL403, IL404. Definer for service_role alone.';
