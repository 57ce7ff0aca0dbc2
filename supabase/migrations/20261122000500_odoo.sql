-- Departments and employees of Odoo, as a sync reads them.
-- New tables only. Rollback: delete their lines of private.sync_tables, then drop them.

create table public.odoo_departments (
  id uuid not null default gen_random_uuid(),
  tenant_id uuid not null,
  org_id uuid,
  connector_id uuid not null,
  external_id text not null constraint odoo_departments_external_id_length_check check (char_length(external_id) between 1 and 200),
  name text,
  complete_name text,
  parent_external_id text,
  manager_external_id text,
  company_external_id text,
  active boolean,
  provider_create_date timestamptz,
  provider_write_date timestamptz,
  content_hash text not null,
  seen_pass uuid,
  first_synced_at timestamptz not null default clock_timestamp(),
  last_synced_at timestamptz not null default clock_timestamp(),
  deleted_at timestamptz,
  constraint odoo_departments_pkey primary key (id),
  constraint odoo_departments_tenant_id_id_key unique (tenant_id, id),
  constraint odoo_departments_external_key unique (tenant_id, connector_id, external_id),
  constraint odoo_departments_connector_fkey foreign key (tenant_id, connector_id)
    references public.integration_connectors (tenant_id, id) on delete cascade,
  constraint odoo_departments_org_fkey foreign key (tenant_id, org_id) references public.orgs (tenant_id, id)
) with (fillfactor = 80);
create index odoo_departments_tenant_id_org_id_idx on public.odoo_departments (tenant_id, org_id) where org_id is not null;
create index odoo_departments_deleted_at_idx on public.odoo_departments (deleted_at) where deleted_at is not null;
comment on table public.odoo_departments is 'Departments of a connected Odoo. Written by its sync.';
comment on column public.odoo_departments.id is 'The row.';
comment on column public.odoo_departments.tenant_id is 'Whose record.';
comment on column public.odoo_departments.org_id is 'Org of the connector; null = all orgs of the tenant.';
comment on column public.odoo_departments.connector_id is 'The connector that read it.';
comment on column public.odoo_departments.external_id is 'Odoo''s id of the record.';
comment on column public.odoo_departments.name is 'Name of the department; null = Odoo has none.';
comment on column public.odoo_departments.complete_name is 'Names of the department and those above it, joined by " / ".';
comment on column public.odoo_departments.parent_external_id is 'external_id of the department above; null = none.';
comment on column public.odoo_departments.manager_external_id is 'external_id of the employee who leads it; null = none.';
comment on column public.odoo_departments.company_external_id is 'Odoo''s id of the company; null = all companies.';
comment on column public.odoo_departments.active is 'false = archived in Odoo.';
comment on column public.odoo_departments.provider_create_date is 'create_date in Odoo, to the second.';
comment on column public.odoo_departments.provider_write_date is 'write_date in Odoo, to the second.';
comment on column public.odoo_departments.content_hash is 'Hash of the values, by which a change is told.';
comment on column public.odoo_departments.seen_pass is 'The last complete reading that met it; null = none yet.';
comment on column public.odoo_departments.first_synced_at is 'When it was first read, or read again after it had gone.';
comment on column public.odoo_departments.last_synced_at is 'Instant at which a change was last stored.';
comment on column public.odoo_departments.deleted_at is 'Instant at which it was found gone; null = it exists.';

alter table public.odoo_departments enable row level security;
alter table public.odoo_departments force row level security;
grant select on public.odoo_departments to authenticated;
grant select on public.odoo_departments to service_role;
create policy "readers of connectors see departments in their org scope" on public.odoo_departments for select to authenticated
  using (
    tenant_id = (select private.get_current_workspace_id())
    and (select private.has_tenant_permission('connectors.read'))
    and (org_id is null or (select private.get_current_org_id()) is null or org_id = (select private.get_current_org_id()))
  );
insert into private.sync_tables (table_name, entity_type, payload_columns)
  values ('odoo_departments', 'odoo_department', '{name,complete_name,active}');

