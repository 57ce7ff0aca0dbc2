-- The sync engine: runs of connectors, cut into slices under a lease, page by page with a checkpoint each.
-- New tables and functions; replaces private.json_numbers_are_exact. Rollback: drop them, restore that of 20261121000500,
-- unschedule interlock-syncs and interlock-sync-tidying.

create table private.sync_tables (
  table_name text not null,
  entity_type text,
  payload_columns text[] not null,
  constraint sync_tables_pkey primary key (table_name)
);
comment on table private.sync_tables is 'Tables that syncs write. Filled by migrations: a source is code.';
comment on column private.sync_tables.table_name is 'A table of schema public with the columns that every synced table has.';
comment on column private.sync_tables.entity_type is 'Entity of its events; null = each source says.';
comment on column private.sync_tables.payload_columns is 'What its events tell beside connector_id, stream and external_id: nothing personal.';

create table private.sync_functions (
  connector_type text not null,
  function_name text not null,
  constraint sync_functions_pkey primary key (connector_type)
);
comment on table private.sync_functions is 'Where a sync of a kind of connector begins. Kinds without a line cannot be synced.';
comment on column private.sync_functions.connector_type is 'Type of integration_connectors.';
comment on column private.sync_functions.function_name is 'Edge function that takes the first slice; it may hand streams on to others.';
insert into private.sync_functions (connector_type, function_name) values
  ('slack', 'slack-sync'), ('google_workspace', 'google-drive-sync'), ('odoo', 'odoo-sync'), ('api', 'api-sync'), ('custom', 'api-sync');

create table public.sync_runs (
  id uuid not null default gen_random_uuid(),
  tenant_id uuid not null references public.tenants (id),
  org_id uuid,
  connector_id uuid not null,
  mode text not null constraint sync_runs_mode_check check (mode in ('full', 'incremental')),
  trigger text not null constraint sync_runs_trigger_check check (trigger in ('user', 'service', 'schedule')),
  parameters jsonb not null default '{}'::jsonb constraint sync_runs_parameters_object_check check (jsonb_typeof(parameters) = 'object'),
  status text not null default 'queued'
    constraint sync_runs_status_check check (status in ('queued', 'running', 'waiting', 'completed', 'failed', 'cancelled')),
  streams text[],
  streams_done text[] not null default '{}',
  streams_begun text[] not null default '{}',
  function_name text not null,
  created_count bigint not null default 0,
  updated_count bigint not null default 0,
  deleted_count bigint not null default 0,
  unchanged_count bigint not null default 0,
  refused_count bigint not null default 0,
  pages bigint not null default 0,
  records bigint not null default 0,
  estimate bigint,
  slices integer not null default 0,
  errors jsonb not null default '[]'::jsonb,
  error_class text,
  error text,
  failures_in_a_row integer not null default 0,
  next_slice_at timestamptz not null default clock_timestamp(),
  unanswered_calls integer not null default 0,
  lease_token uuid,
  lease_until timestamptz,
  cancel_requested_at timestamptz,
  requested_by uuid,
  trace_id text not null,
  created_at timestamptz not null default clock_timestamp(),
  started_at timestamptz,
  heartbeat_at timestamptz,
  finished_at timestamptz,
  constraint sync_runs_pkey primary key (id),
  constraint sync_runs_tenant_id_id_key unique (tenant_id, id),
  constraint sync_runs_org_fkey foreign key (tenant_id, org_id) references public.orgs (tenant_id, id),
  constraint sync_runs_connector_fkey foreign key (tenant_id, connector_id)
    references public.integration_connectors (tenant_id, id) on delete cascade,
  constraint sync_runs_finished_check check ((status in ('completed', 'failed', 'cancelled')) = (finished_at is not null))
) with (fillfactor = 70);
create unique index sync_runs_active_key on public.sync_runs (tenant_id, connector_id) where finished_at is null;
create index sync_runs_due_idx on public.sync_runs (next_slice_at) where finished_at is null;
create index sync_runs_connector_idx on public.sync_runs (tenant_id, connector_id, created_at desc, id);
create index sync_runs_tenant_id_created_at_idx on public.sync_runs (tenant_id, created_at desc, id);
create index sync_runs_tenant_id_org_id_idx on public.sync_runs (tenant_id, org_id) where org_id is not null;
comment on table public.sync_runs is
  'Syncs of connectors: at most one active per connector. Written by RPCs only; kept tenant_settings.log_retention_days after the end.';
comment on column public.sync_runs.id is 'The run; every log line of it carries it as run_id.';
comment on column public.sync_runs.tenant_id is 'Whose run.';
comment on column public.sync_runs.org_id is 'Org of the connector; null = all orgs.';
comment on column public.sync_runs.connector_id is 'What is synced.';
comment on column public.sync_runs.mode is 'incremental = what changed since the last run; full = everything anew, and what is gone goes.';
comment on column public.sync_runs.trigger is 'user, service (a machine asked) or schedule.';
comment on column public.sync_runs.parameters is 'What it was asked for beyond mode and streams, for example folder_id; accept_deletions = however many.';
comment on column public.sync_runs.status is
  'queued -> running <-> waiting (the provider asked to wait, or failed and is tried again) -> completed, failed or cancelled.';
comment on column public.sync_runs.streams is 'What it reads, in this order; null = everything the connector''s settings name, which the first slice writes here.';
comment on column public.sync_runs.streams_done is 'Those it has read to the end.';
comment on column public.sync_runs.streams_begun is 'Those of which it has read a page: a full run starts each over once.';
comment on column public.sync_runs.function_name is 'Edge function of its next slice.';
comment on column public.sync_runs.created_count is 'Records that were new.';
comment on column public.sync_runs.updated_count is 'Records that had changed.';
comment on column public.sync_runs.deleted_count is 'Records that were gone.';
comment on column public.sync_runs.unchanged_count is 'Records that were read and were the same.';
comment on column public.sync_runs.refused_count is 'Records that could not be stored; errors says why.';
comment on column public.sync_runs.pages is 'Pages read and stored.';
comment on column public.sync_runs.records is 'Records on them.';
comment on column public.sync_runs.estimate is 'Records it will have read in the end, as far as the provider says; null = unknown.';
comment on column public.sync_runs.slices is 'Slices begun.';
comment on column public.sync_runs.errors is 'The last 20 things that went wrong: [{at, stream, code, message}].';
comment on column public.sync_runs.error_class is 'Why it failed or waits, of the closed list in docs/connectors; null = nothing is wrong.';
comment on column public.sync_runs.error is 'The same as a sentence for a person; no personal data.';
comment on column public.sync_runs.failures_in_a_row is 'Failed tries since the last page, workers that were ended included; the eighth ends the run.';
comment on column public.sync_runs.next_slice_at is 'When its next slice may begin.';
comment on column public.sync_runs.unanswered_calls is 'Calls of the schedule for its next slice that no worker has taken up since the last slice.';
comment on column public.sync_runs.lease_token is 'Names the slice that runs; writes with another token change nothing. Null = none runs.';
comment on column public.sync_runs.lease_until is 'End of that slice''s lease: after it another may begin. Null = none runs.';
comment on column public.sync_runs.cancel_requested_at is 'When somebody asked for its end; null = nobody.';
comment on column public.sync_runs.requested_by is 'Who asked for it; null = no person.';
comment on column public.sync_runs.trace_id is 'Trace id of its events: the request id of whoever asked.';
comment on column public.sync_runs.created_at is 'When it was asked for.';
comment on column public.sync_runs.started_at is 'When its first slice began; null = not yet.';
comment on column public.sync_runs.heartbeat_at is 'When its last page was stored or its last slice began; null = not yet.';
comment on column public.sync_runs.finished_at is 'When it ended; null = it has not.';

