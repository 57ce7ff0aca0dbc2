-- What the guardrails stand on: jobs that record themselves, email events counted once, AI changes that wait for a
-- person and can be taken back, and the views that watch it all.
-- New tables only. Rollback: drop them.

create table public.cmo_campaigns (
  id uuid not null default gen_random_uuid(),
  tenant_id uuid not null references public.tenants (id),
  org_id uuid,
  name text not null constraint cmo_campaigns_name_length_check check (char_length(name) between 1 and 200),
  status text not null default 'draft'
    constraint cmo_campaigns_status_check check (status in ('draft', 'active', 'paused', 'completed')),
  goal text,
  budget numeric(18, 4) constraint cmo_campaigns_budget_check check (budget >= 0),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint cmo_campaigns_pkey primary key (id),
  constraint cmo_campaigns_tenant_id_id_key unique (tenant_id, id),
  constraint cmo_campaigns_org_fkey foreign key (tenant_id, org_id) references public.orgs (tenant_id, id)
);
create index cmo_campaigns_tenant_id_org_id_idx on public.cmo_campaigns (tenant_id, org_id);
comment on table public.cmo_campaigns is 'Marketing campaigns that agents may propose changes to.';
comment on column public.cmo_campaigns.id is 'The campaign.';
comment on column public.cmo_campaigns.tenant_id is 'Whose campaign.';
comment on column public.cmo_campaigns.org_id is 'Org that runs it; null = all orgs of the tenant.';
comment on column public.cmo_campaigns.name is 'Display name.';
comment on column public.cmo_campaigns.status is 'draft, active, paused or completed.';
comment on column public.cmo_campaigns.goal is 'What it is for, in words; null = not said.';
comment on column public.cmo_campaigns.budget is 'In the tenant''s currency; null = none set.';
comment on column public.cmo_campaigns.created_at is 'Instant of creation.';
comment on column public.cmo_campaigns.updated_at is 'Instant of the last change.';
create trigger cmo_campaigns_touch before update on public.cmo_campaigns for each row execute function private.touch_updated_at();

create table public.campaign_emails (
  id uuid not null default gen_random_uuid(),
  tenant_id uuid not null references public.tenants (id),
  campaign_id uuid not null,
  subject text not null,
  preheader text,
  body_html text not null default '',
  send_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint campaign_emails_pkey primary key (id),
  constraint campaign_emails_tenant_id_id_key unique (tenant_id, id),
  constraint campaign_emails_campaign_fkey foreign key (tenant_id, campaign_id)
    references public.cmo_campaigns (tenant_id, id) on delete cascade
);
create index campaign_emails_tenant_id_campaign_id_idx on public.campaign_emails (tenant_id, campaign_id);
comment on table public.campaign_emails is 'The e-mails of a campaign.';
comment on column public.campaign_emails.id is 'The e-mail.';
comment on column public.campaign_emails.tenant_id is 'Whose e-mail.';
comment on column public.campaign_emails.campaign_id is 'Its campaign.';
comment on column public.campaign_emails.subject is 'Subject line.';
comment on column public.campaign_emails.preheader is 'Preview text; null = none.';
comment on column public.campaign_emails.body_html is 'Body as HTML.';
comment on column public.campaign_emails.send_at is 'Planned instant; null = not planned.';
comment on column public.campaign_emails.created_at is 'Instant of creation.';
comment on column public.campaign_emails.updated_at is 'Instant of the last change.';
create trigger campaign_emails_touch before update on public.campaign_emails for each row execute function private.touch_updated_at();

