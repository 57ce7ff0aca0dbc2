-- Guardian meta integrations: subscriptions to scopes of meta events, their deliveries and attempts.
-- New objects; replaces the trigger function of the outbox, which now queues deliveries as well.
-- Rollback: drop the objects, restore private.dispatch_new_events() of the spine.

create table public.guardian_meta_integrations (
  integration_key text not null,
  label text not null,
  description text,
  scopes text[] not null,
  metadata jsonb not null default '{}'::jsonb,
  constraint guardian_meta_integrations_pkey primary key (id),
  constraint guardian_meta_integrations_tenant_id_id_key unique (tenant_id, id),
  constraint guardian_meta_integrations_tenant_id_integration_key_key unique (tenant_id, integration_key),
  constraint guardian_meta_integrations_tenant_fkey foreign key (tenant_id) references public.tenants (id),
  constraint guardian_meta_integrations_integration_key_check check (integration_key ~ '^[a-z0-9][a-z0-9_-]{0,99}$'),
  constraint guardian_meta_integrations_label_check check (char_length(label) between 1 and 200),
  constraint guardian_meta_integrations_description_check check (char_length(description) <= 2000),
  constraint guardian_meta_integrations_scopes_check check (
    cardinality(scopes) between 1 and 6
    and scopes <@ array['readiness', 'uplift', 'editions', 'executive_reports', 'adoption', 'lifecycle']
  ),
  constraint guardian_meta_integrations_metadata_check check (jsonb_typeof(metadata) = 'object' and octet_length(metadata::text) <= 16384)
) inherits (private.delivery_subscriptions);
create index guardian_meta_integrations_tenant_id_created_at_idx on public.guardian_meta_integrations (tenant_id, created_at desc, id);
comment on table public.guardian_meta_integrations is
  'A subscription of a tenant to guardian meta events. Written by RPCs only, because secrets in Vault go with it.';
select private.copy_column_comments('private.delivery_subscriptions', 'public.guardian_meta_integrations');
comment on column public.guardian_meta_integrations.integration_key is 'Name for machines, unique per tenant.';
comment on column public.guardian_meta_integrations.label is 'Display name.';
comment on column public.guardian_meta_integrations.description is 'What it is for; null = not said.';
comment on column public.guardian_meta_integrations.scopes is 'What it wants: readiness, uplift, editions, executive_reports, adoption, lifecycle.';
comment on column public.guardian_meta_integrations.metadata is 'Free facts of the tenant''s own; never sent.';

create table public.guardian_meta_webhook_events (
  constraint guardian_meta_webhook_events_pkey primary key (id),
  constraint guardian_meta_webhook_events_tenant_id_id_key unique (tenant_id, id),
  constraint guardian_meta_webhook_events_event_id_integration_id_key unique (event_id, integration_id),
  constraint guardian_meta_webhook_events_integration_fkey foreign key (tenant_id, integration_id)
    references public.guardian_meta_integrations (tenant_id, id),
  constraint guardian_meta_webhook_events_event_fkey foreign key (tenant_id, event_id)
    references public.integration_events_outbox (tenant_id, id) on delete set null (event_id),
  constraint guardian_meta_webhook_events_event_type_check check (event_type in (
    'readiness_updated', 'uplift_plan_created', 'uplift_task_updated', 'edition_fit_computed', 'executive_report_created',
    'adoption_scores_computed', 'lifecycle_run_completed', 'test'
  ))
) inherits (private.deliveries) with (fillfactor = 80);
create index guardian_meta_webhook_events_due_idx
  on public.guardian_meta_webhook_events (integration_id, next_attempt_at, id) where finished_at is null;
create index guardian_meta_webhook_events_leased_idx
  on public.guardian_meta_webhook_events (integration_id) where lease_token is not null;
create index guardian_meta_webhook_events_test_idx
  on public.guardian_meta_webhook_events (integration_id) where event_type = 'test' and finished_at is null;