create table public.sync_cursors (
  id uuid not null default gen_random_uuid(),
  tenant_id uuid not null,
  connector_id uuid not null,
  stream text not null constraint sync_cursors_stream_check check (char_length(stream) between 1 and 100),
  cursor jsonb constraint sync_cursors_cursor_object_check check (jsonb_typeof(cursor) = 'object'),
  pass_id uuid,
  pass_state text not null default 'closed' constraint sync_cursors_pass_state_check check (pass_state in ('open', 'sweeping', 'closed')),
  saved_at timestamptz not null default clock_timestamp(),
  constraint sync_cursors_pkey primary key (id),
  constraint sync_cursors_tenant_id_id_key unique (tenant_id, id),
  constraint sync_cursors_stream_key unique (tenant_id, connector_id, stream),
  constraint sync_cursors_connector_fkey foreign key (tenant_id, connector_id)
    references public.integration_connectors (tenant_id, id) on delete cascade
) with (fillfactor = 50);
comment on table public.sync_cursors is 'Where the next read of each stream begins. Saved in the transaction of the page it stands behind; read and written by the engine only.';
comment on column public.sync_cursors.id is 'The row.';
comment on column public.sync_cursors.tenant_id is 'Whose cursor.';
comment on column public.sync_cursors.connector_id is 'Connector it belongs to.';
comment on column public.sync_cursors.stream is 'Stream of the connector.';
comment on column public.sync_cursors.cursor is 'What the source gave with its last page; null = from the beginning.';
comment on column public.sync_cursors.pass_id is 'The newest pass over everything; rows seen in it carry it as seen_pass. Null = there was none.';
comment on column public.sync_cursors.pass_state is 'open = it goes on; sweeping = everything was seen and what was not is being deleted; closed.';
comment on column public.sync_cursors.saved_at is 'When the cursor was saved.';

alter table public.sync_runs enable row level security;
alter table public.sync_runs force row level security;
grant select on public.sync_runs to authenticated, service_role;
create policy "readers of connectors see runs in their org scope" on public.sync_runs for select to authenticated
  using (
    tenant_id = (select private.get_current_workspace_id())
    and (select private.has_tenant_permission('connectors.read'))
    and (org_id is null or (select private.get_current_org_id()) is null or org_id = (select private.get_current_org_id()))
  );
alter table public.sync_cursors enable row level security;
alter table public.sync_cursors force row level security;
grant select on public.sync_cursors to service_role;

create function private.sync_run_resource(p_run public.sync_runs)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select jsonb_build_object(
    'run_id', p_run.id, 'connector_id', p_run.connector_id, 'status', p_run.status, 'mode', p_run.mode, 'trigger', p_run.trigger,
    'parameters', p_run.parameters, 'streams', p_run.streams, 'streams_done', p_run.streams_done,
    'counts', jsonb_build_object(
      'created', p_run.created_count, 'updated', p_run.updated_count, 'deleted', p_run.deleted_count,
      'unchanged', p_run.unchanged_count, 'refused', p_run.refused_count
    ),
    'progress', jsonb_build_object('pages', p_run.pages, 'records', p_run.records, 'estimate', p_run.estimate),
    'slices', p_run.slices, 'errors', p_run.errors, 'error_class', p_run.error_class, 'error', p_run.error,
    'next_slice_at', case when p_run.finished_at is null then p_run.next_slice_at end,
    'cancel_requested_at', p_run.cancel_requested_at, 'requested_by', p_run.requested_by, 'created_at', p_run.created_at,
    'started_at', p_run.started_at, 'heartbeat_at', p_run.heartbeat_at, 'finished_at', p_run.finished_at,
    'duration_ms', (extract(epoch from coalesce(p_run.finished_at, clock_timestamp()) - p_run.started_at) * 1000)::bigint
  );
$$;
comment on function private.sync_run_resource(public.sync_runs) is 'A run as the API shows it.';

create function public.start_sync_run(
  p_tenant_id uuid, p_org_id uuid, p_connector_id uuid, p_types text[], p_function_name text, p_streams text[], p_mode text,
  p_parameters text, p_trigger text, p_is_rung boolean, p_trace_id text, p_actor uuid
)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_connector constant public.integration_connectors :=
    private.permitted_connector(p_tenant_id, p_org_id, p_connector_id, p_actor, 'connectors.sync');
  v_function text;
  v_run public.sync_runs;
begin
  if not v_connector.type = any (coalesce(p_types, array[v_connector.type])) then
    perform private.raise_error('IL404', format('This connector is one of %s; it is synced elsewhere.', v_connector.type));
  end if;
  select coalesce(p_function_name, f.function_name) into v_function from private.sync_functions f where f.connector_type = v_connector.type;
  if v_function is null then
    perform private.raise_error('IL422', format('There is nothing to sync from a connector of type %s.', v_connector.type));
  end if;
  if v_connector.status <> 'active' then
    return jsonb_build_object('outcome', v_connector.status, 'error', v_connector.last_error);
  end if;
  loop
    insert into public.sync_runs
      (tenant_id, org_id, connector_id, mode, trigger, parameters, streams, function_name, requested_by, trace_id)
    values (
      p_tenant_id, v_connector.org_id, p_connector_id, p_mode, p_trigger, coalesce(p_parameters, '{}')::jsonb, p_streams, v_function,
      p_actor, p_trace_id
    )
    on conflict (tenant_id, connector_id) where finished_at is null do nothing
    returning * into v_run;
    exit when v_run.id is not null;
    select r.* into v_run from public.sync_runs r
    where r.tenant_id = p_tenant_id and r.connector_id = p_connector_id and r.finished_at is null;
    if v_run.id is not null then
      return jsonb_build_object('outcome', 'running', 'run', private.sync_run_resource(v_run));
    end if;
    -- The one in the way has just ended.
  end loop;
  if p_is_rung then
    perform private.invoke_function(v_function || '/slice', jsonb_build_object('run_id', v_run.id));
  end if;
  return jsonb_build_object('outcome', 'started', 'run', private.sync_run_resource(v_run));
