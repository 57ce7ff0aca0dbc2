-- Signing: asymmetric keys (Standard Webhooks v1a) beside secrets (v1), and rotation with an overlap in which both sign,
-- for every kind of subscription. Adds columns and functions, replaces get_delivery_endpoints and integration_resource.
-- Rollback: drop the triggers, the job, the new functions, the constraint and the column; restore the two of 1200.

alter table private.delivery_subscriptions add column public_key text;
alter table private.delivery_subscriptions add constraint delivery_subscriptions_signature_check check (
  coalesce(config ->> 'signature', 'v1') in ('v1', 'v1a')
  and (public_key is not null) = (coalesce(config ->> 'signature', 'v1') = 'v1a')
);
comment on column private.delivery_subscriptions.public_key is
  'With v1a: the public key receivers verify with, as whpk_<base64>; not secret. Null with v1. Written by a trigger, from the secret.';
comment on column private.delivery_subscriptions.secret_ref is
  'Vault id of what signs: whsec_<base64> (v1) or whsk_<base64> (v1a, a private key that never leaves Vault but to a worker).';
comment on column private.delivery_subscriptions.previous_secret_ref is
  'Vault id of the secret before the last rotation, which also signs until previous_secret_expires_at; null = none. Its kind may be the other one.';
select private.copy_column_comments('private.delivery_subscriptions', t)
from unnest(array['public.guardian_meta_integrations', 'public.event_subscriptions']::regclass[]) as t;

create function private.public_key_of(p_secret text)
returns text
language plpgsql
immutable
set search_path = ''
as $$
declare
  v_key bytea;
begin
  -- Base64 with padding and nothing else: decode() would also take spaces and line breaks.
  if p_secret ~ '^whsk_([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$' then
    v_key := decode(substr(p_secret, 6), 'base64');
    if octet_length(v_key) = 64 then
      return 'whpk_' || encode(substr(v_key, 33), 'base64');
    end if;
  elsif p_secret ~ '^whsec_([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$' then
    if octet_length(decode(substr(p_secret, 7), 'base64')) between 24 and 64 then
      return null;
    end if;
  end if;
  perform private.raise_error(
    'IL422', 'A signing secret reads whsec_<base64> of 24 to 64 bytes, or whsk_<base64> of an Ed25519 seed and its public key.'
  );
end;
$$;
comment on function private.public_key_of(text) is
  'whpk_<base64> of a private key whsk_<base64> (which holds it), null for a secret whsec_<base64>. Throws IL422 for what is neither: one that cannot sign must not be stored.';

create function private.read_signing_secret()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_secret constant text := public.read_secret(new.tenant_id, new.secret_ref);
begin
  -- A reference that leads nowhere signs nothing: there is no kind to tell.
  if v_secret is not null then
    new.public_key := private.public_key_of(v_secret);
    if new.public_key is not null or new.config ? 'signature' then
      new.config := new.config || jsonb_build_object('signature', case when new.public_key is null then 'v1' else 'v1a' end);
    end if;
  end if;
  return new;
end;
$$;
comment on function private.read_signing_secret() is
  'Row trigger of every kind of subscription: config.signature and public_key say what the secret is, whoever stores it. Definer: reads Vault.';
create trigger guardian_meta_integrations_signing before insert or update of secret_ref on public.guardian_meta_integrations
  for each row execute function private.read_signing_secret();
create trigger event_subscriptions_signing before insert or update of secret_ref on public.event_subscriptions
  for each row execute function private.read_signing_secret();

create or replace function public.get_delivery_endpoints(p_integration_ids uuid[])
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
    'previous_secret_ends_in_ms', case when previous_secret.id is not null
      then floor(extract(epoch from s.previous_secret_expires_at - clock_timestamp()) * 1000) end,
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
  'What a worker needs to send: [{integration_id, tenant_id, config_version, config, secret, previous_secret, previous_secret_ends_in_ms, headers: {name: value}}]. How long the previous secret still signs is said as a duration, so that no clock but the database''s decides. Definer for service_role alone: reads Vault.';

create function private.rotate_signing_secret(
  p_tenant_id uuid, p_subscription_id uuid, p_secret text, p_overlap_seconds integer
)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_replaced uuid;
  v_outdated uuid;
