-- Contacts and activities, fed by events in any order.
-- New tables only. Rollback: drop them.

create table public.crm_contacts (
  id uuid not null default gen_random_uuid(),
  tenant_id uuid not null references public.tenants (id),
  org_id uuid,
  client_id uuid,
  email text,
  first_name text,
  last_name text,
  phone text,
  properties jsonb not null default '{}'::jsonb
    constraint crm_contacts_properties_check check (jsonb_typeof(properties) = 'object' and private.json_numbers_are_exact(properties)),
  source text not null default 'app',
  deleted_at timestamptz,
  field_versions jsonb not null default '{}'::jsonb,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint crm_contacts_pkey primary key (id),
  constraint crm_contacts_tenant_id_id_key unique (tenant_id, id),
  constraint crm_contacts_org_fkey foreign key (tenant_id, org_id) references public.orgs (tenant_id, id),
  constraint crm_contacts_client_fkey foreign key (tenant_id, client_id)
    references public.clients (tenant_id, id) on delete set null (client_id)
);
create index crm_contacts_tenant_id_email_idx on public.crm_contacts (tenant_id, lower(email));
create index crm_contacts_tenant_id_created_at_idx on public.crm_contacts (tenant_id, created_at desc, id);
create index crm_contacts_tenant_id_org_id_idx on public.crm_contacts (tenant_id, org_id) where org_id is not null;
create index crm_contacts_tenant_id_client_id_idx on public.crm_contacts (tenant_id, client_id) where client_id is not null;
comment on table public.crm_contacts is 'People a tenant deals with. Written by consumers of CRM events and by holders of crm.write.';
comment on column public.crm_contacts.id is 'The contact.';
comment on column public.crm_contacts.tenant_id is 'Whose contact.';
comment on column public.crm_contacts.org_id is 'Org it belongs to; null = all orgs of the tenant.';
comment on column public.crm_contacts.client_id is 'Client it belongs to; null = none.';
comment on column public.crm_contacts.email is 'As the source wrote it; null = unknown.';
comment on column public.crm_contacts.first_name is 'Null = unknown.';
comment on column public.crm_contacts.last_name is 'Null = unknown.';
comment on column public.crm_contacts.phone is 'As the source wrote it; null = unknown.';
comment on column public.crm_contacts.properties is 'Further fields of the source, name -> text.';
comment on column public.crm_contacts.source is 'Where it came from first: hubspot, app ...';
comment on column public.crm_contacts.deleted_at is 'When the source deleted it; null = it exists.';
comment on column public.crm_contacts.field_versions is 'Field -> {at, tie} of the newest news it holds: what makes every order of arrival end equal. Written by apply_contact_news only.';
comment on column public.crm_contacts.created_at is 'Instant of storing.';
comment on column public.crm_contacts.updated_at is 'Instant of the last change.';
create trigger crm_contacts_touch before update on public.crm_contacts for each row execute function private.touch_updated_at();

create table public.crm_activities (
  id uuid not null default gen_random_uuid(),
  tenant_id uuid not null references public.tenants (id),
  org_id uuid,
  contact_id uuid,
  type text not null constraint crm_activities_type_check check (char_length(type) between 1 and 100),
  subject text,
  meta jsonb not null default '{}'::jsonb
    constraint crm_activities_meta_check check (jsonb_typeof(meta) = 'object' and private.json_numbers_are_exact(meta)),
  occurred_at timestamptz not null default now(),
  created_at timestamptz not null default now(),
  constraint crm_activities_pkey primary key (id),
  constraint crm_activities_tenant_id_id_key unique (tenant_id, id),
  constraint crm_activities_org_fkey foreign key (tenant_id, org_id) references public.orgs (tenant_id, id),
  constraint crm_activities_contact_fkey foreign key (tenant_id, contact_id)
    references public.crm_contacts (tenant_id, id) on delete cascade
);
create unique index crm_activities_idempotency_key_idx
  on public.crm_activities (tenant_id, (meta ->> 'idempotency_key')) where meta ->> 'idempotency_key' is not null;
create index crm_activities_contact_idx on public.crm_activities (tenant_id, contact_id, occurred_at desc);
create index crm_activities_tenant_id_occurred_at_idx on public.crm_activities (tenant_id, occurred_at desc, id);
create index crm_activities_tenant_id_org_id_idx on public.crm_activities (tenant_id, org_id) where org_id is not null;
comment on table public.crm_activities is 'What happened with a contact, as a timeline. Written by consumers and by holders of crm.write.';
comment on column public.crm_activities.id is 'The activity.';
comment on column public.crm_activities.tenant_id is 'Whose activity.';
comment on column public.crm_activities.org_id is 'Org of the contact; null = all.';
comment on column public.crm_activities.contact_id is 'The contact; null = none known.';
comment on column public.crm_activities.type is 'For example contact.propertyChange or email.open.';
comment on column public.crm_activities.subject is 'One line for the timeline; null = the type says it all.';
comment on column public.crm_activities.meta is 'Further facts; idempotency_key is {provider message id}:{event type}, unique per tenant.';
comment on column public.crm_activities.occurred_at is 'When it happened, by the source''s clock.';
comment on column public.crm_activities.created_at is 'Instant of storing.';