end;
$$;
comment on function public.start_sync_run(uuid, uuid, uuid, text[], text, text[], text, text, text, boolean, text, uuid) is
  'Starts a sync unless the connector has one that goes on: {outcome: started|running|inactive|error, run, error}. p_types = kinds of connector that are meant, null = any; p_function_name = who takes the first slice, null = as private.sync_functions says; p_streams null = everything; p_is_rung = its function is called after commit, else the caller takes the first slice. Throws IL403, IL404, IL422 (nothing to sync). Definer for service_role alone.';

create function private.end_sync_run(p_run public.sync_runs, p_status text, p_error_class text, p_error text)
returns public.sync_runs
language plpgsql
set search_path = ''
as $$
declare
  v_run public.sync_runs;
  v_connector public.integration_connectors;
  v_failures integer;
  v_counts jsonb;
begin
  update public.sync_runs r set
    status = p_status, finished_at = clock_timestamp(), lease_token = null, lease_until = null,
    started_at = coalesce(r.started_at, clock_timestamp()), error_class = p_error_class, error = left(p_error, 1000)
  where r.id = p_run.id
  returning * into v_run;
  -- Run, connector, state: everybody locks them in this order. Locked, since an interval that comes meanwhile is to count.
  select c.* into v_connector from public.integration_connectors c
  where c.tenant_id = v_run.tenant_id and c.id = v_run.connector_id for no key update;
  if p_error_class = 'reconnect_needed' then
    perform private.mark_disconnected(v_connector, p_error);
    v_connector.status := 'error';
  end if;
  update public.connector_states s set
    last_run_id = v_run.id, last_sync_at = v_run.finished_at, last_sync_status = p_status,
    failures_in_a_row = case p_status when 'completed' then 0 when 'failed' then s.failures_in_a_row + 1 else s.failures_in_a_row end,
    next_sync_at = case
      when v_connector.status = 'active' and v_connector.sync_interval_seconds is not null
        then greatest(v_run.created_at + v_connector.sync_interval_seconds * interval '1 second', clock_timestamp() + interval '10 seconds')
    end,
    updated_at = clock_timestamp()
  where s.connector_id = v_run.connector_id
  returning s.failures_in_a_row into v_failures;
  v_counts := private.sync_run_resource(v_run) -> 'counts';
  insert into public.integration_logs
    (tenant_id, org_id, connector_id, event_type, status, message, error_code, details, duration_ms, request_id)
  values (
    v_run.tenant_id, v_run.org_id, v_run.connector_id, 'sync.' || p_status,
    case when p_status = 'failed' then 'error' when p_status = 'cancelled' or v_run.refused_count > 0 then 'warning' else 'success' end,
    v_run.error, p_error_class,
    v_counts || jsonb_build_object('run_id', v_run.id, 'mode', v_run.mode, 'trigger', v_run.trigger, 'pages', v_run.pages, 'slices', v_run.slices),
    least(extract(epoch from v_run.finished_at - v_run.started_at) * 1000, 2147483647)::integer, left(v_run.trace_id, 200)
  );
  perform private.publish_event(
    v_run.tenant_id, v_run.org_id, 'sync.' || p_status, 'connector', v_run.connector_id::text,
    jsonb_build_object(
      'connector_id', v_run.connector_id, 'type', v_connector.type, 'name', v_connector.name, 'run_id', v_run.id, 'mode', v_run.mode,
      'trigger', v_run.trigger, 'counts', v_counts, 'error_class', p_error_class, 'error', v_run.error
    ),
    'interlock', v_run.trace_id
  );
  if p_status = 'failed' and v_failures = 1 and p_error_class <> 'reconnect_needed' then
    perform private.notify_admins(
      v_run.tenant_id, 'connector.sync_failed', 'warning', left(format('The sync of %s failed: %s', v_connector.name, p_error), 1000),
      'connector', v_run.connector_id::text,
      jsonb_build_object('connector_id', v_run.connector_id, 'run_id', v_run.id, 'error_class', p_error_class)
    );
  end if;
  return v_run;
end;
$$;
comment on function private.end_sync_run(public.sync_runs, text, text, text) is
  'Ends a run and says so: connector state, log, event sync.completed, .failed or .cancelled, and a notification for the first failure in a row.';

create function public.claim_sync_slice(p_run_id uuid, p_function_name text, p_lease_ms integer)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_run public.sync_runs;
  v_connector public.integration_connectors;
begin
  select r.* into v_run from public.sync_runs r where r.id = p_run_id for update;
  if v_run.id is null then
    return jsonb_build_object('outcome', 'unknown');
  end if;
  if v_run.finished_at is not null then
    return jsonb_build_object('outcome', 'finished', 'run', private.sync_run_resource(v_run));
  end if;
  if v_run.function_name <> p_function_name or v_run.next_slice_at > clock_timestamp() or v_run.lease_until > clock_timestamp() then
    return jsonb_build_object('outcome', 'busy', 'run', private.sync_run_resource(v_run));
  end if;
  if v_run.cancel_requested_at is not null then
    return jsonb_build_object(
      'outcome', 'finished', 'run', private.sync_run_resource(private.end_sync_run(v_run, 'cancelled', null, null))
    );
  end if;
  select c.* into v_connector from public.integration_connectors c
  where c.tenant_id = v_run.tenant_id and c.id = v_run.connector_id;
  if v_connector.status <> 'active' then
    return jsonb_build_object('outcome', 'finished', 'run', private.sync_run_resource(private.end_sync_run(
      v_run, 'failed', case v_connector.status when 'error' then 'reconnect_needed' else 'misconfigured' end,
      coalesce(v_connector.last_error, 'The connector is not active.')
    )));
  end if;
  -- A lease that ran out: the worker was ended before it could say why. A page that ends every worker must not be read for ever.
  if v_run.lease_token is not null then
    update public.sync_runs r set
      failures_in_a_row = r.failures_in_a_row + 1,
      errors = private.with_sync_errors(r.errors, jsonb_build_array(jsonb_build_object(
        'code', 'internal', 'message', 'A worker was ended, or silent for too long; another one goes on behind the last page.'
      )))
    where r.id = p_run_id
    returning * into v_run;
    if v_run.failures_in_a_row >= 8 then
      return jsonb_build_object('outcome', 'finished', 'run', private.sync_run_resource(private.end_sync_run(
        v_run, 'failed', 'internal',
        format('%s workers in a row were ended or silent before they had stored a page; ask for smaller pages, or sync less.', v_run.failures_in_a_row)
      )));
    end if;
  end if;
  update public.sync_runs r set
    status = 'running', slices = r.slices + 1, started_at = coalesce(r.started_at, clock_timestamp()),
    heartbeat_at = clock_timestamp(), unanswered_calls = 0, lease_token = gen_random_uuid(),
    lease_until = clock_timestamp() + p_lease_ms * interval '1 millisecond'
  where r.id = p_run_id
  returning * into v_run;
  return jsonb_build_object(
    'outcome', 'claimed', 'run', private.sync_run_resource(v_run), 'lease_token', v_run.lease_token, 'tenant_id', v_run.tenant_id,
    'streams_begun', v_run.streams_begun, 'failures_in_a_row', v_run.failures_in_a_row,
    'connector', jsonb_build_object('type', v_connector.type, 'config', v_connector.config, 'secret_ref', v_connector.secret_ref),
    'cursors', (
      select coalesce(jsonb_object_agg(u.stream, jsonb_build_object('cursor', u.cursor, 'pass_state', u.pass_state)), '{}'::jsonb)
      from public.sync_cursors u where u.tenant_id = v_run.tenant_id and u.connector_id = v_run.connector_id
    )
  );