begin
  if coalesce(p_overlap_seconds not between 0 and 604800, true) then
    perform private.raise_error('IL422', 'Both secrets sign for 0 to 604800 seconds (7 days).');
  end if;
  -- The lane first, as workers do: nobody waits in a circle.
  perform from private.delivery_lanes l
  where l.integration_id = p_subscription_id and l.tenant_id = p_tenant_id
  for no key update;
  select s.secret_ref, s.previous_secret_ref into v_replaced, v_outdated
  from private.delivery_subscriptions s
  where s.tenant_id = p_tenant_id and s.id = p_subscription_id
  for no key update;
  if v_replaced is null then
    perform private.raise_error('IL404', 'This subscription does not exist.');
  end if;
  update private.delivery_subscriptions s
  set secret_ref = public.store_secret(p_tenant_id, p_secret, 'outbound webhook signing secret'),
      previous_secret_ref = case when p_overlap_seconds > 0 then v_replaced end,
      previous_secret_expires_at =
        case when p_overlap_seconds > 0 then clock_timestamp() + p_overlap_seconds * interval '1 second' end,
      config_version = s.config_version + 1,
      updated_at = now()
  where s.tenant_id = p_tenant_id and s.id = p_subscription_id;
  perform public.delete_secret(p_tenant_id, gone.ref)
  from unnest(array[v_outdated, case when p_overlap_seconds = 0 then v_replaced end]) as gone (ref)
  where gone.ref is not null;
end;
$$;
comment on function private.rotate_signing_secret(uuid, uuid, text, integer) is
  'Gives a subscription of any kind a new secret; the old one signs beside it p_overlap_seconds longer (0 = not at all), an older one no more. What signs no longer leaves Vault at once. For the RPCs of the kinds, which check who asks. Throws IL404, IL422.';

create function private.forget_ended_secrets()
returns integer
language plpgsql
set search_path = ''
as $$
declare
  v_ended record;
  v_count integer := 0;
begin
  for v_ended in
    select s.tenant_id, s.id, s.previous_secret_ref from private.delivery_subscriptions s
    where s.previous_secret_expires_at <= now()
    for no key update skip locked
  loop
    update private.delivery_subscriptions s set previous_secret_ref = null, previous_secret_expires_at = null
    where s.tenant_id = v_ended.tenant_id and s.id = v_ended.id;
    perform public.delete_secret(v_ended.tenant_id, v_ended.previous_secret_ref);
    v_count := v_count + 1;
  end loop;
  for v_ended in
    select w.tenant_id, w.id, w.previous_secret_ref from public.integration_webhooks w
    where w.previous_secret_expires_at <= now()
    for no key update skip locked
  loop
    update public.integration_webhooks w set previous_secret_ref = null, previous_secret_expires_at = null
    where w.tenant_id = v_ended.tenant_id and w.id = v_ended.id;
    perform public.delete_secret(v_ended.tenant_id, v_ended.previous_secret_ref);
    v_count := v_count + 1;
  end loop;
  return v_count;
end;
$$;
comment on function private.forget_ended_secrets() is
  'Removes secrets of subscriptions and of webhooks from Vault whose overlap is over; answers how many. Run by the job interlock-forget-secrets: they sign and verify nothing any more, it only tidies.';
select private.schedule_job('interlock-forget-secrets', 3600, $$select private.forget_ended_secrets()$$);

create function private.signing_resource(p_subscription private.delivery_subscriptions)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select jsonb_build_object(
    'public_key', p_subscription.public_key, 'previous_secret_expires_at', p_subscription.previous_secret_expires_at
  );
$$;
comment on function private.signing_resource(private.delivery_subscriptions) is
  'What the API shows of how a subscription signs, for the resources of all kinds: {public_key, previous_secret_expires_at}.';

create or replace function private.integration_resource(p_integration public.guardian_meta_integrations)
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
  ) || private.signing_resource(p_integration::private.delivery_subscriptions);
$$;

create function public.rotate_guardian_meta_integration_secret(
  p_tenant_id uuid, p_integration_id uuid, p_secret text, p_overlap_seconds integer, p_actor uuid
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
  if not exists (
    select from public.guardian_meta_integrations i where i.tenant_id = p_tenant_id and i.id = p_integration_id
  ) then
    perform private.raise_error('IL404', 'This integration does not exist.');
  end if;
  perform private.rotate_signing_secret(p_tenant_id, p_integration_id, p_secret, p_overlap_seconds);
  select i.* into strict v_integration from public.guardian_meta_integrations i
  where i.tenant_id = p_tenant_id and i.id = p_integration_id;
  insert into public.integration_logs (tenant_id, event_type, status, details)
  values (p_tenant_id, 'integration.rotated', 'success', jsonb_build_object(
    'integration_id', p_integration_id, 'signature', coalesce(v_integration.config ->> 'signature', 'v1'),
    'overlap_seconds', p_overlap_seconds
  ));
  return private.integration_resource(v_integration);
end;
$$;
comment on function public.rotate_guardian_meta_integration_secret(uuid, uuid, text, integer, uuid) is
  'Gives an integration a new secret (whsec_ = v1, whsk_ = v1a); the old one signs beside it p_overlap_seconds longer (0 = not at all). Answers the integration. Throws IL403, IL404, IL422. Definer for service_role alone.';
grant execute on function public.rotate_guardian_meta_integration_secret(uuid, uuid, text, integer, uuid) to service_role;
