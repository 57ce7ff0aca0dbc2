-- The spine: immutable events, one dispatch per registered consumer, claim and finish with fenced leases.
-- New tables only. Rollback: drop them; nothing else reads them.

create function private.json_numbers_are_exact(p_json jsonb)
returns boolean
language plpgsql
immutable
set search_path = ''
as $$
declare
  v_text constant text := p_json::text;
begin
  -- Almost no payload holds what could be a doubtful number, be it inside a string: one look at the text tells.
  return v_text !~ '(^|: |\[|, )-?[0-9]+([.eE]|[0-9]{15})' or not exists (
    select from regexp_matches(
      regexp_replace(v_text, '"(?:[^"\\]|\\.)*"', '', 'g'), '-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?', 'g'
    ) as n (parts)
    where n.parts[1] ~ '[.eE]' or abs(n.parts[1]::numeric) > 9007199254740991
  );
end;
$$;
comment on function private.json_numbers_are_exact(jsonb) is
  'true when every JSON number is an integer of at most 2^53-1 in size, so that no reader can lose a digit. The TypeScript guard shares its vectors.';
-- Checks run as whoever writes the row.
grant execute on function private.json_numbers_are_exact(jsonb) to authenticated, service_role;

create table public.integration_events_outbox (
  id uuid not null default gen_random_uuid(),
  tenant_id uuid not null,
  org_id uuid,
  event_type text not null
    constraint integration_events_outbox_event_type_check check (event_type ~ '^[a-z0-9_]+(\.[a-z0-9_]+)+$' and char_length(event_type) <= 100),
  entity_type text not null constraint integration_events_outbox_entity_type_check check (char_length(entity_type) between 1 and 100),
  entity_id text not null constraint integration_events_outbox_entity_id_check check (char_length(entity_id) between 1 and 200),
  payload jsonb not null,
  source text not null constraint integration_events_outbox_source_check check (char_length(source) between 1 and 100),
  actor text,
  trace_id text not null constraint integration_events_outbox_trace_id_check check (char_length(trace_id) between 1 and 200),
  webhook_id uuid,
  receipt_id uuid,
  dedupe_key text,
  occurred_at timestamptz not null default now(),
  created_at timestamptz not null default clock_timestamp(),
  constraint integration_events_outbox_pkey primary key (id, tenant_id),
  constraint integration_events_outbox_payload_exact_check check (private.json_numbers_are_exact(payload)),
  constraint integration_events_outbox_payload_object_check check (jsonb_typeof(payload) = 'object')
);
create unique index integration_events_outbox_webhook_dedupe_idx
  on public.integration_events_outbox (tenant_id, webhook_id, dedupe_key) where dedupe_key is not null;
create index integration_events_outbox_tenant_id_created_at_idx
  on public.integration_events_outbox (tenant_id, created_at desc, id);
create index integration_events_outbox_receipt_idx
  on public.integration_events_outbox (tenant_id, receipt_id) where receipt_id is not null;
create index integration_events_outbox_org_idx
  on public.integration_events_outbox (tenant_id, org_id) where org_id is not null;
comment on table public.integration_events_outbox is
  'Everything that happened, written in the transaction of the change itself. Rows never change; only retention deletes them. Tenant and org are those of the row or webhook that an event tells of, which its writers, all of them functions of the hub, see to: foreign keys would cost a lookup and a lock per event.';
comment on column public.integration_events_outbox.id is 'The event.';
comment on column public.integration_events_outbox.tenant_id is 'Whose event.';
comment on column public.integration_events_outbox.org_id is 'Org of the entity; null = all orgs of the tenant.';
comment on column public.integration_events_outbox.event_type is 'Dotted lower-case name, for example contact.created.';
comment on column public.integration_events_outbox.entity_type is 'What it happened to, for example contact.';
comment on column public.integration_events_outbox.entity_id is 'Identifier of the entity inside the hub.';
comment on column public.integration_events_outbox.payload is 'Facts of the event; exact decimals are strings.';
comment on column public.integration_events_outbox.source is 'Who produced it: hubspot, app, webhook-receiver ...';
comment on column public.integration_events_outbox.actor is 'Person or agent behind it; null = a system.';
comment on column public.integration_events_outbox.trace_id is 'Follows one cause through all its consequences; starts as the request id.';
comment on column public.integration_events_outbox.webhook_id is 'Inbound webhook it came through; null otherwise.';
comment on column public.integration_events_outbox.receipt_id is 'Receipt that holds the provider''s bytes; null when it came from elsewhere.';
comment on column public.integration_events_outbox.dedupe_key is 'What makes it the same event when the provider sends it again, unique per webhook; null = not deduplicated.';
comment on column public.integration_events_outbox.occurred_at is 'When it happened, by the producer''s clock.';
comment on column public.integration_events_outbox.created_at is 'When the hub stored it.';