create index guardian_meta_webhook_events_integration_created_at_idx
  on public.guardian_meta_webhook_events (tenant_id, integration_id, created_at desc, id);
create index guardian_meta_webhook_events_event_idx
  on public.guardian_meta_webhook_events (tenant_id, event_id) where event_id is not null;
comment on table public.guardian_meta_webhook_events is
  'Guardian meta events on their way: one row per event and integration, kept after the end. Written by the engine only.';
select private.copy_column_comments('private.deliveries', 'public.guardian_meta_webhook_events');

create table public.guardian_meta_webhook_attempts (
  constraint guardian_meta_webhook_attempts_pkey primary key (id),
  constraint guardian_meta_webhook_attempts_tenant_id_id_key unique (tenant_id, id),
  constraint guardian_meta_webhook_attempts_delivery_fkey foreign key (tenant_id, delivery_id)
    references public.guardian_meta_webhook_events (tenant_id, id) on delete cascade
) inherits (private.delivery_attempts);
create index guardian_meta_webhook_attempts_delivery_idx
  on public.guardian_meta_webhook_attempts (tenant_id, delivery_id, attempt);
create index guardian_meta_webhook_attempts_integration_idx
  on public.guardian_meta_webhook_attempts (tenant_id, integration_id, started_at desc, id);
comment on table public.guardian_meta_webhook_attempts is 'Every HTTP try of a guardian meta delivery. Written by the engine only; rows never change.';
select private.copy_column_comments('private.delivery_attempts', 'public.guardian_meta_webhook_attempts');

create trigger guardian_meta_integrations_audit_new after insert or delete on public.guardian_meta_integrations
  for each row execute function private.audit_row();
create trigger guardian_meta_integrations_audit_change
  after update of integration_key, label, description, is_enabled, config, scopes, secret_ref, previous_secret_ref, headers_ref, metadata
  on public.guardian_meta_integrations
  for each row execute function private.audit_row();

create function public.payload(p_delivery public.guardian_meta_webhook_events)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select a.request_body::jsonb from public.guardian_meta_webhook_attempts a
  where a.tenant_id = p_delivery.tenant_id and a.delivery_id = p_delivery.id and a.request_body is not null
  order by a.attempt desc limit 1;
$$;
comment on function public.payload(public.guardian_meta_webhook_events) is
  'Computed column payload of guardian_meta_webhook_events: what was sent, null before the first attempt. With the caller''s rights.';

create table private.guardian_meta_event_types (
  source_event_type text primary key,
  event_type text not null,
  scope text not null
);
comment on table private.guardian_meta_event_types is 'Which events of the outbox become which guardian meta events. Filled by migrations: a mapper is code.';
comment on column private.guardian_meta_event_types.source_event_type is 'Event type of the outbox.';
comment on column private.guardian_meta_event_types.event_type is 'Type that receivers see.';
comment on column private.guardian_meta_event_types.scope is 'Scope an integration needs for it.';

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
  if not exists (select from new_events n join private.guardian_meta_event_types t on t.source_event_type = n.event_type) then
    return null;
  end if;
  insert into public.guardian_meta_webhook_events (tenant_id, integration_id, event_id, event_type)
  select n.tenant_id, i.id, n.id, t.event_type
  from new_events n
  join private.guardian_meta_event_types t on t.source_event_type = n.event_type
  join public.guardian_meta_integrations i on i.tenant_id = n.tenant_id and i.is_enabled and i.scopes @> array[t.scope]
  on conflict (event_id, integration_id) do nothing;
  if found then
    perform private.ring('meta-webhook-deliver');
  end if;
  insert into public.integration_logs (tenant_id, org_id, event_type, status, message, details, request_id)
  select n.tenant_id, n.org_id, 'event.unmatched', 'success', 'No enabled integration wants this event; it is kept.',
    jsonb_build_object('event_id', n.id, 'event_type', n.event_type), n.trace_id
  from new_events n
  join private.guardian_meta_event_types t on t.source_event_type = n.event_type
  where not exists (select from public.guardian_meta_webhook_events d where d.tenant_id = n.tenant_id and d.event_id = n.id);
  return null;