end;
$$;
comment on function public.claim_sync_slice(uuid, text, integer) is
  'Takes the lease of a run for one slice: {outcome: claimed|busy|finished|unknown, run, lease_token, tenant_id, connector, cursors}. busy = another slice holds it, it waits, or it is another function''s turn. A lease that has run out counts as a failed try; the eighth in a row ends the run. Definer for service_role alone.';

create function private.leased_sync_run(p_run_id uuid, p_lease_token uuid, p_lease_ms integer)
returns public.sync_runs
language plpgsql
set search_path = ''
as $$
declare
  v_run public.sync_runs;
begin
  update public.sync_runs r
  set heartbeat_at = clock_timestamp(), lease_until = clock_timestamp() + p_lease_ms * interval '1 millisecond'
  where r.id = p_run_id and r.lease_token = p_lease_token and r.finished_at is null
  returning * into v_run;
  return v_run;
end;
$$;
comment on function private.leased_sync_run(uuid, uuid, integer) is
  'Locks the run of a slice and extends its lease; a null id = the lease is not held any more, and nothing may be written.';

create function public.plan_sync_run(p_run_id uuid, p_lease_token uuid, p_lease_ms integer, p_streams text[])
returns boolean
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_run constant public.sync_runs := private.leased_sync_run(p_run_id, p_lease_token, p_lease_ms);
begin
  update public.sync_runs r set streams = p_streams where r.id = v_run.id and r.streams is null;
  return v_run.id is not null;
end;
$$;
comment on function public.plan_sync_run(uuid, uuid, integer, text[]) is
  'Writes down what a run reads that was asked for everything; false when the lease is lost. Definer for service_role alone.';

-- Pages.

-- Most payloads hold no number at all, and looking for one is a third of what printing and matching the text costs.
create or replace function private.json_numbers_are_exact(p_json jsonb)
returns boolean
language plpgsql
immutable
set search_path = ''
as $$
declare
  v_text text;
begin
  if not pg_catalog.jsonb_path_exists(p_json, '$.** ? (@.type() == "number")') then
    return true;
  end if;
  v_text := p_json::text;
  return v_text !~ '(^|: |\[|, )-?[0-9]+([.eE]|[0-9]{15})' or not exists (
    select from regexp_matches(
      regexp_replace(v_text, '"(?:[^"\\]|\\.)*"', '', 'g'), '-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?', 'g'
    ) as n (parts)
    where n.parts[1] ~ '[.eE]' or abs(n.parts[1]::numeric) > 9007199254740991
  );
end;
$$;

create function private.sync_columns(p_table text)
returns text[]
language sql
stable
set search_path = ''
as $$
  select array_agg(a.attname::text order by a.attnum)
  from pg_catalog.pg_attribute a
  where a.attrelid = format('public.%I', p_table)::regclass and a.attnum > 0 and not a.attisdropped
    and a.attname <> all (array[
      'id', 'tenant_id', 'org_id', 'connector_id', 'external_id', 'content_hash', 'seen_pass', 'first_synced_at', 'last_synced_at',
      'deleted_at'
    ]);
$$;
comment on function private.sync_columns(text) is
  'The columns of a synced table beyond those that each has: what its source fills, and stream where records of several lie in one table.';

create function private.sync_stream_condition(p_table text, p_parameter text)
returns text
language sql
stable
set search_path = ''
as $$
  select case
    when 'stream' = any (private.sync_columns(p_table)) then format('t.stream = %s', p_parameter)
    else format('%s::text is not null', p_parameter)
  end;
$$;
comment on function private.sync_stream_condition(text, text) is
  'SQL that holds for the rows t of a stream in a synced table; p_parameter is the stream: $5.';

create function private.sync_rows_named(p_table text)
returns text
language sql
stable
set search_path = ''
as $$
  select format(
    $sql$
      select o.ctid from jsonb_array_elements_text($3) as i
      cross join lateral (
        select t.ctid from public.%1$I t
        where t.tenant_id = ($1).tenant_id and t.connector_id = ($1).connector_id and t.external_id = i.value and t.deleted_at is null
          and %2$s
        limit 1
      ) o
    $sql$,
    p_table, private.sync_stream_condition(p_table, '$2')
  );
$$;
comment on function private.sync_rows_named(text) is
  'SQL for the places (ctid) of rows that exist, each found through the index: $1 = the run, $2 = the stream, $3 = external_ids as a JSON array. Nobody else writes them while the run is leased.';

create function private.sync_event_insert(p_table text, p_entity_type text, p_rows text)
returns text
language sql
stable
set search_path = ''
as $$
  select format(
    $sql$
      insert into public.integration_events_outbox (tenant_id, org_id, event_type, entity_type, entity_id, payload, source, trace_id)
      select ($1).tenant_id, ($1).org_id, %1$L || w.change, %2$L, w.id::text,
        jsonb_build_object('connector_id', ($1).connector_id, 'stream', $2, 'external_id', w.external_id%3$s), 'sync', ($1).trace_id
      from %4$I w
    $sql$,
    coalesce(t.entity_type, p_entity_type) || '.', coalesce(t.entity_type, p_entity_type),
    (select string_agg(format(', %1$L, w.%1$I', c.name), '' order by c.place) from unnest(t.payload_columns) with ordinality as c (name, place)),
    p_rows
  )
  from private.sync_tables t where t.table_name = p_table;
$$;
comment on function private.sync_event_insert(text, text, text) is
  'SQL that tells of changed records of a synced table: $1 = the run, $2 = the stream; p_rows = the query with them: the table''s columns id, external_id and payload_columns, and change: created|updated|deleted.';

create function private.write_sync_records(
  p_run public.sync_runs, p_table text, p_stream text, p_entity_type text, p_records jsonb, p_pass_id uuid
)
returns jsonb
language plpgsql
set search_path = ''
as $$
declare
  v_columns text;
  v_values text;
  v_updates text;
  v_counts jsonb;
