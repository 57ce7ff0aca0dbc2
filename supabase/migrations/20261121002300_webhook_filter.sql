-- Which of a provider's news a webhook wants: patterns of their types. What it does not want is counted and not stored.
-- Adds a column; replaces get_webhook_verifier, create_webhook and update_webhook. Rollback: create the three as before,
-- drop the column.

create function private.are_type_patterns(p_patterns text[])
returns boolean
language plpgsql
immutable
set search_path = ''
as $$
begin
  return cardinality(p_patterns) between 1 and 100 and array_position(p_patterns, null) is null
    and not exists (select from unnest(p_patterns) as p (pattern) where p.pattern !~ '^([A-Za-z0-9_.:-]{1,100}|[A-Za-z0-9_.:-]{0,99}\*)$');
end;
$$;
comment on function private.are_type_patterns(text[]) is
  'Whether these are 1 to 100 patterns of types as providers write them: a type, or the beginning of one with * behind it.';
-- Checks run as whoever writes the row.
grant execute on function private.are_type_patterns(text[]) to authenticated, service_role;

alter table public.integration_webhooks
  add column event_types text[] not null default '{*}'
    constraint integration_webhooks_event_types_check check (private.are_type_patterns(event_types));
comment on column public.integration_webhooks.event_types is
  'Types it wants, as the provider names them; contact.* = all that begin with contact., * = all.';

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
  'What the receiver needs to verify a request: {webhook_id, tenant_id, provider, version, signing_url, settings, event_types, secret, previous_secret, previous_secret_expires_at}; null when unknown or inactive. Definer for service_role alone: reads Vault.';

drop function public.create_webhook(uuid, uuid, text, text, text, text, uuid, jsonb);
create function public.create_webhook(
  p_tenant_id uuid, p_org_id uuid, p_provider text, p_name text, p_secret text, p_signing_url text, p_actor uuid,
  p_settings jsonb default '{}', p_event_types text[] default '{*}'
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
  insert into public.integration_webhooks (tenant_id, org_id, provider, name, secret_ref, signing_url, settings, event_types, created_by)
  values (p_tenant_id, p_org_id, p_provider, p_name,
    public.store_secret(p_tenant_id, p_secret, 'inbound webhook signing secret'), p_signing_url, p_settings, p_event_types, p_actor)
  returning * into v_webhook;
  insert into public.integration_logs (tenant_id, org_id, webhook_id, event_type, status)
  values (p_tenant_id, p_org_id, v_webhook.id, 'webhook.created', 'success');
  return private.webhook_resource(v_webhook);
end;
$$;
comment on function public.create_webhook(uuid, uuid, text, text, text, text, uuid, jsonb, text[]) is
  'Creates an inbound webhook and its secret in one transaction; answers the webhook. The caller has checked p_settings against the scheme. Throws IL403, IL422. Definer for service_role alone.';

drop function public.update_webhook(uuid, uuid, uuid, text, boolean, uuid, jsonb);
create function public.update_webhook(
  p_tenant_id uuid, p_org_id uuid, p_webhook_id uuid, p_name text, p_is_active boolean, p_actor uuid,
  p_settings jsonb default null, p_event_types text[] default null
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
    and v_webhook.event_types = coalesce(p_event_types, v_webhook.event_types) then
    return private.webhook_resource(v_webhook);
  end if;
  update public.integration_webhooks w
  set name = coalesce(p_name, w.name), is_active = coalesce(p_is_active, w.is_active),
      settings = coalesce(p_settings, w.settings), event_types = coalesce(p_event_types, w.event_types)
  where w.tenant_id = p_tenant_id and w.id = p_webhook_id
  returning w.* into v_webhook;
  insert into public.integration_logs (tenant_id, org_id, webhook_id, event_type, status)
  values (p_tenant_id, v_webhook.org_id, v_webhook.id,
    case
      when p_is_active then 'webhook.activated'
      when not p_is_active then 'webhook.deactivated'
      when p_settings is not null or p_event_types is not null then 'webhook.configured'
      else 'webhook.renamed'
    end, 'success');
  return private.webhook_resource(v_webhook);
end;
$$;
comment on function public.update_webhook(uuid, uuid, uuid, text, boolean, uuid, jsonb, text[]) is
  'Renames, activates, deactivates or configures a webhook; null leaves a value as it is, p_settings and p_event_types replace all there were. Throws IL403, IL404. Definer for service_role alone.';

grant execute on function
  public.create_webhook(uuid, uuid, text, text, text, text, uuid, jsonb, text[]),
  public.update_webhook(uuid, uuid, uuid, text, boolean, uuid, jsonb, text[])
to service_role;
