-- The second kind of subscription: any event of the outbox. What both kinds share grows with it: flow (pause, drain),
-- channels, and attempts and deliveries that cost fewer indexes.
-- Changes the tables of the delivery engine; the engine itself is replaced by the next migration, which must follow.
-- Rollback: drop the event_* tables; restore constraints, indexes and columns of the tables of 1100 and 1200.

drop function private.finish_deliveries(jsonb);
drop function private.take_over_lost_deliveries(integer);
drop function private.claim_deliveries(integer, integer);
drop function public.exchange_deliveries(jsonb, integer, integer, integer);

-- Ids in the order of time, for what comes in thousands: a new one lands at the end of every index, in a page that is
-- at hand, not in any page of gigabytes.

create function private.time_ordered_id(p_at timestamptz default clock_timestamp())
returns uuid
language sql
volatile
return encode(
  set_bit(set_bit(
    overlay(
      uuid_send(gen_random_uuid()) placing substring(int8send((extract(epoch from p_at) * 1000)::bigint) from 3) from 1 for 6
    ), 52, 1), 53, 1), 'hex')::uuid;
comment on function private.time_ordered_id(timestamptz) is 'A UUID of version 7 (RFC 9562 section 5.7): milliseconds since 1970, then chance.';
alter table public.integration_events_outbox alter column id set default private.time_ordered_id();
alter table private.deliveries alter column id set default private.time_ordered_id();

-- Subscriptions.

alter table private.delivery_subscriptions add column flow text not null default 'open'
  constraint delivery_subscriptions_flow_check check (flow in ('open', 'paused', 'draining'));
