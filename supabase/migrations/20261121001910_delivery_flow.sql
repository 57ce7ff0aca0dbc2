-- Deliveries held, drained and let go: of one subscription, of a tenant, of everybody. And how a lane stands, for lists.
-- New functions and triggers only. Rollback: drop them; delete from private.delivery_pauses first, and set is_open again.

create function private.await_pause()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  -- What opens a lane looks for a pause: one that is being made must be over by then, or it would be overlooked.
  if new.is_enabled and new.flow <> 'paused' then
    perform pg_advisory_xact_lock_shared(pg_catalog.hashtextextended('interlock.delivery_pauses', 0));
  end if;
  return new;
end;
$$;
comment on function private.await_pause() is
  'Row trigger before a subscription opens its lane: waits for a pause of its tenant, or of everybody, that is being made. Closing waits for nobody, since the engine closes lanes in the middle of its work. Definer: it runs for whoever writes the row.';
create trigger guardian_meta_integrations_await_pause
  before insert or update of is_enabled, flow, config, config_version on public.guardian_meta_integrations
  for each row execute function private.await_pause();
create trigger event_subscriptions_await_pause
  before insert or update of is_enabled, flow, config, config_version on public.event_subscriptions
  for each row execute function private.await_pause();

create trigger delivery_pauses_audit_new after insert or update on private.delivery_pauses
  for each row when (new.tenant_id <> '00000000-0000-0000-0000-000000000000') execute function private.audit_row();
create trigger delivery_pauses_audit_end after delete on private.delivery_pauses
  for each row when (old.tenant_id <> '00000000-0000-0000-0000-000000000000') execute function private.audit_row();

create function private.flow_message(p_flow text)
returns text
language sql
immutable
set search_path = ''
as $$
  select case p_flow
    when 'paused' then 'Nothing is sent; new events are queued and wait.'
    when 'draining' then 'What is queued is sent; new events are kept, but not queued.'
    else 'Deliveries flow.' end;
$$;
comment on function private.flow_message(text) is 'What a flow means, in a sentence for whoever set it.';

create function private.log_flow(p_tenant_ids uuid[], p_scope text, p_flow text, p_integration_id uuid default null)
returns void
language sql
set search_path = ''
as $$
  insert into public.integration_logs (tenant_id, event_type, status, message, details)
  select t.id, 'delivery.flow_changed', case p_flow when 'open' then 'success' else 'warning' end, private.flow_message(p_flow),
    jsonb_strip_nulls(jsonb_build_object('scope', p_scope, 'flow', p_flow, 'integration_id', p_integration_id))
  from unnest(p_tenant_ids) as t (id);
$$;
comment on function private.log_flow(uuid[], text, text, uuid) is 'A line of integration_logs for every tenant whose deliveries are held, drained or let go.';

create function private.hold_deliveries(p_tenant_id uuid, p_flow text, p_actor uuid)
returns uuid[]
language plpgsql
set search_path = ''
as $$
declare
  v_everybody constant uuid := '00000000-0000-0000-0000-000000000000';
  v_tenant_ids uuid[];
begin
  -- Lanes before anything else and in order, as workers lock them.
  perform from private.delivery_lanes l
  where l.tenant_id = p_tenant_id or p_tenant_id = v_everybody
  order by l.integration_id
  for no key update;
  perform pg_advisory_xact_lock(pg_catalog.hashtextextended('interlock.delivery_pauses', 0));
  if p_flow = 'open' then
    delete from private.delivery_pauses p where p.tenant_id = p_tenant_id;
  else
    insert into private.delivery_pauses as p (tenant_id, flow, changed_by) values (p_tenant_id, p_flow, p_actor)
    on conflict (tenant_id) do update set flow = excluded.flow, changed_by = excluded.changed_by, changed_at = now()
    where p.flow <> excluded.flow;
  end if;
  update private.delivery_lanes l set is_open = o.is_open
  from (
    select s.id, s.is_enabled and s.flow <> 'paused' and not exists (
      select from private.delivery_pauses p where p.flow = 'paused' and p.tenant_id in (s.tenant_id, v_everybody)
    ) as is_open
    from private.delivery_subscriptions s
    where s.tenant_id = p_tenant_id or p_tenant_id = v_everybody
  ) o
  where l.integration_id = o.id and l.is_open <> o.is_open;
  v_tenant_ids := array(
    select distinct l.tenant_id from private.delivery_lanes l
    where l.tenant_id = p_tenant_id or p_tenant_id = v_everybody
  );
  if p_flow <> 'paused' then
    perform private.ring('meta-webhook-deliver');
  end if;
  return v_tenant_ids;
