-- Channels: subscriptions that leave through a connector of the tenant (Slack, an e-mail API) in place of a webhook.
-- Adds a column with its reference and triggers, replaces get_delivery_endpoints and disabled_message.
-- Rollback: drop the triggers, functions, constraints and the column; restore the two functions of 1500 and 1420.

alter table private.delivery_subscriptions add column connector_id uuid;
alter table private.delivery_subscriptions add constraint delivery_subscriptions_channel_check check (
  (connector_id is not null) = (coalesce(config ->> 'channel', 'webhook') <> 'webhook')
);
comment on column private.delivery_subscriptions.connector_id is
  'What it sends through, copied from config by a trigger; null with the channel webhook.';
comment on column private.delivery_subscriptions.config is
  '{channel: webhook (default)|slack|email, webhook_url, slack: {connector_id, channel}, email: {connector_id, to: [addresses], subject}, headers: [names], timeout_ms (default 10000), max_attempts (3), max_in_flight (10), rate_limit_per_second (slack: 1), ordering: none|fifo, retry_schedule_seconds: [n], batch: {max_events, max_wait_ms}, event_types, field_mappings, transformation, signature: v1|v1a}. Values of headers are in Vault.';
comment on column private.delivery_subscriptions.disabled_reason is
  'Why the engine disabled it: gone = the endpoint answered 410; failing = it failed for days; misconfigured = the provider refuses the channel or sender it names; null = it did not.';
select private.copy_column_comments('private.delivery_subscriptions', t)
from unnest(array['public.guardian_meta_integrations', 'public.event_subscriptions']::regclass[]) as t;

alter table public.guardian_meta_integrations add constraint guardian_meta_integrations_connector_fkey
  foreign key (tenant_id, connector_id) references public.integration_connectors (tenant_id, id);
alter table public.event_subscriptions add constraint event_subscriptions_connector_fkey
  foreign key (tenant_id, connector_id) references public.integration_connectors (tenant_id, id);
create index guardian_meta_integrations_connector_idx on public.guardian_meta_integrations (tenant_id, connector_id)
  where connector_id is not null;
create index event_subscriptions_connector_idx on public.event_subscriptions (tenant_id, connector_id)
  where connector_id is not null;

create function private.read_channel()
returns trigger
language plpgsql
set search_path = ''
as $$
declare
  v_channel constant text := coalesce(new.config ->> 'channel', 'webhook');
  v_field constant text := format('config.%s.connector_id', v_channel);
  v_connector public.integration_connectors;
