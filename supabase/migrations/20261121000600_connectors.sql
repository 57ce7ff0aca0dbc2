-- Connectors, the accounts they speak for, and their log.
-- New tables only. Rollback: drop them.

create table public.integration_connectors (
  id uuid not null default gen_random_uuid(),
  tenant_id uuid not null references public.tenants (id),
  org_id uuid,
  type text not null constraint integration_connectors_type_check check (
    type in ('slack', 'google_workspace', 'odoo', 'webhook', 'api', 'custom', 'salesforce', 'hubspot', 'zoho', 'zenoti')
  ),
  name text not null constraint integration_connectors_name_length_check check (char_length(name) between 1 and 200),
  status text not null default 'inactive'
    constraint integration_connectors_status_check check (status in ('inactive', 'active', 'error')),
  config jsonb not null default '{}'::jsonb
    constraint integration_connectors_config_object_check check (jsonb_typeof(config) = 'object'),
  secret_ref uuid,
  last_error text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint integration_connectors_pkey primary key (id),
  constraint integration_connectors_tenant_id_id_key unique (tenant_id, id),
  constraint integration_connectors_org_fkey foreign key (tenant_id, org_id) references public.orgs (tenant_id, id)
);
create index integration_connectors_tenant_id_org_id_idx on public.integration_connectors (tenant_id, org_id);
create index integration_connectors_tenant_id_status_idx on public.integration_connectors (tenant_id, status);
create index integration_connectors_tenant_id_created_at_idx on public.integration_connectors (tenant_id, created_at desc);
comment on table public.integration_connectors is 'A configured link to an outside system. Written through the service by holders of connectors.manage.';
comment on column public.integration_connectors.id is 'The connector.';
comment on column public.integration_connectors.tenant_id is 'Whose connector.';
comment on column public.integration_connectors.org_id is 'Org that owns it; null = all orgs of the tenant.';
comment on column public.integration_connectors.type is 'Kind of outside system.';
comment on column public.integration_connectors.name is 'Display name.';
comment on column public.integration_connectors.status is 'inactive, active, or error (needs a person; last_error says why).';
comment on column public.integration_connectors.config is 'Settings without secrets; their shape depends on the type.';
comment on column public.integration_connectors.secret_ref is 'Vault id of the credentials; null = none stored. Rotation changes Vault, not this row.';
comment on column public.integration_connectors.last_error is 'Sentence for a person; null = no error.';
comment on column public.integration_connectors.created_at is 'Instant of creation.';
comment on column public.integration_connectors.updated_at is 'Instant of the last change.';
create trigger integration_connectors_touch before update on public.integration_connectors
  for each row execute function private.touch_updated_at();

create table public.connector_accounts (
  id uuid not null default gen_random_uuid(),
  tenant_id uuid not null references public.tenants (id),
  connector_id uuid not null,
  provider text not null constraint connector_accounts_provider_check check (provider ~ '^[a-z][a-z0-9_]{0,49}$'),
  account_id text not null constraint connector_accounts_account_id_check check (char_length(account_id) between 1 and 200),
  created_at timestamptz not null default now(),
  constraint connector_accounts_pkey primary key (id),
  constraint connector_accounts_tenant_id_id_key unique (tenant_id, id),
  constraint connector_accounts_provider_account_key unique (provider, account_id),
  constraint connector_accounts_connector_fkey foreign key (tenant_id, connector_id)
    references public.integration_connectors (tenant_id, id) on delete cascade
);
create index connector_accounts_tenant_id_connector_id_idx on public.connector_accounts (tenant_id, connector_id);
comment on table public.connector_accounts is 'Which tenant a provider''s account belongs to. An account has one owner in the installation. Written by the service.';
comment on column public.connector_accounts.id is 'The row.';
comment on column public.connector_accounts.tenant_id is 'The tenant that connected the account.';
comment on column public.connector_accounts.connector_id is 'The connector that speaks for it.';
comment on column public.connector_accounts.provider is 'For example hubspot.';
comment on column public.connector_accounts.account_id is 'The provider''s own identifier: HubSpot portal id, Slack team id ...';
comment on column public.connector_accounts.created_at is 'Instant of connecting.';