alter table private.delivery_subscriptions drop constraint delivery_subscriptions_config_check;
alter table private.delivery_subscriptions add constraint delivery_subscriptions_config_check check (
  jsonb_typeof(config) = 'object'
  and coalesce(config ->> 'channel', 'webhook') in ('webhook', 'slack', 'email')
  and (coalesce(config ->> 'channel', 'webhook') <> 'webhook' or coalesce(jsonb_typeof(config -> 'webhook_url') = 'string', false))
  and coalesce((config ->> 'max_attempts')::integer between 1 and 20, true)
  and coalesce((config ->> 'timeout_ms')::integer between 1000 and 30000, true)
  and coalesce((config ->> 'max_in_flight')::integer between 1 and 100, true)
  and coalesce((config ->> 'rate_limit_per_second')::integer between 1 and 1000, true)
  and coalesce(config ->> 'ordering', 'none') in ('none', 'fifo')
  and coalesce((config #>> '{batch,max_events}')::integer between 2 and 100, not config ? 'batch')
  and coalesce((config #>> '{batch,max_wait_ms}')::integer between 1000 and 3600000, not config ? 'batch')
  and coalesce(jsonb_typeof(config -> 'headers') = 'array', true)
);
comment on column private.delivery_subscriptions.flow is
  'open; paused = new events are queued and wait, nothing is sent; draining = what is queued is sent, new events are not queued.';
comment on column private.delivery_subscriptions.config is
  '{channel: webhook|slack|email, webhook_url, headers: [names], timeout_ms (default 10000), max_attempts (3), max_in_flight (10), rate_limit_per_second, ordering: none|fifo, retry_schedule_seconds: [n], batch: {max_events, max_wait_ms}, event_types, field_mappings, transformation, signature: v1|v1a}. Values of headers are in Vault.';
comment on column private.delivery_subscriptions.disabled_reason is
  'Why the engine disabled it: gone = the endpoint answered 410; failing = it failed for days; null = it did not.';
select private.copy_column_comments('private.delivery_subscriptions', 'public.guardian_meta_integrations');

create table public.event_subscriptions (
  org_id uuid,
  label text not null,
  description text,
  event_types text[] not null,
  filter jsonb,
  filter_path jsonpath,
  metadata jsonb not null default '{}'::jsonb,
  constraint event_subscriptions_pkey primary key (id),
  constraint event_subscriptions_tenant_id_id_key unique (tenant_id, id),
  constraint event_subscriptions_tenant_fkey foreign key (tenant_id) references public.tenants (id),
  constraint event_subscriptions_org_fkey foreign key (tenant_id, org_id) references public.orgs (tenant_id, id),
  constraint event_subscriptions_label_check check (char_length(label) between 1 and 200),
  constraint event_subscriptions_description_check check (char_length(description) <= 2000),
  constraint event_subscriptions_event_types_check check (cardinality(event_types) between 1 and 50),
  constraint event_subscriptions_filter_check check ((filter is null) = (filter_path is null)),
  constraint event_subscriptions_metadata_check check (jsonb_typeof(metadata) = 'object' and octet_length(metadata::text) <= 16384)
) inherits (private.delivery_subscriptions);
create index event_subscriptions_tenant_id_created_at_idx on public.event_subscriptions (tenant_id, created_at desc, id);
create index event_subscriptions_org_idx on public.event_subscriptions (tenant_id, org_id) where org_id is not null;
comment on table public.event_subscriptions is
  'A subscription of a tenant to events of the outbox. Written by RPCs only, because secrets in Vault go with it.';
select private.copy_column_comments('private.delivery_subscriptions', 'public.event_subscriptions');
comment on column public.event_subscriptions.org_id is 'Only events of this org, and those of no org, are wanted; null = those of all orgs of the tenant.';
comment on column public.event_subscriptions.label is 'Display name.';
comment on column public.event_subscriptions.description is 'What it is for; null = not said.';
comment on column public.event_subscriptions.event_types is 'Wanted types: exact (contact.created), a family (contact.*), or all (*).';
comment on column public.event_subscriptions.filter is 'Condition on the event as people wrote it (docs/transform.md); null = none.';
comment on column public.event_subscriptions.filter_path is 'The same condition as the database checks it: an SQL/JSON path predicate over the event; null = none.';
comment on column public.event_subscriptions.metadata is 'Free facts of the tenant''s own; never sent.';

-- Deliveries: the log. What waits and what is on its way stands in the queue tables of the engine.

drop index public.guardian_meta_webhook_events_due_idx;
drop index public.guardian_meta_webhook_events_leased_idx;
drop index public.guardian_meta_webhook_events_test_idx;
drop index public.guardian_meta_webhook_events_integration_created_at_idx;
drop index public.guardian_meta_webhook_events_event_idx;
alter table public.guardian_meta_webhook_events
  drop constraint guardian_meta_webhook_events_integration_fkey,
  drop constraint guardian_meta_webhook_events_event_fkey;
alter table public.guardian_meta_webhook_events set (fillfactor = 55);
alter table private.delivery_attempts add column batch_id uuid;
comment on column private.delivery_attempts.batch_id is
  'The request carried several deliveries: those with the same value; its body stands with one of them. Null = it carried this one alone.';
alter table public.guardian_meta_webhook_attempts drop constraint guardian_meta_webhook_attempts_delivery_fkey;
drop index public.guardian_meta_webhook_attempts_delivery_idx;
drop index public.guardian_meta_webhook_attempts_integration_idx;
alter table public.guardian_meta_webhook_attempts
  drop constraint guardian_meta_webhook_attempts_pkey, drop constraint guardian_meta_webhook_attempts_tenant_id_id_key;
alter table private.delivery_attempts drop column id;
alter table public.guardian_meta_webhook_attempts
  add constraint guardian_meta_webhook_attempts_pkey primary key (tenant_id, delivery_id, attempt);
create index guardian_meta_webhook_attempts_integration_idx
  on public.guardian_meta_webhook_attempts (integration_id, started_at desc, delivery_id);
select private.copy_column_comments('private.delivery_attempts', 'public.guardian_meta_webhook_attempts');
-- The id comes first: the engine finds its rows by it alone. By tenant and id together, a planner that has not seen the
-- table grow takes the index of the list for as good, and reads all deliveries of the tenant for each one.
alter table public.guardian_meta_webhook_events
  drop constraint guardian_meta_webhook_events_tenant_id_id_key, drop constraint guardian_meta_webhook_events_pkey,
  add constraint guardian_meta_webhook_events_pkey primary key (id, tenant_id);
create index guardian_meta_webhook_events_tenant_id_created_at_idx
  on public.guardian_meta_webhook_events (tenant_id, created_at desc, id);
create index guardian_meta_webhook_events_integration_id_created_at_idx
  on public.guardian_meta_webhook_events (integration_id, created_at desc, id);

create table public.event_deliveries (
  org_id uuid,
  constraint event_deliveries_pkey primary key (id, tenant_id),
  constraint event_deliveries_event_id_integration_id_key unique (event_id, integration_id)
) inherits (private.deliveries) with (fillfactor = 55);
create index event_deliveries_tenant_id_created_at_idx on public.event_deliveries (tenant_id, created_at desc, id);
create index event_deliveries_integration_id_created_at_idx on public.event_deliveries (integration_id, created_at desc, id);
comment on table public.event_deliveries is
  'Events on their way to event_subscriptions: one row per event and subscription, kept after the end. Written by the engine only; every row stands for a subscription and an event of its tenant, which the engine sees to.';

create table public.event_delivery_attempts (
  constraint event_delivery_attempts_pkey primary key (tenant_id, delivery_id, attempt)
) inherits (private.delivery_attempts);
create index event_delivery_attempts_integration_idx
  on public.event_delivery_attempts (integration_id, started_at desc, delivery_id);
comment on table public.event_delivery_attempts is 'Every HTTP try of a delivery to an event subscription. Written by the engine only; rows never change.';
select private.copy_column_comments('private.delivery_attempts', 'public.event_delivery_attempts');

create function public.payload(p_delivery public.event_deliveries)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select a.request_body::jsonb from public.event_delivery_attempts a
  where a.tenant_id = p_delivery.tenant_id and a.delivery_id = p_delivery.id and a.request_body is not null
  order by a.attempt desc limit 1;
$$;
comment on function public.payload(public.event_deliveries) is
  'Computed column payload of event_deliveries: what was sent, null before the first attempt. With the caller''s rights.';
grant execute on function public.payload(public.event_deliveries) to authenticated, service_role;

create or replace function public.payload(p_delivery public.guardian_meta_webhook_events)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select a.request_body::jsonb from public.guardian_meta_webhook_attempts a
  where a.tenant_id = p_delivery.tenant_id and a.delivery_id = p_delivery.id and a.request_body is not null
  order by a.attempt desc limit 1;
$$;

create trigger event_subscriptions_audit_new after insert or delete on public.event_subscriptions
  for each row execute function private.audit_row();
create trigger event_subscriptions_audit_change
  after update of org_id, label, description, is_enabled, flow, config, event_types, filter, secret_ref, previous_secret_ref, headers_ref, metadata
  on public.event_subscriptions
  for each row execute function private.audit_row();
drop trigger guardian_meta_integrations_audit_change on public.guardian_meta_integrations;
create trigger guardian_meta_integrations_audit_change
  after update of integration_key, label, description, is_enabled, flow, config, scopes, secret_ref, previous_secret_ref, headers_ref, metadata
  on public.guardian_meta_integrations
  for each row execute function private.audit_row();

alter table public.event_subscriptions enable row level security;
alter table public.event_subscriptions force row level security;
grant select on public.event_subscriptions to authenticated, service_role;
create policy "readers of integrations see subscriptions in their org scope" on public.event_subscriptions for select to authenticated
  using (
    tenant_id = (select private.get_current_workspace_id())
    and (select private.has_tenant_permission('integrations.read'))
    and (org_id is null or (select private.get_current_org_id()) is null or org_id = (select private.get_current_org_id()))
  );

alter table public.event_deliveries enable row level security;
alter table public.event_deliveries force row level security;
grant select on public.event_deliveries to authenticated, service_role;
create policy "readers of deliveries see those in their org scope" on public.event_deliveries for select to authenticated
  using (
    tenant_id = (select private.get_current_workspace_id())
    and (select private.has_tenant_permission('deliveries.read'))
    and (org_id is null or (select private.get_current_org_id()) is null or org_id = (select private.get_current_org_id()))
  );

alter table public.event_delivery_attempts enable row level security;
alter table public.event_delivery_attempts force row level security;
grant select on public.event_delivery_attempts to authenticated, service_role;
create policy "readers of deliveries see attempts of those they see" on public.event_delivery_attempts for select to authenticated
  using (
    tenant_id = (select private.get_current_workspace_id())
    and (select private.has_tenant_permission('deliveries.read'))
    and exists (
      select from public.event_deliveries d
      where d.tenant_id = event_delivery_attempts.tenant_id and d.id = event_delivery_attempts.delivery_id
    )
  );
