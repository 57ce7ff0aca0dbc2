-- Connectors under management: created, tried, changed and removed by admins, with credentials in Vault only, and a state
-- of their own that syncs and tests write without touching the audited row.
-- Adds columns to integration_connectors, the table connector_states, functions. Rollback: drop them.

alter table public.integration_connectors
  add column sync_interval_seconds integer
    constraint integration_connectors_sync_interval_check check (sync_interval_seconds between 60 and 604800),
  add column account_name text
    constraint integration_connectors_account_name_check check (char_length(account_name) <= 320),
  add column created_by uuid;
comment on column public.integration_connectors.sync_interval_seconds is
  'It is synced by itself this long after the start of the last sync, 60 to 604800 (7 days); null = only when asked for.';
comment on column public.integration_connectors.account_name is
  'Account at the provider, for display: an address, a workspace''s name; null = unknown.';
comment on column public.integration_connectors.created_by is 'Who created it; null = the service.';

create table public.connector_states (
  connector_id uuid not null,
  tenant_id uuid not null,
  org_id uuid,
  next_sync_at timestamptz,
  last_run_id uuid,
  last_sync_at timestamptz,
  last_sync_status text constraint connector_states_last_sync_status_check check (last_sync_status in ('completed', 'failed', 'cancelled')),
  failures_in_a_row integer not null default 0 constraint connector_states_failures_check check (failures_in_a_row >= 0),
  last_checked_at timestamptz,
  last_check_passed boolean,
  updated_at timestamptz not null default clock_timestamp(),
  constraint connector_states_pkey primary key (connector_id),
  constraint connector_states_tenant_id_id_key unique (tenant_id, connector_id),
  constraint connector_states_connector_fkey foreign key (tenant_id, connector_id)
    references public.integration_connectors (tenant_id, id) on delete cascade,
  constraint connector_states_org_fkey foreign key (tenant_id, org_id) references public.orgs (tenant_id, id)
) with (fillfactor = 80);
create index connector_states_tenant_id_org_id_idx on public.connector_states (tenant_id, org_id) where org_id is not null;
create index connector_states_due_idx on public.connector_states (next_sync_at) where next_sync_at is not null;
comment on table public.connector_states is
  'How a connector is doing: one row each, written by syncs and tests, apart from the connector so that its audit log tells of people only.';
comment on column public.connector_states.connector_id is 'The connector.';
comment on column public.connector_states.tenant_id is 'Its tenant.';
comment on column public.connector_states.org_id is 'Org of the connector; null = all orgs.';
comment on column public.connector_states.next_sync_at is 'When it is synced by itself next; null = only when asked for.';
comment on column public.connector_states.last_run_id is 'Its newest run that ended; null = none yet, or removed since.';
comment on column public.connector_states.last_sync_at is 'When that run ended.';
comment on column public.connector_states.last_sync_status is 'How that run ended.';
comment on column public.connector_states.failures_in_a_row is 'Runs that failed since one completed.';
comment on column public.connector_states.last_checked_at is 'When somebody, or the hub, last asked the provider whether it works; null = never.';
comment on column public.connector_states.last_check_passed is 'What came of that; null = never asked.';
comment on column public.connector_states.updated_at is 'Instant of the last change.';

alter table public.connector_states enable row level security;
alter table public.connector_states force row level security;
grant select on public.connector_states to authenticated, service_role;
create policy "readers of connectors see states in their org scope" on public.connector_states for select to authenticated
  using (
    tenant_id = (select private.get_current_workspace_id())
    and (select private.has_tenant_permission('connectors.read'))
    and (org_id is null or (select private.get_current_org_id()) is null or org_id = (select private.get_current_org_id()))
  );

create function private.keep_connector_state()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  insert into public.connector_states as s (connector_id, tenant_id, org_id, next_sync_at)
  values (
    new.id, new.tenant_id, new.org_id,
    case when new.status = 'active' and new.sync_interval_seconds is not null then clock_timestamp() end
  )
  on conflict (connector_id) do update set
    org_id = excluded.org_id,
    -- A shorter interval counts from the last sync, a first one from now; what stands still is not due.
    next_sync_at = case
      when excluded.next_sync_at is null then null
      else coalesce(s.last_sync_at + new.sync_interval_seconds * interval '1 second', excluded.next_sync_at)
    end,
    updated_at = excluded.updated_at;
  return null;
