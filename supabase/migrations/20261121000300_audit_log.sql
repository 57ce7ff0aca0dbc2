-- Every change of configuration is a row, written by trigger in the same transaction.
-- Rollback: drop the triggers, then the table.

create table public.audit_log (
  id bigint generated always as identity primary key,
  tenant_id uuid not null references public.tenants (id),
  actor_id uuid,
  actor_role text not null,
  action text not null constraint audit_log_action_check check (action in ('insert', 'update', 'delete', 'reveal')),
  table_name text not null,
  row_key jsonb not null,
  changes jsonb not null,
  request_id text,
  created_at timestamptz not null default now(),
  constraint audit_log_tenant_id_id_key unique (tenant_id, id)
);
create index audit_log_tenant_id_created_at_idx on public.audit_log (tenant_id, created_at desc);
comment on table public.audit_log is 'Who changed which configuration row, from what to what. Written by triggers only; never updated.';
comment on column public.audit_log.id is 'Order of writing.';
comment on column public.audit_log.tenant_id is 'Whose configuration.';
comment on column public.audit_log.actor_id is 'The person: named by the service call (p_actor), else auth.uid(); null = the service itself.';
comment on column public.audit_log.actor_role is 'Database role of the session, for example authenticated or service_role.';
comment on column public.audit_log.action is 'insert, update, delete, or reveal (a secret was shown).';
comment on column public.audit_log.table_name is 'Table without schema.';
comment on column public.audit_log.row_key is 'Key columns of the row: id, user_id, client_id as far as the table has them.';
comment on column public.audit_log.changes is 'Column -> {old, new}, changed columns only. Holds no secret: tables hold references to secrets, never secrets.';
comment on column public.audit_log.request_id is 'x-request-id of the HTTP request, where known.';
comment on column public.audit_log.created_at is 'Instant of the change.';

alter table public.audit_log enable row level security;
alter table public.audit_log force row level security;
grant select on public.audit_log to authenticated, service_role;
create policy "admins read the audit log" on public.audit_log for select to authenticated
  using (
    tenant_id = (select private.get_current_workspace_id())
    and (select private.has_tenant_permission('audit.read')) and (select private.get_current_org_id()) is null
  );

create function private.set_actor(p_actor uuid)
returns void
language sql
set search_path = ''
as $$
  select set_config('interlock.actor', coalesce(p_actor::text, ''), true);
$$;
comment on function private.set_actor(uuid) is
  'Names the person behind the rest of this transaction for audit_log. Called by service RPCs that take p_actor.';

create function private.audit_row()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_old constant jsonb := case when tg_op <> 'INSERT' then to_jsonb(old) else '{}'::jsonb end;
  v_new constant jsonb := case when tg_op <> 'DELETE' then to_jsonb(new) else '{}'::jsonb end;
  v_row constant jsonb := case when tg_op = 'DELETE' then v_old else v_new end;
  v_changes jsonb;
begin
  select coalesce(jsonb_object_agg(k.key, jsonb_build_object('old', v_old -> k.key, 'new', v_new -> k.key)), '{}'::jsonb)
  into v_changes
  from jsonb_object_keys(v_old || v_new) as k (key)
  where k.key not in ('created_at', 'updated_at') and v_old -> k.key is distinct from v_new -> k.key;
  if v_changes = '{}'::jsonb then
    return null;
  end if;
  insert into public.audit_log (tenant_id, actor_id, actor_role, action, table_name, row_key, changes, request_id)
  values (
    case tg_table_name when 'tenants' then (v_row ->> 'id')::uuid else (v_row ->> 'tenant_id')::uuid end,
    coalesce(private.uuid_or_null(current_setting('interlock.actor', true)), auth.uid()),
    coalesce(nullif(current_setting('role', true), 'none'), session_user),
    lower(tg_op), tg_table_name,
    jsonb_strip_nulls(jsonb_build_object(
      'id', v_row -> 'id', 'user_id', v_row -> 'user_id', 'client_id', v_row -> 'client_id', 'name', v_row -> 'name'
    )),
    v_changes, left(private.request_header('x-request-id'), 200)
  );
  return null;
end;
$$;
comment on function private.audit_row() is
  'Row trigger: writes one audit_log row per changed row. Definer: nobody may write audit_log directly.';

create function private.audit_table(p_table regclass)
returns void
language plpgsql
set search_path = ''
as $$
begin
  execute format(
    'create trigger %I after insert or update or delete on %s for each row execute function private.audit_row()',
    'audit_' || (select relname from pg_catalog.pg_class where oid = p_table), p_table
  );
end;
$$;
comment on function private.audit_table(regclass) is 'Puts a configuration table under audit. Used by migrations.';

select private.audit_table(t) from unnest(array[
  'public.tenants', 'public.role', 'public.orgs', 'public.tenant_members', 'public.clients',
  'public.member_client_access', 'public.tenant_settings'
]::regclass[]) as t;