end;
$$;
comment on function private.dispatch_new_events() is
  'Statement trigger on the outbox: one dispatch per new event and registered consumer, one delivery per new event and integration that wants it, then the bells. Definer: no user writes queues. An event nobody wants says so in integration_logs.';

-- Claim and finish.

create function private.finish_deliveries(p_results jsonb)
returns integer
language plpgsql
set search_path = ''
set enable_seqscan = off
as $$
declare
  v_now constant timestamptz := clock_timestamp();
  v_finished integer;
begin
  with results as materialized (
    select r.* from jsonb_to_recordset(p_results) as r (
      delivery_id uuid, lease_token uuid, outcome text, max_attempts integer, retry_in_ms bigint, disable_reason text,
      status_code integer, error_class text, error text, started_at timestamptz, duration_ms integer, timing jsonb,
      response_excerpt text, request_body text
    )
  ),
  finished as (
    update private.deliveries d
    set status = case
          when r.outcome = 'delivered' then 'delivered'
          when r.outcome = 'refused' or r.disable_reason is not null or d.failure_count + 1 >= r.max_attempts then 'discarded'
          else 'failed' end,
        finished_at = case
          when r.outcome in ('delivered', 'refused') or r.disable_reason is not null or d.failure_count + 1 >= r.max_attempts then v_now end,
        failure_count = d.failure_count + (r.outcome <> 'delivered')::integer,
        next_attempt_at = v_now + coalesce(r.retry_in_ms, 0) * interval '1 millisecond',
        first_attempt_at = coalesce(d.first_attempt_at, r.started_at),
        last_attempt_at = r.started_at,
        last_status_code = r.status_code,
        last_error_class = case when r.outcome = 'delivered' then null else left(r.error_class, 100) end,
        last_error = case when r.outcome = 'delivered' then null else left(r.error, 500) end,
        lease_token = null,
        lease_until = null
    from results r
    where d.id = r.delivery_id and d.lease_token = r.lease_token
    returning d.tableoid::regclass as queue, d.tenant_id, d.integration_id, d.id as delivery_id, d.attempt_count, d.event_type,
      r.outcome, r.disable_reason, r.status_code, r.error_class, r.started_at, r.duration_ms, r.timing, r.response_excerpt, r.request_body
  ),
  guardian_attempts as (
    insert into public.guardian_meta_webhook_attempts (
      tenant_id, integration_id, delivery_id, attempt, outcome, status_code, error_class, started_at, duration_ms, timing,
      response_excerpt, request_body
    )
    select f.tenant_id, f.integration_id, f.delivery_id, f.attempt_count, f.outcome, f.status_code, left(f.error_class, 100),
      f.started_at, f.duration_ms, f.timing, f.response_excerpt, f.request_body
    from finished f
    where f.queue = 'public.guardian_meta_webhook_events'::regclass
  ),
  news as (
    select f.integration_id, bool_or(f.outcome = 'delivered') as delivered, bool_or(f.outcome = 'failed') as failed,
      max(f.disable_reason) as disable_reason
    from finished f
    where f.event_type <> 'test' or f.outcome = 'delivered'
    group by f.integration_id
  ),
  told as (
    update private.delivery_subscriptions s
    set last_synced_at = case when n.delivered then v_now else s.last_synced_at end,
        failing_since = case when n.delivered then null when n.failed then coalesce(s.failing_since, v_now) else s.failing_since end,
        is_enabled = s.is_enabled and n.disable_reason is null,
        disabled_at = case when s.is_enabled and n.disable_reason is not null then v_now else s.disabled_at end,
        disabled_reason = case when s.is_enabled and n.disable_reason is not null then n.disable_reason else s.disabled_reason end
    from news n
    where s.id = n.integration_id
      and (
        (n.delivered and (s.failing_since is not null or s.last_synced_at is null or s.last_synced_at < v_now - interval '1 second'))
        or (n.failed and not n.delivered and s.failing_since is null)
        or (n.disable_reason is not null and s.is_enabled)
      )
    returning s.tenant_id, s.id, n.disable_reason, s.is_enabled
  ),
  logged as (
    insert into public.integration_logs (tenant_id, event_type, status, message, error_code, details)
    select t.tenant_id, 'integration.disabled', 'error', 'The endpoint said that it is gone (410); deliveries wait until the integration is enabled again.',
      'GONE', jsonb_build_object('integration_id', t.id)
    from told t where t.disable_reason is not null
  )
  select count(*)::integer into v_finished from finished;
  return v_finished;