create function private.refuse_event_change()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  if tg_op = 'DELETE' and current_setting('interlock.retention', true) = 'on' then
    return null;
  end if;
  perform private.raise_error('IL409', 'Events are immutable.', 'Publish a new event that corrects the old one.');
  return null;
end;
$$;
comment on function private.refuse_event_change() is
  'Statement trigger: refuses (IL409) update, delete and truncate of events, except deletes by retention.';
create trigger integration_events_outbox_immutable before update or delete or truncate on public.integration_events_outbox
  for each statement execute function private.refuse_event_change();

create table private.event_consumers (
  consumer text not null,
  event_type text not null,
  constraint event_consumers_pkey primary key (event_type, consumer)
);
comment on table private.event_consumers is 'Which consumer wants which event type. Filled by migrations: a consumer is code.';
comment on column private.event_consumers.consumer is 'Name of the consumer in event-dispatch.';
comment on column private.event_consumers.event_type is 'Event type, exact.';

create table public.event_dispatches (
  id bigint generated always as identity,
  tenant_id uuid not null,
  org_id uuid,
  event_id uuid not null,
  consumer text not null,
  status text not null default 'pending' constraint event_dispatches_status_check check (status in ('pending', 'done', 'dead')),
  attempts integer not null default 0 constraint event_dispatches_attempts_check check (attempts >= 0),
  max_attempts integer not null default 8 constraint event_dispatches_max_attempts_check check (max_attempts between 1 and 100),
  next_attempt_at timestamptz not null default now(),
  lease_token uuid,
  lease_until timestamptz,
  last_error_code text,
  last_error text,
  replays integer not null default 0,
  created_at timestamptz not null default now(),
  finished_at timestamptz,
  constraint event_dispatches_pkey primary key (id, tenant_id),
  constraint event_dispatches_event_consumer_key unique (tenant_id, event_id, consumer),
  constraint event_dispatches_event_fkey foreign key (tenant_id, event_id)
    references public.integration_events_outbox (tenant_id, id) on delete cascade,
  constraint event_dispatches_finished_check check ((status = 'pending') = (finished_at is null))
) with (fillfactor = 80);
create index event_dispatches_due_idx on public.event_dispatches (tenant_id, next_attempt_at, id) where status = 'pending';
create index event_dispatches_dead_idx on public.event_dispatches (tenant_id, finished_at desc) where status = 'dead';
comment on table public.event_dispatches is
  'One event on its way to one consumer: the queue of event-dispatch and, at status dead, its dead-letter list. Written by RPCs only.';
comment on column public.event_dispatches.id is 'The dispatch.';
comment on column public.event_dispatches.tenant_id is 'Tenant of the event.';
comment on column public.event_dispatches.org_id is 'Org of the event; null = all orgs.';
comment on column public.event_dispatches.event_id is 'The event.';
comment on column public.event_dispatches.consumer is 'Who is to handle it.';
comment on column public.event_dispatches.status is 'pending -> done, or pending -> dead after the last attempt; replay turns done and dead into pending.';
comment on column public.event_dispatches.attempts is 'Claims so far since creation or the last replay; a worker that died counts.';
comment on column public.event_dispatches.max_attempts is 'Attempts before it is dead.';
comment on column public.event_dispatches.next_attempt_at is 'When it may be claimed (again); while leased, the end of the lease.';
comment on column public.event_dispatches.lease_token is 'Names the current claim; results with another token change nothing. Null = not claimed.';
comment on column public.event_dispatches.lease_until is 'End of the current claim; null = not claimed.';
comment on column public.event_dispatches.last_error_code is 'Stable code of the last failure; null = none so far.';
comment on column public.event_dispatches.last_error is 'Sentence for a person, without personal data; null = none so far.';
comment on column public.event_dispatches.replays is 'How often a person asked for it again.';
comment on column public.event_dispatches.created_at is 'Instant of the event''s storing.';
comment on column public.event_dispatches.finished_at is 'Instant of becoming done or dead; null while pending.';

insert into private.drainers (name) values ('event-dispatch');

