-- The SQL interface of pg_cron 1.6. The stack's cron worker runs the jobs; the times of day are UTC.
\echo Use "create extension pg_cron" to load this file. \quit

do $$
begin
  if pg_catalog.to_regnamespace('cron') is null then
    create schema cron;
  end if;
end;
$$;

create sequence cron.jobid_seq;
create table cron.job (
  jobid bigint primary key default nextval('cron.jobid_seq'),
  schedule text not null,
  command text not null,
  nodename text not null default 'localhost',
  nodeport integer not null default 5432,
  database text not null default pg_catalog.current_database(),
  username text not null default current_user,
  active boolean not null default true,
  jobname text,
  constraint jobname_username_uniq unique (jobname, username)
);
alter sequence cron.jobid_seq owned by cron.job.jobid;
alter table cron.job enable row level security;
create policy cron_job_policy on cron.job using (username = current_user);

create sequence cron.runid_seq;
create table cron.job_run_details (
  jobid bigint,
  runid bigint primary key default nextval('cron.runid_seq'),
  job_pid integer,
  database text,
  username text,
  command text,
  status text,
  return_message text,
  start_time timestamptz,
  end_time timestamptz
);
alter sequence cron.runid_seq owned by cron.job_run_details.runid;
alter table cron.job_run_details enable row level security;
create policy cron_job_run_details_policy on cron.job_run_details using (username = current_user);

create function cron._announce() returns trigger language plpgsql set search_path = '' as $$
begin
  perform pg_catalog.pg_notify('interlock_cron', '');
  return null;
end;
$$;
create trigger announce after insert or update or delete or truncate on cron.job
for each statement execute function cron._announce();

-- One field of a cron line: a list of *, values and ranges; a range may have a step.
create function cron._field_is_valid(field text, lowest integer, highest integer, names text[] default '{}')
returns boolean language sql immutable strict set search_path = '' as $$
  select field <> '' and coalesce(bool_and(
    part.bounds is not null
    and case part.bounds[1] when '*' then part.bounds[2] is null
      else (select bool_and(v.value between lowest and highest) from unnest(array[first.value, last.value]) as v (value))
        and first.value <= last.value
        and (part.bounds[2] is not null or part.bounds[3] is null) end
    and coalesce(part.bounds[3]::integer, 1) > 0
  ), false)
  from (
    select regexp_match(p, '^(\*|[0-9]{1,2}|[a-z]{3})(?:-([0-9]{1,2}|[a-z]{3}))?(?:/([0-9]{1,3}))?$') as bounds
    from regexp_split_to_table(lower(field), ',') as p
  ) as part
  left join lateral (
    select coalesce(array_position(names, part.bounds[1]) - 1 + lowest,
      case when part.bounds[1] ~ '^[0-9]+$' then part.bounds[1]::integer else -1 end) as value
  ) as first on true
  left join lateral (
    select coalesce(array_position(names, part.bounds[2]) - 1 + lowest,
      case when part.bounds[2] is null then first.value
        when part.bounds[2] ~ '^[0-9]+$' then part.bounds[2]::integer else -1 end) as value
  ) as last on true
$$;

create function cron._schedule_is_valid(schedule text)
returns boolean language plpgsql immutable strict set search_path = '' as $$
declare
  v_line constant text := lower(btrim(schedule, E' \t\n'));
  v_fields constant text[] := regexp_split_to_array(v_line, '\s+');
begin
  if v_line ~ '^[0-9]+\s+seconds?$' then
    return v_fields[1] ~ '^[0-9]{1,2}$' and v_fields[1]::integer between 1 and 59;
  end if;
  if v_line in ('@yearly', '@annually', '@monthly', '@weekly', '@daily', '@midnight', '@hourly') then
    return true;
  end if;
  return array_length(v_fields, 1) = 5
    and cron._field_is_valid(v_fields[1], 0, 59)
    and cron._field_is_valid(v_fields[2], 0, 23)
    and (v_fields[3] = '$' or cron._field_is_valid(v_fields[3], 1, 31))
    and cron._field_is_valid(v_fields[4], 1, 12, '{jan,feb,mar,apr,may,jun,jul,aug,sep,oct,nov,dec}')
    and cron._field_is_valid(v_fields[5], 0, 7, '{sun,mon,tue,wed,thu,fri,sat}');
