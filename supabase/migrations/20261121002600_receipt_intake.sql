-- Storing what arrived costs half: one frame of bytes instead of JSON with base64 in it, and nothing is looked up or
-- checked twice that the storing function has made itself.
-- Replaces public.store_webhook_receipts(jsonb), private.prune_events and the triggers of the outbox; drops a foreign
-- key; gathers checks. Rollback: restore the functions of 0700, 1420 and 1900 and the constraints named below.

-- A body is stored with its receipt and pruned with it, in one function each: a foreign key would look the receipt up
-- again for every webhook.
alter table public.webhook_receipt_bodies drop constraint webhook_receipt_bodies_receipt_fkey;
comment on column public.webhook_receipt_bodies.receipt_id is
  'The receipt. Stored and pruned with it, which needs no foreign key.';

-- Every statement reads the text of every check anew: few and short ones.
alter table public.event_dispatches
  drop constraint event_dispatches_attempts_check,
  drop constraint event_dispatches_max_attempts_check,
  drop constraint event_dispatches_status_check,
  drop constraint event_dispatches_finished_check,
  add constraint event_dispatches_state_check check (
    case status when 'pending' then finished_at is null when 'done' then finished_at is not null when 'dead' then finished_at is not null else false end
  );
alter table public.webhook_receipts drop constraint webhook_receipts_request_id_check;

create function private.is_sound_event(
  p_event_type text, p_entity_type text, p_entity_id text, p_payload jsonb, p_source text, p_trace_id text
)
returns boolean
language plpgsql
immutable
set search_path = ''
as $$
begin
  return p_event_type ~ '^[a-z0-9_]+(\.[a-z0-9_]+)+$' and char_length(p_event_type) <= 100
    and char_length(p_entity_type) between 1 and 100
    and char_length(p_entity_id) between 1 and 200
    and char_length(p_source) between 1 and 100
    and char_length(p_trace_id) between 1 and 200
    and jsonb_typeof(p_payload) = 'object';
end;
$$;
comment on function private.is_sound_event(text, text, text, jsonb, text, text) is
  'Whether the fields of an event are of the form that the outbox holds: dotted lower-case type, lengths, an object as payload.';
-- Checks run as whoever writes the row.
grant execute on function private.is_sound_event(text, text, text, jsonb, text, text) to authenticated, service_role;

-- Events with a receipt are made by store_webhook_receipts alone, of parts that are checked before.
alter table public.integration_events_outbox
  drop constraint integration_events_outbox_event_type_check,
  drop constraint integration_events_outbox_entity_type_check,
  drop constraint integration_events_outbox_entity_id_check,
  drop constraint integration_events_outbox_source_check,
  drop constraint integration_events_outbox_trace_id_check,
  drop constraint integration_events_outbox_payload_object_check,
  drop constraint integration_events_outbox_payload_exact_check,
  add constraint integration_events_outbox_sound_check check (
    receipt_id is not null or private.is_sound_event(event_type, entity_type, entity_id, payload, source, trace_id)
  ),
  add constraint integration_events_outbox_payload_exact_check check (
    receipt_id is not null or private.json_numbers_are_exact(payload)
  );

-- One trigger instead of three: it asks in one statement who wants the new events.
drop trigger integration_events_outbox_dispatch on public.integration_events_outbox;
drop trigger integration_events_outbox_guardian_deliveries on public.integration_events_outbox;
drop trigger integration_events_outbox_event_deliveries on public.integration_events_outbox;
drop function private.dispatch_new_events();
drop function private.queue_guardian_deliveries();
drop function private.queue_event_deliveries();

