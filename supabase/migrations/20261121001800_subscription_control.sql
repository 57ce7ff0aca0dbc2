-- What people do with subscriptions of both kinds: make and change those to any event, ask what would be sent, and
-- hold, let go and drain deliveries.
-- Functions and triggers only; replaces two functions of 1200 and one policy of 1400.
-- Rollback: drop the new functions and triggers, restore the replaced ones.

-- What both kinds share.

create function private.subscription_facts(p_subscription private.delivery_subscriptions)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select jsonb_build_object(
    'id', p_subscription.id, 'is_enabled', p_subscription.is_enabled, 'flow', p_subscription.flow,
    'config', p_subscription.config, 'last_synced_at', p_subscription.last_synced_at,
    'failing_since', p_subscription.failing_since, 'disabled_at', p_subscription.disabled_at,
    'disabled_reason', p_subscription.disabled_reason, 'created_by', p_subscription.created_by,
    'public_key', p_subscription.public_key, 'previous_secret_expires_at', p_subscription.previous_secret_expires_at,
    'created_at', p_subscription.created_at, 'updated_at', p_subscription.updated_at
  );
$$;
comment on function private.subscription_facts(private.delivery_subscriptions) is
  'What the API shows of a subscription of any kind: no tenant, no references to secrets.';

create function private.stored_headers(p_tenant_id uuid, p_headers jsonb)
returns uuid
language sql
set search_path = ''
as $$
  select case when p_headers <> '{}'::jsonb
    then public.store_secret(p_tenant_id, p_headers::text, 'outbound webhook headers') end;
$$;
comment on function private.stored_headers(uuid, jsonb) is
  'Puts custom headers {name: value} into Vault and answers where; null when there are none.';

create function private.without_nulls(p_config jsonb)
returns jsonb
language sql
immutable
set search_path = ''
as $$
  select coalesce(jsonb_object_agg(s.key, s.value), '{}'::jsonb)
  from jsonb_each(p_config) as s (key, value) where s.value <> 'null'::jsonb;
$$;
comment on function private.without_nulls(jsonb) is
  'Settings without those that are null. What is null inside a setting, such as a field to add, stays.';

create function private.changed_subscription(p_tenant_id uuid, p_kind text, p_update jsonb)
returns private.delivery_subscriptions
language plpgsql
set search_path = ''
as $$
declare
  v_id constant uuid := (p_update ->> 'id')::uuid;
  v_subscription private.delivery_subscriptions;
begin
  -- The lane first, as workers do: nobody waits in a circle.
  perform from private.delivery_lanes l
  where l.integration_id = v_id and l.tenant_id = p_tenant_id and l.kind = p_kind
  for no key update;
  if found then
    select s.* into v_subscription from private.delivery_subscriptions s
    where s.tenant_id = p_tenant_id and s.id = v_id
    for no key update;
  end if;
  if v_subscription.id is null then
    perform private.raise_error('IL404', 'This integration does not exist.', 'Nothing was changed.');
  end if;
  v_subscription.config := private.without_nulls(v_subscription.config || coalesce(p_update -> 'config', '{}'::jsonb));
  v_subscription.config_version := v_subscription.config_version + 1;
  v_subscription.updated_at := now();
  if p_update ? 'headers' and p_update -> 'headers' <> 'null'::jsonb then
    if v_subscription.headers_ref is not null then
      perform public.delete_secret(p_tenant_id, v_subscription.headers_ref);
    end if;
    v_subscription.headers_ref := private.stored_headers(p_tenant_id, p_update -> 'headers');
  end if;
  if p_update ? 'is_enabled' then
    v_subscription.is_enabled := (p_update ->> 'is_enabled')::boolean;
    if v_subscription.is_enabled then
      v_subscription.disabled_at := null;
      v_subscription.disabled_reason := null;
    end if;
  end if;
  return v_subscription;
end;
$$;
comment on function private.changed_subscription(uuid, text, jsonb) is
  'Locks a subscription and answers what its common columns become by {is_enabled?, config?, headers?}; secrets of replaced headers go. config is merged by key, a null value removes. The caller writes the row, with what its kind has besides, in one update. Throws IL404.';

create function private.log_subscriptions(p_tenant_id uuid, p_org_id uuid, p_event_type text, p_subscriptions jsonb)
returns void
language sql
set search_path = ''
as $$
  insert into public.integration_logs (tenant_id, org_id, event_type, status, details)
  select p_tenant_id, p_org_id, p_event_type, 'success', jsonb_build_object('integration_id', s.value -> 'id')
  from jsonb_array_elements(p_subscriptions) as s (value);
