-- The other sources of guardian meta events: uplift plans and tasks, edition fits, executive reports, adoption scores,
-- lifecycle runs. One trigger function publishes the rows of all of them, and those of readiness as well.
-- New tables and functions; replaces both triggers of guardian_readiness_snapshots (a short exclusive lock, no rewrite).
-- Rollback: drop the tables, their lines of private.guardian_meta_event_types and private.publish_guardian_rows() with its
-- triggers; restore private.publish_readiness() and the triggers of 1300.

create function private.guardian_facts(p_row jsonb, p_columns text[])
returns jsonb
language sql
stable
set search_path = ''
as $$
  select coalesce(jsonb_object_agg(c.name, case
    when c.name like '%\_at'
      then to_jsonb(to_char((p_row ->> c.name)::timestamptz at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
    else p_row -> c.name end), '{}'::jsonb)
  from unnest(p_columns) as c (name);
$$;
comment on function private.guardian_facts(jsonb, text[]) is
  'The named columns of a row and nothing else, as the payload of an event: columns that end in _at become instants in UTC with milliseconds.';

create function private.publish_guardian_rows()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_event_type constant text := tg_argv[0];
  v_entity_type constant text := tg_argv[1];
  v_instant constant text := tg_argv[2];
  v_columns constant text[] := tg_argv[3:];
  v_request_id constant text := left(private.request_header('x-request-id'), 200);
begin
  if tg_op = 'INSERT' then
    insert into public.integration_events_outbox
      (tenant_id, event_type, entity_type, entity_id, payload, source, trace_id, occurred_at)
    select n.tenant_id, v_event_type, v_entity_type, n.id::text, private.guardian_facts(to_jsonb(n), v_columns),
      'guardian', coalesce(v_request_id, gen_random_uuid()::text), (to_jsonb(n) ->> v_instant)::timestamptz
    from new_rows n
    where to_jsonb(n) ->> v_instant is not null;
    return null;
  end if;
  insert into public.integration_events_outbox
    (tenant_id, event_type, entity_type, entity_id, payload, source, trace_id, occurred_at)
  select n.tenant_id, v_event_type, v_entity_type, n.id::text, f.facts,
    'guardian', coalesce(v_request_id, gen_random_uuid()::text), (to_jsonb(n) ->> v_instant)::timestamptz
  from new_rows n
  cross join lateral (select private.guardian_facts(to_jsonb(n), v_columns)) as f (facts)
  left join old_rows o on o.tenant_id = n.tenant_id and o.id = n.id
  where to_jsonb(n) ->> v_instant is not null
    and f.facts - 'updated_at' is distinct from private.guardian_facts(to_jsonb(o), v_columns) - 'updated_at';
  return null;
end;
$$;
comment on function private.publish_guardian_rows() is
  'Statement trigger (event type, entity type, column of the instant, columns of the payload ...): every row becomes an event in the same transaction once its instant is not null, an update only where the payload says something new beside updated_at. Definer: no user writes events.';

create function private.stamp_completion()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  new.completed_at := case when new.status = tg_argv[0] then coalesce(new.completed_at, now()) end;
  return new;
end;
$$;
comment on function private.stamp_completion() is
  'Row trigger (status): completed_at stands exactly while the row has that status; now, where the writer does not say when.';

create function private.adoption_is_scored(p_dimensions jsonb)
returns boolean
language sql
immutable
set search_path = ''
as $$
  select jsonb_typeof(p_dimensions) = 'object' and not exists (
    select from jsonb_each(case when jsonb_typeof(p_dimensions) = 'object' then p_dimensions else '{}'::jsonb end) as d (name, facts)
    where d.name not in ('core', 'ai_intelligence', 'qa_chaos', 'network_intelligence', 'governance', 'meta')
      or case when jsonb_typeof(d.facts) = 'object' then
        d.facts - array['score', 'status'] <> '{}'::jsonb
        or coalesce((d.facts -> 'score')::text !~ '^(100|[1-9]?[0-9])$', true)
        or coalesce((d.facts -> 'status')::text not in ('"inactive"', '"light"', '"regular"', '"power"'), true)
      else true end
  );
$$;
comment on function private.adoption_is_scored(jsonb) is
  'true for an object of dimension -> {score: integer 0..100, status: inactive, light, regular or power} and nothing else; dimensions of the same closed list as readiness.';
grant execute on function private.adoption_is_scored(jsonb) to service_role;

create table public.guardian_uplift_plans (
  id uuid not null default gen_random_uuid(),
  tenant_id uuid not null,
  title text not null constraint guardian_uplift_plans_title_check check (char_length(title) between 1 and 200),
  status text not null default 'draft'
    constraint guardian_uplift_plans_status_check check (status in ('draft', 'active', 'completed', 'archived')),
  dimension text
    constraint guardian_uplift_plans_dimension_check check (dimension in ('core', 'ai_intelligence', 'qa_chaos', 'network_intelligence', 'governance', 'meta')),
  target_score integer constraint guardian_uplift_plans_target_score_check check (target_score between 0 and 100),
  created_at timestamptz not null default now()
    constraint guardian_uplift_plans_created_at_check check (created_at >= '2000-01-01T00:00:00Z' and created_at < '2100-01-01T00:00:00Z'),
  updated_at timestamptz
    constraint guardian_uplift_plans_updated_at_check check (updated_at >= '2000-01-01T00:00:00Z' and updated_at < '2100-01-01T00:00:00Z'),
  metadata jsonb not null default '{}'::jsonb
    constraint guardian_uplift_plans_metadata_check check (jsonb_typeof(metadata) = 'object' and octet_length(metadata::text) <= 16384),
  constraint guardian_uplift_plans_pkey primary key (id),
  constraint guardian_uplift_plans_tenant_id_id_key unique (tenant_id, id),
  constraint guardian_uplift_plans_tenant_fkey foreign key (tenant_id) references public.tenants (id)
);
create index guardian_uplift_plans_tenant_id_created_at_idx
  on public.guardian_uplift_plans (tenant_id, created_at desc, id);
comment on table public.guardian_uplift_plans is
  'A plan to make a tenant readier. Written by the Guardian product with the service key; a row written here becomes an event by itself.';
comment on column public.guardian_uplift_plans.id is 'The plan.';
comment on column public.guardian_uplift_plans.tenant_id is 'Whose plan.';
comment on column public.guardian_uplift_plans.title is 'What people call it; never leaves the house.';
comment on column public.guardian_uplift_plans.status is 'draft, active, completed or archived.';
comment on column public.guardian_uplift_plans.dimension is 'What it uplifts: core, ai_intelligence, qa_chaos, network_intelligence, governance or meta; null = all of it.';
comment on column public.guardian_uplift_plans.target_score is 'Readiness it aims at, 0..100; null = none named.';
comment on column public.guardian_uplift_plans.created_at is 'Instant of creation.';
comment on column public.guardian_uplift_plans.updated_at is 'Instant of the last change; null = as it was created.';
comment on column public.guardian_uplift_plans.metadata is 'Facts for the product itself; never leaves the house.';

create table public.guardian_uplift_tasks (
  id uuid not null default gen_random_uuid(),
  tenant_id uuid not null,
  plan_id uuid not null,
  title text not null constraint guardian_uplift_tasks_title_check check (char_length(title) between 1 and 200),
  status text not null default 'todo'
    constraint guardian_uplift_tasks_status_check check (status in ('todo', 'in_progress', 'blocked', 'done')),
  priority text not null default 'medium'
    constraint guardian_uplift_tasks_priority_check check (priority in ('low', 'medium', 'high', 'critical')),
  dimension text
    constraint guardian_uplift_tasks_dimension_check check (dimension in ('core', 'ai_intelligence', 'qa_chaos', 'network_intelligence', 'governance', 'meta')),
  completed_at timestamptz
    constraint guardian_uplift_tasks_completed_at_check check (completed_at >= '2000-01-01T00:00:00Z' and completed_at < '2100-01-01T00:00:00Z'),
  created_at timestamptz not null default now()
    constraint guardian_uplift_tasks_created_at_check check (created_at >= '2000-01-01T00:00:00Z' and created_at < '2100-01-01T00:00:00Z'),
  updated_at timestamptz
    constraint guardian_uplift_tasks_updated_at_check check (updated_at >= '2000-01-01T00:00:00Z' and updated_at < '2100-01-01T00:00:00Z'),
  metadata jsonb not null default '{}'::jsonb
    constraint guardian_uplift_tasks_metadata_check check (jsonb_typeof(metadata) = 'object' and octet_length(metadata::text) <= 16384),
  constraint guardian_uplift_tasks_pkey primary key (id),
  constraint guardian_uplift_tasks_tenant_id_id_key unique (tenant_id, id),
  constraint guardian_uplift_tasks_tenant_fkey foreign key (tenant_id) references public.tenants (id),
  constraint guardian_uplift_tasks_plan_fkey foreign key (tenant_id, plan_id)
    references public.guardian_uplift_plans (tenant_id, id) on delete cascade,
  constraint guardian_uplift_tasks_done_check check ((status = 'done') = (completed_at is not null))
);
create index guardian_uplift_tasks_tenant_id_plan_id_idx
  on public.guardian_uplift_tasks (tenant_id, plan_id);
create index guardian_uplift_tasks_tenant_id_created_at_idx
  on public.guardian_uplift_tasks (tenant_id, created_at desc, id);
create index guardian_uplift_tasks_tenant_id_completed_at_idx
  on public.guardian_uplift_tasks (tenant_id, completed_at) where completed_at is not null;
comment on table public.guardian_uplift_tasks is
  'One step of an uplift plan. Written by the Guardian product with the service key; a row written here becomes an event by itself.';
comment on column public.guardian_uplift_tasks.id is 'The task.';
comment on column public.guardian_uplift_tasks.tenant_id is 'Whose task; the plan is of the same tenant.';
comment on column public.guardian_uplift_tasks.plan_id is 'The plan it belongs to.';
comment on column public.guardian_uplift_tasks.title is 'What is to be done; never leaves the house.';
comment on column public.guardian_uplift_tasks.status is 'todo, in_progress, blocked or done.';
comment on column public.guardian_uplift_tasks.priority is 'low, medium, high or critical.';
comment on column public.guardian_uplift_tasks.dimension is 'What it uplifts, of the list of the plans; null = not said.';
comment on column public.guardian_uplift_tasks.completed_at is 'Instant it was done; null = not done. Filled when the status becomes done, emptied when it is reopened.';
comment on column public.guardian_uplift_tasks.created_at is 'Instant of creation.';
comment on column public.guardian_uplift_tasks.updated_at is 'Instant of the last change; null = as it was created.';
comment on column public.guardian_uplift_tasks.metadata is 'Facts for the product itself; never leaves the house.';

create table public.guardian_edition_fits (
  id uuid not null default gen_random_uuid(),
  tenant_id uuid not null,
  edition_key text not null
    constraint guardian_edition_fits_edition_key_check check (edition_key in ('guardian_core', 'guardian_pro', 'guardian_elite')),
  label text not null constraint guardian_edition_fits_label_check check (char_length(label) between 1 and 100),
  fit_score integer not null constraint guardian_edition_fits_fit_score_check check (fit_score between 0 and 100),
  fit_status text not null
    constraint guardian_edition_fits_fit_status_check check (fit_status in ('not_started', 'emerging', 'aligned', 'outgrown')),
  computed_at timestamptz not null default now()
    constraint guardian_edition_fits_computed_at_check check (computed_at >= '2000-01-01T00:00:00Z' and computed_at < '2100-01-01T00:00:00Z'),
  created_at timestamptz not null default now(),
  metadata jsonb not null default '{}'::jsonb
    constraint guardian_edition_fits_metadata_check check (jsonb_typeof(metadata) = 'object' and octet_length(metadata::text) <= 16384),
  constraint guardian_edition_fits_pkey primary key (id),
  constraint guardian_edition_fits_tenant_id_id_key unique (tenant_id, id),
  constraint guardian_edition_fits_tenant_fkey foreign key (tenant_id) references public.tenants (id)
);
create index guardian_edition_fits_tenant_id_computed_at_idx
  on public.guardian_edition_fits (tenant_id, computed_at desc, id);
create index guardian_edition_fits_tenant_id_edition_key_computed_at_idx
  on public.guardian_edition_fits (tenant_id, edition_key, computed_at desc, id);
comment on table public.guardian_edition_fits is
  'How well an edition of Guardian fits a tenant, computed now and then; the latest row of an edition counts. Written by the Guardian product with the service key; a row written here becomes an event by itself.';
comment on column public.guardian_edition_fits.id is 'The fit.';
comment on column public.guardian_edition_fits.tenant_id is 'Whose fit.';
comment on column public.guardian_edition_fits.edition_key is 'guardian_core, guardian_pro or guardian_elite.';
comment on column public.guardian_edition_fits.label is 'Name of the edition as people of the tenant see it; never leaves the house.';
comment on column public.guardian_edition_fits.fit_score is '0..100, higher fits better.';
comment on column public.guardian_edition_fits.fit_status is 'not_started, emerging, aligned or outgrown.';
comment on column public.guardian_edition_fits.computed_at is 'Instant of the computation.';
comment on column public.guardian_edition_fits.created_at is 'Instant of writing.';
comment on column public.guardian_edition_fits.metadata is 'Facts for the product itself; never leaves the house.';

create table public.guardian_executive_reports (
  id uuid not null default gen_random_uuid(),
  tenant_id uuid not null,
  title text not null constraint guardian_executive_reports_title_check check (char_length(title) between 1 and 200),
  report_type text not null
    constraint guardian_executive_reports_report_type_check check (report_type in ('monthly', 'quarterly', 'annual', 'ad_hoc')),
  period_start_on date not null
    constraint guardian_executive_reports_period_start_on_check check (period_start_on between '2000-01-01' and '2099-12-31'),
  period_end_on date not null
    constraint guardian_executive_reports_period_end_on_check check (period_end_on between '2000-01-01' and '2099-12-31'),
  overall_score integer
    constraint guardian_executive_reports_overall_score_check check (overall_score between 0 and 100),
  highlights_count integer not null default 0
    constraint guardian_executive_reports_highlights_count_check check (highlights_count between 0 and 9999999),
  risks_count integer not null default 0
    constraint guardian_executive_reports_risks_count_check check (risks_count between 0 and 9999999),
  created_at timestamptz not null default now()
    constraint guardian_executive_reports_created_at_check check (created_at >= '2000-01-01T00:00:00Z' and created_at < '2100-01-01T00:00:00Z'),
  updated_at timestamptz
    constraint guardian_executive_reports_updated_at_check check (updated_at >= '2000-01-01T00:00:00Z' and updated_at < '2100-01-01T00:00:00Z'),
  metadata jsonb not null default '{}'::jsonb
    constraint guardian_executive_reports_metadata_check check (jsonb_typeof(metadata) = 'object' and octet_length(metadata::text) <= 16384),
  constraint guardian_executive_reports_pkey primary key (id),
  constraint guardian_executive_reports_tenant_id_id_key unique (tenant_id, id),
  constraint guardian_executive_reports_tenant_fkey foreign key (tenant_id) references public.tenants (id),
  constraint guardian_executive_reports_period_check check (period_end_on >= period_start_on)
);
create index guardian_executive_reports_tenant_id_created_at_idx
  on public.guardian_executive_reports (tenant_id, created_at desc, id);
comment on table public.guardian_executive_reports is
  'A report for executives; this is its meta data, the text stays with the product. Written by the Guardian product with the service key; a row written here becomes an event by itself.';
comment on column public.guardian_executive_reports.id is 'The report.';
comment on column public.guardian_executive_reports.tenant_id is 'Whose report.';
comment on column public.guardian_executive_reports.title is 'What people call it; never leaves the house.';
comment on column public.guardian_executive_reports.report_type is 'monthly, quarterly, annual or ad_hoc.';
comment on column public.guardian_executive_reports.period_start_on is 'First day it tells about.';
comment on column public.guardian_executive_reports.period_end_on is 'Last day it tells about.';
comment on column public.guardian_executive_reports.overall_score is 'Readiness it reports, 0..100; null = it reports none.';
comment on column public.guardian_executive_reports.highlights_count is 'How many highlights it names.';
comment on column public.guardian_executive_reports.risks_count is 'How many risks it names.';
comment on column public.guardian_executive_reports.created_at is 'Instant of creation.';
comment on column public.guardian_executive_reports.updated_at is 'Instant of the last change; null = as it was created.';
comment on column public.guardian_executive_reports.metadata is 'Facts for the product itself; never leaves the house.';

create table public.guardian_adoption_scores (
  id uuid not null default gen_random_uuid(),
  tenant_id uuid not null,
  overall_score integer not null
    constraint guardian_adoption_scores_overall_score_check check (overall_score between 0 and 100),
  overall_status text not null
    constraint guardian_adoption_scores_overall_status_check check (overall_status in ('inactive', 'light', 'regular', 'power')),
  dimensions jsonb not null default '{}'::jsonb
    constraint guardian_adoption_scores_dimensions_check check (private.adoption_is_scored(dimensions)),
  computed_at timestamptz not null default now()
    constraint guardian_adoption_scores_computed_at_check check (computed_at >= '2000-01-01T00:00:00Z' and computed_at < '2100-01-01T00:00:00Z'),
  created_at timestamptz not null default now(),
  metadata jsonb not null default '{}'::jsonb
    constraint guardian_adoption_scores_metadata_check check (jsonb_typeof(metadata) = 'object' and octet_length(metadata::text) <= 16384),
  constraint guardian_adoption_scores_pkey primary key (id),
  constraint guardian_adoption_scores_tenant_id_id_key unique (tenant_id, id),
  constraint guardian_adoption_scores_tenant_fkey foreign key (tenant_id) references public.tenants (id)
);
create index guardian_adoption_scores_tenant_id_computed_at_idx
  on public.guardian_adoption_scores (tenant_id, computed_at desc, id);
comment on table public.guardian_adoption_scores is
  'How much of Guardian a tenant uses, computed now and then. Written by the Guardian product with the service key; a row written here becomes an event by itself.';
comment on column public.guardian_adoption_scores.id is 'The scores.';
comment on column public.guardian_adoption_scores.tenant_id is 'Whose scores.';
comment on column public.guardian_adoption_scores.overall_score is '0..100, higher is more.';
comment on column public.guardian_adoption_scores.overall_status is 'inactive, light, regular or power.';
comment on column public.guardian_adoption_scores.dimensions is 'Dimension -> {score: 0..100, status: inactive, light, regular or power}; a missing dimension was not computed.';
comment on column public.guardian_adoption_scores.computed_at is 'Instant of the computation.';
comment on column public.guardian_adoption_scores.created_at is 'Instant of writing.';
comment on column public.guardian_adoption_scores.metadata is 'Facts for the product itself; never leaves the house.';

create table public.guardian_lifecycle_runs (
  id uuid not null default gen_random_uuid(),
  tenant_id uuid not null,
  run_type text not null
    constraint guardian_lifecycle_runs_run_type_check check (run_type in ('retention', 'compaction', 'archival')),
  status text not null default 'running'
    constraint guardian_lifecycle_runs_status_check check (status in ('running', 'completed', 'failed')),
  items_scanned integer not null default 0
    constraint guardian_lifecycle_runs_items_scanned_check check (items_scanned between 0 and 9999999),
  items_archived integer not null default 0
    constraint guardian_lifecycle_runs_items_archived_check check (items_archived between 0 and 9999999),
  items_deleted integer not null default 0
    constraint guardian_lifecycle_runs_items_deleted_check check (items_deleted between 0 and 9999999),
  started_at timestamptz not null default now()
    constraint guardian_lifecycle_runs_started_at_check check (started_at >= '2000-01-01T00:00:00Z' and started_at < '2100-01-01T00:00:00Z'),
  completed_at timestamptz
    constraint guardian_lifecycle_runs_completed_at_check check (completed_at >= '2000-01-01T00:00:00Z' and completed_at < '2100-01-01T00:00:00Z'),
  created_at timestamptz not null default now(),
  updated_at timestamptz
    constraint guardian_lifecycle_runs_updated_at_check check (updated_at >= '2000-01-01T00:00:00Z' and updated_at < '2100-01-01T00:00:00Z'),
  metadata jsonb not null default '{}'::jsonb
    constraint guardian_lifecycle_runs_metadata_check check (jsonb_typeof(metadata) = 'object' and octet_length(metadata::text) <= 16384),
  constraint guardian_lifecycle_runs_pkey primary key (id),
  constraint guardian_lifecycle_runs_tenant_id_id_key unique (tenant_id, id),
  constraint guardian_lifecycle_runs_tenant_fkey foreign key (tenant_id) references public.tenants (id),
  constraint guardian_lifecycle_runs_completed_check check ((status = 'completed') = (completed_at is not null)),
  constraint guardian_lifecycle_runs_duration_check check (completed_at >= started_at)
);
create index guardian_lifecycle_runs_tenant_id_started_at_idx
  on public.guardian_lifecycle_runs (tenant_id, started_at desc, id);
create index guardian_lifecycle_runs_tenant_id_completed_at_idx
  on public.guardian_lifecycle_runs (tenant_id, completed_at desc) where completed_at is not null;
comment on table public.guardian_lifecycle_runs is
  'One pass of housekeeping over a tenant''s Guardian meta data. Written by the Guardian product with the service key; a run that is completed becomes an event by itself.';
comment on column public.guardian_lifecycle_runs.id is 'The run.';
comment on column public.guardian_lifecycle_runs.tenant_id is 'Whose run.';
comment on column public.guardian_lifecycle_runs.run_type is 'retention, compaction or archival.';
comment on column public.guardian_lifecycle_runs.status is 'running, completed or failed; only completed is told outside.';
comment on column public.guardian_lifecycle_runs.items_scanned is 'Rows looked at.';
comment on column public.guardian_lifecycle_runs.items_archived is 'Rows put away or made smaller.';
comment on column public.guardian_lifecycle_runs.items_deleted is 'Rows deleted.';
comment on column public.guardian_lifecycle_runs.started_at is 'Instant it began.';
comment on column public.guardian_lifecycle_runs.completed_at is 'Instant it completed; null = running or failed. Filled when the status becomes completed.';
comment on column public.guardian_lifecycle_runs.created_at is 'Instant of writing.';
comment on column public.guardian_lifecycle_runs.updated_at is 'Instant of the last change; null = as it was created.';
comment on column public.guardian_lifecycle_runs.metadata is 'Facts for the product itself; never leaves the house.';

insert into private.guardian_meta_event_types (source_event_type, event_type, scope) values
  ('guardian.uplift_plan_created', 'uplift_plan_created', 'uplift'),
  ('guardian.uplift_plan_updated', 'uplift_plan_created', 'uplift'),
  ('guardian.uplift_task_updated', 'uplift_task_updated', 'uplift'),
  ('guardian.edition_fit_computed', 'edition_fit_computed', 'editions'),
  ('guardian.executive_report_created', 'executive_report_created', 'executive_reports'),
  ('guardian.executive_report_updated', 'executive_report_created', 'executive_reports'),
  ('guardian.adoption_scores_computed', 'adoption_scores_computed', 'adoption'),
  ('guardian.lifecycle_run_completed', 'lifecycle_run_completed', 'lifecycle');

create trigger guardian_uplift_plans_touch before update on public.guardian_uplift_plans
  for each row execute function private.touch_updated_at();
create trigger guardian_uplift_tasks_touch before update on public.guardian_uplift_tasks
  for each row execute function private.touch_updated_at();
create trigger guardian_executive_reports_touch before update on public.guardian_executive_reports
  for each row execute function private.touch_updated_at();
create trigger guardian_lifecycle_runs_touch before update on public.guardian_lifecycle_runs
  for each row execute function private.touch_updated_at();
create trigger guardian_uplift_tasks_stamp before insert or update on public.guardian_uplift_tasks
  for each row execute function private.stamp_completion('done');
create trigger guardian_lifecycle_runs_stamp before insert or update on public.guardian_lifecycle_runs
  for each row execute function private.stamp_completion('completed');

drop trigger guardian_readiness_snapshots_publish_new on public.guardian_readiness_snapshots;
drop trigger guardian_readiness_snapshots_publish_change on public.guardian_readiness_snapshots;
drop function private.publish_readiness();

create trigger guardian_readiness_snapshots_publish_new after insert on public.guardian_readiness_snapshots
  referencing new table as new_rows for each statement execute function private.publish_guardian_rows(
    'guardian.readiness_updated', 'guardian_readiness_snapshot', 'computed_at',
    'overall_score', 'band', 'dimension_scores', 'computed_at'
  );
create trigger guardian_readiness_snapshots_publish_change after update on public.guardian_readiness_snapshots
  referencing old table as old_rows new table as new_rows for each statement execute function private.publish_guardian_rows(
    'guardian.readiness_updated', 'guardian_readiness_snapshot', 'computed_at',
    'overall_score', 'band', 'dimension_scores', 'computed_at'
  );
create trigger guardian_uplift_plans_publish_new after insert on public.guardian_uplift_plans
  referencing new table as new_rows for each statement execute function private.publish_guardian_rows(
    'guardian.uplift_plan_created', 'guardian_uplift_plan', 'created_at',
    'status', 'dimension', 'target_score', 'created_at', 'updated_at'
  );
create trigger guardian_uplift_plans_publish_change after update on public.guardian_uplift_plans
  referencing old table as old_rows new table as new_rows for each statement execute function private.publish_guardian_rows(
    'guardian.uplift_plan_updated', 'guardian_uplift_plan', 'updated_at',
    'status', 'dimension', 'target_score', 'created_at', 'updated_at'
  );
create trigger guardian_uplift_tasks_publish_new after insert on public.guardian_uplift_tasks
  referencing new table as new_rows for each statement execute function private.publish_guardian_rows(
    'guardian.uplift_task_updated', 'guardian_uplift_task', 'created_at',
    'status', 'priority', 'dimension', 'completed_at', 'created_at', 'updated_at'
  );
create trigger guardian_uplift_tasks_publish_change after update on public.guardian_uplift_tasks
  referencing old table as old_rows new table as new_rows for each statement execute function private.publish_guardian_rows(
    'guardian.uplift_task_updated', 'guardian_uplift_task', 'updated_at',
    'status', 'priority', 'dimension', 'completed_at', 'created_at', 'updated_at'
  );
create trigger guardian_edition_fits_publish_new after insert on public.guardian_edition_fits
  referencing new table as new_rows for each statement execute function private.publish_guardian_rows(
    'guardian.edition_fit_computed', 'guardian_edition_fit', 'computed_at',
    'edition_key', 'fit_score', 'fit_status', 'computed_at'
  );
create trigger guardian_edition_fits_publish_change after update on public.guardian_edition_fits
  referencing old table as old_rows new table as new_rows for each statement execute function private.publish_guardian_rows(
    'guardian.edition_fit_computed', 'guardian_edition_fit', 'computed_at',
    'edition_key', 'fit_score', 'fit_status', 'computed_at'
  );
create trigger guardian_executive_reports_publish_new after insert on public.guardian_executive_reports
  referencing new table as new_rows for each statement execute function private.publish_guardian_rows(
    'guardian.executive_report_created', 'guardian_executive_report', 'created_at',
    'report_type', 'period_start_on', 'period_end_on', 'overall_score', 'highlights_count', 'risks_count', 'created_at', 'updated_at'
  );
create trigger guardian_executive_reports_publish_change after update on public.guardian_executive_reports
  referencing old table as old_rows new table as new_rows for each statement execute function private.publish_guardian_rows(
    'guardian.executive_report_updated', 'guardian_executive_report', 'updated_at',
    'report_type', 'period_start_on', 'period_end_on', 'overall_score', 'highlights_count', 'risks_count', 'created_at', 'updated_at'
  );
create trigger guardian_adoption_scores_publish_new after insert on public.guardian_adoption_scores
  referencing new table as new_rows for each statement execute function private.publish_guardian_rows(
    'guardian.adoption_scores_computed', 'guardian_adoption_scores', 'computed_at',
    'overall_score', 'overall_status', 'dimensions', 'computed_at'
  );
create trigger guardian_adoption_scores_publish_change after update on public.guardian_adoption_scores
  referencing old table as old_rows new table as new_rows for each statement execute function private.publish_guardian_rows(
    'guardian.adoption_scores_computed', 'guardian_adoption_scores', 'computed_at',
    'overall_score', 'overall_status', 'dimensions', 'computed_at'
  );
create trigger guardian_lifecycle_runs_publish_new after insert on public.guardian_lifecycle_runs
  referencing new table as new_rows for each statement execute function private.publish_guardian_rows(
    'guardian.lifecycle_run_completed', 'guardian_lifecycle_run', 'completed_at',
    'run_type', 'items_scanned', 'items_archived', 'items_deleted', 'started_at', 'completed_at'
  );
create trigger guardian_lifecycle_runs_publish_change after update on public.guardian_lifecycle_runs
  referencing old table as old_rows new table as new_rows for each statement execute function private.publish_guardian_rows(
    'guardian.lifecycle_run_completed', 'guardian_lifecycle_run', 'completed_at',
    'run_type', 'items_scanned', 'items_archived', 'items_deleted', 'started_at', 'completed_at'
  );

alter table public.guardian_uplift_plans enable row level security;
alter table public.guardian_uplift_plans force row level security;
grant select on public.guardian_uplift_plans to authenticated;
grant select, insert, update on public.guardian_uplift_plans to service_role;
create policy "readers of integrations see uplift plans of their tenant" on public.guardian_uplift_plans for select to authenticated
  using (tenant_id = (select private.get_current_workspace_id()) and (select private.has_tenant_permission('integrations.read')));

alter table public.guardian_uplift_tasks enable row level security;
alter table public.guardian_uplift_tasks force row level security;
grant select on public.guardian_uplift_tasks to authenticated;
grant select, insert, update on public.guardian_uplift_tasks to service_role;
create policy "readers of integrations see uplift tasks of their tenant" on public.guardian_uplift_tasks for select to authenticated
  using (tenant_id = (select private.get_current_workspace_id()) and (select private.has_tenant_permission('integrations.read')));

alter table public.guardian_edition_fits enable row level security;
alter table public.guardian_edition_fits force row level security;
grant select on public.guardian_edition_fits to authenticated;
grant select, insert, update on public.guardian_edition_fits to service_role;
create policy "readers of integrations see edition fits of their tenant" on public.guardian_edition_fits for select to authenticated
  using (tenant_id = (select private.get_current_workspace_id()) and (select private.has_tenant_permission('integrations.read')));

alter table public.guardian_executive_reports enable row level security;
alter table public.guardian_executive_reports force row level security;
grant select on public.guardian_executive_reports to authenticated;
grant select, insert, update on public.guardian_executive_reports to service_role;
create policy "readers of integrations see executive reports of their tenant" on public.guardian_executive_reports for select to authenticated
  using (tenant_id = (select private.get_current_workspace_id()) and (select private.has_tenant_permission('integrations.read')));

alter table public.guardian_adoption_scores enable row level security;
alter table public.guardian_adoption_scores force row level security;
grant select on public.guardian_adoption_scores to authenticated;
grant select, insert, update on public.guardian_adoption_scores to service_role;
create policy "readers of integrations see adoption scores of their tenant" on public.guardian_adoption_scores for select to authenticated
  using (tenant_id = (select private.get_current_workspace_id()) and (select private.has_tenant_permission('integrations.read')));

alter table public.guardian_lifecycle_runs enable row level security;
alter table public.guardian_lifecycle_runs force row level security;
grant select on public.guardian_lifecycle_runs to authenticated;
grant select, insert, update on public.guardian_lifecycle_runs to service_role;
create policy "readers of integrations see lifecycle runs of their tenant" on public.guardian_lifecycle_runs for select to authenticated
  using (tenant_id = (select private.get_current_workspace_id()) and (select private.has_tenant_permission('integrations.read')));