create table public.campaign_optimizations (
  id uuid not null default gen_random_uuid(),
  tenant_id uuid not null references public.tenants (id),
  campaign_id uuid not null,
  changes jsonb not null,
  reason text,
  rolled_back_at timestamptz,
  rolled_back_by uuid,
  created_at timestamptz not null default now(),
  constraint campaign_optimizations_pkey primary key (id),
  constraint campaign_optimizations_tenant_id_id_key unique (tenant_id, id),
  constraint campaign_optimizations_campaign_fkey foreign key (tenant_id, campaign_id)
    references public.cmo_campaigns (tenant_id, id) on delete cascade,
  constraint campaign_optimizations_changes_check check (
    changes ?& array['asset_type', 'asset_id', 'previous_value', 'new_value', 'auto_applied', 'agent']
    and changes ->> 'asset_type' in ('campaign', 'campaign_email')
    and jsonb_typeof(changes -> 'previous_value') = 'object' and jsonb_typeof(changes -> 'new_value') = 'object'
    and jsonb_typeof(changes -> 'auto_applied') = 'boolean'
  )
);
create index campaign_optimizations_campaign_idx on public.campaign_optimizations (tenant_id, campaign_id, created_at desc);
create index campaign_optimizations_created_at_idx on public.campaign_optimizations (tenant_id, created_at desc);
comment on table public.campaign_optimizations is 'Every change an agent made, with the value before and after. Written by log_ai_change and rollback_change only.';
comment on column public.campaign_optimizations.id is 'The change.';
comment on column public.campaign_optimizations.tenant_id is 'Whose campaign was changed.';
comment on column public.campaign_optimizations.campaign_id is 'The campaign.';
comment on column public.campaign_optimizations.changes is '{asset_type: campaign|campaign_email, asset_id, previous_value: {column: value}, new_value: {column: value}, auto_applied, agent}.';
comment on column public.campaign_optimizations.reason is 'Why, in the agent''s words; null = not said.';
comment on column public.campaign_optimizations.rolled_back_at is 'When the previous value was restored; null = still applied.';
comment on column public.campaign_optimizations.rolled_back_by is 'Who restored it; null = not restored, or by the service.';
comment on column public.campaign_optimizations.created_at is 'Instant of the change.';

create table public.cmo_recommendations (
  id uuid not null default gen_random_uuid(),
  tenant_id uuid not null references public.tenants (id),
  campaign_id uuid not null,
  changes jsonb not null constraint cmo_recommendations_changes_check check (
    changes ?& array['asset_type', 'asset_id', 'previous_value', 'new_value', 'agent']
    and changes ->> 'asset_type' in ('campaign', 'campaign_email')
  ),
  reason text,
  status text not null default 'pending'
    constraint cmo_recommendations_status_check check (status in ('pending', 'approved', 'rejected')),
  decided_by uuid,
  decided_at timestamptz,
  created_at timestamptz not null default now(),
  constraint cmo_recommendations_pkey primary key (id),
  constraint cmo_recommendations_tenant_id_id_key unique (tenant_id, id),
  constraint cmo_recommendations_campaign_fkey foreign key (tenant_id, campaign_id)
    references public.cmo_campaigns (tenant_id, id) on delete cascade,
  constraint cmo_recommendations_decided_check check ((status = 'pending') = (decided_at is null))
);
create index cmo_recommendations_campaign_idx on public.cmo_recommendations (tenant_id, campaign_id, created_at desc);
create index cmo_recommendations_pending_idx on public.cmo_recommendations (tenant_id, created_at) where status = 'pending';
comment on table public.cmo_recommendations is 'Changes an agent proposes and a person decides on. Written by queue_for_approval.';
comment on column public.cmo_recommendations.id is 'The recommendation.';
comment on column public.cmo_recommendations.tenant_id is 'Whose campaign it concerns.';
comment on column public.cmo_recommendations.campaign_id is 'The campaign.';
comment on column public.cmo_recommendations.changes is 'As in campaign_optimizations, without auto_applied.';
comment on column public.cmo_recommendations.reason is 'Why, in the agent''s words; null = not said.';
comment on column public.cmo_recommendations.status is 'pending -> approved or rejected.';
comment on column public.cmo_recommendations.decided_by is 'Who decided; null while pending.';
comment on column public.cmo_recommendations.decided_at is 'When; null while pending.';
comment on column public.cmo_recommendations.created_at is 'Instant of the proposal.';

