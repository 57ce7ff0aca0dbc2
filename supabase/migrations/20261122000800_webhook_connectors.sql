-- Webhooks in a connector: grouped under its name, and switched off with it.
-- A function says whether a webhook listens; create_webhook, update_webhook, get_webhook_verifier, begin_webhook_test,
-- private.end_app_webhook and private.outdate_app_webhook are replaced. Rollback: create them as before.

create function private.is_webhook_listening(p_webhook public.integration_webhooks)
returns boolean
language sql
stable
set search_path = ''
as $$
  select p_webhook.is_active and not exists (
    select from public.integration_connectors c
    where c.tenant_id = p_webhook.tenant_id and c.id = p_webhook.connector_id and c.status = 'inactive'
  );
$$;
comment on function private.is_webhook_listening(public.integration_webhooks) is
  'Whether a webhook takes requests: it is active, and so is its connector where it has one. A connector with status error still receives: what it misses would be lost.';

create function private.check_webhook_connector(p_tenant_id uuid, p_org_id uuid, p_connector_id uuid)
returns void
language plpgsql
stable
set search_path = ''
as $$
begin
  if not exists (
    select from public.integration_connectors c
    where c.tenant_id = p_tenant_id and c.id = p_connector_id and (c.org_id is null or c.org_id = p_org_id)
  ) then
    perform private.raise_error('IL404', 'This connector does not exist.');
  end if;
end;
$$;
comment on function private.check_webhook_connector(uuid, uuid, uuid) is
  'A webhook of p_org_id (null = all orgs) may be in this connector: one of its org, or of all orgs. Throws IL404.';

create or replace function public.get_webhook_verifier(p_webhook_id uuid)
returns jsonb
language sql
stable
security definer
set search_path = ''
as $$
  select jsonb_build_object(
    'webhook_id', w.id, 'tenant_id', w.tenant_id, 'provider', w.provider, 'version', w.version, 'signing_url', w.signing_url,
    'settings', w.settings, 'event_types', w.event_types,
    'rate_limit_per_second', w.rate_limit_per_second,
    'secret', current_secret.decrypted_secret,
    'previous_secret', previous_secret.decrypted_secret,
    'previous_secret_expires_at', w.previous_secret_expires_at
  )
  from public.integration_webhooks w
  join vault.decrypted_secrets current_secret on current_secret.id = w.secret_ref
  left join vault.decrypted_secrets previous_secret
    on previous_secret.id = w.previous_secret_ref and w.previous_secret_expires_at > now()
  where w.id = p_webhook_id and private.is_webhook_listening(w);
$$;
comment on function public.get_webhook_verifier(uuid) is
  'What the receiver needs to verify a request: {webhook_id, tenant_id, provider, version, signing_url, settings, event_types, rate_limit_per_second, secret, previous_secret, previous_secret_expires_at}; null when it is unknown, inactive, or in an inactive connector. Definer for service_role alone: reads Vault.';

drop function public.create_webhook(uuid, uuid, text, text, text, text, uuid, jsonb, text[], integer);
create function public.create_webhook(
  p_tenant_id uuid, p_org_id uuid, p_provider text, p_name text, p_secret text, p_signing_url text, p_actor uuid,
  p_settings jsonb default '{}', p_event_types text[] default '{*}', p_rate_limit_per_second integer default null,
  p_connector_id uuid default null
)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_webhook public.integration_webhooks;
begin
  perform private.assert_permission(p_tenant_id, p_actor, 'webhooks.manage');
  if p_connector_id is not null then
    perform private.check_webhook_connector(p_tenant_id, p_org_id, p_connector_id);
  end if;
  perform private.set_actor(p_actor);
  insert into public.integration_webhooks (tenant_id, org_id, connector_id, provider, name, secret_ref, signing_url, settings,
    event_types, rate_limit_per_second, created_by)
  values (p_tenant_id, p_org_id, p_connector_id, p_provider, p_name,
    public.store_secret(p_tenant_id, p_secret, 'inbound webhook signing secret'), p_signing_url, p_settings, p_event_types,
    p_rate_limit_per_second, p_actor)
  returning * into v_webhook;
  insert into public.integration_logs (tenant_id, org_id, connector_id, webhook_id, event_type, status)
  values (p_tenant_id, p_org_id, p_connector_id, v_webhook.id, 'webhook.created', 'success');
  return private.webhook_resource(v_webhook);
end;
$$;
comment on function public.create_webhook(uuid, uuid, text, text, text, text, uuid, jsonb, text[], integer, uuid) is
  'Creates an inbound webhook, in a connector where p_connector_id names one, and its secret in one transaction; answers the webhook. The caller has checked p_settings against the scheme. Throws IL403, IL404 (connector), IL422. Definer for service_role alone.';

drop function public.update_webhook(uuid, uuid, uuid, text, boolean, uuid, jsonb, text[], integer);
create function public.update_webhook(
  p_tenant_id uuid, p_org_id uuid, p_webhook_id uuid, p_name text, p_is_active boolean, p_actor uuid,
  p_settings jsonb default null, p_event_types text[] default null, p_rate_limit_per_second integer default null,
  p_connector_id uuid default null, p_is_connector_given boolean default false
)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_old public.integration_webhooks;
  v_new public.integration_webhooks;