$$;
comment on function private.log_subscriptions(uuid, uuid, text, jsonb) is
  'One line of integration_logs per subscription that was made or changed.';

-- Guardian meta integrations, as before, on the shared functions.

create or replace function private.integration_resource(p_integration public.guardian_meta_integrations)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select private.subscription_facts(p_integration::private.delivery_subscriptions) || jsonb_build_object(
    'integration_key', p_integration.integration_key, 'label', p_integration.label,
    'description', p_integration.description, 'scopes', to_jsonb(p_integration.scopes), 'metadata', p_integration.metadata
  );
$$;

create or replace function public.create_guardian_meta_integration(
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
    p_tenant_id, p_integration_key, p_label, p_description, p_is_enabled, p_config, private.stored_headers(p_tenant_id, p_headers),
    p_scopes, p_metadata, public.store_secret(p_tenant_id, p_secret, 'outbound webhook signing secret'), p_actor
  )
  returning * into v_integration;
  perform private.log_subscriptions(p_tenant_id, null, 'integration.created',
    jsonb_build_array(private.integration_resource(v_integration)));
  return private.integration_resource(v_integration);
end;
$$;

create or replace function public.update_guardian_meta_integrations(p_tenant_id uuid, p_updates jsonb, p_actor uuid)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_update jsonb;
  v_common private.delivery_subscriptions;
  v_integration public.guardian_meta_integrations;
  v_updated jsonb := '[]'::jsonb;
begin
  perform private.assert_permission(p_tenant_id, p_actor, 'integrations.manage');
  perform private.set_actor(p_actor);
  for v_update in select u.value from jsonb_array_elements(p_updates) as u (value) order by (u.value ->> 'id')::uuid loop
    v_common := private.changed_subscription(p_tenant_id, 'guardian_meta', v_update);
    update public.guardian_meta_integrations i
    set is_enabled = v_common.is_enabled, disabled_at = v_common.disabled_at, disabled_reason = v_common.disabled_reason,
        config = v_common.config, config_version = v_common.config_version, headers_ref = v_common.headers_ref,
        updated_at = v_common.updated_at,
        label = coalesce(v_update ->> 'label', i.label),
        description = coalesce(v_update ->> 'description', i.description),
        scopes = case when v_update ? 'scopes'
          then array(select s.value from jsonb_array_elements_text(v_update -> 'scopes') as s (value)) else i.scopes end,
        metadata = coalesce(v_update -> 'metadata', i.metadata)
    where i.tenant_id = p_tenant_id and i.id = v_common.id
    returning i.* into v_integration;
    v_updated := v_updated || private.integration_resource(v_integration);
  end loop;
  perform private.log_subscriptions(p_tenant_id, null, 'integration.updated', v_updated);
  -- What waited for an integration to be enabled again need not wait for the schedule.
  perform private.ring('meta-webhook-deliver');
  return v_updated;
end;
$$;

-- Subscriptions to any event.

drop policy "readers of integrations see subscriptions in their org scope" on public.event_subscriptions;
create policy "readers of integrations see subscriptions of their org" on public.event_subscriptions for select to authenticated
  using (
    tenant_id = (select private.get_current_workspace_id())
    and (select private.has_tenant_permission('integrations.read'))
    -- One to all orgs is told what happens in each: it is the platform level's.
    and ((select private.get_current_org_id()) is null or org_id = (select private.get_current_org_id()))
  );

create function private.event_subscription_resource(p_subscription public.event_subscriptions)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select private.subscription_facts(p_subscription::private.delivery_subscriptions) || jsonb_build_object(
    'org_id', p_subscription.org_id, 'label', p_subscription.label, 'description', p_subscription.description,
    'event_types', to_jsonb(p_subscription.event_types), 'filter', p_subscription.filter, 'metadata', p_subscription.metadata
  );
$$;
comment on function private.event_subscription_resource(public.event_subscriptions) is
  'A subscription as the API shows it: no tenant, no references to secrets.';

create function private.assert_org_of_subscription(p_tenant_id uuid, p_org_id uuid, p_subscription_id uuid)
returns void
language plpgsql
stable
set search_path = ''
as $$
begin
  if p_org_id is not null and not exists (
    select from public.event_subscriptions s
    where s.tenant_id = p_tenant_id and s.id = p_subscription_id and s.org_id = p_org_id
  ) then
    perform private.raise_error('IL404', 'This integration does not exist.', 'Nothing was changed.');
  end if;