end;
$$;
comment on function private.keep_connector_state() is
  'Row trigger of integration_connectors: gives each its state, and plans its next sync anew when interval or status change. Definer: no user writes states.';
create trigger integration_connectors_state after insert or update of status, sync_interval_seconds, org_id on public.integration_connectors
  for each row execute function private.keep_connector_state();
insert into public.connector_states (connector_id, tenant_id, org_id)
select c.id, c.tenant_id, c.org_id from public.integration_connectors c;

create function private.connector_health(p_connector public.integration_connectors, p_state public.connector_states)
returns text
language sql
stable
set search_path = ''
as $$
  select case
    when p_connector.status = 'inactive' then 'inactive'
    when p_connector.status = 'error' then 'disconnected'
    when p_state.failures_in_a_row >= 3 then 'failing'
    when p_state.failures_in_a_row > 0 or p_state.last_check_passed is false then 'degraded'
    when p_state.next_sync_at < now() - greatest(600, p_connector.sync_interval_seconds) * interval '1 second' then 'degraded'
    when p_state.last_sync_at is null and p_state.last_checked_at is null then 'unknown'
    else 'healthy'
  end;
$$;
comment on function private.connector_health(public.integration_connectors, public.connector_states) is
  'inactive; disconnected (needs a person); failing (three runs failed in a row); degraded (one did, the last test did, or its sync is overdue by more than an interval); unknown (never tried); healthy.';

create function private.connector_resource(p_connector public.integration_connectors)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select jsonb_build_object(
    'id', c.id, 'org_id', c.org_id, 'type', c.type, 'name', c.name, 'status', c.status,
    'health', private.connector_health(c, s), 'config', c.config, 'has_secrets', c.secret_ref is not null,
    'account_name', c.account_name, 'sync_interval_seconds', c.sync_interval_seconds, 'next_sync_at', s.next_sync_at,
    'last_sync_at', s.last_sync_at, 'last_sync_status', s.last_sync_status, 'last_run_id', s.last_run_id,
    'failures_in_a_row', s.failures_in_a_row, 'last_checked_at', s.last_checked_at, 'last_check_passed', s.last_check_passed,
    'last_error', c.last_error, 'created_by', c.created_by, 'created_at', c.created_at, 'updated_at', c.updated_at
  )
  from (select (p_connector).*) c
  left join public.connector_states s on s.connector_id = c.id;
$$;
comment on function private.connector_resource(public.integration_connectors) is
  'A connector as the API shows it: never its credentials, nor where they lie.';

create function private.permitted_connector(
  p_tenant_id uuid, p_org_id uuid, p_connector_id uuid, p_actor uuid, p_permission text
)
returns public.integration_connectors
language plpgsql
stable
set search_path = ''
as $$
declare
  v_connector public.integration_connectors;
begin
  perform private.assert_permission(p_tenant_id, p_actor, p_permission);
  select c.* into v_connector from public.integration_connectors c
  where c.tenant_id = p_tenant_id and c.id = p_connector_id
    and (
      -- A machine names no org.
      (p_actor is null and (p_org_id is null or c.org_id is null or c.org_id = p_org_id))
      or c.org_id = p_org_id
      or (c.org_id is null and exists (
        select from public.tenant_members m where m.tenant_id = p_tenant_id and m.user_id = p_actor and m.org_id is null
      ))
      -- Reading it out is not changing it: whoever may sync may sync what all orgs share.
      or (c.org_id is null and p_permission = 'connectors.sync')
    );
  if v_connector.id is null then
    perform private.raise_error('IL404', 'This connector does not exist.');
  end if;
  return v_connector;
end;
$$;
comment on function private.permitted_connector(uuid, uuid, uuid, uuid, text) is
  'A connector for p_actor (null = the service), who needs p_permission, within an org; one of all orgs is changed by platform-level members only, and synced by anybody who may sync. Locks nothing: whoever ends a run holds the run and then needs its connector, so nobody may wait for a run with the connector locked. Throws IL403, IL404.';

create function private.writable_connector(
  p_tenant_id uuid, p_org_id uuid, p_connector_id uuid, p_actor uuid, p_permission text
)
returns public.integration_connectors
language plpgsql
set search_path = ''
as $$
declare
  v_connector public.integration_connectors :=
    private.permitted_connector(p_tenant_id, p_org_id, p_connector_id, p_actor, p_permission);