create table public.odoo_employees (
  id uuid not null default gen_random_uuid(),
  tenant_id uuid not null,
  org_id uuid,
  connector_id uuid not null,
  external_id text not null constraint odoo_employees_external_id_length_check check (char_length(external_id) between 1 and 200),
  name text,
  job_title text,
  job_external_id text,
  work_email text,
  work_phone text,
  mobile_phone text,
  department_external_id text,
  manager_external_id text,
  coach_external_id text,
  company_external_id text,
  user_external_id text,
  active boolean,
  provider_create_date timestamptz,
  provider_write_date timestamptz,
  content_hash text not null,
  seen_pass uuid,
  first_synced_at timestamptz not null default clock_timestamp(),
  last_synced_at timestamptz not null default clock_timestamp(),
  deleted_at timestamptz,
  constraint odoo_employees_pkey primary key (id),
  constraint odoo_employees_tenant_id_id_key unique (tenant_id, id),
  constraint odoo_employees_external_key unique (tenant_id, connector_id, external_id),
  constraint odoo_employees_connector_fkey foreign key (tenant_id, connector_id)
    references public.integration_connectors (tenant_id, id) on delete cascade,
  constraint odoo_employees_org_fkey foreign key (tenant_id, org_id) references public.orgs (tenant_id, id)
) with (fillfactor = 80);
create index odoo_employees_tenant_id_org_id_idx on public.odoo_employees (tenant_id, org_id) where org_id is not null;
create index odoo_employees_deleted_at_idx on public.odoo_employees (deleted_at) where deleted_at is not null;
comment on table public.odoo_employees is 'Employees of a connected Odoo: what concerns their work, nothing private. Written by its sync.';
comment on column public.odoo_employees.id is 'The row.';
comment on column public.odoo_employees.tenant_id is 'Whose record.';
comment on column public.odoo_employees.org_id is 'Org of the connector; null = all orgs of the tenant.';
comment on column public.odoo_employees.connector_id is 'The connector that read it.';
comment on column public.odoo_employees.external_id is 'Odoo''s id of the record.';
comment on column public.odoo_employees.name is 'Name of the employee.';
comment on column public.odoo_employees.job_title is 'Job title as text; null = none.';
comment on column public.odoo_employees.job_external_id is 'Odoo''s id of the job position; null = none.';
comment on column public.odoo_employees.work_email is 'Work e-mail address; null = none.';
comment on column public.odoo_employees.work_phone is 'Work phone number; null = none.';
comment on column public.odoo_employees.mobile_phone is 'Work mobile number; null = none.';
comment on column public.odoo_employees.department_external_id is 'external_id of the department; null = none. One that was deleted in Odoo stays here until the employee changes.';
comment on column public.odoo_employees.manager_external_id is 'external_id of the manager; null = none.';
comment on column public.odoo_employees.coach_external_id is 'external_id of the coach; null = none.';
comment on column public.odoo_employees.company_external_id is 'Odoo''s id of the company; null = none.';
comment on column public.odoo_employees.user_external_id is 'Odoo''s id of the employee''s user; null = none.';
comment on column public.odoo_employees.active is 'false = archived in Odoo.';
comment on column public.odoo_employees.provider_create_date is 'create_date in Odoo, to the second.';
comment on column public.odoo_employees.provider_write_date is 'write_date in Odoo, to the second; from Odoo 19 on, a change of department or job may leave it as it was.';
comment on column public.odoo_employees.content_hash is 'Hash of the values, by which a change is told.';
comment on column public.odoo_employees.seen_pass is 'The last complete reading that met it; null = none yet.';
comment on column public.odoo_employees.first_synced_at is 'When it was first read, or read again after it had gone.';
comment on column public.odoo_employees.last_synced_at is 'Instant at which a change was last stored.';
comment on column public.odoo_employees.deleted_at is 'Instant at which it was found gone; null = it exists.';

alter table public.odoo_employees enable row level security;
alter table public.odoo_employees force row level security;
grant select on public.odoo_employees to authenticated;
grant select on public.odoo_employees to service_role;
create policy "readers of connectors see employees in their org scope" on public.odoo_employees for select to authenticated
  using (
    tenant_id = (select private.get_current_workspace_id())
    and (select private.has_tenant_permission('connectors.read'))
    and (org_id is null or (select private.get_current_org_id()) is null or org_id = (select private.get_current_org_id()))
  );
insert into private.sync_tables (table_name, entity_type, payload_columns)
  values ('odoo_employees', 'odoo_employee', '{active}');