end;
$$;
comment on function private.hold_deliveries(uuid, text, uuid) is
  'Pauses, drains or opens the deliveries of a tenant, or everybody''s (nil uuid): the pause, and the lanes that follow from it, in one transaction. Answers whose lanes it looked at. Rings the bell unless it paused.';

create function private.effective_flows(p_tenant_id uuid, p_integration_ids uuid[])
returns table (integration_id uuid, flow text, reason text)
language sql
stable
set search_path = ''
as $$
  select s.id, f.flow, f.reason
  from private.delivery_subscriptions s
  cross join lateral (
    select h.flow, case when h.flow <> 'open' then h.reason end as reason
    from (
      select s.flow, 'integration' as reason, 1 as place
      union all
      select p.flow, case when p.tenant_id = s.tenant_id then 'tenant' else 'everybody' end,
        case when p.tenant_id = s.tenant_id then 2 else 3 end
      from private.delivery_pauses p
      where p.tenant_id in (s.tenant_id, '00000000-0000-0000-0000-000000000000')
    ) h
    -- Paused holds whatever else is said; draining is stronger than open. Of equals the widest is named.
    order by array_position(array['paused', 'draining', 'open'], h.flow), h.place desc
    limit 1
  ) f
  where s.tenant_id = p_tenant_id and s.id = any (p_integration_ids);
$$;
comment on function private.effective_flows(uuid, uuid[]) is
  'What holds the deliveries of subscriptions: flow open, paused or draining, and reason integration, tenant or everybody; null = open.';

create function public.set_subscription_flow(
  p_tenant_id uuid, p_org_id uuid, p_kind text, p_integration_id uuid, p_flow text, p_actor uuid
)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
begin
  perform private.assert_permission(p_tenant_id, p_actor, 'integrations.manage');
  perform private.set_actor(p_actor);
  if p_kind = 'event' then
    perform private.assert_org_of_subscription(p_tenant_id, p_org_id, p_integration_id);
  end if;
  -- The lane first, as workers do.
  perform from private.delivery_lanes l
  where l.tenant_id = p_tenant_id and l.integration_id = p_integration_id and l.kind = p_kind
  for no key update;
  if not found then
    perform private.raise_error('IL404', 'This integration does not exist.', 'Nothing was changed.');
  end if;
  update private.delivery_subscriptions s set flow = p_flow, updated_at = now()
  where s.tenant_id = p_tenant_id and s.id = p_integration_id and s.flow <> p_flow;
  if found then
    perform private.log_flow(array[p_tenant_id], 'integration', p_flow, p_integration_id);
  end if;
  perform private.ring('meta-webhook-deliver');
  return (
    select jsonb_build_object('scope', 'integration', 'integration_id', f.integration_id, 'flow', p_flow, 'effective_flow', f.flow,
      'flow_reason', f.reason, 'message', private.flow_message(f.flow))
    from private.effective_flows(p_tenant_id, array[p_integration_id]) f
  );
end;
$$;
comment on function public.set_subscription_flow(uuid, uuid, text, uuid, text, uuid) is
  'Opens, pauses or drains one subscription of a kind (guardian_meta, event); p_org_id narrows as for changes. Answers {scope, integration_id, flow, effective_flow, flow_reason, message}: its tenant, or everybody, may be held besides. Throws IL403, IL404. Definer for service_role alone.';