begin
  perform private.set_actor(p_actor);
  select c.* into v_connector from public.integration_connectors c
  where c.tenant_id = p_tenant_id and c.id = p_connector_id
  for no key update;
  if v_connector.id is null then
    perform private.raise_error('IL404', 'This connector does not exist.');
  end if;
  return v_connector;
end;
$$;
comment on function private.writable_connector(uuid, uuid, uuid, uuid, text) is
  'The same, locked for a change, and p_actor named for the audit log. Throws IL403, IL404.';

create function private.put_secret(p_tenant_id uuid, p_secret_ref uuid, p_secret text, p_description text)
returns uuid
language plpgsql
set search_path = ''
as $$
begin
  if coalesce(p_secret, '') = '' then
    perform private.raise_error('IL422', 'A secret must not be empty.');
  end if;
  if p_secret_ref is not null and exists (
    select from vault.secrets s where s.id = p_secret_ref and s.name like format('interlock/%s/%%', p_tenant_id)
  ) then
    perform vault.update_secret(p_secret_ref, p_secret);
    return p_secret_ref;
  end if;
  return public.store_secret(p_tenant_id, p_secret, p_description);
end;
$$;
comment on function private.put_secret(uuid, uuid, text, text) is
  'Replaces the secret behind a tenant''s reference in place, or stores a new one where there is none; answers the reference. Throws IL422 for an empty secret. For definers: Vault is not reachable by API roles.';

create function public.create_connector(
  p_tenant_id uuid, p_org_id uuid, p_type text, p_name text, p_config text, p_secrets text, p_is_active boolean,
  p_sync_interval_seconds integer, p_actor uuid
)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_connector public.integration_connectors;
begin
  perform private.assert_permission(p_tenant_id, p_actor, 'connectors.manage');
  perform private.set_actor(p_actor);
  insert into public.integration_connectors
    (tenant_id, org_id, type, name, status, config, secret_ref, sync_interval_seconds, created_by)
  values (
    p_tenant_id, p_org_id, p_type, p_name, case when p_is_active then 'active' else 'inactive' end, p_config::jsonb,
    case when p_secrets is not null then public.store_secret(p_tenant_id, p_secrets, 'connector credentials') end,
    p_sync_interval_seconds, p_actor
  )
  returning * into v_connector;
  insert into public.integration_logs (tenant_id, org_id, connector_id, event_type, status, details)
  values (p_tenant_id, p_org_id, v_connector.id, 'connector.created', 'success', jsonb_build_object('type', p_type));
  return private.connector_resource(v_connector);
end;
$$;
comment on function public.create_connector(uuid, uuid, text, text, text, text, boolean, integer, uuid) is
  'Creates a connector; p_config is JSON text without secrets, p_secrets JSON text that goes to Vault, null = none yet. Answers it as the API shows it. Throws IL403, IL422. Definer for service_role alone.';

create function public.update_connector(
  p_tenant_id uuid, p_org_id uuid, p_connector_id uuid, p_name text, p_config text, p_config_seen text, p_secrets text,
  p_is_active boolean, p_sync_interval_seconds integer, p_is_interval_given boolean, p_actor uuid
)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_connector public.integration_connectors :=
    private.permitted_connector(p_tenant_id, p_org_id, p_connector_id, p_actor, 'connectors.manage');
  v_before text;
begin
  if p_is_active is false then
    perform private.stop_connector_sync(p_tenant_id, p_connector_id);
  end if;
  v_connector := private.writable_connector(p_tenant_id, p_org_id, p_connector_id, p_actor, 'connectors.manage');
  v_before := v_connector.status;
  if v_connector.config <> p_config_seen::jsonb then
    perform private.raise_error('IL409', 'Somebody has changed the settings meanwhile; look at them and try again.');
  end if;
  update public.integration_connectors c set
    name = coalesce(p_name, c.name),
    config = coalesce(p_config::jsonb, c.config),
    secret_ref = case
      when p_secrets is null then c.secret_ref
      else private.put_secret(p_tenant_id, c.secret_ref, p_secrets, 'connector credentials')
    end,
    -- New credentials are another chance for what failed with the old ones.
    status = case
      when p_is_active is false then 'inactive'
      when p_is_active or (p_secrets is not null and c.status = 'error') then 'active'
      else c.status
    end,
    last_error = case when p_is_active is not null or p_secrets is not null then null else c.last_error end,
    sync_interval_seconds = case when p_is_interval_given then p_sync_interval_seconds else c.sync_interval_seconds end
  where c.tenant_id = p_tenant_id and c.id = p_connector_id
  returning * into v_connector;
  -- Whoever refreshes the credentials before these comes too late, and what was granted is not what is stored any more.
  if p_secrets is not null then
    delete from private.connector_grants g where g.connector_id = p_connector_id;
  end if;
  insert into public.integration_logs (tenant_id, org_id, connector_id, event_type, status, details)
  values (
    p_tenant_id, v_connector.org_id, p_connector_id,
    case
      when v_before <> 'active' and v_connector.status = 'active' then 'connector.activated'
      when v_before <> 'inactive' and v_connector.status = 'inactive' then 'connector.deactivated'
      else 'connector.updated'
    end,
    'success', jsonb_build_object('secrets_replaced', p_secrets is not null)
  );
  return private.connector_resource(v_connector);