end;
$$;
comment on function private.finish_deliveries(jsonb) is
  'Takes results [{delivery_id, lease_token, outcome: delivered|failed|refused, max_attempts, retry_in_ms, disable_reason, status_code, error_class, error, started_at, duration_ms, timing, response_excerpt, request_body}]; changes a delivery and writes its attempt only where the lease token still matches, and answers how many.';

create function private.take_over_lost_deliveries(p_limit integer)
returns void
language plpgsql
set search_path = ''
set enable_seqscan = off
as $$
declare
  v_now constant timestamptz := clock_timestamp();
begin
  with lost as (
    select d.id from private.deliveries d
    where d.lease_token is not null and d.lease_until <= v_now
    limit p_limit
    for update skip locked
  ),
  freed as (
    update private.deliveries d
    set lost_count = d.lost_count + 1,
        status = case when d.lost_count + 1 >= 10 then 'discarded' else d.status end,
        finished_at = case when d.lost_count + 1 >= 10 then v_now end,
        last_error_class = 'worker_lost',
        last_error = 'The worker disappeared during the attempt and reported no result.',
        last_status_code = null,
        lease_token = null,
        lease_until = null
    from lost l
    where d.id = l.id
    returning d.tableoid::regclass as queue, d.tenant_id, d.integration_id, d.id as delivery_id, d.attempt_count, d.last_attempt_at
  )
  insert into public.guardian_meta_webhook_attempts (tenant_id, integration_id, delivery_id, attempt, outcome, error_class, started_at)
  select f.tenant_id, f.integration_id, f.delivery_id, f.attempt_count, 'lost', 'worker_lost', f.last_attempt_at
  from freed f
  where f.queue = 'public.guardian_meta_webhook_events'::regclass;
end;
$$;
comment on function private.take_over_lost_deliveries(integer) is
  'Frees deliveries whose lease ran out and writes their attempts down as lost. A delivery whose worker disappeared ten times is discarded: it may be what kills workers.';

create function private.claim_deliveries(p_limit integer, p_lease_ms integer)
returns jsonb
language plpgsql
set search_path = ''
set enable_seqscan = off
as $$
declare
  v_token constant uuid := gen_random_uuid();
  v_now constant timestamptz := clock_timestamp();
  v_lease_until constant timestamptz := v_now + p_lease_ms * interval '1 millisecond';
  v_claimed jsonb;