create table public.identity_external_id_map (
  id uuid not null default gen_random_uuid(),
  tenant_id uuid not null references public.tenants (id),
  provider text not null constraint identity_external_id_map_provider_check check (provider ~ '^[a-z][a-z0-9_]{0,49}$'),
  external_type text not null constraint identity_external_id_map_external_type_check check (char_length(external_type) between 1 and 100),
  external_id text not null constraint identity_external_id_map_external_id_check check (char_length(external_id) between 1 and 300),
  internal_type text not null constraint identity_external_id_map_internal_type_check check (char_length(internal_type) between 1 and 100),
  internal_id uuid not null,
  created_at timestamptz not null default now(),
  constraint identity_external_id_map_pkey primary key (id),
  constraint identity_external_id_map_tenant_id_id_key unique (tenant_id, id),
  constraint identity_external_id_map_external_key unique (tenant_id, provider, external_type, external_id)
);
create index identity_external_id_map_internal_idx on public.identity_external_id_map (tenant_id, internal_type, internal_id);
comment on table public.identity_external_id_map is 'Which internal entity an outside identifier means. Written by consumers.';
comment on column public.identity_external_id_map.id is 'The row.';
comment on column public.identity_external_id_map.tenant_id is 'Whose mapping.';
comment on column public.identity_external_id_map.provider is 'For example hubspot.';
comment on column public.identity_external_id_map.external_type is 'Kind of entity at the provider, for example contact.';
comment on column public.identity_external_id_map.external_id is 'Identifier at the provider, with its account: <account>:<id>.';
comment on column public.identity_external_id_map.internal_type is 'Kind of entity here, for example crm_contact.';
comment on column public.identity_external_id_map.internal_id is 'Identifier here.';
comment on column public.identity_external_id_map.created_at is 'Instant of the first sight.';

create function private.is_newer(p_at timestamptz, p_tie text, p_version jsonb)
returns boolean
language sql
immutable
set search_path = ''
as $$
  select p_version is null or (p_at, p_tie collate "C") > ((p_version ->> 'at')::timestamptz, (p_version ->> 'tie') collate "C");
$$;
comment on function private.is_newer(timestamptz, text, jsonb) is
  'Whether news is newer than a field version {at, tie}: by instant, then by tie-break text, the same on every order of arrival.';

create function private.upsert_contact_identity(
  p_tenant_id uuid, p_org_id uuid, p_provider text, p_external_id text
)
returns public.crm_contacts
language plpgsql
set search_path = ''
as $$
declare
  v_contact public.crm_contacts;
  v_id uuid := gen_random_uuid();
begin
  insert into public.identity_external_id_map (tenant_id, provider, external_type, external_id, internal_type, internal_id)
  values (p_tenant_id, p_provider, 'contact', p_external_id, 'crm_contact', v_id)
  on conflict (tenant_id, provider, external_type, external_id) do nothing;
  if not found then
    select m.internal_id into v_id from public.identity_external_id_map m
    where m.tenant_id = p_tenant_id and m.provider = p_provider and m.external_type = 'contact' and m.external_id = p_external_id;
  end if;
  -- A contact that a person removed by hand comes back under its old id when the source speaks of it again.
  insert into public.crm_contacts (id, tenant_id, org_id, source) values (v_id, p_tenant_id, p_org_id, p_provider)
  on conflict (id) do nothing;
  select c.* into v_contact from public.crm_contacts c where c.tenant_id = p_tenant_id and c.id = v_id for update;
  return v_contact;
end;
$$;
comment on function private.upsert_contact_identity(uuid, uuid, text, text) is
  'The contact behind a provider''s identifier, created if new, locked for this transaction.';

create function public.apply_contact_news(
  p_tenant_id uuid, p_org_id uuid, p_provider text, p_external_id text, p_kind text, p_field text, p_value text,
  p_occurred_at timestamptz, p_tie text, p_trace_id text
)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_before public.crm_contacts := private.upsert_contact_identity(p_tenant_id, p_org_id, p_provider, p_external_id);
  v_after public.crm_contacts := v_before;
  v_is_new constant boolean := v_before.field_versions = '{}'::jsonb;
  v_version constant jsonb := jsonb_build_object('at', p_occurred_at, 'tie', p_tie);
  v_register constant text := case p_kind when 'set' then 'field:' || p_field when 'erase' then 'erased' else 'exists' end;
  v_key text;
  v_event_type text;