end;
$$;
comment on function public.update_connector(uuid, uuid, uuid, text, text, text, text, boolean, integer, boolean, uuid) is
  'Changes a connector; null = leave as it is, except the interval, which p_is_interval_given says is meant. p_config_seen = the settings by which it was found that the stored credentials may stay; null = whatever they are. New credentials replace the old ones in Vault, under the same reference, and are nobody''s grant. A run of one that is made inactive ends. Throws IL403, IL404, IL409 (they are others by now), IL422. Definer for service_role alone.';

create function public.delete_connector(p_tenant_id uuid, p_org_id uuid, p_connector_id uuid, p_actor uuid)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_connector public.integration_connectors :=
    private.permitted_connector(p_tenant_id, p_org_id, p_connector_id, p_actor, 'connectors.manage');
  v_resource jsonb;
begin
  -- Its runs first, as whoever ends one locks run and connector in this order.
  perform from public.sync_runs r
  where r.tenant_id = p_tenant_id and r.connector_id = p_connector_id and r.finished_at is null for update;
  v_connector := private.writable_connector(p_tenant_id, p_org_id, p_connector_id, p_actor, 'connectors.manage');
  v_resource := private.connector_resource(v_connector);
  begin
    delete from public.integration_connectors c where c.tenant_id = p_tenant_id and c.id = p_connector_id;
  exception
    when foreign_key_violation then
      perform private.raise_error('IL409', 'Subscriptions still send through this connector; change or remove them first.');
  end;
  if v_connector.secret_ref is not null then
    perform public.delete_secret(p_tenant_id, v_connector.secret_ref);
  end if;
  insert into public.integration_logs (tenant_id, org_id, event_type, status, details)
  values (
    p_tenant_id, v_connector.org_id, 'connector.deleted', 'success',
    jsonb_build_object('connector_id', p_connector_id, 'type', v_connector.type)
  );
  return v_resource;
end;
$$;
comment on function public.delete_connector(uuid, uuid, uuid, uuid) is
  'Deletes a connector with its credentials, its runs and what it synced; logs and events stay. Answers it as it was. Throws IL403, IL404, IL409 (a subscription sends through it). Definer for service_role alone.';

create function private.mark_disconnected(p_connector public.integration_connectors, p_error text)
returns void
language plpgsql
set search_path = ''
as $$
begin
  update public.integration_connectors c set status = 'error', last_error = left(p_error, 500)
  where c.tenant_id = p_connector.tenant_id and c.id = p_connector.id and c.status = 'active';
  -- Told once: only the change is news.
  if found then
    perform private.notify_admins(
      p_connector.tenant_id, 'connector.reconnect_needed', 'error',
      left(format('%s does not work any more: %s', p_connector.name, p_error), 1000), 'connector', p_connector.id::text,
      jsonb_build_object('connector_id', p_connector.id, 'type', p_connector.type)
    );
  end if;
end;
$$;
comment on function private.mark_disconnected(public.integration_connectors, text) is
  'An active connector whose credentials are refused becomes error, and the admins are told, once.';

create function private.log_connector_use(
  p_connector public.integration_connectors, p_event_type text, p_error_class text, p_error text, p_details jsonb, p_duration_ms integer,
  p_request_id text
)
returns void
language plpgsql
set search_path = ''
as $$
begin
  insert into public.integration_logs
    (tenant_id, org_id, connector_id, event_type, status, message, error_code, details, duration_ms, request_id)
  values (
    p_connector.tenant_id, p_connector.org_id, p_connector.id, p_event_type, case when p_error_class is null then 'success' else 'error' end,
    left(p_error, 1000), p_error_class, p_details, p_duration_ms, p_request_id
  );
  if p_error_class = 'reconnect_needed' then
    perform private.mark_disconnected(p_connector, p_error);
  end if;
