-- How many requests a second a webhook takes: a sender that floods is sent away before anything is stored.
-- Adds a column; replaces get_webhook_verifier, create_webhook and update_webhook. Rollback: create the three as before,
-- drop the column.

alter table public.integration_webhooks
  add column rate_limit_per_second integer
    constraint integration_webhooks_rate_limit_check check (rate_limit_per_second between 1 and 10000);
comment on column public.integration_webhooks.rate_limit_per_second is
  'Requests a second that each worker takes, and as many at once; null = what the hub is configured for.';

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
  where w.id = p_webhook_id and w.is_active;
$$;
comment on function public.get_webhook_verifier(uuid) is
  'What the receiver needs to verify a request: {webhook_id, tenant_id, provider, version, signing_url, settings, event_types, rate_limit_per_second, secret, previous_secret, previous_secret_expires_at}; null when unknown or inactive. Definer for service_role alone: reads Vault.';

drop function public.create_webhook(uuid, uuid, text, text, text, text, uuid, jsonb, text[]);
create function public.create_webhook(
  p_tenant_id uuid, p_org_id uuid, p_provider text, p_name text, p_secret text, p_signing_url text, p_actor uuid,
  p_settings jsonb default '{}', p_event_types text[] default '{*}', p_rate_limit_per_second integer default null
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
  perform private.set_actor(p_actor);
  insert into public.integration_webhooks (tenant_id, org_id, provider, name, secret_ref, signing_url, settings, event_types, rate_limit_per_second,
    created_by)
  values (p_tenant_id, p_org_id, p_provider, p_name,
    public.store_secret(p_tenant_id, p_secret, 'inbound webhook signing secret'), p_signing_url, p_settings, p_event_types,
    p_rate_limit_per_second, p_actor)
  returning * into v_webhook;
  insert into public.integration_logs (tenant_id, org_id, webhook_id, event_type, status)
  values (p_tenant_id, p_org_id, v_webhook.id, 'webhook.created', 'success');
  return private.webhook_resource(v_webhook);
end;
$$;
comment on function public.create_webhook(uuid, uuid, text, text, text, text, uuid, jsonb, text[], integer) is
  'Creates an inbound webhook and its secret in one transaction; answers the webhook. The caller has checked p_settings against the scheme. Throws IL403, IL422. Definer for service_role alone.';

drop function public.update_webhook(uuid, uuid, uuid, text, boolean, uuid, jsonb, text[]);
create function public.update_webhook(
  p_tenant_id uuid, p_org_id uuid, p_webhook_id uuid, p_name text, p_is_active boolean, p_actor uuid,
  p_settings jsonb default null, p_event_types text[] default null, p_rate_limit_per_second integer default null
)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_webhook public.integration_webhooks := private.writable_webhook(p_tenant_id, p_org_id, p_webhook_id, p_actor, 'webhooks.manage');
begin
  if v_webhook.name = coalesce(p_name, v_webhook.name) and v_webhook.is_active = coalesce(p_is_active, v_webhook.is_active)
    and v_webhook.settings = coalesce(p_settings, v_webhook.settings)
    and v_webhook.event_types = coalesce(p_event_types, v_webhook.event_types)
    and v_webhook.rate_limit_per_second is not distinct from coalesce(p_rate_limit_per_second, v_webhook.rate_limit_per_second) then
    return private.webhook_resource(v_webhook);
  end if;
  update public.integration_webhooks w
  set name = coalesce(p_name, w.name), is_active = coalesce(p_is_active, w.is_active),
      settings = coalesce(p_settings, w.settings), event_types = coalesce(p_event_types, w.event_types),
      rate_limit_per_second = coalesce(p_rate_limit_per_second, w.rate_limit_per_second)
  where w.tenant_id = p_tenant_id and w.id = p_webhook_id
  returning w.* into v_webhook;
  insert into public.integration_logs (tenant_id, org_id, webhook_id, event_type, status)
  values (p_tenant_id, v_webhook.org_id, v_webhook.id,
    case
      when p_is_active then 'webhook.activated'
      when not p_is_active then 'webhook.deactivated'
      when p_settings is not null or p_event_types is not null or p_rate_limit_per_second is not null then 'webhook.configured'
      else 'webhook.renamed'
    end, 'success');
  return private.webhook_resource(v_webhook);
end;
$$;
comment on function public.update_webhook(uuid, uuid, uuid, text, boolean, uuid, jsonb, text[], integer) is
  'Renames, activates, deactivates or configures a webhook; null leaves a value as it is, p_settings and p_event_types replace all there were. Throws IL403, IL404. Definer for service_role alone.';

grant execute on function
  public.create_webhook(uuid, uuid, text, text, text, text, uuid, jsonb, text[], integer),
  public.update_webhook(uuid, uuid, uuid, text, boolean, uuid, jsonb, text[], integer)
to service_role;
