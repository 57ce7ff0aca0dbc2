-- Readiness snapshots: the first source of guardian meta events.
-- New table only. Rollback: drop it, delete its line of private.guardian_meta_event_types.

create function private.scores_are_percentages(p_scores jsonb)
returns boolean
language sql
immutable
set search_path = ''
as $$
  select jsonb_typeof(p_scores) = 'object' and not exists (
    select from jsonb_each(case when jsonb_typeof(p_scores) = 'object' then p_scores else '{}'::jsonb end) as s (name, score)
    where s.name not in ('core', 'ai_intelligence', 'qa_chaos', 'network_intelligence', 'governance', 'meta')
      or s.score::text !~ '^(100|[1-9]?[0-9])$'
  );
$$;
comment on function private.scores_are_percentages(jsonb) is
  'true for an object of dimension -> integer 0..100, dimensions of the closed list: core, ai_intelligence, qa_chaos, network_intelligence, governance, meta.';
grant execute on function private.scores_are_percentages(jsonb) to service_role;

create table public.guardian_readiness_snapshots (
  id uuid not null default gen_random_uuid(),
  tenant_id uuid not null,
  overall_score integer not null constraint guardian_readiness_snapshots_overall_score_check check (overall_score between 0 and 100),
  band text not null constraint guardian_readiness_snapshots_band_check
    check (band in ('baseline', 'emerging', 'operational', 'advanced')),
  dimension_scores jsonb not null default '{}'::jsonb
    constraint guardian_readiness_snapshots_dimension_scores_check check (private.scores_are_percentages(dimension_scores)),
  metadata jsonb not null default '{}'::jsonb,
  computed_at timestamptz not null default now(),
  created_at timestamptz not null default now(),
  constraint guardian_readiness_snapshots_pkey primary key (id),
  constraint guardian_readiness_snapshots_tenant_id_id_key unique (tenant_id, id),
  constraint guardian_readiness_snapshots_tenant_fkey foreign key (tenant_id) references public.tenants (id)
);
create index guardian_readiness_snapshots_tenant_id_computed_at_idx
  on public.guardian_readiness_snapshots (tenant_id, computed_at desc, id);
comment on table public.guardian_readiness_snapshots is
  'How ready a tenant''s Guardian is, computed now and then. Written by the Guardian product with the service key; a row written here becomes an event by itself.';
comment on column public.guardian_readiness_snapshots.id is 'The snapshot.';
comment on column public.guardian_readiness_snapshots.tenant_id is 'Whose readiness.';
comment on column public.guardian_readiness_snapshots.overall_score is '0..100, higher is readier.';
comment on column public.guardian_readiness_snapshots.band is 'baseline, emerging, operational or advanced.';
comment on column public.guardian_readiness_snapshots.dimension_scores is 'Dimension -> score 0..100; a missing dimension was not computed.';
comment on column public.guardian_readiness_snapshots.metadata is 'Facts of the computation; never leaves the house.';
comment on column public.guardian_readiness_snapshots.computed_at is 'Instant of the computation.';
comment on column public.guardian_readiness_snapshots.created_at is 'Instant of writing.';

insert into private.guardian_meta_event_types (source_event_type, event_type, scope)
values ('guardian.readiness_updated', 'readiness_updated', 'readiness');

create function private.publish_readiness()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  insert into public.integration_events_outbox
    (tenant_id, event_type, entity_type, entity_id, payload, source, trace_id, occurred_at)
  select n.tenant_id, 'guardian.readiness_updated', 'guardian_readiness_snapshot', n.id::text,
    jsonb_build_object(
      'overall_score', n.overall_score, 'band', n.band, 'dimension_scores', n.dimension_scores,
      'computed_at', to_char(n.computed_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
    ),
    'guardian', coalesce(left(private.request_header('x-request-id'), 200), gen_random_uuid()::text), n.computed_at
  from new_rows n;
  return null;
end;
$$;
comment on function private.publish_readiness() is
  'Statement trigger: every snapshot written becomes guardian.readiness_updated in the same transaction. Definer: no user writes events.';
create trigger guardian_readiness_snapshots_publish_new after insert on public.guardian_readiness_snapshots
  referencing new table as new_rows for each statement execute function private.publish_readiness();
create trigger guardian_readiness_snapshots_publish_change after update on public.guardian_readiness_snapshots
  referencing new table as new_rows for each statement execute function private.publish_readiness();

alter table public.guardian_readiness_snapshots enable row level security;
alter table public.guardian_readiness_snapshots force row level security;
grant select on public.guardian_readiness_snapshots to authenticated;
grant select, insert, update on public.guardian_readiness_snapshots to service_role;
create policy "readers of integrations see readiness of their tenant" on public.guardian_readiness_snapshots for select to authenticated
  using (tenant_id = (select private.get_current_workspace_id()) and (select private.has_tenant_permission('integrations.read')));