begin
  if p_kind not in ('set', 'create', 'restore', 'delete', 'erase') or (p_kind = 'set') <> (p_field is not null) then
    perform private.raise_error('IL422', format('Unknown kind of contact news "%s".', p_kind));
  end if;
  if p_kind = 'set' and not private.is_newer(p_occurred_at, p_tie, v_before.field_versions -> 'erased') then
    return jsonb_build_object('contact_id', v_before.id, 'applied', false);
  end if;
  if not private.is_newer(p_occurred_at, p_tie, v_before.field_versions -> v_register) then
    return jsonb_build_object('contact_id', v_before.id, 'applied', false);
  end if;

  v_after.field_versions := jsonb_set(v_before.field_versions, array[v_register], v_version);
  if p_kind in ('create', 'restore') then
    v_after.deleted_at := null;
  elsif p_kind = 'delete' then
    v_after.deleted_at := p_occurred_at;
  elsif p_kind = 'set' then
    v_after := private.with_contact_field(v_after, p_field, p_value);
  else
    for v_key in
      select k.key from jsonb_each(v_before.field_versions) as k (key, version)
      where k.key like 'field:%' and private.is_newer(p_occurred_at, p_tie, k.version)
    loop
      v_after := private.with_contact_field(v_after, substr(v_key, 7), null);
      -- The erasure itself now keeps older news out.
      v_after.field_versions := v_after.field_versions - v_key;
    end loop;
  end if;

  update public.crm_contacts c
  set email = v_after.email, first_name = v_after.first_name, last_name = v_after.last_name, phone = v_after.phone,
      properties = v_after.properties, deleted_at = v_after.deleted_at, field_versions = v_after.field_versions
  where c.tenant_id = p_tenant_id and c.id = v_before.id;

  v_event_type := case
    when v_before.deleted_at is null and v_after.deleted_at is not null then 'contact.deleted'
    when v_is_new then 'contact.created'
    when (v_before.email, v_before.first_name, v_before.last_name, v_before.phone, v_before.properties, v_before.deleted_at)
      is distinct from (v_after.email, v_after.first_name, v_after.last_name, v_after.phone, v_after.properties, v_after.deleted_at)
      then 'contact.updated'
  end;
  if v_event_type is not null then
    perform private.publish_event(
      p_tenant_id, v_before.org_id, v_event_type, 'contact', v_before.id::text,
      jsonb_build_object('contact_id', v_before.id, 'provider', p_provider, 'external_id', p_external_id, 'field', p_field),
      p_provider, p_trace_id, p_occurred_at
    );
  end if;
  return jsonb_build_object('contact_id', v_before.id, 'applied', true, 'event_type', v_event_type);
end;
$$;
comment on function public.apply_contact_news(uuid, uuid, text, text, text, text, text, timestamptz, text, text) is
  'Applies one piece of a provider''s news to a contact: kind set (p_field, p_value), create, restore, delete, erase. Each field keeps the newest news by (p_occurred_at, p_tie), so repeats and any order end equal; a real change publishes contact.created, updated or deleted in the same transaction. Answers {contact_id, applied, event_type}. Definer for service_role alone.';

create function private.with_contact_field(p_contact public.crm_contacts, p_field text, p_value text)
returns public.crm_contacts
language plpgsql
immutable
set search_path = ''
as $$
begin
  case p_field
    when 'email' then p_contact.email := p_value;
    when 'first_name' then p_contact.first_name := p_value;
    when 'last_name' then p_contact.last_name := p_value;
    when 'phone' then p_contact.phone := p_value;
    else
      p_contact.properties := case when p_value is null then p_contact.properties - p_field
        else jsonb_set(p_contact.properties, array[p_field], to_jsonb(p_value)) end;
  end case;
  return p_contact;
end;
$$;
comment on function private.with_contact_field(public.crm_contacts, text, text) is
  'The contact with one field set: a column if it is one, else a property; null clears it.';

create function public.record_crm_activity(
  p_tenant_id uuid, p_contact_id uuid, p_type text, p_subject text, p_meta jsonb, p_occurred_at timestamptz
)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_id uuid;
begin
  insert into public.crm_activities (tenant_id, org_id, contact_id, type, subject, meta, occurred_at)
  values (
    p_tenant_id, (select c.org_id from public.crm_contacts c where c.tenant_id = p_tenant_id and c.id = p_contact_id),
    p_contact_id, p_type, p_subject, p_meta, p_occurred_at
  )
  on conflict (tenant_id, (meta ->> 'idempotency_key')) where meta ->> 'idempotency_key' is not null do nothing
  returning id into v_id;
  return jsonb_build_object('activity_id', v_id, 'duplicate', v_id is null);