begin
  if v_channel = 'webhook' then
    if not new.config ? 'webhook_url' then
      perform private.raise_error('IL422', 'config.webhook_url: is needed for the channel webhook.');
    end if;
    new.connector_id := null;
    return new;
  end if;
  if jsonb_typeof(new.config -> v_channel) is distinct from 'object' then
    perform private.raise_error('IL422', format('config.%1$s: is needed for the channel %1$s.', v_channel));
  end if;
  new.connector_id := (new.config #>> array[v_channel, 'connector_id'])::uuid;
  -- Slack takes about one message per second and channel; who knows better says so.
  if v_channel = 'slack' and not new.config ? 'rate_limit_per_second' then
    new.config := new.config || '{"rate_limit_per_second": 1}'::jsonb;
  end if;
  if tg_op = 'UPDATE' and new.connector_id is not distinct from old.connector_id
    and new.config -> 'channel' is not distinct from old.config -> 'channel' then
    return new;
  end if;
  select c.* into v_connector from public.integration_connectors c
  where c.tenant_id = new.tenant_id and c.id = new.connector_id
    and (c.org_id is null or c.org_id::text = to_jsonb(new) ->> 'org_id');
  if v_connector.id is null then
    perform private.raise_error('IL422', format('%s: This connector does not exist.', v_field));
  elsif v_channel = 'slack' and v_connector.type <> 'slack' then
    perform private.raise_error('IL422', format('%s: This connector is not one of Slack.', v_field));
  elsif v_channel = 'email' and (
    v_connector.type <> 'api' or v_connector.config ->> 'flavor' is distinct from 'resend'
    or coalesce(v_connector.config ->> 'from', '') = ''
  ) then
    perform private.raise_error('IL422', format('%s: This connector is not one of an e-mail API with a sender.', v_field));
  elsif v_connector.status <> 'active' then
    perform private.raise_error('IL422', format('%s: This connector is not active; activate it first.', v_field));
  end if;
  return new;
end;
$$;
comment on function private.read_channel() is
  'Row trigger of every kind of subscription: connector_id says what config names. Refuses (IL422) a connector that is not the tenant''s, is another org''s, of the wrong type or not active; one that stopped working later keeps nobody from changing the rest.';
create trigger guardian_meta_integrations_channel before insert or update of config on public.guardian_meta_integrations
  for each row execute function private.read_channel();
create trigger event_subscriptions_channel before insert or update of config on public.event_subscriptions
  for each row execute function private.read_channel();

create function private.forgive_lane()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  update private.delivery_lanes l
  set not_before = '-infinity', consecutive_failures = 0, breaker_openings = 0
  where l.integration_id = new.id;
  return null;
end;
$$;
comment on function private.forgive_lane() is
  'Row trigger of every kind of subscription whose channel changed: what was learned of the old address says nothing of the new one.';
create trigger guardian_meta_integrations_forgive after update of config on public.guardian_meta_integrations
  for each row when (
    old.config -> 'channel' is distinct from new.config -> 'channel' or old.config -> 'slack' is distinct from new.config -> 'slack'
    or old.config -> 'email' is distinct from new.config -> 'email'
  ) execute function private.forgive_lane();
create trigger event_subscriptions_forgive after update of config on public.event_subscriptions
  for each row when (
    old.config -> 'channel' is distinct from new.config -> 'channel' or old.config -> 'slack' is distinct from new.config -> 'slack'
    or old.config -> 'email' is distinct from new.config -> 'email'
  ) execute function private.forgive_lane();

create function private.renew_connector_endpoints()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_ids uuid[];
begin
  v_ids := array(
    select s.id from private.delivery_subscriptions s where s.tenant_id = new.tenant_id and s.connector_id = new.id
  );
  if cardinality(v_ids) = 0 then
    return null;
  end if;
  -- The lanes first, in one order, as workers do: nobody waits in a circle.
  perform from private.delivery_lanes l where l.integration_id = any (v_ids) order by l.integration_id for no key update;
  update private.delivery_subscriptions s set config_version = s.config_version + 1
  where s.tenant_id = new.tenant_id and s.id = any (v_ids);
  if new.status = 'active' then
    update private.delivery_lanes l
    set not_before = '-infinity', consecutive_failures = 0, breaker_openings = 0
    where l.integration_id = any (v_ids);
    perform private.ring('meta-webhook-deliver');
  end if;
  return null;
end;
$$;
comment on function private.renew_connector_endpoints() is
  'Row trigger of connectors: subscriptions that send through a changed one get a new version, so that workers read it again; one that works again has nothing to wait for. Definer: no user writes subscriptions or lanes.';
create trigger integration_connectors_endpoints after update on public.integration_connectors
  for each row when (
    old.status is distinct from new.status or old.secret_ref is distinct from new.secret_ref
    or old.config is distinct from new.config or old.type is distinct from new.type
    or old.org_id is distinct from new.org_id
  ) execute function private.renew_connector_endpoints();

create or replace function public.get_delivery_endpoints(p_integration_ids uuid[])
returns jsonb
language sql
stable
security definer
set search_path = ''
as $$
  select coalesce(jsonb_agg(jsonb_build_object(
    'integration_id', s.id, 'tenant_id', s.tenant_id, 'config_version', s.config_version, 'config', s.config,
    'secret', public.read_secret(s.tenant_id, s.secret_ref),
    'previous_secret', case when s.previous_secret_expires_at > now()
      then public.read_secret(s.tenant_id, s.previous_secret_ref) end,
    'previous_secret_ends_in_ms', case when s.previous_secret_expires_at > now()
      then floor(extract(epoch from s.previous_secret_expires_at - clock_timestamp()) * 1000) end,
    'headers', case when s.headers_ref is null then '{}' else public.read_secret(s.tenant_id, s.headers_ref) end,
    'connector', case when s.connector_id is not null then (
      select jsonb_build_object(
        'type', c.type, 'status', c.status, 'config', c.config,
        'credentials', case when c.status = 'active' then public.read_secret(s.tenant_id, c.secret_ref) end
      )
      from public.integration_connectors c
      where c.tenant_id = s.tenant_id and c.id = s.connector_id
        and (c.org_id is null or c.org_id = (select e.org_id from public.event_subscriptions e where e.id = s.id))
    ) end
  )), '[]'::jsonb)
  from private.delivery_subscriptions s
  where s.id = any (p_integration_ids);
$$;
comment on function public.get_delivery_endpoints(uuid[]) is
  'What a worker needs to send: [{integration_id, tenant_id, config_version, config, secret, previous_secret, previous_secret_ends_in_ms, headers: JSON text {name: value}, connector: null or {type, status, config, credentials: JSON text}}]. What Vault does not have, or cannot decrypt, is null: it is that subscription''s trouble alone. How long the previous secret still signs is said as a duration, so that no clock but the database''s decides. Definer for service_role alone: reads Vault.';

create or replace function private.disabled_message(p_reason text)
returns text
language sql
immutable
set search_path = ''
as $$
  select case p_reason
    when 'gone' then 'The endpoint said that it is gone (410); deliveries wait until the integration is enabled again.'
    when 'misconfigured' then 'The provider refuses the channel, sender or address that the integration names; deliveries wait until it is corrected and enabled again.'
    else 'The endpoint has failed for days; deliveries wait until the integration is enabled again.' end;
$$;