begin
  with recursive waiting as (
    (select d.integration_id from private.deliveries d where d.finished_at is null order by d.integration_id limit 1)
    union all
    select (
      select d.integration_id from private.deliveries d
      where d.finished_at is null and d.integration_id > w.integration_id order by d.integration_id limit 1
    )
    from waiting w where w.integration_id is not null
  ),
  due as (
    select s.id as integration_id, s.tenant_id, s.is_enabled, s.config, s.config_version,
      coalesce((s.config ->> 'max_in_flight')::integer, 10) - (
        select count(*) from private.deliveries d where d.integration_id = s.id and d.lease_token is not null
      ) as room
    from waiting w
    join private.delivery_subscriptions s on s.id = w.integration_id
    where exists (
      select from private.deliveries d
      where d.integration_id = s.id and d.finished_at is null and d.next_attempt_at <= v_now
    )
  ),
  -- A turn is one delivery of each integration of a tenant; tenants share the limit by turns, not by backlog.
  shares as (
    select u.*, greatest(1, ceil(p_limit::numeric / count(*) over ()))::integer as share from due u where u.room > 0
    order by random()
    limit p_limit
  ),
  picked as (
    select p.id, h.config, h.config_version
    from shares h
    cross join lateral (
      select d.id from private.deliveries d
      where h.is_enabled and d.integration_id = h.integration_id and d.finished_at is null and d.next_attempt_at <= v_now
      order by d.next_attempt_at, d.id
      limit least(h.share, h.room)
      for update skip locked
    ) p
    union all
    -- A test also goes to an integration that is not enabled yet.
    select p.id, h.config, h.config_version
    from shares h
    cross join lateral (
      select d.id from private.deliveries d
      where not h.is_enabled and d.integration_id = h.integration_id and d.event_type = 'test' and d.finished_at is null
        and d.next_attempt_at <= v_now
      limit 1
      for update skip locked
    ) p
    limit p_limit
  ),
  claimed as (
    update private.deliveries d
    set attempt_count = d.attempt_count + 1,
        last_attempt_at = v_now,
        lease_token = v_token,
        lease_until = v_lease_until,
        next_attempt_at = v_lease_until
    from picked p
    where d.id = p.id
    returning d.tableoid::regclass as queue, d.*, p.config, p.config_version
  )
  select coalesce(jsonb_agg(jsonb_build_object(
    'kind', case c.queue when 'public.guardian_meta_webhook_events'::regclass then 'guardian_meta' end,
    'delivery_id', c.id, 'lease_token', v_token, 'message_id', private.message_id(c.id),
    'tenant_id', c.tenant_id, 'integration_id', c.integration_id, 'config_version', c.config_version,
    'event_type', c.event_type, 'attempt', c.attempt_count, 'failures', c.failure_count,
    'max_attempts', case when c.event_type = 'test' then 1 else coalesce((c.config ->> 'max_attempts')::integer, 3) end,
    'queued_at', c.created_at,
    'event', case when e.id is not null then private.event_envelope(e) end,
    'body', case when c.attempt_count > 1 then (
      select a.request_body from private.delivery_attempts a
      where a.tenant_id = c.tenant_id and a.delivery_id = c.id and a.request_body is not null
      order by a.attempt desc limit 1
    ) end
  ) order by c.created_at, c.id), '[]'::jsonb)
  into v_claimed
  from claimed c
  left join public.integration_events_outbox e on e.tenant_id = c.tenant_id and e.id = c.event_id;
  return v_claimed;
end;
$$;
comment on function private.claim_deliveries(integer, integer) is
  'Claims due deliveries, the same share for every integration that has any, never more than max_in_flight of one, under one lease token. Safe to run side by side (skip locked).';

create function public.exchange_deliveries(p_results jsonb, p_limit integer, p_lease_ms integer, p_awake_ms integer default 0)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_finished integer := 0;
  v_claimed jsonb := '[]'::jsonb;
begin
  if p_limit not between 0 and 500 or p_lease_ms not between 1000 and 3600000 then
    perform private.raise_error('IL422', 'A claim takes 0 to 500 deliveries for 1000 to 3600000 ms.');
  end if;
  if p_awake_ms > 0 then
    perform private.promise_to_claim('meta-webhook-deliver', p_awake_ms);
  end if;
  if jsonb_array_length(p_results) > 0 then
    v_finished := private.finish_deliveries(p_results);
  end if;
  if p_limit > 0 then
    perform private.take_over_lost_deliveries(p_limit);
    v_claimed := private.claim_deliveries(p_limit, p_lease_ms);
  end if;
  return jsonb_build_object('finished', v_finished, 'claimed', v_claimed);