create table public.email_events (
  id bigint generated always as identity,
  tenant_id uuid not null references public.tenants (id),
  campaign_id uuid,
  provider_message_id text not null constraint email_events_provider_message_id_check check (char_length(provider_message_id) between 1 and 500),
  event_type text not null constraint email_events_event_type_check check (char_length(event_type) between 1 and 100),
  occurred_at timestamptz not null default now(),
  created_at timestamptz not null default now(),
  constraint email_events_pkey primary key (id),
  constraint email_events_tenant_id_id_key unique (tenant_id, id),
  constraint email_events_message_event_key unique (tenant_id, provider_message_id, event_type),
  constraint email_events_campaign_fkey foreign key (tenant_id, campaign_id)
    references public.cmo_campaigns (tenant_id, id) on delete set null (campaign_id)
);
create index email_events_campaign_idx on public.email_events (tenant_id, campaign_id) where campaign_id is not null;
comment on table public.email_events is 'Provider messages already handled: the first insert of a key wins. Written by checkEventProcessed.';
comment on column public.email_events.id is 'Order of writing.';
comment on column public.email_events.tenant_id is 'Whose event.';
comment on column public.email_events.campaign_id is 'Campaign of the e-mail; null = none.';
comment on column public.email_events.provider_message_id is 'The provider''s identifier of the message.';
comment on column public.email_events.event_type is 'open, click, bounce, reply ...';
comment on column public.email_events.occurred_at is 'When it happened, by the provider''s clock.';
comment on column public.email_events.created_at is 'Instant of storing.';

create table public.agent_runs (
  id uuid not null default gen_random_uuid(),
  tenant_id uuid references public.tenants (id),
  agent text not null constraint agent_runs_agent_check check (char_length(agent) between 1 and 100),
  status text not null default 'running'
    constraint agent_runs_status_check check (status in ('running', 'completed', 'failed', 'abandoned')),
  summary jsonb not null default '{}'::jsonb,
  error text,
  started_at timestamptz not null default clock_timestamp(),
  heartbeat_at timestamptz not null default clock_timestamp(),
  finished_at timestamptz,
  constraint agent_runs_pkey primary key (id),
  constraint agent_runs_finished_check check ((status = 'running') = (finished_at is null))
);
create unique index agent_runs_one_running_idx
  on public.agent_runs (agent, coalesce(tenant_id, '00000000-0000-0000-0000-000000000000'::uuid)) where status = 'running';
create index agent_runs_tenant_id_started_at_idx on public.agent_runs (tenant_id, started_at desc);
create index agent_runs_agent_started_at_idx on public.agent_runs (agent, started_at desc);
comment on table public.agent_runs is 'Executions of scheduled jobs and agents: at most one running per job and tenant.';
comment on column public.agent_runs.id is 'The run; every log line of it carries it as run_id.';
comment on column public.agent_runs.tenant_id is 'Tenant it works for; null = a job of the platform.';
comment on column public.agent_runs.agent is 'Name of the job or agent.';
comment on column public.agent_runs.status is 'running -> completed, failed, or abandoned (its heartbeat stopped and another run took over).';
comment on column public.agent_runs.summary is 'What it did: counts.';
comment on column public.agent_runs.error is 'Sentence for a person; null = none.';
comment on column public.agent_runs.started_at is 'Instant of the start.';
comment on column public.agent_runs.heartbeat_at is 'Last sign of life.';
comment on column public.agent_runs.finished_at is 'Instant of the end; null while running.';

create function public.start_agent_run(p_agent text, p_tenant_id uuid, p_stale_after_ms integer)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_run_id uuid;
begin
  update public.agent_runs r
  set status = 'abandoned', finished_at = clock_timestamp(), error = 'The run showed no sign of life and was taken over.'
  where r.agent = p_agent and r.tenant_id is not distinct from p_tenant_id and r.status = 'running'
    and r.heartbeat_at < clock_timestamp() - p_stale_after_ms * interval '1 millisecond';
  insert into public.agent_runs (agent, tenant_id) values (p_agent, p_tenant_id)
  on conflict (agent, coalesce(tenant_id, '00000000-0000-0000-0000-000000000000'::uuid)) where status = 'running' do nothing
  returning id into v_run_id;
  return jsonb_build_object('run_id', v_run_id, 'started', v_run_id is not null);