end;
$$;

create function cron._check_schedule(schedule text)
returns void language plpgsql immutable set search_path = '' as $$
begin
  if cron._schedule_is_valid(schedule) is not true then
    raise exception 'invalid schedule: %', schedule using errcode = 'invalid_parameter_value',
      hint = 'Use cron format (e.g. 5 4 * * *), or interval format ''[1-59] seconds''.';
  end if;
end;
$$;

-- Callers may only read cron.job, as on the platform, so the writing runs with the owner's rights and is told the
-- caller. It can be called directly: a superuser's name is therefore refused to everybody else.
create function cron._store(
  job_name text, schedule text, command text, database text, username text, active boolean
)
returns bigint language plpgsql security definer set search_path = '' as $$
declare
  v_job_id bigint;
begin
  perform cron._check_schedule(schedule);
  if exists (select from pg_catalog.pg_roles r where r.rolname = _store.username and r.rolsuper)
    and not exists (select from pg_catalog.pg_roles r where r.rolname = session_user and r.rolsuper) then
    raise exception 'permission denied to schedule a job as %', username using errcode = 'insufficient_privilege';
  end if;
  insert into cron.job as j (jobname, schedule, command, database, username, active)
  values (job_name, _store.schedule, _store.command, _store.database, _store.username, _store.active)
  on conflict on constraint jobname_username_uniq do update
  set schedule = excluded.schedule, command = excluded.command, database = excluded.database, active = excluded.active
  returning j.jobid into v_job_id;
  return v_job_id;
end;
$$;

create function cron.schedule(job_name text, schedule text, command text)
returns bigint language plpgsql set search_path = '' as $$
begin
  if job_name is null then
    raise exception 'job_name can not be NULL';
  end if;
  return cron._store(job_name, schedule, command, current_database(), current_user, true);
end;
$$;

create function cron.schedule(schedule text, command text)
returns bigint language sql set search_path = '' as $$
  select cron._store(null, schedule, command, current_database(), current_user, true)
$$;

create function cron.schedule_in_database(
  job_name text, schedule text, command text, database text, username text default null, active boolean default true
)
returns bigint language sql set search_path = '' as $$
  select cron._store(job_name, schedule, command, database, coalesce(username, current_user), active)
$$;

create function cron._remove(job_id bigint, job_name text, caller text)
returns boolean language plpgsql security definer set search_path = '' as $$
begin
  delete from cron.job j where (j.jobid = job_id or j.jobname = job_name) and j.username = caller;
  if not found then
    raise exception 'could not find valid entry for job %', coalesce(job_id::text, quote_literal(job_name));
  end if;
  return true;
end;
$$;

create function cron.unschedule(job_name text)
returns boolean language sql set search_path = '' as $$
  select cron._remove(null, job_name, current_user)
$$;

create function cron.unschedule(job_id bigint)
returns boolean language sql set search_path = '' as $$
  select cron._remove(job_id, null, current_user)
$$;

create function cron._alter(
  job_id bigint, schedule text, command text, database text, username text, active boolean, caller text
)
returns void language plpgsql security definer set search_path = '' as $$
begin
  if _alter.schedule is not null then
    perform cron._check_schedule(_alter.schedule);
  end if;
  if _alter.username is not null and _alter.username <> caller then
    raise exception 'must be superuser to alter username' using errcode = 'insufficient_privilege';
  end if;
  update cron.job j
  set schedule = coalesce(_alter.schedule, j.schedule), command = coalesce(_alter.command, j.command),
      database = coalesce(_alter.database, j.database), active = coalesce(_alter.active, j.active)
  where j.jobid = job_id and j.username = caller;
  if not found then
    raise exception 'Job % does not exist or you don''t own it', job_id;
  end if;
end;
$$;

create function cron.alter_job(
  job_id bigint, schedule text default null, command text default null, database text default null,
  username text default null, active boolean default null
)
returns void language sql set search_path = '' as $$
  select cron._alter(job_id, schedule, command, database, username, active, current_user)
$$;

revoke all on all functions in schema cron from public;
grant usage on schema cron to postgres with grant option;
grant execute on all functions in schema cron to postgres with grant option;
grant select on cron.job to postgres with grant option;
grant all on cron.job_run_details to postgres with grant option;
grant all on all sequences in schema cron to postgres with grant option;
