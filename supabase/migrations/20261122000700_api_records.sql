-- What is read from REST APIs: connectors of the types api and custom.
-- A new table and its line in private.sync_tables. Rollback: drop the table, delete the line.

create table public.api_records (
  id uuid not null default gen_random_uuid(),
  tenant_id uuid not null,
  org_id uuid,
  connector_id uuid not null,
  stream text not null constraint api_records_stream_check check (char_length(stream) between 1 and 50),
  external_id text not null constraint api_records_external_id_length_check check (char_length(external_id) between 1 and 200),
  record_id text constraint api_records_record_id_length_check check (char_length(record_id) between 1 and 1000),
  data jsonb,
  provider_updated_at timestamptz,
  content_hash text not null,
  seen_pass uuid,
  first_synced_at timestamptz not null default clock_timestamp(),
  last_synced_at timestamptz not null default clock_timestamp(),
  deleted_at timestamptz,
  constraint api_records_pkey primary key (id),
  constraint api_records_tenant_id_id_key unique (tenant_id, id),
  constraint api_records_external_id_key unique (tenant_id, connector_id, external_id),
  constraint api_records_connector_fkey foreign key (tenant_id, connector_id)
    references public.integration_connectors (tenant_id, id) on delete cascade,
  constraint api_records_org_fkey foreign key (tenant_id, org_id) references public.orgs (tenant_id, id)
) with (fillfactor = 80);
create index api_records_tenant_id_org_id_idx on public.api_records (tenant_id, org_id) where org_id is not null;
create index api_records_deleted_at_idx on public.api_records (deleted_at) where deleted_at is not null;
comment on table public.api_records is 'Records of REST APIs, as the resources of a connector declare them. Written by syncs.';
comment on column public.api_records.id is 'The row.';
comment on column public.api_records.tenant_id is 'Whose row.';
comment on column public.api_records.org_id is 'Org of the connector; null = all orgs.';
comment on column public.api_records.connector_id is 'The connector it was read with.';
comment on column public.api_records.stream is 'The resource it is one of.';
comment on column public.api_records.external_id is '<resource>/<identifier at the API>; beyond 200 characters cut, with the SHA-256 of the identifier at the end.';
comment on column public.api_records.record_id is 'Its identifier at the API, whole.';
comment on column public.api_records.data is 'The record as the resource''s fields map it, or all of it; a number that a float does not hold is a string.';
comment on column public.api_records.provider_updated_at is 'When it was changed last, by the API; null = the resource does not say where that stands, or the record does not tell.';
comment on column public.api_records.content_hash is 'Hash of the values, by which a change is known.';
comment on column public.api_records.seen_pass is 'The newest pass over everything that saw it; null = none did.';
comment on column public.api_records.first_synced_at is 'When it was first read, or read again after it had gone.';
comment on column public.api_records.last_synced_at is 'When a change of it was last stored.';
comment on column public.api_records.deleted_at is 'When it was found to be gone; null = it exists. The row is removed 30 days later.';

alter table public.api_records enable row level security;
alter table public.api_records force row level security;
grant select on public.api_records to authenticated, service_role;
create policy "readers of connectors see records in their org scope" on public.api_records for select to authenticated
  using (
    tenant_id = (select private.get_current_workspace_id())
    and (select private.has_tenant_permission('connectors.read'))
    and (org_id is null or (select private.get_current_org_id()) is null or org_id = (select private.get_current_org_id()))
  );

insert into private.sync_tables (table_name, entity_type, payload_columns) values ('api_records', null, '{record_id,data}');