begin
  select string_agg(format(', %I', c.name), '' order by c.place),
    string_agg(case c.name when 'stream' then ', $2' else format(', v.%I', c.name) end, '' order by c.place),
    string_agg(format(', %1$I = excluded.%1$I', c.name), '' order by c.place) filter (where c.name <> 'stream')
  into v_columns, v_values, v_updates
  from unnest(private.sync_columns(p_table)) with ordinality as c (name, place);
  execute format(
    $sql$
    with given as materialized (
      select distinct on (r.external_id) r.external_id, r.vals, md5(r.vals::text) as content_hash
      from rows from (jsonb_to_recordset($3) as (external_id text, "values" jsonb)) with ordinality as r (external_id, vals, place)
      order by r.external_id, r.place desc
    ),
    known as materialized (
      select g.*, t.place, t.content_hash as known_hash, t.deleted_at, t.seen_pass
      from given g
      -- One by one through the index: nobody knows how many are given, and a scan would grow with the table.
      left join lateral (
        select o.ctid as place, o.content_hash, o.deleted_at, o.seen_pass from public.%1$I o
        where o.tenant_id = ($1).tenant_id and o.connector_id = ($1).connector_id and o.external_id = g.external_id
        limit 1
      ) t on true
    ),
    written as (
      insert into public.%1$I as t
        (tenant_id, org_id, connector_id, external_id, content_hash, seen_pass, first_synced_at, last_synced_at%2$s)
      select ($1).tenant_id, ($1).org_id, ($1).connector_id, k.external_id, k.content_hash, $4, $5, $5%3$s
      from known k
      cross join lateral jsonb_populate_record(null::public.%1$I, k.vals) as v
      where k.place is null or k.known_hash <> k.content_hash or k.deleted_at is not null
      on conflict (tenant_id, connector_id, external_id) do update set
        org_id = excluded.org_id, content_hash = excluded.content_hash, seen_pass = coalesce(excluded.seen_pass, t.seen_pass),
        first_synced_at = case when t.deleted_at is null then t.first_synced_at else $5 end, last_synced_at = $5,
        deleted_at = null%4$s
      returning t.*, case when t.first_synced_at = t.last_synced_at then 'created' else 'updated' end as change
    ),
    marked as (
      -- By their places: a join is at the mercy of statistics, and nobody else writes these rows while the run is leased.
      update public.%1$I t set seen_pass = $4
      where t.ctid = any (array(
        select k.place from known k
        where $4 is not null and k.known_hash = k.content_hash and k.deleted_at is null and k.seen_pass is distinct from $4
      ))
    ),
    told as (%5$s)
    select jsonb_build_object(
      'created', w.created, 'updated', w.written - w.created, 'unchanged', (select count(*) from given) - w.written
    )
    from (select count(*) as written, count(*) filter (where change = 'created') as created from written) w
    $sql$,
    p_table, v_columns, v_values, v_updates, private.sync_event_insert(p_table, p_entity_type, 'written')
  )
  into v_counts
  using p_run, p_stream, p_records, p_pass_id, clock_timestamp();
  return v_counts;
end;
$$;
comment on function private.write_sync_records(public.sync_runs, text, text, text, jsonb, uuid) is
  'Stores the records of a page, [{external_id, values}], and their events, in one statement; of two with one identifier the later counts. What is the same as before is not written, but for its mark in an open pass. Answers {created, updated, unchanged}.';

create function private.delete_sync_records(
  p_run public.sync_runs, p_table text, p_stream text, p_entity_type text, p_ids jsonb, p_pass_id uuid, p_limit integer
)
returns bigint
language plpgsql
set search_path = ''
as $$
declare
  v_deleted bigint;
begin
  execute format(
    $sql$
    with gone as materialized (%2$s),
    deleted as (
      update public.%1$I t set deleted_at = clock_timestamp(), last_synced_at = clock_timestamp()
      where t.ctid = any (array(select g.ctid from gone g))
      returning t.*, 'deleted' as change
    ),
    told as (%3$s)
    select count(*) from deleted
    $sql$,
    p_table,
    case
      when p_ids is not null then private.sync_rows_named(p_table)
      else format(
        $sql$
          select t.ctid from public.%1$I t
          where t.tenant_id = ($1).tenant_id and t.connector_id = ($1).connector_id and t.deleted_at is null
            and t.seen_pass is distinct from $4 and %2$s
          limit $5
        $sql$,
        p_table, private.sync_stream_condition(p_table, '$2')
      )
    end,
    private.sync_event_insert(p_table, p_entity_type, 'deleted')
  )
  into v_deleted
  using p_run, p_stream, p_ids, p_pass_id, p_limit;
  return v_deleted;
end;
$$;
comment on function private.delete_sync_records(public.sync_runs, text, text, text, jsonb, uuid, integer) is
  'Marks records as deleted, with events, in one statement: those named, or, where p_ids is null, up to p_limit that the pass has not seen. Answers how many.';

create function private.count_sync_records(p_run public.sync_runs, p_table text, p_stream text, p_pass_id uuid)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
declare
  v_counts jsonb;
begin
  if not exists (select from private.sync_tables t where t.table_name = p_table) then
    perform private.raise_error('IL422', format('%s is no table of a source.', p_table));
  end if;
  execute format(
    $sql$
    select jsonb_build_object('stored', count(*), 'unseen', count(*) filter (where t.seen_pass is distinct from $3))
    from public.%1$I t where t.tenant_id = $1 and t.connector_id = $2 and t.deleted_at is null and %2$s
    $sql$,
    p_table, private.sync_stream_condition(p_table, '$4')
  )
  into v_counts
  using p_run.tenant_id, p_run.connector_id, p_pass_id, p_stream;
  return v_counts;
end;
$$;
comment on function private.count_sync_records(public.sync_runs, text, text, uuid) is
  'How many records of a stream are stored and not deleted, and how many of them a pass has not seen: {stored, unseen}.';

create function private.with_sync_errors(p_errors jsonb, p_more jsonb)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select coalesce(jsonb_agg(e.value order by e.place), '[]'::jsonb)
  from (
    select x.value, row_number() over (order by x.part, x.place) as place, count(*) over () as total
    from (
      select 1 as part, o.place, o.value from jsonb_array_elements(p_errors) with ordinality as o (value, place)
      union all
      select 2, m.place, jsonb_build_object('at', clock_timestamp()) || m.value
      from jsonb_array_elements(coalesce(p_more, '[]'::jsonb)) with ordinality as m (value, place)
    ) x
  ) e
  where e.place > e.total - 20;
$$;
comment on function private.with_sync_errors(jsonb, jsonb) is 'The errors of a run with further ones, [{stream, code, message}]: the last 20.';