end;
$$;
comment on function public.start_agent_run(text, uuid, integer) is
  'Starts a run unless one is active (its last sign of life younger than p_stale_after_ms): {run_id, started}. Atomic by a unique index. Definer for service_role alone.';

create function public.finish_agent_run(p_run_id uuid, p_status text, p_summary jsonb, p_error text)
returns boolean
language plpgsql
security definer
set search_path = ''
as $$
begin
  update public.agent_runs r
  set status = p_status, summary = p_summary, error = left(p_error, 500), finished_at = clock_timestamp(), heartbeat_at = clock_timestamp()
  where r.id = p_run_id and r.status = 'running';
  return found;
end;
$$;
comment on function public.finish_agent_run(uuid, text, jsonb, text) is
  'Ends a run as completed or failed; false when it was not running any more. Definer for service_role alone.';

create function public.record_agent_run(p_agent text, p_started_at timestamptz, p_summary jsonb)
returns uuid
language sql
security definer
set search_path = ''
as $$
  insert into public.agent_runs (agent, status, summary, started_at, finished_at)
  values (p_agent, 'completed', p_summary, p_started_at, clock_timestamp())
  returning id;
$$;
comment on function public.record_agent_run(text, timestamptz, jsonb) is
  'Writes a run after the fact: for drainers, which run side by side and record only invocations that moved something. Definer for service_role alone.';

create function private.asset_columns(p_asset_type text)
returns text[]
language sql
immutable
set search_path = ''
as $$
  select case p_asset_type
    when 'campaign' then array['name', 'status', 'goal', 'budget']
    when 'campaign_email' then array['subject', 'preheader', 'body_html', 'send_at']
  end;
$$;
comment on function private.asset_columns(text) is 'Columns of an asset that an agent may change and a rollback may restore.';

create function private.lock_asset(p_tenant_id uuid, p_campaign_id uuid, p_asset_type text, p_asset_id uuid)
returns jsonb
language plpgsql
set search_path = ''
as $$
declare
  v_asset jsonb;
begin
  if p_asset_type = 'campaign' then
    select to_jsonb(c) into v_asset from public.cmo_campaigns c
    where c.tenant_id = p_tenant_id and c.id = p_asset_id and c.id = p_campaign_id for update;
  else
    select to_jsonb(e) into v_asset from public.campaign_emails e
    where e.tenant_id = p_tenant_id and e.id = p_asset_id and e.campaign_id = p_campaign_id for update;
  end if;
  return v_asset;
end;
$$;
comment on function private.lock_asset(uuid, uuid, text, uuid) is
  'The asset of a change, locked, as JSON; null when it is gone or belongs to another tenant or campaign.';

create function private.assert_changes(p_tenant_id uuid, p_campaign_id uuid, p_changes jsonb)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_columns constant text[] := private.asset_columns(p_changes ->> 'asset_type');
begin
  if not exists (select from public.cmo_campaigns c where c.tenant_id = p_tenant_id and c.id = p_campaign_id) then
    perform private.raise_error('IL404', 'This campaign does not exist in the workspace.');
  end if;
  if v_columns is null or jsonb_typeof(p_changes -> 'new_value') is distinct from 'object'
    or jsonb_typeof(p_changes -> 'previous_value') is distinct from 'object'
    or exists (select from jsonb_object_keys(p_changes -> 'new_value') as k (key) where k.key <> all (v_columns))
    or (select array_agg(k.key order by k.key) from jsonb_object_keys(p_changes -> 'new_value') as k (key))
      is distinct from (select array_agg(k.key order by k.key) from jsonb_object_keys(p_changes -> 'previous_value') as k (key))
  then
    perform private.raise_error('IL422', 'A change names an asset type and, before and after, the same changeable columns.');
  end if;
  if private.lock_asset(p_tenant_id, p_campaign_id, p_changes ->> 'asset_type', private.uuid_or_null(p_changes ->> 'asset_id')) is null then
    perform private.raise_error('IL404', 'This asset does not exist in the campaign.');
  end if;