end;
$$;
comment on function public.exchange_deliveries(jsonb, integer, integer, integer) is
  'The one call of a delivery worker: takes results (see private.finish_deliveries) and claims the next deliveries in one transaction. Answers {finished, claimed: [{kind, delivery_id, lease_token, message_id, tenant_id, integration_id, config_version, event_type, attempt, failures, max_attempts, queued_at, event, body}]}. p_awake_ms > 0 also promises to claim again. Definer for service_role alone.';

create function public.get_delivery_endpoints(p_integration_ids uuid[])
returns jsonb
language sql
stable
security definer
set search_path = ''
as $$
  select coalesce(jsonb_agg(jsonb_build_object(
    'integration_id', s.id, 'tenant_id', s.tenant_id, 'config_version', s.config_version, 'config', s.config,
    'secret', current_secret.decrypted_secret,
    'previous_secret', previous_secret.decrypted_secret,
    'previous_secret_expires_at', s.previous_secret_expires_at,
    'headers', coalesce(headers.decrypted_secret, '{}')::jsonb
  )), '[]'::jsonb)
  from private.delivery_subscriptions s
  join vault.decrypted_secrets current_secret on current_secret.id = s.secret_ref
  left join vault.decrypted_secrets previous_secret
    on previous_secret.id = s.previous_secret_ref and s.previous_secret_expires_at > now()
  left join vault.decrypted_secrets headers on headers.id = s.headers_ref
  where s.id = any (p_integration_ids);
$$;
comment on function public.get_delivery_endpoints(uuid[]) is
  'What a worker needs to send: [{integration_id, tenant_id, config_version, config, secret, previous_secret, previous_secret_expires_at, headers: {name: value}}]. Definer for service_role alone: reads Vault.';

-- What people do with integrations.

create function private.integration_resource(p_integration public.guardian_meta_integrations)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select jsonb_build_object(
    'id', p_integration.id, 'integration_key', p_integration.integration_key, 'label', p_integration.label,
    'description', p_integration.description, 'is_enabled', p_integration.is_enabled, 'config', p_integration.config,
    'scopes', to_jsonb(p_integration.scopes), 'metadata', p_integration.metadata,
    'last_synced_at', p_integration.last_synced_at, 'failing_since', p_integration.failing_since,
    'disabled_at', p_integration.disabled_at, 'disabled_reason', p_integration.disabled_reason,
    'created_by', p_integration.created_by, 'created_at', p_integration.created_at, 'updated_at', p_integration.updated_at
  );
$$;
comment on function private.integration_resource(public.guardian_meta_integrations) is
  'An integration as the API shows it: no tenant, no references to secrets.';

create function public.create_guardian_meta_integration(
  p_tenant_id uuid, p_integration_key text, p_label text, p_description text, p_is_enabled boolean, p_config jsonb,
  p_headers jsonb, p_scopes text[], p_metadata jsonb, p_secret text, p_actor uuid
)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_integration public.guardian_meta_integrations;
begin
  perform private.assert_permission(p_tenant_id, p_actor, 'integrations.manage');
  perform private.set_actor(p_actor);
  if exists (
    select from public.guardian_meta_integrations i where i.tenant_id = p_tenant_id and i.integration_key = p_integration_key
  ) then
    perform private.raise_error('IL409', format('There is already an integration "%s".', p_integration_key));
  end if;
  insert into public.guardian_meta_integrations (
    tenant_id, integration_key, label, description, is_enabled, config, headers_ref, scopes, metadata, secret_ref, created_by
  )
  values (
    p_tenant_id, p_integration_key, p_label, p_description, p_is_enabled, p_config,
    case when p_headers is not null and p_headers <> '{}'::jsonb
      then public.store_secret(p_tenant_id, p_headers::text, 'outbound webhook headers') end,
    p_scopes, p_metadata, public.store_secret(p_tenant_id, p_secret, 'outbound webhook signing secret'), p_actor
  )
  returning * into v_integration;
  insert into public.integration_logs (tenant_id, event_type, status, details)
  values (p_tenant_id, 'integration.created', 'success', jsonb_build_object('integration_id', v_integration.id));
  return private.integration_resource(v_integration);
