-- Tenants, roles, members, orgs, clients, settings; the helpers every policy stands on.
-- New tables only. Rollback: drop them in reverse order.

create table public.tenants (
  id uuid primary key default gen_random_uuid(),
  name text not null constraint tenants_name_length_check check (char_length(name) between 1 and 200),
  slug text not null constraint tenants_slug_key unique
    constraint tenants_slug_format_check check (slug ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
comment on table public.tenants is 'A tenant (workspace, agency): the unit of isolation. Created by the service only.';
comment on column public.tenants.id is 'The tenant. Every row of every other table names one.';
comment on column public.tenants.name is 'Display name.';
comment on column public.tenants.slug is 'Short name for URLs, unique in the installation.';
comment on column public.tenants.created_at is 'Instant of creation.';
comment on column public.tenants.updated_at is 'Instant of the last change.';

create table public.role (
  tenant_id uuid not null references public.tenants (id),
  name text not null
    constraint role_name_known_check check (name in ('owner', 'admin', 'manager', 'member')),
  rank smallint not null constraint role_rank_range_check check (rank between 1 and 4),
  permissions text[] not null,
  constraint role_pkey primary key (tenant_id, name),
  constraint role_permissions_known_check check (
    permissions <@ array[
      'integrations.read', 'integrations.manage', 'deliveries.read', 'deliveries.replay',
      'webhooks.read', 'webhooks.manage', 'webhooks.reveal',
      'connectors.read', 'connectors.manage', 'connectors.sync',
      'crm.read', 'crm.write', 'override.decide', 'members.manage', 'audit.read'
    ]
  )
);
comment on table public.role is 'The four roles of each tenant and what they may do. Written when a tenant is created.';
comment on column public.role.tenant_id is 'Whose role.';
comment on column public.role.name is 'owner > admin > manager > member.';
comment on column public.role.rank is '4 = owner, 3 = admin, 2 = manager, 1 = member. A member may only hand out ranks below their own, an owner all.';
comment on column public.role.permissions is 'Closed list of permission names; functions and policies ask for one by name.';

create table public.orgs (
  id uuid not null default gen_random_uuid(),
  tenant_id uuid not null references public.tenants (id),
  name text not null constraint orgs_name_length_check check (char_length(name) between 1 and 200),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint orgs_pkey primary key (id),
  constraint orgs_tenant_id_id_key unique (tenant_id, id),
  constraint orgs_tenant_id_name_key unique (tenant_id, name)
);
comment on table public.orgs is 'A unit inside a tenant. Rows of other tables with org_id null belong to all orgs of the tenant.';
comment on column public.orgs.id is 'The org.';
comment on column public.orgs.tenant_id is 'Whose org.';
comment on column public.orgs.name is 'Display name, unique in the tenant.';
comment on column public.orgs.created_at is 'Instant of creation.';
comment on column public.orgs.updated_at is 'Instant of the last change.';

create table public.tenant_members (
  tenant_id uuid not null references public.tenants (id),
  user_id uuid not null references auth.users (id) on delete cascade,
  role text not null,
  org_id uuid,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint tenant_members_pkey primary key (tenant_id, user_id),
  constraint tenant_members_role_fkey foreign key (tenant_id, role) references public.role (tenant_id, name),
  constraint tenant_members_org_fkey foreign key (tenant_id, org_id) references public.orgs (tenant_id, id),
  constraint tenant_members_platform_level_check check (org_id is not null or role in ('owner', 'admin'))
);
create index tenant_members_user_id_idx on public.tenant_members (user_id);
create index tenant_members_tenant_id_org_id_idx on public.tenant_members (tenant_id, org_id);
create index tenant_members_tenant_id_role_idx on public.tenant_members (tenant_id, role);
comment on table public.tenant_members is 'Who belongs to which tenant, in which role. The authority for access; the token only mirrors it.';
comment on column public.tenant_members.tenant_id is 'The tenant.';
comment on column public.tenant_members.user_id is 'The user of Supabase Auth. Deleting the user ends the membership.';
comment on column public.tenant_members.role is 'One of the tenant''s roles.';
comment on column public.tenant_members.org_id is 'The org this member is bound to; null = platform level, owner or admin only.';
comment on column public.tenant_members.created_at is 'Instant of joining.';
comment on column public.tenant_members.updated_at is 'Instant of the last change.';

create table public.clients (
  id uuid not null default gen_random_uuid(),
  tenant_id uuid not null references public.tenants (id),
  org_id uuid,
  name text not null constraint clients_name_length_check check (char_length(name) between 1 and 200),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint clients_pkey primary key (id),
  constraint clients_tenant_id_id_key unique (tenant_id, id),
  constraint clients_org_fkey foreign key (tenant_id, org_id) references public.orgs (tenant_id, id)
);
create index clients_tenant_id_org_id_idx on public.clients (tenant_id, org_id);
comment on table public.clients is 'A customer account that an agency tenant manages.';
comment on column public.clients.id is 'The client.';
comment on column public.clients.tenant_id is 'Whose client.';
comment on column public.clients.org_id is 'The org that looks after it; null = visible to all orgs of the tenant.';
comment on column public.clients.name is 'Display name.';
comment on column public.clients.created_at is 'Instant of creation.';
comment on column public.clients.updated_at is 'Instant of the last change.';

create table public.member_client_access (
  tenant_id uuid not null references public.tenants (id),
  user_id uuid not null,
  client_id uuid not null,
  access text not null constraint member_client_access_access_check check (access in ('read', 'write')),
  created_at timestamptz not null default now(),
  constraint member_client_access_pkey primary key (tenant_id, user_id, client_id),
  constraint member_client_access_member_fkey foreign key (tenant_id, user_id)
    references public.tenant_members (tenant_id, user_id) on delete cascade,
  constraint member_client_access_client_fkey foreign key (tenant_id, client_id)
    references public.clients (tenant_id, id) on delete cascade
);
create index member_client_access_tenant_id_client_id_idx on public.member_client_access (tenant_id, client_id);
comment on table public.member_client_access is 'Which clients a member (lowest role) may see or change. Higher roles see all clients of their org scope.';
comment on column public.member_client_access.tenant_id is 'The tenant.';
comment on column public.member_client_access.user_id is 'The member.';
comment on column public.member_client_access.client_id is 'The client.';
comment on column public.member_client_access.access is 'read, or write (which includes read).';
comment on column public.member_client_access.created_at is 'Instant of the grant.';

create table public.tenant_settings (
  tenant_id uuid primary key references public.tenants (id),
  require_manual_approval boolean not null default false,
  log_retention_days integer not null default 90
    constraint tenant_settings_log_retention_days_check check (log_retention_days between 1 and 3650),
  updated_at timestamptz not null default now()
);
comment on table public.tenant_settings is 'One row per tenant, written with the tenant; changed by owners and admins.';
comment on column public.tenant_settings.tenant_id is 'The tenant.';
comment on column public.tenant_settings.require_manual_approval is 'true = changes proposed by an agent wait in cmo_recommendations for a person.';
comment on column public.tenant_settings.log_retention_days is 'Days that integration_logs and finished queue rows are kept.';
comment on column public.tenant_settings.updated_at is 'Instant of the last change.';

create trigger tenants_touch before update on public.tenants for each row execute function private.touch_updated_at();
create trigger orgs_touch before update on public.orgs for each row execute function private.touch_updated_at();
create trigger tenant_members_touch before update on public.tenant_members for each row execute function private.touch_updated_at();
create trigger clients_touch before update on public.clients for each row execute function private.touch_updated_at();
create trigger tenant_settings_touch before update on public.tenant_settings for each row execute function private.touch_updated_at();

-- A new tenant comes with its roles and settings, in the same statement.
create function private.furnish_tenant()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_reading constant text[] := array['integrations.read', 'deliveries.read', 'webhooks.read', 'connectors.read', 'crm.read'];
  v_managing constant text[] := array['deliveries.replay', 'connectors.sync', 'crm.write', 'override.decide'];
  v_administering constant text[] := array['integrations.manage', 'webhooks.manage', 'webhooks.reveal', 'connectors.manage', 'members.manage', 'audit.read'];
begin
  insert into public.role (tenant_id, name, rank, permissions) values
    (new.id, 'owner', 4, v_reading || v_managing || v_administering),
    (new.id, 'admin', 3, v_reading || v_managing || v_administering),
    (new.id, 'manager', 2, v_reading || v_managing),
    (new.id, 'member', 1, array['crm.read']);
  insert into public.tenant_settings (tenant_id) values (new.id);
  return null;
end;
$$;
comment on function private.furnish_tenant() is
  'Trigger on tenants: writes the four roles and the settings row. Definer because only the service may create tenants and nobody writes roles.';
create trigger tenants_furnish after insert on public.tenants for each row execute function private.furnish_tenant();

-- ------------------------------------------------------------------------------------------------------------
-- Who is asking: the helpers of all policies. Definers, because an invoker helper that reads the table whose
-- policy calls it never ends. Each reads only rows of auth.uid().
-- ------------------------------------------------------------------------------------------------------------

create function private.request_header(p_name text)
returns text
language sql
stable
set search_path = ''
as $$
  select nullif(nullif(current_setting('request.headers', true), '')::jsonb ->> p_name, '');
$$;
comment on function private.request_header(text) is 'One HTTP header of the request PostgREST is answering (lower-case name); null outside a request.';

create function private.get_current_workspace_id()
returns uuid
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_user_id constant uuid := auth.uid();
  v_named constant text := private.request_header('x-workspace-id');
  v_tenant_id uuid;
begin
  if v_user_id is null then
    return null;
  end if;
  if v_named is not null then
    select m.tenant_id into v_tenant_id from public.tenant_members m
    where m.user_id = v_user_id and m.tenant_id = private.uuid_or_null(v_named);
    return v_tenant_id;
  end if;
  select m.tenant_id into v_tenant_id from public.tenant_members m
  where m.user_id = v_user_id
    and m.tenant_id = private.uuid_or_null(auth.jwt() -> 'app_metadata' ->> 'tenant_id');
  if v_tenant_id is not null then
    return v_tenant_id;
  end if;
  select case when count(*) = 1 then (array_agg(m.tenant_id))[1] end into v_tenant_id
  from public.tenant_members m where m.user_id = v_user_id;
  return v_tenant_id;
end;
$$;
comment on function private.get_current_workspace_id() is
  'The tenant of this request: the one named by x-workspace-id if the caller is a member, else the token''s tenant_id if a member, else the only membership, else null. Definer: reads tenant_members of auth.uid() only.';

create function public.get_current_workspace_id()
returns uuid
language sql
stable
set search_path = ''
as $$
  select private.get_current_workspace_id();
$$;
comment on function public.get_current_workspace_id() is 'The tenant this request acts for, or null. Same rule as every policy.';

create function private.get_current_org_id()
returns uuid
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_tenant_id constant uuid := private.get_current_workspace_id();
  v_header constant text := private.request_header('x-org-id');
  v_org_id uuid;
begin
  select m.org_id into v_org_id from public.tenant_members m
  where m.tenant_id = v_tenant_id and m.user_id = auth.uid();
  if v_org_id is not null then
    return v_org_id;
  end if;
  select o.id into v_org_id from public.orgs o
  where o.tenant_id = v_tenant_id and o.id = private.uuid_or_null(auth.jwt() -> 'app_metadata' ->> 'org_id');
  if v_org_id is not null then
    return v_org_id;
  end if;
  if v_header is null then
    return null;
  end if;
  return coalesce(private.uuid_or_null(v_header), '00000000-0000-0000-0000-000000000000');
end;
$$;
comment on function private.get_current_org_id() is
  'The org this request is narrowed to: the member''s own, else the token''s if it is of this tenant, else X-Org-Id; null = all orgs of the tenant. An unreadable header gives the nil uuid, which no org has. Definer: reads the caller''s membership and the orgs of that tenant.';

create function private.has_tenant_permission(p_permission text)
returns boolean
language sql
stable
security definer
set search_path = ''
as $$
  select exists (
    select from public.tenant_members m
    join public.role r on r.tenant_id = m.tenant_id and r.name = m.role
    where m.tenant_id = private.get_current_workspace_id()
      and m.user_id = auth.uid()
      and p_permission = any (r.permissions)
  );
$$;
comment on function private.has_tenant_permission(text) is
  'Whether the caller''s role in the current tenant carries a permission. Definer: reads the caller''s membership and role.';

create function private.current_role_rank()
returns smallint
language sql
stable
security definer
set search_path = ''
as $$
  select coalesce((
    select r.rank from public.tenant_members m
    join public.role r on r.tenant_id = m.tenant_id and r.name = m.role
    where m.tenant_id = private.get_current_workspace_id() and m.user_id = auth.uid()
  ), 0::smallint);
$$;
comment on function private.current_role_rank() is
  'Rank of the caller in the current tenant, 0 = no member. Definer: reads the caller''s membership and role.';

create function private.may_assign_role(p_role text)
returns boolean
language sql
stable
security definer
set search_path = ''
as $$
  select private.has_tenant_permission('members.manage') and exists (
    select from public.role r
    where r.tenant_id = private.get_current_workspace_id() and r.name = p_role
      and (r.rank < private.current_role_rank() or private.current_role_rank() = 4)
  );
$$;
comment on function private.may_assign_role(text) is
  'Whether the caller may give or take a role: ranks below their own, an owner any. Definer: reads roles of the current tenant.';

create function private.accessible_client_ids(p_access text)
returns setof uuid
language sql
stable
security definer
set search_path = ''
as $$
  select a.client_id from public.member_client_access a
  where a.tenant_id = private.get_current_workspace_id() and a.user_id = auth.uid()
    and (a.access = 'write' or p_access = 'read');
$$;
comment on function private.accessible_client_ids(text) is
  'Clients opened to the caller by member_client_access, for read or write. Definer: reads the caller''s own rows.';

create function public.current_access()
returns jsonb
language sql
stable
security definer
set search_path = ''
as $$
  select jsonb_build_object(
    'tenant_id', m.tenant_id,
    'role', m.role,
    'permissions', to_jsonb(r.permissions),
    'bound_org_id', coalesce(m.org_id, token_org.id),
    'org_id', private.get_current_org_id(),
    'org_exists', (
      private.get_current_org_id() is null
      or exists (select from public.orgs o where o.tenant_id = m.tenant_id and o.id = private.get_current_org_id())
    )
  )
  from public.tenant_members m
  join public.role r on r.tenant_id = m.tenant_id and r.name = m.role
  left join public.orgs token_org
    on token_org.tenant_id = m.tenant_id
    and token_org.id = private.uuid_or_null(auth.jwt() -> 'app_metadata' ->> 'org_id')
  where m.tenant_id = private.get_current_workspace_id() and m.user_id = auth.uid();
$$;
comment on function public.current_access() is
  'What this request may do: {tenant_id, role, permissions, bound_org_id, org_id, org_exists}; null when no tenant resolves. Definer: reads the caller''s own membership.';

-- The same question for a service call that a person stands behind.
create function private.assert_permission(p_tenant_id uuid, p_actor uuid, p_permission text)
returns void
language plpgsql
stable
set search_path = ''
as $$
begin
  if p_actor is null then
    return;
  end if;
  if not exists (
    select from public.tenant_members m
    join public.role r on r.tenant_id = m.tenant_id and r.name = m.role
    where m.tenant_id = p_tenant_id and m.user_id = p_actor and p_permission = any (r.permissions)
  ) then
    perform private.raise_error('IL403', format('Your role does not have the permission "%s".', p_permission),
      'Ask an owner or admin of the workspace.');
  end if;
end;
$$;
comment on function private.assert_permission(uuid, uuid, text) is
  'Second wall of the service RPCs: refuses (IL403) when the person behind the call lacks the permission. p_actor null = the service itself.';

-- A tenant never loses its last owner.
create function private.keep_an_owner()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  if old.role = 'owner' and (tg_op = 'DELETE' or new.role <> 'owner' or new.tenant_id <> old.tenant_id) then
    -- Serialises two owners leaving at once; without the lock both would see the other.
    perform from public.tenants t where t.id = old.tenant_id for update;
    if not exists (
      select from public.tenant_members m
      where m.tenant_id = old.tenant_id and m.role = 'owner' and m.user_id <> old.user_id
    ) then
      perform private.raise_error('IL409', 'A workspace keeps at least one owner.', 'Make another member an owner first.');
    end if;
  end if;
  return null;
end;
$$;
comment on function private.keep_an_owner() is
  'Trigger on tenant_members: refuses (IL409) to remove or demote the last owner. Definer: must see members the caller may not.';
create trigger tenant_members_keep_an_owner after update or delete on public.tenant_members
  for each row execute function private.keep_an_owner();

-- The token mirrors the membership so that clients can show it; it is never the authority.
create function private.mirror_membership()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_user_id uuid;
begin
  foreach v_user_id in array (
    case tg_op when 'INSERT' then array[new.user_id] when 'DELETE' then array[old.user_id] else array[old.user_id, new.user_id] end
  ) loop
    update auth.users u
    set raw_app_meta_data = (coalesce(u.raw_app_meta_data, '{}'::jsonb) - 'tenant_id' - 'org_id') || coalesce((
      select jsonb_strip_nulls(jsonb_build_object('tenant_id', (array_agg(m.tenant_id))[1], 'org_id', (array_agg(m.org_id))[1]))
      from public.tenant_members m where m.user_id = u.id having count(*) = 1
    ), '{}'::jsonb)
    where u.id = v_user_id;
  end loop;
  return null;
end;
$$;
comment on function private.mirror_membership() is
  'Trigger on tenant_members: writes tenant_id and org_id of a user''s only membership to app_metadata, or removes them when there are several. Definer: updates auth.users of that member.';
create trigger tenant_members_mirror after insert or update or delete on public.tenant_members
  for each row execute function private.mirror_membership();

grant execute on function
  private.uuid_or_null(text), private.request_header(text), private.get_current_workspace_id(), private.get_current_org_id(),
  private.has_tenant_permission(text), private.current_role_rank(), private.may_assign_role(text), private.accessible_client_ids(text)
to authenticated;
grant execute on function public.get_current_workspace_id(), public.current_access() to authenticated;

-- ------------------------------------------------------------------------------------------------------------
-- Policies: one per command, for authenticated, helpers inside (select ...) so that they run once per statement.
-- ------------------------------------------------------------------------------------------------------------

alter table public.tenants enable row level security;
alter table public.tenants force row level security;
grant select on public.tenants to authenticated;
grant select, insert, update on public.tenants to service_role;
create policy "members read their tenant" on public.tenants for select to authenticated
  using (id = (select private.get_current_workspace_id()));

alter table public.role enable row level security;
alter table public.role force row level security;
grant select on public.role to authenticated, service_role;
create policy "members read the roles of their tenant" on public.role for select to authenticated
  using (tenant_id = (select private.get_current_workspace_id()));

alter table public.orgs enable row level security;
alter table public.orgs force row level security;
grant select, insert, update, delete on public.orgs to authenticated, service_role;
create policy "members read the orgs they are in scope of" on public.orgs for select to authenticated
  using (
    tenant_id = (select private.get_current_workspace_id())
    and ((select private.get_current_org_id()) is null or id = (select private.get_current_org_id()))
  );
create policy "platform-level admins create orgs" on public.orgs for insert to authenticated
  with check (
    tenant_id = (select private.get_current_workspace_id())
    and (select private.has_tenant_permission('members.manage')) and (select private.get_current_org_id()) is null
  );
create policy "platform-level admins change orgs" on public.orgs for update to authenticated
  using (
    tenant_id = (select private.get_current_workspace_id())
    and (select private.has_tenant_permission('members.manage')) and (select private.get_current_org_id()) is null
  )
  with check (
    tenant_id = (select private.get_current_workspace_id())
    and (select private.has_tenant_permission('members.manage')) and (select private.get_current_org_id()) is null
  );
create policy "platform-level admins delete orgs" on public.orgs for delete to authenticated
  using (
    tenant_id = (select private.get_current_workspace_id())
    and (select private.has_tenant_permission('members.manage')) and (select private.get_current_org_id()) is null
  );

alter table public.tenant_members enable row level security;
alter table public.tenant_members force row level security;
grant select, insert, update, delete on public.tenant_members to authenticated, service_role;
create policy "members see themselves, admins all members in scope" on public.tenant_members for select to authenticated
  using (
    tenant_id = (select private.get_current_workspace_id())
    and (
      user_id = (select auth.uid())
      or (
        (select private.has_tenant_permission('members.manage'))
        and ((select private.get_current_org_id()) is null or org_id = (select private.get_current_org_id()))
      )
    )
  );
create policy "admins add members below their own rank" on public.tenant_members for insert to authenticated
  with check (
    tenant_id = (select private.get_current_workspace_id())
    and private.may_assign_role(role)
    and ((select private.get_current_org_id()) is null or org_id = (select private.get_current_org_id()))
  );
create policy "admins change members below their own rank" on public.tenant_members for update to authenticated
  using (
    tenant_id = (select private.get_current_workspace_id())
    and private.may_assign_role(role)
    and ((select private.get_current_org_id()) is null or org_id = (select private.get_current_org_id()))
  )
  with check (
    tenant_id = (select private.get_current_workspace_id())
    and private.may_assign_role(role)
    and ((select private.get_current_org_id()) is null or org_id = (select private.get_current_org_id()))
  );
create policy "admins remove members below their own rank" on public.tenant_members for delete to authenticated
  using (
    tenant_id = (select private.get_current_workspace_id())
    and private.may_assign_role(role)
    and ((select private.get_current_org_id()) is null or org_id = (select private.get_current_org_id()))
  );

alter table public.clients enable row level security;
alter table public.clients force row level security;
grant select, insert, update, delete on public.clients to authenticated, service_role;
create policy "managers see clients in scope, members those opened to them" on public.clients for select to authenticated
  using (
    tenant_id = (select private.get_current_workspace_id())
    and (select private.has_tenant_permission('crm.read'))
    and (org_id is null or (select private.get_current_org_id()) is null or org_id = (select private.get_current_org_id()))
    and ((select private.current_role_rank()) >= 2 or id in (select private.accessible_client_ids('read')))
  );
create policy "managers create clients in their org scope" on public.clients for insert to authenticated
  with check (
    tenant_id = (select private.get_current_workspace_id())
    and (select private.has_tenant_permission('crm.write'))
    and ((select private.get_current_org_id()) is null or org_id = (select private.get_current_org_id()))
  );
create policy "managers change clients in their org scope" on public.clients for update to authenticated
  using (
    tenant_id = (select private.get_current_workspace_id())
    and (select private.has_tenant_permission('crm.write'))
    and ((select private.get_current_org_id()) is null or org_id = (select private.get_current_org_id()))
  )
  with check (
    tenant_id = (select private.get_current_workspace_id())
    and (select private.has_tenant_permission('crm.write'))
    and ((select private.get_current_org_id()) is null or org_id = (select private.get_current_org_id()))
  );
create policy "managers delete clients in their org scope" on public.clients for delete to authenticated
  using (
    tenant_id = (select private.get_current_workspace_id())
    and (select private.has_tenant_permission('crm.write'))
    and ((select private.get_current_org_id()) is null or org_id = (select private.get_current_org_id()))
  );

alter table public.member_client_access enable row level security;
alter table public.member_client_access force row level security;
grant select, insert, update, delete on public.member_client_access to authenticated, service_role;
create policy "members see their own client access, admins all" on public.member_client_access for select to authenticated
  using (
    tenant_id = (select private.get_current_workspace_id())
    and (
      user_id = (select auth.uid())
      or ((select private.has_tenant_permission('members.manage')) and client_id in (select c.id from public.clients c))
    )
  );
create policy "admins open clients" on public.member_client_access for insert to authenticated
  with check (
    tenant_id = (select private.get_current_workspace_id())
    and (select private.has_tenant_permission('members.manage'))
    and client_id in (select c.id from public.clients c)
  );
create policy "admins change client access" on public.member_client_access for update to authenticated
  using (
    tenant_id = (select private.get_current_workspace_id())
    and (select private.has_tenant_permission('members.manage'))
    and client_id in (select c.id from public.clients c)
  )
  with check (
    tenant_id = (select private.get_current_workspace_id())
    and (select private.has_tenant_permission('members.manage'))
    and client_id in (select c.id from public.clients c)
  );
create policy "admins close clients" on public.member_client_access for delete to authenticated
  using (
    tenant_id = (select private.get_current_workspace_id())
    and (select private.has_tenant_permission('members.manage'))
    and client_id in (select c.id from public.clients c)
  );

alter table public.tenant_settings enable row level security;
alter table public.tenant_settings force row level security;
grant select, update on public.tenant_settings to authenticated, service_role;
create policy "members read the settings of their tenant" on public.tenant_settings for select to authenticated
  using (tenant_id = (select private.get_current_workspace_id()));
create policy "admins change the settings of their tenant" on public.tenant_settings for update to authenticated
  using (tenant_id = (select private.get_current_workspace_id()) and (select private.has_tenant_permission('members.manage')))
  with check (tenant_id = (select private.get_current_workspace_id()) and (select private.has_tenant_permission('members.manage')));