end;
$$;
comment on function private.assert_changes(uuid, uuid, jsonb) is 'Refuses changes of foreign campaigns and assets (IL404) or of an unknown shape (IL422).';

create function public.log_ai_change(p_tenant_id uuid, p_campaign_id uuid, p_changes jsonb, p_reason text)
returns uuid
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_id uuid;
begin
  perform private.assert_changes(p_tenant_id, p_campaign_id, p_changes);
  insert into public.campaign_optimizations (tenant_id, campaign_id, changes, reason)
  values (p_tenant_id, p_campaign_id, p_changes, p_reason)
  returning id into v_id;
  return v_id;
end;
$$;
comment on function public.log_ai_change(uuid, uuid, jsonb, text) is
  'Records a change an agent has made, with previous and new value; answers its id. Throws IL404, IL422. Definer for service_role alone.';

create function public.queue_for_approval(p_tenant_id uuid, p_campaign_id uuid, p_changes jsonb, p_reason text)
returns uuid
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_id uuid;
begin
  perform private.assert_changes(p_tenant_id, p_campaign_id, p_changes);
  insert into public.cmo_recommendations (tenant_id, campaign_id, changes, reason)
  values (p_tenant_id, p_campaign_id, p_changes - 'auto_applied', p_reason)
  returning id into v_id;
  return v_id;
end;
$$;
comment on function public.queue_for_approval(uuid, uuid, jsonb, text) is
  'Lets a proposed change wait for a person; answers the recommendation''s id. Throws IL404, IL422. Definer for service_role alone.';

create function public.rollback_change(p_tenant_id uuid, p_change_id uuid, p_actor uuid default null)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_change public.campaign_optimizations;
  v_asset jsonb;
  v_restored jsonb;
begin
  perform private.assert_permission(p_tenant_id, p_actor, 'override.decide');
  perform private.set_actor(p_actor);
  select o.* into v_change from public.campaign_optimizations o
  where o.tenant_id = p_tenant_id and o.id = p_change_id for update;
  if v_change.id is null then
    return jsonb_build_object('success', false, 'error_code', 'NOT_FOUND', 'error', 'This change does not exist.');
  end if;
  if v_change.rolled_back_at is not null then
    return jsonb_build_object('success', false, 'error_code', 'CONFLICT', 'error', 'This change was rolled back before.');
  end if;
  v_asset := private.lock_asset(p_tenant_id, v_change.campaign_id, v_change.changes ->> 'asset_type', (v_change.changes ->> 'asset_id')::uuid);
  if v_asset is null then
    return jsonb_build_object('success', false, 'error_code', 'CONFLICT', 'error', 'The changed asset does not exist any more.');
  end if;
  v_restored := v_change.changes -> 'previous_value';
  -- Compared as the table would hold it, so that 5 and 5.00 or two spellings of an instant count as equal.
  if v_change.changes ->> 'asset_type' = 'campaign' then
    if exists (
      select from jsonb_populate_record(null::public.cmo_campaigns, v_asset) now_is,
        jsonb_populate_record(null::public.cmo_campaigns, v_asset || (v_change.changes -> 'new_value')) was_set
      where now_is is distinct from was_set
    ) then
      return jsonb_build_object('success', false, 'error_code', 'CONFLICT', 'error', 'The asset was changed since; nothing was restored.');
    end if;
    update public.cmo_campaigns c
    set (name, status, goal, budget) = (
      select r.name, r.status, r.goal, r.budget from jsonb_populate_record(null::public.cmo_campaigns, v_asset || v_restored) r
    )
    where c.tenant_id = p_tenant_id and c.id = (v_asset ->> 'id')::uuid;
  else
    if exists (
      select from jsonb_populate_record(null::public.campaign_emails, v_asset) now_is,
        jsonb_populate_record(null::public.campaign_emails, v_asset || (v_change.changes -> 'new_value')) was_set
      where now_is is distinct from was_set
    ) then
      return jsonb_build_object('success', false, 'error_code', 'CONFLICT', 'error', 'The asset was changed since; nothing was restored.');
    end if;
    update public.campaign_emails e
    set (subject, preheader, body_html, send_at) = (
      select r.subject, r.preheader, r.body_html, r.send_at from jsonb_populate_record(null::public.campaign_emails, v_asset || v_restored) r
    )
    where e.tenant_id = p_tenant_id and e.id = (v_asset ->> 'id')::uuid;
  end if;
  update public.campaign_optimizations o set rolled_back_at = clock_timestamp(), rolled_back_by = p_actor
  where o.tenant_id = p_tenant_id and o.id = p_change_id;
  return jsonb_build_object('success', true);