create function private.dispatch_new_events()
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
create trigger integration_events_outbox_dispatch after insert on public.integration_events_outbox
  referencing new table as new_events for each statement execute function private.dispatch_new_events();

create function private.publish_event(
  p_tenant_id uuid, p_org_id uuid, p_event_type text, p_entity_type text, p_entity_id text, p_payload jsonb,
  p_source text, p_trace_id text, p_occurred_at timestamptz default now(), p_actor text default null
)
returns uuid
language sql
set search_path = ''
as $$
  insert into public.integration_events_outbox
    (tenant_id, org_id, event_type, entity_type, entity_id, payload, source, trace_id, occurred_at, actor)
  values (p_tenant_id, p_org_id, p_event_type, p_entity_type, p_entity_id, p_payload, p_source, p_trace_id, p_occurred_at, p_actor)
  returning id;
$$;
comment on function private.publish_event(uuid, uuid, text, text, text, jsonb, text, text, timestamptz, text) is
  'Writes one event in the caller''s transaction: the way for SQL that changes something to say so.';

create function private.event_envelope(p_event public.integration_events_outbox)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select jsonb_build_object(
    'id', p_event.id, 'event_type', p_event.event_type, 'entity_type', p_event.entity_type, 'entity_id', p_event.entity_id,
    'tenant_id', p_event.tenant_id, 'org_id', p_event.org_id, 'payload', p_event.payload,
    'metadata', jsonb_build_object(
      'trace_id', p_event.trace_id, 'source', p_event.source, 'actor', p_event.actor,
      'timestamp', to_char(p_event.occurred_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
    )
  );
$$;
comment on function private.event_envelope(public.integration_events_outbox) is
  'The envelope consumers receive: {id, event_type, entity_type, entity_id, tenant_id, org_id, payload, metadata {trace_id, source, actor, timestamp}}.';

create function public.claim_event_dispatches(p_limit integer, p_lease_ms integer, p_awake_ms integer default 0)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_token constant uuid := gen_random_uuid();
  v_now constant timestamptz := clock_timestamp();
  v_lease_until constant timestamptz := v_now + p_lease_ms * interval '1 millisecond';
  v_claimed jsonb;
begin
  if p_limit not between 1 and 500 or p_lease_ms not between 1000 and 3600000 then
    perform private.raise_error('IL422', 'A claim takes 1 to 500 dispatches for 1000 to 3600000 ms.');
  end if;
  if p_awake_ms > 0 then
    perform private.promise_to_claim('event-dispatch', p_awake_ms);
  end if;
  with recursive waiting_tenants as (
    (select d.tenant_id from public.event_dispatches d where d.status = 'pending' order by d.tenant_id limit 1)
    union all
    select (
      select d.tenant_id from public.event_dispatches d
      where d.status = 'pending' and d.tenant_id > w.tenant_id order by d.tenant_id limit 1
    )
    from waiting_tenants w where w.tenant_id is not null
  ),
  fair as (
    select w.tenant_id, greatest(1, ceil(p_limit::numeric / count(*) over ()))::integer as share
    from waiting_tenants w where w.tenant_id is not null
    order by random()
    limit p_limit
  ),
  picked as (
    select due.id
    from fair f
    cross join lateral (
      select d.id from public.event_dispatches d
      where d.tenant_id = f.tenant_id and d.status = 'pending' and d.next_attempt_at <= v_now
      order by d.next_attempt_at, d.id
      limit f.share
      for update skip locked
    ) due
    limit p_limit
  ),
  claimed as (
    update public.event_dispatches d
    set attempts = d.attempts + case when d.attempts < d.max_attempts then 1 else 0 end,
        status = case when d.attempts < d.max_attempts then d.status else 'dead' end,
        finished_at = case when d.attempts < d.max_attempts then null else v_now end,
        last_error_code = case when d.attempts < d.max_attempts then d.last_error_code else 'WORKER_LOST' end,
        last_error = case when d.attempts < d.max_attempts then d.last_error
          else 'The worker disappeared during the last attempt and reported no result.' end,
        lease_token = case when d.attempts < d.max_attempts then v_token end,
        lease_until = case when d.attempts < d.max_attempts then v_lease_until end,
        next_attempt_at = v_lease_until
    from picked p
    where d.id = p.id
    returning d.*
  )
  select coalesce(jsonb_agg(jsonb_build_object(
    'dispatch_id', c.id, 'lease_token', c.lease_token, 'consumer', c.consumer,
    'attempt', c.attempts, 'max_attempts', c.max_attempts,
    'receipt_id', e.receipt_id, 'dedupe_key', e.dedupe_key,
    'event', private.event_envelope(e)
  ) order by e.occurred_at, c.id), '[]'::jsonb)
  into v_claimed
  from claimed c
  join public.integration_events_outbox e on e.tenant_id = c.tenant_id and e.id = c.event_id
  where c.status = 'pending';
  return v_claimed;
end;
$$;
comment on function public.claim_event_dispatches(integer, integer, integer) is
  'Claims due dispatches, the same share for every waiting tenant, under one lease token. One jsonb array of {dispatch_id, lease_token, consumer, attempt, max_attempts, receipt_id, dedupe_key, event}. p_awake_ms > 0 also promises to claim again. Definer for service_role alone; safe to run side by side (skip locked).';

create function public.finish_event_dispatches(p_results jsonb)
returns integer
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_changed integer;
begin
  update public.event_dispatches d
  set status = case r.outcome when 'done' then 'done' when 'dead' then 'dead'
        else case when d.attempts >= d.max_attempts then 'dead' else 'pending' end end,
      finished_at = case when r.outcome in ('done', 'dead') or d.attempts >= d.max_attempts then clock_timestamp() end,
      next_attempt_at = clock_timestamp() + coalesce(r.retry_in_ms, 0) * interval '1 millisecond',
      last_error_code = case when r.outcome = 'done' then null else left(r.error_code, 100) end,
      last_error = case when r.outcome = 'done' then null else left(r.error, 500) end,
      lease_token = null,
      lease_until = null
  from jsonb_to_recordset(p_results) as r
    (dispatch_id bigint, lease_token uuid, outcome text, error_code text, error text, retry_in_ms bigint)
  where d.id = r.dispatch_id and d.lease_token = r.lease_token and d.status = 'pending';
  get diagnostics v_changed = row_count;
  return v_changed;
end;
$$;
comment on function public.finish_event_dispatches(jsonb) is
  'Takes results [{dispatch_id, lease_token, outcome: done|retry|dead, error_code, error, retry_in_ms}]; changes a row only where the lease token still matches, answers how many. Definer for service_role alone.';

create function private.replay_dispatches(p_tenant_id uuid, p_event_ids uuid[], p_dispatch_ids bigint[])
returns integer
language plpgsql
set search_path = ''
as $$
declare
  v_replayed integer;
begin
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
comment on function private.replay_dispatches(uuid, uuid[], bigint[]) is
  'Puts finished dispatches back into the queue, by event or by id; pending ones stay as they are. Rings the bell.';

create function public.replay_event_dispatches(p_tenant_id uuid, p_dispatch_ids bigint[], p_actor uuid)
returns integer
language plpgsql
security definer
set search_path = ''
as $$
begin
  perform private.assert_permission(p_tenant_id, p_actor, 'deliveries.replay');
  return private.replay_dispatches(p_tenant_id, '{}', p_dispatch_ids);
end;
$$;
comment on function public.replay_event_dispatches(uuid, bigint[], uuid) is
  'Replays finished dispatches of a tenant; answers how many went back into the queue. Throws IL403. Definer for service_role alone.';

grant execute on function
  public.claim_event_dispatches(integer, integer, integer), public.finish_event_dispatches(jsonb),
  public.replay_event_dispatches(uuid, bigint[], uuid)
to service_role;

alter table public.integration_events_outbox enable row level security;
alter table public.integration_events_outbox force row level security;
grant select on public.integration_events_outbox to authenticated, service_role;
create policy "readers of integrations see events in their org scope" on public.integration_events_outbox for select to authenticated
  using (
    tenant_id = (select private.get_current_workspace_id())
    and (select private.has_tenant_permission('integrations.read'))
    and (org_id is null or (select private.get_current_org_id()) is null or org_id = (select private.get_current_org_id()))
  );

alter table public.event_dispatches enable row level security;
alter table public.event_dispatches force row level security;
grant select on public.event_dispatches to authenticated, service_role;
create policy "readers of deliveries see dispatches in their org scope" on public.event_dispatches for select to authenticated
  using (
    tenant_id = (select private.get_current_workspace_id())
    and (select private.has_tenant_permission('deliveries.read'))
    and (org_id is null or (select private.get_current_org_id()) is null or org_id = (select private.get_current_org_id()))
  );