end;
$$;
comment on function private.assert_org_of_subscription(uuid, uuid, uuid) is
  'Refuses (IL404) a subscription that is not of the org a request is narrowed to; p_org_id null = it is not narrowed.';

create function public.create_event_subscription(
  p_tenant_id uuid, p_org_id uuid, p_label text, p_description text, p_is_enabled boolean, p_config jsonb, p_headers jsonb,
  p_event_types text[], p_filter jsonb, p_filter_path text, p_metadata jsonb, p_secret text, p_actor uuid
)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_subscription public.event_subscriptions;
begin
  perform private.assert_permission(p_tenant_id, p_actor, 'integrations.manage');
  perform private.set_actor(p_actor);
  insert into public.event_subscriptions (
    tenant_id, org_id, label, description, is_enabled, config, headers_ref, event_types, filter, filter_path, metadata,
    secret_ref, created_by
  )
  values (
    p_tenant_id, p_org_id, p_label, p_description, p_is_enabled, p_config, private.stored_headers(p_tenant_id, p_headers),
    p_event_types, p_filter, p_filter_path::jsonpath, p_metadata,
    public.store_secret(p_tenant_id, p_secret, 'outbound webhook signing secret'), p_actor
  )
  returning * into v_subscription;
  perform private.log_subscriptions(p_tenant_id, p_org_id, 'subscription.created',
    jsonb_build_array(private.event_subscription_resource(v_subscription)));
  return private.event_subscription_resource(v_subscription);
end;
$$;
comment on function public.create_event_subscription(uuid, uuid, text, text, boolean, jsonb, jsonb, text[], jsonb, text, jsonb, text, uuid) is
  'Creates a subscription to events with its secrets in one transaction; p_org_id null = of all orgs; p_filter_path is p_filter as jsonpath; p_headers is {name: value} or null. Answers the subscription. Throws IL403. Definer for service_role alone.';

create function public.update_event_subscriptions(p_tenant_id uuid, p_org_id uuid, p_updates jsonb, p_actor uuid)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_update jsonb;
  v_common private.delivery_subscriptions;
  v_subscription public.event_subscriptions;
  v_updated jsonb := '[]'::jsonb;
begin
  perform private.assert_permission(p_tenant_id, p_actor, 'integrations.manage');
  perform private.set_actor(p_actor);
  for v_update in select u.value from jsonb_array_elements(p_updates) as u (value) order by (u.value ->> 'id')::uuid loop
    perform private.assert_org_of_subscription(p_tenant_id, p_org_id, (v_update ->> 'id')::uuid);
    v_common := private.changed_subscription(p_tenant_id, 'event', v_update);
    update public.event_subscriptions s
    set is_enabled = v_common.is_enabled, disabled_at = v_common.disabled_at, disabled_reason = v_common.disabled_reason,
        config = v_common.config, config_version = v_common.config_version, headers_ref = v_common.headers_ref,
        updated_at = v_common.updated_at,
        label = coalesce(v_update ->> 'label', s.label),
        description = case when v_update ? 'description' then v_update ->> 'description' else s.description end,
        event_types = case when v_update ? 'event_types'
          then array(select t.value from jsonb_array_elements_text(v_update -> 'event_types') as t (value)) else s.event_types end,
        filter = case when v_update ? 'filter' then nullif(v_update -> 'filter', 'null'::jsonb) else s.filter end,
        filter_path = case when v_update ? 'filter' then (v_update ->> 'filter_path')::jsonpath else s.filter_path end
    where s.tenant_id = p_tenant_id and s.id = v_common.id
    returning s.* into v_subscription;
    v_updated := v_updated || private.event_subscription_resource(v_subscription);
  end loop;
  perform private.log_subscriptions(p_tenant_id, p_org_id, 'subscription.updated', v_updated);
  perform private.ring('meta-webhook-deliver');
  return v_updated;
end;
$$;
comment on function public.update_event_subscriptions(uuid, uuid, jsonb, uuid) is
  'Changes subscriptions, all or none: [{id, label?, description?, is_enabled?, config?, headers?, event_types?, filter? with filter_path}]. config is merged by key, a null value removes; headers {name: value} replace all; description and filter null remove. p_org_id narrows to those of an org. Answers them. Throws IL403, IL404. Definer for service_role alone.';

grant execute on function
  public.create_event_subscription(uuid, uuid, text, text, boolean, jsonb, jsonb, text[], jsonb, text, jsonb, text, uuid),
  public.update_event_subscriptions(uuid, uuid, jsonb, uuid)
to service_role;