end;
$$;
comment on function public.rollback_change(uuid, uuid, uuid) is
  'Restores the value before an agent''s change, once, all or nothing: {success, error, error_code}. Refused (CONFLICT) when the asset was changed since or the change was rolled back before. Throws IL403. Definer for service_role alone.';

create function public.check_event_processed(
  p_tenant_id uuid, p_provider_message_id text, p_event_type text, p_campaign_id uuid, p_occurred_at timestamptz
)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_id bigint;
begin
  insert into public.email_events (tenant_id, provider_message_id, event_type, campaign_id, occurred_at)
  values (p_tenant_id, p_provider_message_id, p_event_type, p_campaign_id, coalesce(p_occurred_at, now()))
  on conflict (tenant_id, provider_message_id, event_type) do nothing
  returning id into v_id;
  return jsonb_build_object('duplicate', v_id is null, 'idempotency_key', p_provider_message_id || ':' || p_event_type);
end;
$$;
comment on function public.check_event_processed(uuid, text, text, uuid, timestamptz) is
  'Claims {provider message id}:{event type} for a tenant; the first caller wins, all others read duplicate: true. Definer for service_role alone.';

grant execute on function
  public.start_agent_run(text, uuid, integer), public.finish_agent_run(uuid, text, jsonb, text),
  public.record_agent_run(text, timestamptz, jsonb),
  public.log_ai_change(uuid, uuid, jsonb, text), public.queue_for_approval(uuid, uuid, jsonb, text),
  public.rollback_change(uuid, uuid, uuid), public.check_event_processed(uuid, text, text, uuid, timestamptz)
to service_role;

create view public.monitoring_cross_tenant_violations with (security_invoker = true) as
select x.tenant_id, x.source_table, x.row_id from (
  select a.tenant_id, 'crm_activities' as source_table, a.id::text as row_id
  from public.crm_activities a join public.crm_contacts c on c.id = a.contact_id where c.tenant_id <> a.tenant_id
  union all
  select d.tenant_id, 'event_dispatches', d.id::text
  from public.event_dispatches d join public.integration_events_outbox e on e.id = d.event_id where e.tenant_id <> d.tenant_id
  union all
  select r.tenant_id, 'webhook_receipts', r.id::text
  from public.webhook_receipts r join public.integration_webhooks w on w.id = r.webhook_id where w.tenant_id <> r.tenant_id
  union all
  select o.tenant_id, 'campaign_optimizations', o.id::text
  from public.campaign_optimizations o join public.cmo_campaigns c on c.id = o.campaign_id where c.tenant_id <> o.tenant_id
  union all
  select m.tenant_id, 'identity_external_id_map', m.id::text
  from public.identity_external_id_map m join public.crm_contacts c on c.id = m.internal_id
  where m.internal_type = 'crm_contact' and c.tenant_id <> m.tenant_id
) x;
comment on view public.monitoring_cross_tenant_violations is 'Rows that point into another tenant: always empty, or page somebody.';