create function public.apply_sync_page(p_run_id uuid, p_lease_token uuid, p_lease_ms integer, p_page text)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_run public.sync_runs := private.leased_sync_run(p_run_id, p_lease_token, p_lease_ms);
  v_page constant jsonb := p_page::jsonb;
  v_stream constant text := v_page ->> 'stream';
  v_table constant text := v_page ->> 'table';
  v_entity_type constant text := v_page ->> 'entity_type';
  v_is_checkpoint constant boolean := v_page -> 'cursor' is not null;
  v_cursor public.sync_cursors;
  v_counts jsonb;
  v_deleted bigint := 0;
begin
  if v_run.id is null then
    return jsonb_build_object('outcome', 'lost');
  end if;
  if v_run.cancel_requested_at is not null then
    return jsonb_build_object('outcome', 'cancelled');
  end if;
  if not exists (select from private.sync_tables t where t.table_name = v_table) then
    perform private.raise_error('IL422', format('%s is no table of a source.', v_table));
  end if;
  insert into public.sync_cursors (tenant_id, connector_id, stream) values (v_run.tenant_id, v_run.connector_id, v_stream)
  on conflict (tenant_id, connector_id, stream) do nothing;
  update public.sync_cursors u set
    pass_id = case when (v_page ->> 'begins_pass')::boolean then gen_random_uuid() else u.pass_id end,
    pass_state = case
      when v_is_checkpoint and (v_page ->> 'completes_pass')::boolean then 'sweeping'
      when (v_page ->> 'begins_pass')::boolean then 'open'
      else u.pass_state
    end,
    cursor = case when v_is_checkpoint then v_page -> 'cursor' else u.cursor end,
    saved_at = clock_timestamp()
  where u.tenant_id = v_run.tenant_id and u.connector_id = v_run.connector_id and u.stream = v_stream
  returning * into v_cursor;

  v_counts := private.write_sync_records(
    v_run, v_table, v_stream, v_entity_type, v_page -> 'records', case when v_cursor.pass_state <> 'closed' then v_cursor.pass_id end
  );
  if jsonb_array_length(v_page -> 'deleted_ids') > 0 then
    v_deleted := private.delete_sync_records(v_run, v_table, v_stream, v_entity_type, v_page -> 'deleted_ids', null, null);
  end if;
  if jsonb_array_length(v_page -> 'present_ids') > 0 then
    perform private.mark_present(v_run, v_table, v_stream, v_page -> 'present_ids', v_cursor.pass_id);
  end if;

  update public.sync_runs r set
    created_count = r.created_count + (v_counts ->> 'created')::bigint,
    updated_count = r.updated_count + (v_counts ->> 'updated')::bigint,
    unchanged_count = r.unchanged_count + (v_counts ->> 'unchanged')::bigint,
    deleted_count = r.deleted_count + v_deleted,
    refused_count = r.refused_count + coalesce((v_page ->> 'refused')::bigint, 0),
    pages = r.pages + v_is_checkpoint::integer,
    records = r.records + jsonb_array_length(v_page -> 'records') + coalesce(jsonb_array_length(v_page -> 'present_ids'), 0),
    estimate = coalesce((v_page ->> 'estimate')::bigint, r.estimate),
    errors = case
      when jsonb_array_length(v_page -> 'errors') > 0 then private.with_sync_errors(r.errors, v_page -> 'errors')
      else r.errors
    end,
    failures_in_a_row = 0, error_class = null, error = null,
    streams_begun = case when v_stream = any (r.streams_begun) or not v_is_checkpoint then r.streams_begun else r.streams_begun || v_stream end,
    streams_done = case
      when v_is_checkpoint and not (v_page ->> 'has_more')::boolean and v_cursor.pass_state <> 'sweeping' and not v_stream = any (r.streams_done)
        then r.streams_done || v_stream
      else r.streams_done
    end
  where r.id = v_run.id
  returning * into v_run;
  return jsonb_build_object(
    'outcome', 'applied', 'pass_state', v_cursor.pass_state, 'is_stream_done', v_stream = any (v_run.streams_done),
    'counts', v_counts || jsonb_build_object('deleted', v_deleted)
  );
end;
$$;
comment on function public.apply_sync_page(uuid, uuid, integer, text) is
  'Stores a page of a run with its events and its checkpoint, all or nothing, and extends the lease. p_page is JSON text: {stream, table, entity_type, records: [{external_id, values}], deleted_ids, present_ids, cursor, has_more, begins_pass, completes_pass, estimate, refused, errors}; without a cursor it is a part of a page, and no checkpoint. Answers {outcome: applied|lost|cancelled, pass_state, is_stream_done, counts}; only applied changed something. Throws IL422, and SQLSTATE 22 or 23 for a value the table does not take. Definer for service_role alone.';

create function private.mark_present(p_run public.sync_runs, p_table text, p_stream text, p_ids jsonb, p_pass_id uuid)
returns void
language plpgsql
set search_path = ''
as $$
begin
  execute format(
    'update public.%I t set seen_pass = $4 where t.ctid = any (array(%s)) and t.seen_pass is distinct from $4',
    p_table, private.sync_rows_named(p_table)
  )
  using p_run, p_stream, p_ids, p_pass_id;
end;
$$;
comment on function private.mark_present(public.sync_runs, text, text, jsonb, uuid) is
  'Marks records as seen in a pass that exist, whatever their values.';

create function public.sweep_sync_pass(
  p_run_id uuid, p_lease_token uuid, p_lease_ms integer, p_stream text, p_table text, p_entity_type text, p_limit integer
)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_run public.sync_runs := private.leased_sync_run(p_run_id, p_lease_token, p_lease_ms);
  v_cursor public.sync_cursors;
  v_counts jsonb;
  v_unseen bigint;
  v_is_refused boolean;
  v_deleted bigint := 0;
begin
  if v_run.id is null then
    return jsonb_build_object('outcome', 'lost');
  end if;
  select u.* into v_cursor from public.sync_cursors u
  where u.tenant_id = v_run.tenant_id and u.connector_id = v_run.connector_id and u.stream = p_stream and u.pass_state = 'sweeping';
  if v_cursor.id is null then
    return jsonb_build_object('outcome', 'applied', 'left', 0);
  end if;
  v_counts := private.count_sync_records(v_run, p_table, p_stream, v_cursor.pass_id);
  v_unseen := (v_counts ->> 'unseen')::bigint;
  -- A source that suddenly shows half of what it did is more likely broken, or may no longer look, than emptied.
  v_is_refused := v_unseen > 10 and v_unseen * 2 > (v_counts ->> 'stored')::bigint
    and not coalesce((v_run.parameters ->> 'accept_deletions')::boolean, false);
  if not v_is_refused then
    v_deleted := private.delete_sync_records(v_run, p_table, p_stream, p_entity_type, null, v_cursor.pass_id, p_limit);
    v_unseen := v_unseen - v_deleted;
  end if;
  if v_is_refused or v_unseen = 0 then
    update public.sync_cursors u set pass_state = 'closed' where u.id = v_cursor.id;
  end if;
  update public.sync_runs r set
    deleted_count = r.deleted_count + v_deleted,
    -- A sweep that an earlier run has left is not the end of this one's reading.
    streams_done = case
      when (v_is_refused or v_unseen = 0) and p_stream = any (r.streams_begun) then r.streams_done || p_stream
      else r.streams_done
    end
  where r.id = v_run.id;
  return jsonb_build_object(
    'outcome', case when v_is_refused then 'refused' else 'applied' end, 'left', v_unseen, 'stored', v_counts -> 'stored'
  );