create function private.queue_guardian_deliveries(p_events public.integration_events_outbox[])
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_queued boolean;
begin
  with wanted as (
    select n.tenant_id, n.id as event_id, n.org_id, n.trace_id, n.event_type as source_type, t.event_type, i.id as integration_id,
      n.place
    from (select e.*, row_number() over () as place from unnest(p_events) e) n
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
end;
$$;
comment on function private.queue_guardian_deliveries(public.integration_events_outbox[]) is
  'Queues new events for the guardian meta integrations that want them, in one statement, then rings. An event nobody wants says so in integration_logs. Called by the trigger of the outbox.';

create function private.queue_event_deliveries(p_events public.integration_events_outbox[])
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_queued boolean;
begin
  with events as materialized (
    select n.tenant_id, n.org_id, n.id, n.event_type, private.event_type_candidates(n.event_type) as candidates,
      private.event_envelope(n) as envelope, row_number() over () as place
    from unnest(p_events) n
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
end;
$$;
comment on function private.queue_event_deliveries(public.integration_events_outbox[]) is
  'Queues new events for the event subscriptions whose types, org and filter they meet, in one statement, then rings. Called by the trigger of the outbox.';

create function private.spread_new_events()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_has_work boolean;
  v_has_guardian_types boolean;
  v_has_subscribers boolean;
begin
  with dispatched as (
    insert into public.event_dispatches (tenant_id, org_id, event_id, consumer)
    select n.tenant_id, n.org_id, n.id, c.consumer
    from new_events n
    join private.event_consumers c on c.event_type = n.event_type
    returning true
  )
  select
    -- As private.ring asks, which would be a statement more for every event: a drainer that is awake needs no bell.
    exists (select from dispatched)
      and not exists (select from private.drainers d where d.name = 'event-dispatch' and d.awake_until > clock_timestamp()),
    exists (select from new_events n join private.guardian_meta_event_types t on t.source_event_type = n.event_type),
    exists (select from new_events n join public.event_subscriptions s on s.tenant_id = n.tenant_id and s.is_enabled)
  into v_has_work, v_has_guardian_types, v_has_subscribers;
  if v_has_work then
    perform private.ring('event-dispatch');
  end if;
  if v_has_guardian_types then
    perform private.queue_guardian_deliveries((select array_agg(n::public.integration_events_outbox) from new_events n));
  end if;
  if v_has_subscribers then
    perform private.queue_event_deliveries((select array_agg(n::public.integration_events_outbox) from new_events n));
  end if;
  return null;
end;
$$;
comment on function private.spread_new_events() is
  'Statement trigger on the outbox: one dispatch per new event and registered consumer, then the bell; deliveries where somebody may want them. Definer: no user writes queues.';
create trigger integration_events_outbox_spread after insert on public.integration_events_outbox
  referencing new table as new_events for each statement execute function private.spread_new_events();

drop function public.store_webhook_receipts(jsonb);

create function public.store_webhook_receipts(bytea)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_head_bytes constant integer := ('x' || encode(substr($1, 1, 4), 'hex'))::bit(32)::integer;
  v_data_at constant integer := 5 + v_head_bytes;
  v_head constant jsonb := convert_from(substr($1, 5, v_head_bytes), 'UTF8')::jsonb;
  v_began_at constant timestamptz := clock_timestamp();
  v_answer jsonb;
begin
  with items as (
    select i.* from jsonb_to_recordset(v_head -> 'receipts') as i (
      place integer, webhook_id uuid, version integer, receipt_id uuid, request_id text, content_type text,
      data_at integer, headers_bytes integer, body_bytes integer, element_count integer
    )
  ),
  live as (
    select i.*, w.tenant_id, w.org_id, w.provider
    from items i
    join public.integration_webhooks w on w.id = i.webhook_id and w.version = i.version and w.is_active
  ),
  new_events as (
    -- In key order, so that two batches with the same keys wait for each other instead of deadlocking.
    insert into public.integration_events_outbox
      (tenant_id, org_id, event_type, entity_type, entity_id, payload, source, trace_id, webhook_id, receipt_id, dedupe_key)
    select l.tenant_id, l.org_id, 'webhook.received', 'webhook', l.webhook_id::text,
      jsonb_build_object('receipt_id', l.receipt_id, 'webhook_id', l.webhook_id, 'provider', l.provider, 'type', e.type, 'element', e.index),
      l.provider, l.request_id, l.webhook_id, l.receipt_id, e.dedupe_key
    from jsonb_to_recordset(v_head -> 'elements') as e (place integer, dedupe_key text, type text, index integer)
    join live l on l.place = e.place
    order by l.webhook_id, e.dedupe_key
    on conflict (tenant_id, webhook_id, dedupe_key) where dedupe_key is not null do nothing
    returning receipt_id
  ),
  fresh as (
    select l.*, n.event_count
    from live l
    join (select e.receipt_id, count(*)::integer as event_count from new_events e group by e.receipt_id) n
      on n.receipt_id = l.receipt_id
  ),
  receipts as (
    insert into public.webhook_receipts
      (id, tenant_id, org_id, webhook_id, provider, request_id, content_type, body_bytes, event_count, duplicate_count)
    select f.receipt_id, f.tenant_id, f.org_id, f.webhook_id, f.provider, f.request_id, f.content_type, f.body_bytes,
      f.event_count, f.element_count - f.event_count
    from fresh f
  ),
  bodies as (
    insert into public.webhook_receipt_bodies (receipt_id, tenant_id, headers, body)
    select f.receipt_id, f.tenant_id, convert_from(substr($1, v_data_at + f.data_at, f.headers_bytes), 'UTF8'),
      substr($1, v_data_at + f.data_at + f.headers_bytes, f.body_bytes)
    from fresh f
  )
  select jsonb_build_object(
    'stored', (select coalesce(jsonb_agg(f.place), '[]'::jsonb) from fresh f),
    'known', (select coalesce(jsonb_agg(l.place), '[]'::jsonb) from live l)
  ) into v_answer;
  v_answer := v_answer || jsonb_build_object('work_ms', extract(epoch from clock_timestamp() - v_began_at) * 1000);
  if jsonb_array_length(v_answer -> 'known') = jsonb_array_length(v_answer -> 'stored') then
    return v_answer - 'known';
  end if;

  -- A duplicate names the receipt that brought the event first. A statement of its own: it must see what a
  -- concurrent transaction has just committed.
  return v_answer - 'known' || jsonb_build_object('duplicates', (
    select jsonb_object_agg(i.place, (
      select o.receipt_id from public.integration_events_outbox o
      where o.tenant_id = w.tenant_id and o.webhook_id = i.webhook_id and o.dedupe_key = (
        select e.value ->> 'dedupe_key' from jsonb_array_elements(v_head -> 'elements') with ordinality as e (value, place)
        where (e.value ->> 'place')::integer = i.place order by e.place limit 1
      )
    ))
    from jsonb_to_recordset(v_head -> 'receipts') as i (place integer, webhook_id uuid)
    join public.integration_webhooks w on w.id = i.webhook_id
    where v_answer -> 'known' @> to_jsonb(i.place) and not v_answer -> 'stored' @> to_jsonb(i.place)
  ));
end;
$$;
comment on function public.store_webhook_receipts(bytea) is
  'Stores verified requests that arrived together. Takes a frame: the length of a head (4 bytes, big-endian), the head as JSON in UTF-8, then of every request its headers (JSON text) and its body, one behind the other. Head: {receipts: [{place, webhook_id, version, receipt_id, request_id, content_type, data_at, headers_bytes, body_bytes, element_count}], elements: [{place, dedupe_key, type, index}]}; place tells the requests apart, data_at counts from the end of the head. Answers {stored: [place], duplicates: {place: receipt_id that was first}, work_ms: what it took before the commit}; a place in neither = the webhook changed since it was cached, verify again. All or nothing: a data error (SQLSTATE 22, 23) stores none of the batch. Definer for service_role alone.';
grant execute on function public.store_webhook_receipts(bytea) to service_role;

create or replace function private.prune_events(p_rows integer, p_now timestamptz)
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
  with gone as (
    delete from public.webhook_receipts r
    using (select distinct o.* from unnest(v_receipt_tenant_ids, v_receipt_ids) as o (tenant_id, id)) o
    where r.tenant_id = o.tenant_id and r.id = o.id
      and not exists (select from public.integration_events_outbox e where e.tenant_id = r.tenant_id and e.receipt_id = r.id)
    returning r.tenant_id, r.id
  )
  delete from public.webhook_receipt_bodies b
  using gone g
  where b.tenant_id = g.tenant_id and b.receipt_id = g.id;
  return v_pruned;
end;
$$;
comment on function private.prune_events(integer, timestamptz) is
  'Removes events that are older than their tenants'' days and that no delivery of the log and no dispatch needs, with their finished dispatches; and receipts, bodies included, with the last of their events.';