create table public.integration_logs (
  id bigint generated always as identity,
  tenant_id uuid not null references public.tenants (id),
  org_id uuid,
  connector_id uuid,
  webhook_id uuid,
  event_type text not null constraint integration_logs_event_type_check check (char_length(event_type) between 1 and 100),
  status text not null constraint integration_logs_status_check check (status in ('success', 'warning', 'error')),
  message text,
  error_code text,
  details jsonb not null default '{}'::jsonb,
  duration_ms integer constraint integration_logs_duration_ms_check check (duration_ms >= 0),
  request_id text,
  created_at timestamptz not null default now(),
  constraint integration_logs_pkey primary key (id),
  constraint integration_logs_tenant_id_id_key unique (tenant_id, id),
  constraint integration_logs_org_fkey foreign key (tenant_id, org_id) references public.orgs (tenant_id, id),
  constraint integration_logs_connector_fkey foreign key (tenant_id, connector_id)
    references public.integration_connectors (tenant_id, id) on delete set null (connector_id)
);
create index integration_logs_tenant_id_created_at_idx on public.integration_logs (tenant_id, created_at desc, id desc);
create index integration_logs_tenant_id_connector_id_idx on public.integration_logs (tenant_id, connector_id) where connector_id is not null;
create index integration_logs_tenant_id_org_id_idx on public.integration_logs (tenant_id, org_id) where org_id is not null;
create index integration_logs_tenant_id_status_idx on public.integration_logs (tenant_id, status, created_at desc) where status <> 'success';
comment on table public.integration_logs is 'What the hub did for a tenant, for people to read. Written by the service; kept tenant_settings.log_retention_days.';
comment on column public.integration_logs.id is 'Order of writing.';
comment on column public.integration_logs.tenant_id is 'Whose log.';
comment on column public.integration_logs.org_id is 'Org concerned; null = all.';
comment on column public.integration_logs.connector_id is 'Connector concerned; null = none, or deleted since.';
comment on column public.integration_logs.webhook_id is 'Inbound webhook concerned; null = none.';
comment on column public.integration_logs.event_type is 'What happened, for example webhook.rotated.';
comment on column public.integration_logs.status is 'success, warning or error.';
comment on column public.integration_logs.message is 'Sentence without personal data and secrets; null = the event type says it all.';
comment on column public.integration_logs.error_code is 'Stable code of a failure; null = none.';
comment on column public.integration_logs.details is 'Counts and identifiers, never message bodies.';
comment on column public.integration_logs.duration_ms is 'How long it took in milliseconds; null = instant.';
comment on column public.integration_logs.request_id is 'x-request-id of the cause; null = none.';
comment on column public.integration_logs.created_at is 'Instant of writing.';

alter table public.integration_connectors enable row level security;
alter table public.integration_connectors force row level security;
grant select on public.integration_connectors to authenticated;
grant select, insert, update, delete on public.integration_connectors to service_role;
create policy "readers of connectors see those in their org scope" on public.integration_connectors for select to authenticated
  using (
    tenant_id = (select private.get_current_workspace_id())
    and (select private.has_tenant_permission('connectors.read'))
    and (org_id is null or (select private.get_current_org_id()) is null or org_id = (select private.get_current_org_id()))
  );

alter table public.connector_accounts enable row level security;
alter table public.connector_accounts force row level security;
grant select on public.connector_accounts to authenticated;
grant select, insert, update, delete on public.connector_accounts to service_role;
create policy "readers of connectors see accounts of connectors they see" on public.connector_accounts for select to authenticated
  using (
    tenant_id = (select private.get_current_workspace_id())
    and connector_id in (select c.id from public.integration_connectors c)
  );

alter table public.integration_logs enable row level security;
alter table public.integration_logs force row level security;
grant select on public.integration_logs to authenticated;
grant select, insert on public.integration_logs to service_role;
create policy "readers of integrations see logs in their org scope" on public.integration_logs for select to authenticated
  using (
    tenant_id = (select private.get_current_workspace_id())
    and (select private.has_tenant_permission('integrations.read'))
    and (org_id is null or (select private.get_current_org_id()) is null or org_id = (select private.get_current_org_id()))
  );

select private.audit_table(t) from unnest(array['public.integration_connectors', 'public.connector_accounts']::regclass[]) as t;