end;
$$;
comment on function public.record_crm_activity(uuid, uuid, text, text, jsonb, timestamptz) is
  'Adds an activity once per meta.idempotency_key and tenant; answers {activity_id, duplicate}. Definer for service_role alone.';

grant execute on function
  public.apply_contact_news(uuid, uuid, text, text, text, text, text, timestamptz, text, text),
  public.record_crm_activity(uuid, uuid, text, text, jsonb, timestamptz)
to service_role;

alter table public.crm_contacts enable row level security;
alter table public.crm_contacts force row level security;
grant select, delete on public.crm_contacts to authenticated;
grant insert (id, tenant_id, org_id, client_id, email, first_name, last_name, phone, properties) on public.crm_contacts to authenticated;
grant update (org_id, client_id, email, first_name, last_name, phone, properties) on public.crm_contacts to authenticated;
grant select, insert, update, delete on public.crm_contacts to service_role;
create policy "crm readers see contacts in scope, members of their clients" on public.crm_contacts for select to authenticated
  using (
    tenant_id = (select private.get_current_workspace_id())
    and (select private.has_tenant_permission('crm.read'))
    and (org_id is null or (select private.get_current_org_id()) is null or org_id = (select private.get_current_org_id()))
    and ((select private.current_role_rank()) >= 2 or client_id in (select private.accessible_client_ids('read')))
  );
create policy "writers of the crm create contacts in their org scope" on public.crm_contacts for insert to authenticated
  with check (
    tenant_id = (select private.get_current_workspace_id())
    and ((select private.has_tenant_permission('crm.write')) or client_id in (select private.accessible_client_ids('write')))
    and ((select private.get_current_org_id()) is null or org_id = (select private.get_current_org_id()))
  );
create policy "writers of the crm change contacts in their org scope" on public.crm_contacts for update to authenticated
  using (
    tenant_id = (select private.get_current_workspace_id())
    and ((select private.has_tenant_permission('crm.write')) or client_id in (select private.accessible_client_ids('write')))
    and ((select private.get_current_org_id()) is null or org_id = (select private.get_current_org_id()))
  )
  with check (
    tenant_id = (select private.get_current_workspace_id())
    and ((select private.has_tenant_permission('crm.write')) or client_id in (select private.accessible_client_ids('write')))
    and ((select private.get_current_org_id()) is null or org_id = (select private.get_current_org_id()))
  );
create policy "writers of the crm delete contacts in their org scope" on public.crm_contacts for delete to authenticated
  using (
    tenant_id = (select private.get_current_workspace_id())
    and (select private.has_tenant_permission('crm.write'))
    and ((select private.get_current_org_id()) is null or org_id = (select private.get_current_org_id()))
  );

alter table public.crm_activities enable row level security;
alter table public.crm_activities force row level security;
grant select on public.crm_activities to authenticated;
grant insert (tenant_id, org_id, contact_id, type, subject, meta, occurred_at) on public.crm_activities to authenticated;
grant select, insert, update, delete on public.crm_activities to service_role;
create policy "crm readers see activities of contacts in scope" on public.crm_activities for select to authenticated
  using (
    tenant_id = (select private.get_current_workspace_id())
    and (select private.has_tenant_permission('crm.read'))
    and (org_id is null or (select private.get_current_org_id()) is null or org_id = (select private.get_current_org_id()))
    and (
      (select private.current_role_rank()) >= 2
      or exists (select from public.crm_contacts c where c.tenant_id = crm_activities.tenant_id and c.id = crm_activities.contact_id)
    )
  );
create policy "writers of the crm add activities in their org scope" on public.crm_activities for insert to authenticated
  with check (
    tenant_id = (select private.get_current_workspace_id())
    and (select private.has_tenant_permission('crm.write'))
    and ((select private.get_current_org_id()) is null or org_id = (select private.get_current_org_id()))
  );

alter table public.identity_external_id_map enable row level security;
alter table public.identity_external_id_map force row level security;
grant select on public.identity_external_id_map to authenticated;
grant select, insert, update, delete on public.identity_external_id_map to service_role;
create policy "managers see which outside identifiers are known" on public.identity_external_id_map for select to authenticated
  using (
    tenant_id = (select private.get_current_workspace_id())
    and (select private.has_tenant_permission('crm.read')) and (select private.current_role_rank()) >= 2
    and (select private.get_current_org_id()) is null
  );