end;
$$;
comment on function public.sweep_sync_pass(uuid, uuid, integer, text, text, text, integer) is
  'Deletes up to p_limit records that a completed pass has not seen: {outcome: applied|refused|lost, left, stored}. refused = more than ten and more than half of the stored ones would go; a run with the parameter accept_deletions does it. Definer for service_role alone.';

create function public.count_synced(p_run_id uuid, p_stream text, p_table text)
returns bigint
language sql
stable
security definer
set search_path = ''
as $$
  select (private.count_sync_records(r, p_table, p_stream, null) ->> 'stored')::bigint
  from public.sync_runs r where r.id = p_run_id;
$$;
comment on function public.count_synced(uuid, text, text) is
  'How many records of a stream of the run''s connector are stored and not deleted; null for an unknown run. Definer for service_role alone.';

-- Ends of slices and runs.

create function public.finish_sync_slice(p_run_id uuid, p_lease_token uuid, p_result text)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_run public.sync_runs := private.leased_sync_run(p_run_id, p_lease_token, 0);
  v_result constant jsonb := p_result::jsonb;
  v_kind constant text := v_result ->> 'kind';
  v_function text;
begin
  if v_run.id is null then
    return jsonb_build_object('outcome', 'lost');
  end if;
  if v_result -> 'errors' is not null then
    update public.sync_runs r set errors = private.with_sync_errors(r.errors, v_result -> 'errors') where r.id = v_run.id
    returning * into v_run;
  end if;
  -- What a run fails with that somebody has ended is about what was: its credentials may be others by now.
  if v_run.cancel_requested_at is not null and v_kind in ('continue', 'wait', 'failed') then
    v_run := private.end_sync_run(v_run, 'cancelled', null, null);
  elsif v_kind in ('completed', 'failed', 'cancelled') then
    v_run := private.end_sync_run(v_run, v_kind, v_result ->> 'error_class', v_result ->> 'error');
  elsif v_kind = 'continue' then
    update public.sync_runs r set
      lease_token = null, lease_until = null, next_slice_at = clock_timestamp(),
      function_name = coalesce(v_result ->> 'function_name', r.function_name)
    where r.id = v_run.id
    returning * into v_run;
    perform private.invoke_function(v_run.function_name || '/slice', jsonb_build_object('run_id', v_run.id));
  elsif v_kind = 'wait' then
    update public.sync_runs r set
      status = 'waiting', lease_token = null, lease_until = null,
      next_slice_at = clock_timestamp() + (v_result ->> 'wait_ms')::bigint * interval '1 millisecond',
      failures_in_a_row = r.failures_in_a_row + coalesce((v_result ->> 'is_failure')::boolean, false)::integer,
      error_class = v_result ->> 'error_class', error = left(v_result ->> 'error', 1000)
    where r.id = v_run.id
    returning * into v_run;
  else
    perform private.raise_error('IL422', format('A slice ends with completed, failed, cancelled, continue or wait, not with %s.', v_kind));
  end if;
  return jsonb_build_object('outcome', 'applied', 'run', private.sync_run_resource(v_run));
end;
$$;
comment on function public.finish_sync_slice(uuid, uuid, text) is
  'Ends a slice; p_result is JSON text: {kind: completed|failed|cancelled|continue|wait, error_class, error, errors, wait_ms, is_failure, function_name}. continue asks for the next slice at once, wait for one after wait_ms. {outcome: applied|lost, run}. Throws IL422. Definer for service_role alone.';

create function private.stop_sync_run(p_run public.sync_runs)
returns public.sync_runs
language plpgsql
set search_path = ''
as $$
declare
  v_run public.sync_runs;
begin
  update public.sync_runs r set cancel_requested_at = coalesce(r.cancel_requested_at, clock_timestamp()) where r.id = p_run.id
  returning * into v_run;
  -- A slice that runs sees it with its next page.
  if v_run.lease_until is null or v_run.lease_until < clock_timestamp() then
    v_run := private.end_sync_run(v_run, 'cancelled', null, null);
  end if;
  return v_run;
end;
$$;
comment on function private.stop_sync_run(public.sync_runs) is
  'Ends a run that has not ended and is locked: at once when no slice of it runs, else with its next page, which is not stored.';

create function private.stop_connector_sync(p_tenant_id uuid, p_connector_id uuid)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_run public.sync_runs;
begin
  select r.* into v_run from public.sync_runs r
  where r.tenant_id = p_tenant_id and r.connector_id = p_connector_id and r.finished_at is null for update;
  if v_run.id is not null then
    perform private.stop_sync_run(v_run);
  end if;
end;
$$;
comment on function private.stop_connector_sync(uuid, uuid) is
  'Ends the run of a connector, if it has one. For whoever then changes the connector: before they lock it, since everybody locks the run first.';

create function public.cancel_sync_run(p_tenant_id uuid, p_org_id uuid, p_run_id uuid, p_actor uuid)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_run public.sync_runs;
begin
  select r.* into v_run from public.sync_runs r where r.tenant_id = p_tenant_id and r.id = p_run_id;
  if v_run.id is null then
    perform private.raise_error('IL404', 'This run does not exist.');
  end if;
  perform private.permitted_connector(p_tenant_id, p_org_id, v_run.connector_id, p_actor, 'connectors.sync');
  select r.* into v_run from public.sync_runs r where r.id = p_run_id for update;
  if v_run.finished_at is not null then
    perform private.raise_error('IL409', format('This run has %s already.', case v_run.status when 'failed' then 'failed' else 'ended as ' || v_run.status end));
  end if;
  return private.sync_run_resource(private.stop_sync_run(v_run));
end;
$$;
comment on function public.cancel_sync_run(uuid, uuid, uuid, uuid) is
  'Asks a run to end: at once when no slice of it runs, else with its next page. What was stored stays, and the next run goes on from there. Throws IL403, IL404, IL409 (it has ended). Definer for service_role alone.';

create function private.start_due_syncs(p_now timestamptz default clock_timestamp())
returns integer
language plpgsql
set search_path = ''
as $$
declare
  v_run public.sync_runs;
  v_called integer := 0;