create view public.monitoring_duplicate_idempotency_keys with (security_invoker = true) as
select a.tenant_id, a.meta ->> 'idempotency_key' as idempotency_key, count(*) as occurrences
from public.crm_activities a
where a.meta ->> 'idempotency_key' is not null
group by a.tenant_id, a.meta ->> 'idempotency_key'
having count(*) > 1;
comment on view public.monitoring_duplicate_idempotency_keys is 'Activities that were counted twice: always empty.';

create view public.monitoring_ai_changes_24h with (security_invoker = true) as
select o.tenant_id, o.campaign_id, count(*) as changes,
  count(*) filter (where (o.changes ->> 'auto_applied')::boolean) as auto_applied,
  count(*) filter (where o.rolled_back_at is not null) as rolled_back
from public.campaign_optimizations o
where o.created_at > now() - interval '24 hours'
group by o.tenant_id, o.campaign_id;
comment on view public.monitoring_ai_changes_24h is 'How many changes agents made in the last 24 hours, per campaign.';
grant select on public.monitoring_cross_tenant_violations, public.monitoring_duplicate_idempotency_keys, public.monitoring_ai_changes_24h
to authenticated, service_role;

alter table public.cmo_campaigns enable row level security;
alter table public.cmo_campaigns force row level security;
grant select on public.cmo_campaigns to authenticated;
grant select, insert, update, delete on public.cmo_campaigns to service_role;
create policy "readers of the crm see campaigns in their org scope" on public.cmo_campaigns for select to authenticated
  using (
    tenant_id = (select private.get_current_workspace_id())
    and (select private.has_tenant_permission('crm.read')) and (select private.current_role_rank()) >= 2
    and (org_id is null or (select private.get_current_org_id()) is null or org_id = (select private.get_current_org_id()))
  );

alter table public.campaign_emails enable row level security;
alter table public.campaign_emails force row level security;
grant select on public.campaign_emails to authenticated;
grant select, insert, update, delete on public.campaign_emails to service_role;
create policy "readers of campaigns see their emails" on public.campaign_emails for select to authenticated
  using (
    tenant_id = (select private.get_current_workspace_id()) and campaign_id in (select c.id from public.cmo_campaigns c)
  );

alter table public.campaign_optimizations enable row level security;
alter table public.campaign_optimizations force row level security;
grant select on public.campaign_optimizations to authenticated, service_role;
create policy "readers of campaigns see what agents changed" on public.campaign_optimizations for select to authenticated
  using (
    tenant_id = (select private.get_current_workspace_id()) and campaign_id in (select c.id from public.cmo_campaigns c)
  );

alter table public.cmo_recommendations enable row level security;
alter table public.cmo_recommendations force row level security;
grant select on public.cmo_recommendations to authenticated, service_role;
create policy "readers of campaigns see what agents recommend" on public.cmo_recommendations for select to authenticated
  using (
    tenant_id = (select private.get_current_workspace_id()) and campaign_id in (select c.id from public.cmo_campaigns c)
  );

alter table public.email_events enable row level security;
alter table public.email_events force row level security;
grant select on public.email_events to authenticated, service_role;
create policy "platform-level managers see email events" on public.email_events for select to authenticated
  using (
    tenant_id = (select private.get_current_workspace_id())
    and (select private.has_tenant_permission('crm.read')) and (select private.current_role_rank()) >= 2
    and (select private.get_current_org_id()) is null
  );

alter table public.agent_runs enable row level security;
alter table public.agent_runs force row level security;
grant select on public.agent_runs to authenticated, service_role;
create policy "readers of integrations see the runs of their tenant" on public.agent_runs for select to authenticated
  using (
    tenant_id = (select private.get_current_workspace_id()) and (select private.has_tenant_permission('integrations.read'))
  );

select private.audit_table(t) from unnest(array['public.cmo_recommendations', 'public.campaign_optimizations']::regclass[]) as t;