end;
$$;
comment on function public.create_guardian_meta_integration(uuid, text, text, text, boolean, jsonb, jsonb, text[], jsonb, text, uuid) is
  'Creates an integration with its secrets in one transaction; p_headers is {name: value} or null. Answers the integration. Throws IL403, IL409 (key taken). Definer for service_role alone.';

create function public.update_guardian_meta_integrations(p_tenant_id uuid, p_updates jsonb, p_actor uuid)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_update record;
  v_integration public.guardian_meta_integrations;
  v_config jsonb;
  v_updated jsonb := '[]'::jsonb;
begin
  perform private.assert_permission(p_tenant_id, p_actor, 'integrations.manage');
  perform private.set_actor(p_actor);
  for v_update in
    select u.* from jsonb_to_recordset(p_updates) as u (
      id uuid, label text, description text, is_enabled boolean, config jsonb, headers jsonb, scopes jsonb, metadata jsonb
    )
    order by u.id
  loop
    select i.* into v_integration from public.guardian_meta_integrations i
    where i.tenant_id = p_tenant_id and i.id = v_update.id
    for no key update;
    if v_integration.id is null then
      perform private.raise_error('IL404', 'This integration does not exist.', 'Nothing was changed.');
    end if;
    v_config := jsonb_strip_nulls(v_integration.config || coalesce(v_update.config, '{}'::jsonb));
    if v_update.headers is not null and v_integration.headers_ref is not null then
      perform public.delete_secret(p_tenant_id, v_integration.headers_ref);
    end if;
    update public.guardian_meta_integrations i
    set label = coalesce(v_update.label, i.label),
        description = coalesce(v_update.description, i.description),
        is_enabled = coalesce(v_update.is_enabled, i.is_enabled),
        disabled_at = case when v_update.is_enabled then null else i.disabled_at end,
        disabled_reason = case when v_update.is_enabled then null else i.disabled_reason end,
        config = v_config,
        headers_ref = case
          when v_update.headers is null then i.headers_ref
          when v_update.headers = '{}'::jsonb then null
          else public.store_secret(p_tenant_id, v_update.headers::text, 'outbound webhook headers') end,
        scopes = case when v_update.scopes is null then i.scopes
          else array(select s.value from jsonb_array_elements_text(v_update.scopes) as s (value)) end,
        metadata = coalesce(v_update.metadata, i.metadata),
        config_version = i.config_version + 1,
        updated_at = now()
    where i.tenant_id = p_tenant_id and i.id = v_update.id
    returning i.* into v_integration;
    v_updated := v_updated || private.integration_resource(v_integration);
  end loop;
  insert into public.integration_logs (tenant_id, event_type, status, details)
  select p_tenant_id, 'integration.updated', 'success', jsonb_build_object('integration_id', u.value -> 'id')
  from jsonb_array_elements(v_updated) as u (value);
  -- What waited for an integration to be enabled again need not wait for the schedule.
  perform private.ring('meta-webhook-deliver');
  return v_updated;
end;
$$;
comment on function public.update_guardian_meta_integrations(uuid, jsonb, uuid) is
  'Changes integrations, all or none: [{id, label?, description?, is_enabled?, config?, headers?, scopes?, metadata?}]. config is merged by key, a null value removes; headers {name: value} replace all. Answers them. Throws IL403, IL404. Definer for service_role alone.';

create function public.guardian_meta_statistics(p_tenant_id uuid, p_integration_ids uuid[])
returns jsonb
language sql
stable
security definer
set search_path = ''
as $$
  select coalesce(jsonb_object_agg(c.integration_id, to_jsonb(c) - 'integration_id'), '{}'::jsonb)
  from (
    select d.integration_id,
      count(*) filter (where d.status = 'delivered') as delivered,
      count(*) filter (where d.status = 'pending') as pending,
      count(*) filter (where d.status = 'failed') as failed,
      count(*) filter (where d.status = 'discarded') as discarded,
      jsonb_build_object(
        'delivered', count(*) filter (where d.status = 'delivered' and d.finished_at > now() - interval '24 hours'),
        'discarded', count(*) filter (where d.status = 'discarded' and d.finished_at > now() - interval '24 hours'),
        'queued', count(*) filter (where d.created_at > now() - interval '24 hours')
      ) as last_24h,
      min(d.created_at) filter (where d.finished_at is null) as oldest_open_at,
      max(d.last_attempt_at) as last_attempt_at
    from public.guardian_meta_webhook_events d
    where d.tenant_id = p_tenant_id and d.integration_id = any (p_integration_ids)
    group by d.integration_id
  ) c;