end;
$$;
comment on function private.log_connector_use(public.integration_connectors, text, text, text, jsonb, integer, text) is
  'Writes what became of a call to a provider into integration_logs; a null class = it went well. Refused credentials put an active connector into error and tell the admins, once.';

create function public.record_connector_check(
  p_tenant_id uuid, p_org_id uuid, p_connector_id uuid, p_error_class text, p_error text, p_account_name text,
  p_duration_ms integer, p_request_id text, p_actor uuid
)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_connector public.integration_connectors :=
    private.writable_connector(p_tenant_id, p_org_id, p_connector_id, p_actor, 'connectors.sync');
begin
  update public.connector_states s
  set last_checked_at = clock_timestamp(), last_check_passed = p_error_class is null, updated_at = clock_timestamp()
  where s.connector_id = p_connector_id;
  if p_error_class is null then
    update public.integration_connectors c set
      status = case when c.status = 'error' then 'active' else c.status end,
      last_error = null, account_name = coalesce(left(p_account_name, 320), c.account_name)
    where c.tenant_id = p_tenant_id and c.id = p_connector_id
      and (c.status, c.last_error, c.account_name)
        is distinct from (case when c.status = 'error' then 'active' else c.status end, null, coalesce(left(p_account_name, 320), c.account_name));
  end if;
  perform private.log_connector_use(v_connector, 'connector.tested', p_error_class, p_error, '{}', p_duration_ms, p_request_id);
  select c.* into v_connector from public.integration_connectors c where c.tenant_id = p_tenant_id and c.id = p_connector_id;
  return private.connector_resource(v_connector);
end;
$$;
comment on function public.record_connector_check(uuid, uuid, uuid, text, text, text, integer, text, uuid) is
  'Keeps what a test of a connector found: a null class = it works, which mends a connector in error; refused credentials put an active one into error and tell the admins. Answers the connector. Throws IL403, IL404. Definer for service_role alone.';

create function public.get_connector(p_tenant_id uuid, p_connector_id uuid)
returns jsonb
language sql
stable
security definer
set search_path = ''
as $$
  select private.connector_resource(c) from public.integration_connectors c where c.tenant_id = p_tenant_id and c.id = p_connector_id;
$$;
comment on function public.get_connector(uuid, uuid) is
  'A connector as the API shows it; null when the tenant has none of this id. Definer for service_role alone.';

create function public.list_connectors(
  p_tenant_id uuid, p_org_id uuid, p_type text, p_status text, p_after_at timestamptz, p_after_id uuid, p_limit integer
)
returns jsonb
language sql
stable
security definer
set search_path = ''
as $$
  with page as (
    select c, c.created_at, c.id
    from public.integration_connectors c
    where c.tenant_id = p_tenant_id and (c.org_id is null or p_org_id is null or c.org_id = p_org_id)
      and (p_type is null or c.type = p_type) and (p_status is null or c.status = p_status)
      and (p_after_at is null or c.created_at < p_after_at or (c.created_at = p_after_at and c.id > p_after_id))
    order by c.created_at desc, c.id
    limit p_limit
  )
  select jsonb_build_object(
    'data', coalesce(jsonb_agg(private.connector_resource(p.c) order by p.created_at desc, p.id), '[]'::jsonb),
    'next', case when count(*) = p_limit then (
      select jsonb_build_object('at', l.created_at, 'id', l.id) from page l order by l.created_at, l.id desc limit 1
    ) end
  )
  from page p;
$$;
comment on function public.list_connectors(uuid, uuid, text, text, timestamptz, uuid, integer) is
  'A page of a tenant''s connectors in an org (null = all), newest first: {data, next: {at, id}}. Definer for service_role alone.';

grant execute on function
  public.get_connector(uuid, uuid), public.list_connectors(uuid, uuid, text, text, timestamptz, uuid, integer),
  public.create_connector(uuid, uuid, text, text, text, text, boolean, integer, uuid),
  public.update_connector(uuid, uuid, uuid, text, text, text, text, boolean, integer, boolean, uuid),
  public.delete_connector(uuid, uuid, uuid, uuid),
  public.record_connector_check(uuid, uuid, uuid, text, text, text, integer, text, uuid)
to service_role;
