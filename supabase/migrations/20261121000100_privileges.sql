-- Privileges first: on the hosted platform every new table, function and sequence in public is granted to anon,
-- authenticated and service_role by name, and every function to everybody. From here on nothing is granted by
-- itself: each later grant is written out, and tests compare the catalog with the access matrix.
-- Touches default privileges of role postgres; takes no lock on existing objects. Rollback: grant them again.

alter default privileges for role postgres in schema public
  revoke all on tables from anon, authenticated, service_role;
alter default privileges for role postgres in schema public
  revoke all on sequences from anon, authenticated, service_role;
alter default privileges for role postgres in schema public
  revoke all on functions from anon, authenticated, service_role;
-- The right of everybody to execute is a built-in default; only the form without a schema takes it away.
alter default privileges for role postgres
  revoke execute on functions from public;

create schema private;
comment on schema private is
  'Triggers, policy helpers and internals of the hub. Not exposed by PostgREST; authenticated may use it only to evaluate policies.';
grant usage on schema private to authenticated, service_role;

create extension if not exists pg_cron;
create extension if not exists pg_net;
create extension if not exists supabase_vault;

create function private.raise_error(p_sqlstate text, p_message text, p_hint text default null)
returns void
language plpgsql
set search_path = ''
as $$
begin
  raise exception using errcode = p_sqlstate, message = p_message, hint = coalesce(p_hint, '');
end;
$$;
comment on function private.raise_error(text, text, text) is
  'Raises a domain error. SQLSTATE class IL: IL400, IL403, IL404, IL409, IL422 carry the HTTP status in their digits; the functions map them once.';

create function private.uuid_or_null(p_text text)
returns uuid
language sql
immutable
set search_path = ''
as $$
  select case
    when p_text ~ '^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$' then p_text::uuid
  end;
$$;
comment on function private.uuid_or_null(text) is
  'The uuid a caller wrote, or null when it is none: a malformed header must mean "no rows", not an error.';

create function private.touch_updated_at()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  new.updated_at := now();
  return new;
end;
$$;
comment on function private.touch_updated_at() is 'Row trigger: keeps updated_at at the instant of the last change.';