$$;
comment on function public.guardian_meta_statistics(uuid, uuid[]) is
  'Deliveries per integration: {integration_id: {delivered, pending, failed, discarded, last_24h {delivered, discarded, queued}, oldest_open_at, last_attempt_at}}; integrations without deliveries are missing. Definer for service_role alone.';

create function public.queue_test_delivery(p_tenant_id uuid, p_integration_id uuid, p_actor uuid)
returns uuid
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_delivery_id uuid;
begin
  perform private.assert_permission(p_tenant_id, p_actor, 'integrations.manage');
  insert into public.guardian_meta_webhook_events (tenant_id, integration_id, event_type, metadata)
  select i.tenant_id, i.id, 'test', jsonb_strip_nulls(jsonb_build_object('requested_by', p_actor))
  from public.guardian_meta_integrations i
  where i.tenant_id = p_tenant_id and i.id = p_integration_id
  returning id into v_delivery_id;
  if v_delivery_id is null then
    perform private.raise_error('IL404', 'This integration does not exist.');
  end if;
  perform private.ring('meta-webhook-deliver');
  return v_delivery_id;
end;
$$;
comment on function public.queue_test_delivery(uuid, uuid, uuid) is
  'Queues a synthetic event for one integration, enabled or not; it gets one attempt. Answers the delivery. Throws IL403, IL404. Definer for service_role alone.';

grant execute on function
  public.exchange_deliveries(jsonb, integer, integer, integer), public.get_delivery_endpoints(uuid[]),
  public.create_guardian_meta_integration(uuid, text, text, text, boolean, jsonb, jsonb, text[], jsonb, text, uuid),
  public.update_guardian_meta_integrations(uuid, jsonb, uuid), public.guardian_meta_statistics(uuid, uuid[]),
  public.queue_test_delivery(uuid, uuid, uuid)
to service_role;
grant execute on function public.payload(public.guardian_meta_webhook_events) to authenticated, service_role;

alter table public.guardian_meta_integrations enable row level security;
alter table public.guardian_meta_integrations force row level security;
grant select on public.guardian_meta_integrations to authenticated, service_role;
create policy "readers of integrations see those of their tenant" on public.guardian_meta_integrations for select to authenticated
  using (tenant_id = (select private.get_current_workspace_id()) and (select private.has_tenant_permission('integrations.read')));

alter table public.guardian_meta_webhook_events enable row level security;
alter table public.guardian_meta_webhook_events force row level security;
grant select on public.guardian_meta_webhook_events to authenticated, service_role;
create policy "readers of deliveries see those of their tenant" on public.guardian_meta_webhook_events for select to authenticated
  using (tenant_id = (select private.get_current_workspace_id()) and (select private.has_tenant_permission('deliveries.read')));

alter table public.guardian_meta_webhook_attempts enable row level security;
alter table public.guardian_meta_webhook_attempts force row level security;
grant select on public.guardian_meta_webhook_attempts to authenticated, service_role;
create policy "readers of deliveries see attempts of their tenant" on public.guardian_meta_webhook_attempts for select to authenticated
  using (tenant_id = (select private.get_current_workspace_id()) and (select private.has_tenant_permission('deliveries.read')));

select private.schedule_job('interlock-deliver', 30, $$select private.invoke_function('meta-webhook-deliver', '{"reason": "schedule"}'::jsonb)$$);
