-- The platform tells PostgREST about every change of the schema; so does this cluster. Temporary tables are left
-- out: they are invisible to the API, and a reload for each would be felt.

create function extensions.tell_postgrest_of_ddl() returns event_trigger language plpgsql set search_path = '' as $$
begin
  if exists (
    select from pg_catalog.pg_event_trigger_ddl_commands() as c
    where c.schema_name is distinct from 'pg_temp'
      and c.object_type not in ('statistics object', 'user mapping', 'event trigger')
  ) then
    notify pgrst, 'reload schema';
  end if;
end;
$$;
create function extensions.tell_postgrest_of_drop() returns event_trigger language plpgsql set search_path = '' as $$
begin
  if exists (select from pg_catalog.pg_event_trigger_dropped_objects() as o where not o.is_temporary) then
    notify pgrst, 'reload schema';
  end if;
end;
$$;
create event trigger postgrest_after_ddl on ddl_command_end execute function extensions.tell_postgrest_of_ddl();
create event trigger postgrest_after_drop on sql_drop execute function extensions.tell_postgrest_of_drop();