begin
  if p_connector_id is not null then
    -- Before the webhook, as whoever deletes a connector locks them in this order.
    perform from public.integration_connectors c where c.tenant_id = p_tenant_id and c.id = p_connector_id for key share;
  end if;
  v_old := private.writable_webhook(p_tenant_id, p_org_id, p_webhook_id, p_actor, 'webhooks.manage');
  v_new := v_old;
  v_new.name := coalesce(p_name, v_old.name);
  v_new.is_active := coalesce(p_is_active, v_old.is_active);
  v_new.settings := coalesce(p_settings, v_old.settings);
  v_new.event_types := coalesce(p_event_types, v_old.event_types);
  v_new.rate_limit_per_second := coalesce(p_rate_limit_per_second, v_old.rate_limit_per_second);
  if p_is_connector_given then
    v_new.connector_id := p_connector_id;
  end if;
  if v_new = v_old then
    return private.webhook_resource(v_old);
  end if;
  if v_new.connector_id is distinct from v_old.connector_id then
    if v_old.through_app then
      perform private.raise_error('IL409', 'This webhook gets what an app posts for the accounts of its connector; it cannot leave it.');
    end if;
    if p_connector_id is not null then
      perform private.check_webhook_connector(p_tenant_id, v_old.org_id, p_connector_id);
    end if;
  end if;
  update public.integration_webhooks w
  set name = v_new.name, is_active = v_new.is_active, settings = v_new.settings, event_types = v_new.event_types,
      rate_limit_per_second = v_new.rate_limit_per_second, connector_id = v_new.connector_id
  where w.tenant_id = p_tenant_id and w.id = p_webhook_id
  returning w.* into v_new;
  insert into public.integration_logs (tenant_id, org_id, connector_id, webhook_id, event_type, status)
  values (p_tenant_id, v_new.org_id, v_new.connector_id, v_new.id,
    case
      when p_is_active then 'webhook.activated'
      when not p_is_active then 'webhook.deactivated'
      when p_settings is not null or p_event_types is not null or p_rate_limit_per_second is not null or p_is_connector_given
        then 'webhook.configured'
      else 'webhook.renamed'
    end, 'success');
  return private.webhook_resource(v_new);
end;
$$;
comment on function public.update_webhook(uuid, uuid, uuid, text, boolean, uuid, jsonb, text[], integer, uuid, boolean) is
  'Renames, activates, deactivates or configures a webhook; null leaves a value as it is, p_settings and p_event_types replace all there were, and p_connector_id counts where p_is_connector_given (null = it leaves its connector). Throws IL403, IL404, IL409 (through_app). Definer for service_role alone.';

grant execute on function
  public.create_webhook(uuid, uuid, text, text, text, text, uuid, jsonb, text[], integer, uuid),
  public.update_webhook(uuid, uuid, uuid, text, boolean, uuid, jsonb, text[], integer, uuid, boolean)
to service_role;

create or replace function public.begin_webhook_test(p_tenant_id uuid, p_org_id uuid, p_webhook_id uuid, p_actor uuid)
returns uuid
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_webhook public.integration_webhooks := private.writable_webhook(p_tenant_id, p_org_id, p_webhook_id, p_actor, 'webhooks.manage');
  v_test_id uuid;
begin
  if not private.is_webhook_listening(v_webhook) then
    perform private.raise_error('IL409', format('%s is inactive, so it refuses every request; activate it first.',
      case when v_webhook.is_active then 'The connector of this webhook' else 'This webhook' end));
  end if;
  insert into private.webhook_tests (tenant_id, webhook_id, created_by) values (p_tenant_id, v_webhook.id, p_actor)
  returning id into v_test_id;
  insert into public.integration_logs (tenant_id, org_id, webhook_id, event_type, status)
  values (p_tenant_id, v_webhook.org_id, v_webhook.id, 'webhook.tested', 'success');
  return v_test_id;
end;
$$;
comment on function public.begin_webhook_test(uuid, uuid, uuid, uuid) is
  'Announces a sample: the request test_<the id answered> to this webhook is a test. Throws IL403, IL404, IL409 (it or its connector is inactive). Definer for service_role alone.';

create function private.outdate_webhooks()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  with outdated as (
    -- The trigger integration_webhooks_version does the rest.
    update public.integration_webhooks w set updated_at = now()
    where w.tenant_id = old.tenant_id and w.connector_id = (to_jsonb(old) ->> tg_argv[0])::uuid and w.deleted_at is null
      and (w.through_app or tg_table_name = 'integration_connectors')
    returning w.id
  )
  update private.webhook_watch k
  set watched_since = clock_timestamp(), silent_since = null, told_at = null
  from outdated o
  where k.webhook_id = o.id;
  return null;
end;
$$;
comment on function private.outdate_webhooks() is
  'Row trigger: a connector that is switched on or off makes what receivers remember of its webhooks stale, and their silence is watched anew; so does an account that leaves its connector, for the webhook of its app. Its argument names the column with the connector. Definer: whoever changes connectors need not be able to write webhooks.';
drop trigger connector_accounts_outdate_webhook on public.connector_accounts;
create trigger connector_accounts_outdate_webhook after update or delete on public.connector_accounts
  for each row execute function private.outdate_webhooks('connector_id');
drop trigger integration_connectors_outdate_webhook on public.integration_connectors;
create trigger integration_connectors_outdate_webhooks after update of status on public.integration_connectors
  for each row when ((old.status = 'inactive') <> (new.status = 'inactive')) execute function private.outdate_webhooks('id');
drop function private.outdate_app_webhook();

create or replace function private.end_app_webhook()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  update public.integration_webhooks w set is_active = false, deleted_at = clock_timestamp()
  where w.tenant_id = old.tenant_id and w.connector_id = old.id and w.through_app and w.deleted_at is null;
  if old.status = 'inactive' then
    update public.integration_webhooks w set is_active = false
    where w.tenant_id = old.tenant_id and w.connector_id = old.id and w.is_active;
  end if;
  return old;
end;
$$;
comment on function private.end_app_webhook() is
  'Row trigger: with a connector the webhook of its app is deleted; those with an URL of their own stay, and stay off where the connector was inactive. Receipts and events stay. Definer, as private.outdate_webhooks.';