create function public.set_tenant_flow(p_tenant_id uuid, p_org_id uuid, p_flow text, p_actor uuid)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_everybody text;
begin
  perform private.assert_permission(p_tenant_id, p_actor, 'integrations.manage');
  perform private.set_actor(p_actor);
  if p_org_id is not null then
    perform private.raise_error('IL403', 'Deliveries of a whole workspace are held by those who act for all its orgs.',
      'Leave x-org-id out, or ask an owner.');
  end if;
  perform private.hold_deliveries(p_tenant_id, p_flow, p_actor);
  perform private.log_flow(array[p_tenant_id], 'tenant', p_flow);
  select p.flow into v_everybody from private.delivery_pauses p where p.tenant_id = '00000000-0000-0000-0000-000000000000';
  return (
    select jsonb_build_object('scope', 'tenant', 'integration_id', null, 'flow', p_flow, 'effective_flow', e.flow,
      'flow_reason', e.reason, 'message', private.flow_message(e.flow))
    from (values (p_flow, 'tenant', 1), (v_everybody, 'everybody', 2)) as h (flow, reason, place)
    cross join lateral (select h.flow, case when h.flow <> 'open' then h.reason end as reason) e
    where h.flow is not null
    order by array_position(array['paused', 'draining', 'open'], h.flow), h.place desc
    limit 1
  );
end;
$$;
comment on function public.set_tenant_flow(uuid, uuid, text, uuid) is
  'Opens, pauses or drains all deliveries of a tenant, of every kind, beside what each subscription says. Answers as set_subscription_flow. Throws IL403, also for a request narrowed to an org. Definer for service_role alone.';

create function public.set_flow_of_all(p_flow text)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
begin
  perform private.log_flow(
    private.hold_deliveries('00000000-0000-0000-0000-000000000000', p_flow, null), 'all', p_flow);
  return jsonb_build_object('scope', 'all', 'flow', p_flow, 'message', private.flow_message(p_flow));
end;
$$;
comment on function public.set_flow_of_all(text) is
  'Opens, pauses or drains everybody''s deliveries, beside what tenants and subscriptions say; every tenant reads of it in integration_logs. Definer for service_role alone.';

create function public.subscription_states(p_tenant_id uuid, p_integration_ids uuid[])
returns jsonb
language sql
stable
security definer
set search_path = ''
as $$
  select coalesce(jsonb_object_agg(f.integration_id, jsonb_build_object(
    'flow', f.flow, 'flow_reason', f.reason,
    'breaker', case when l.breaker_openings = 0 then 'closed' when l.not_before > clock_timestamp() then 'open' else 'probing' end,
    'breaker_open_until', case when l.breaker_openings > 0 and l.not_before > clock_timestamp() then l.not_before end,
    'held_until', case when l.breaker_openings = 0 and l.not_before > clock_timestamp() then l.not_before end,
    'failing_since', l.failing_since, 'consecutive_failures', l.consecutive_failures
  )), '{}'::jsonb)
  from private.effective_flows(p_tenant_id, p_integration_ids) f
  join private.delivery_lanes l on l.integration_id = f.integration_id;
$$;
comment on function public.subscription_states(uuid, uuid[]) is
  'How the lanes of a tenant''s subscriptions stand: {integration_id: {flow, flow_reason, breaker: closed|open|probing, breaker_open_until, held_until (rate limit, Retry-After, failed head of a FIFO line), failing_since, consecutive_failures}}. Definer for service_role alone.';

grant execute on function
  public.set_subscription_flow(uuid, uuid, text, uuid, text, uuid), public.set_tenant_flow(uuid, uuid, text, uuid),
  public.set_flow_of_all(text), public.subscription_states(uuid, uuid[])
to service_role;