begin
  with turns as (
    select s.connector_id, s.next_sync_at, row_number() over (partition by s.tenant_id order by s.next_sync_at) as turn
    from public.connector_states s
    join public.integration_connectors c on c.tenant_id = s.tenant_id and c.id = s.connector_id
    join private.sync_functions f on f.connector_type = c.type
    where s.next_sync_at <= p_now and c.status = 'active'
      and not exists (
        select from public.sync_runs r
        where r.tenant_id = s.tenant_id and r.connector_id = s.connector_id and r.finished_at is null
      )
  ),
  due as (
    select s.connector_id, c.tenant_id, c.org_id, f.function_name
    from turns t
    join public.connector_states s on s.connector_id = t.connector_id
    join public.integration_connectors c on c.tenant_id = s.tenant_id and c.id = s.connector_id
    join private.sync_functions f on f.connector_type = c.type
    where s.next_sync_at <= p_now and c.status = 'active'
    -- One of each tenant, then a second one of each: nobody's many connectors make others wait.
    order by t.turn, t.next_sync_at
    limit 200
    -- The run needs its connector too: what somebody holds is for the next minute.
    for update of s skip locked for key share of c skip locked
  ),
  started as (
    insert into public.sync_runs (tenant_id, org_id, connector_id, mode, trigger, function_name, trace_id)
    select d.tenant_id, d.org_id, d.connector_id, 'incremental', 'schedule', d.function_name, gen_random_uuid()::text
    from due d
    on conflict (tenant_id, connector_id) where finished_at is null do nothing
  )
  update public.connector_states s
  set next_sync_at = p_now + c.sync_interval_seconds * interval '1 second', updated_at = clock_timestamp()
  from due d
  join public.integration_connectors c on c.tenant_id = d.tenant_id and c.id = d.connector_id
  where s.connector_id = d.connector_id;

  for v_run in
    select r.*
    from (
      select o.id, o.next_slice_at, row_number() over (partition by o.tenant_id, o.function_name order by o.next_slice_at) as turn
      from public.sync_runs o
      where o.finished_at is null and o.next_slice_at <= p_now and (o.lease_until is null or o.lease_until < p_now)
    ) q
    join public.sync_runs r on r.id = q.id
    where r.finished_at is null and (r.lease_until is null or r.lease_until < p_now)
    -- A function that nobody has deployed keeps its own runs waiting only.
    order by q.turn, q.next_slice_at
    limit 200
    for update of r skip locked
  loop
    if v_run.unanswered_calls >= 60 then
      perform private.end_sync_run(v_run, 'failed', 'internal', format(
        'The function %s was called for an hour and has not begun; see whether it is deployed and takes the hub key.', v_run.function_name
      ));
      continue;
    end if;
    update public.sync_runs r set unanswered_calls = r.unanswered_calls + 1 where r.id = v_run.id;
    perform private.invoke_function(v_run.function_name || '/slice', jsonb_build_object('run_id', v_run.id));
    v_called := v_called + 1;
  end loop;
  return v_called;
end;
$$;
comment on function private.start_due_syncs(timestamptz) is
  'Starts the syncs that are due by their connector''s interval, and calls the function of every run whose next slice may begin: those that waited, whose call was lost, or whose worker disappeared. One that has been called for sixty times without a worker fails. Answers how many calls. Run by the job interlock-syncs.';
select private.schedule_job('interlock-syncs', 60, 'select private.start_due_syncs()');

create function private.tidy_syncs(p_rows integer default 20000, p_now timestamptz default clock_timestamp())
returns bigint
language plpgsql
set search_path = ''
as $$
declare
  v_table text;
  v_removed bigint;
  v_total bigint := 0;
begin
  delete from public.sync_runs r
  where r.id in (
    select o.id from public.sync_runs o
    join public.tenant_settings s on s.tenant_id = o.tenant_id
    where o.finished_at < p_now - s.log_retention_days * interval '1 day'
    limit p_rows
  );
  get diagnostics v_total = row_count;
  for v_table in select t.table_name from private.sync_tables t order by t.table_name loop
    execute format(
      'delete from public.%1$I t where t.ctid in (select o.ctid from public.%1$I o where o.deleted_at < $1 limit $2)', v_table
    )
    using p_now - interval '30 days', p_rows;
    get diagnostics v_removed = row_count;
    v_total := v_total + v_removed;
  end loop;
  return v_total;
end;
$$;
comment on function private.tidy_syncs(integer, timestamptz) is
  'Removes runs older than tenant_settings.log_retention_days and synced records that were deleted 30 days ago; answers how many rows. Run by the job interlock-sync-tidying.';
select private.schedule_job('interlock-sync-tidying', 3600, 'select private.tidy_syncs()');

create function public.get_sync_run(p_tenant_id uuid, p_run_id uuid)
returns jsonb
language sql
stable
security definer
set search_path = ''
as $$
  select private.sync_run_resource(r) from public.sync_runs r where r.tenant_id = p_tenant_id and r.id = p_run_id;
$$;
comment on function public.get_sync_run(uuid, uuid) is
  'A run as the API shows it; null when the tenant has none of this id. Definer for service_role alone.';

create function public.list_sync_runs(
  p_tenant_id uuid, p_org_id uuid, p_connector_id uuid, p_status text, p_after_at timestamptz, p_after_id uuid, p_limit integer
)
returns jsonb
language sql
stable
security definer
set search_path = ''
as $$
  with page as (
    select r, r.created_at, r.id
    from public.sync_runs r
    where r.tenant_id = p_tenant_id and (r.org_id is null or p_org_id is null or r.org_id = p_org_id)
      and (p_connector_id is null or r.connector_id = p_connector_id) and (p_status is null or r.status = p_status)
      and (p_after_at is null or r.created_at < p_after_at or (r.created_at = p_after_at and r.id > p_after_id))
    order by r.created_at desc, r.id
    limit p_limit
  )
  select jsonb_build_object(
    'data', coalesce(jsonb_agg(private.sync_run_resource(p.r) order by p.created_at desc, p.id), '[]'::jsonb),
    'next', case when count(*) = p_limit then (
      select jsonb_build_object('at', l.created_at, 'id', l.id) from page l order by l.created_at, l.id desc limit 1
    ) end
  )
  from page p;
$$;
comment on function public.list_sync_runs(uuid, uuid, uuid, text, timestamptz, uuid, integer) is
  'A page of a tenant''s runs in an org (null = all), newest first: {data, next: {at, id}}. Definer for service_role alone.';

grant execute on function
  public.get_sync_run(uuid, uuid), public.list_sync_runs(uuid, uuid, uuid, text, timestamptz, uuid, integer),
  public.start_sync_run(uuid, uuid, uuid, text[], text, text[], text, text, text, boolean, text, uuid),
  public.claim_sync_slice(uuid, text, integer), public.plan_sync_run(uuid, uuid, integer, text[]),
  public.apply_sync_page(uuid, uuid, integer, text),
  public.sweep_sync_pass(uuid, uuid, integer, text, text, text, integer), public.count_synced(uuid, text, text),
  public.finish_sync_slice(uuid, uuid, text), public.cancel_sync_run(uuid, uuid, uuid, uuid)
to service_role;
