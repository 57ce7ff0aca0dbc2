-- Vault access for the functions, and how the database calls functions.

-- Secrets are named interlock/<tenant>/<uuid>; a reference of another tenant therefore never resolves.
create function public.store_secret(p_tenant_id uuid, p_secret text, p_description text)
returns uuid
language plpgsql
security definer
set search_path = ''
as $$
begin
  if coalesce(p_secret, '') = '' then
    perform private.raise_error('IL422', 'A secret must not be empty.');
  end if;
  return vault.create_secret(p_secret, format('interlock/%s/%s', p_tenant_id, gen_random_uuid()), p_description);
end;
$$;
comment on function public.store_secret(uuid, text, text) is
  'Puts a secret of a tenant into Vault and answers its reference. Definer for service_role alone: Vault is not reachable by API roles. Throws IL422 for an empty secret.';

create function public.read_secret(p_tenant_id uuid, p_secret_ref uuid)
returns text
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  return (
    select s.decrypted_secret from vault.decrypted_secrets s
    where s.id = p_secret_ref and s.name like format('interlock/%s/%%', p_tenant_id)
  );
exception
  -- Which one of them Vault throws differs from version to version.
  when data_exception or external_routine_invocation_exception or internal_error then
    return null;
end;
$$;
comment on function public.read_secret(uuid, uuid) is
  'The secret behind a reference; null when it is not this tenant''s, or cannot be decrypted: whoever reads many at a time does not lose all for one. Definer for service_role alone.';

create function public.delete_secret(p_tenant_id uuid, p_secret_ref uuid)
returns boolean
language plpgsql
security definer
set search_path = ''
as $$
begin
  delete from vault.secrets s where s.id = p_secret_ref and s.name like format('interlock/%s/%%', p_tenant_id);
  return found;
end;
$$;
comment on function public.delete_secret(uuid, uuid) is
  'Removes a secret of a tenant from Vault; false when there was none. Definer for service_role alone.';

grant execute on function public.store_secret(uuid, text, text), public.read_secret(uuid, uuid), public.delete_secret(uuid, uuid)
to service_role;

create function private.invoke_function(p_name text, p_body jsonb default '{}'::jsonb)
returns bigint
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_url text;
  v_key text;
begin
  select s.decrypted_secret into v_url from vault.decrypted_secrets s where s.name = 'interlock_functions_url';
  select s.decrypted_secret into v_key from vault.decrypted_secrets s where s.name = 'interlock_hub_key';
  if v_url is null or v_key is null then
    raise warning 'The Vault entries interlock_functions_url and interlock_hub_key are missing; % was not called.', p_name;
    return null;
  end if;
  return net.http_post(
    url := v_url || '/' || p_name,
    body := p_body,
    headers := jsonb_build_object('content-type', 'application/json', 'apikey', v_key),
    timeout_milliseconds := 5000
  );
end;
$$;
comment on function private.invoke_function(text, jsonb) is
  'Asks an edge function to run, after commit, through pg_net; answers the pg_net request id, null (with a warning) when the Vault entries are missing. Definer: reads the hub key from Vault. A lost call costs nothing: schedules repeat it.';

create function private.schedule_job(p_name text, p_every_seconds integer, p_command text)
returns bigint
language plpgsql
set search_path = ''
as $$
declare
  v_version constant integer[] := (
    select string_to_array(regexp_replace(e.extversion, '[^0-9.].*$', ''), '.')::integer[]
    from pg_catalog.pg_extension e where e.extname = 'pg_cron'
  );
  v_minutes constant integer := greatest(1, round(p_every_seconds / 60.0)::integer);
begin
  if p_every_seconds < 1 or p_every_seconds > 86400 then
    perform private.raise_error('IL422', format('A job runs every 1 to 86400 seconds, not every %s.', p_every_seconds));
  end if;
  if p_every_seconds < 60 and v_version >= array[1, 5] then
    return cron.schedule(p_name, p_every_seconds || ' seconds', p_command);
  end if;
  return cron.schedule(p_name, case
    when v_minutes >= 1440 then '0 3 * * *'
    when v_minutes >= 60 then format('0 */%s * * *', least(23, round(v_minutes / 60.0)::integer))
    when v_minutes = 1 then '* * * * *'
    else format('*/%s * * * *', v_minutes)
  end, p_command);
end;
$$;
comment on function private.schedule_job(text, integer, text) is
  'Schedules a command by name: in seconds where pg_cron is 1.5 or newer, else at the nearest whole minute; a day means 03:00 UTC.';

-- Drainers and their promises (see docs/architecture.md, "The bell").
create table private.drainers (
  name text primary key,
  awake_until timestamptz not null default '-infinity'
);
comment on table private.drainers is 'One row per function that drains a queue.';
comment on column private.drainers.name is 'Name of the edge function.';
comment on column private.drainers.awake_until is 'A running drainer has promised to claim again at or after this instant; -infinity = nobody is awake.';

create function private.ring(p_drainer text)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_flag constant text := 'interlock.rang_' || replace(p_drainer, '-', '_');
begin
  if current_setting(v_flag, true) = pg_catalog.pg_current_xact_id()::text then
    return;
  end if;
  if exists (select from private.drainers d where d.name = p_drainer and d.awake_until > clock_timestamp()) then
    return;
  end if;
  perform set_config(v_flag, pg_catalog.pg_current_xact_id()::text, true);
  perform private.invoke_function(p_drainer, '{"reason": "bell"}'::jsonb);
end;
$$;
comment on function private.ring(text) is
  'Wakes a drainer after commit, at most once per transaction, unless one has promised to look again later than now. Takes no lock. Called by statement triggers of queue tables.';

create function private.promise_to_claim(p_drainer text, p_awake_ms integer)
returns void
language plpgsql
set search_path = ''
as $$
begin
  -- Half the promise is still ahead: writing again would only make dead rows.
  update private.drainers d
  set awake_until = clock_timestamp() + p_awake_ms * interval '1 millisecond'
  where d.name = p_drainer and d.awake_until < clock_timestamp() + p_awake_ms * interval '0.5 millisecond';
end;
$$;
comment on function private.promise_to_claim(text, integer) is
  'Extends a drainer''s promise to p_awake_ms from now, when less than half of that is left. Called by claim RPCs.';

create function public.wake_drainer(p_drainer text)
returns void
language plpgsql
security definer
set search_path = ''
as $$
begin
  if not exists (select from private.drainers d where d.name = p_drainer) then
    perform private.raise_error('IL404', format('There is no drainer "%s".', p_drainer));
  end if;
  perform private.invoke_function(p_drainer, '{"reason": "manual"}'::jsonb);
end;
$$;
comment on function public.wake_drainer(text) is
  'Asks a drainer to run, whatever it has promised: a worker that stops at its limit with work left hands over so. Throws IL404. Definer for service_role alone.';
grant execute on function public.wake_drainer(text) to service_role;
