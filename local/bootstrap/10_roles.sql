-- Makes a fresh cluster resemble a hosted Supabase project. Runs once, as the superuser supabase_admin.
-- What the platform refuses the role postgres, this cluster refuses it too: it owns the database and its own
-- objects, may set the role to the API roles, and administers none of them.

create role postgres login nosuperuser createdb createrole replication bypassrls;
create role anon nologin noinherit;
create role authenticated nologin noinherit;
create role service_role nologin noinherit bypassrls;
create role authenticator login noinherit;
create role supabase_auth_admin nologin noinherit createrole;

-- Membership without the admin option: "set role" works, "alter role" and "comment on role" do not.
grant anon, authenticated, service_role to authenticator;
grant anon, authenticated, service_role, authenticator to postgres;
grant pg_monitor, pg_read_all_data, pg_signal_backend to postgres;

alter role anon set statement_timeout = '3s';
alter role authenticated set statement_timeout = '8s';
-- PostgREST connects as authenticator; service_role has no limit of its own and so keeps this one.
alter role authenticator set statement_timeout = '8s';
alter role authenticator set lock_timeout = '8s';

alter database postgres owner to postgres;
grant all on database postgres to postgres;
alter database postgres set search_path = "$user", public, extensions;

create schema extensions;
grant usage on schema extensions to anon, authenticated, service_role;
grant usage, create on schema extensions to postgres;
create extension pgcrypto with schema extensions;

do $$
begin
  if exists (select from pg_available_extensions where name = 'uuid-ossp') then
    create extension "uuid-ossp" with schema extensions;
  end if;
end;
$$;

-- As on the platform: whatever postgres makes in public is open to the API roles by name until a migration closes it.
grant usage, create on schema public to postgres;
grant usage on schema public to anon, authenticated, service_role;
alter default privileges for role postgres in schema public
  grant all on tables to postgres, anon, authenticated, service_role;
alter default privileges for role postgres in schema public
  grant all on sequences to postgres, anon, authenticated, service_role;
alter default privileges for role postgres in schema public
  grant all on functions to postgres, anon, authenticated, service_role;
