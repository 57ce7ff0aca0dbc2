-- What a subscription would get: of the latest events, of one event, and what exactly would be sent. Nothing is written.
-- New functions only. Rollback: drop them.

create function public.dry_run_event_subscription(
  p_tenant_id uuid, p_org_id uuid, p_event_types text[], p_filter_path text, p_conditions jsonb, p_event_id uuid, p_limit integer,
  p_actor uuid
)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_answer jsonb;
begin
  perform private.assert_permission(p_tenant_id, p_actor, 'integrations.manage');
  perform private.assert_permission(p_tenant_id, p_actor, 'deliveries.read');
  with latest as materialized (
    select e.* from public.integration_events_outbox e
    where e.tenant_id = p_tenant_id and (p_event_id is null or e.id = p_event_id)
      and (p_org_id is null or e.org_id is null or e.org_id = p_org_id)
    order by e.created_at desc, e.id
    limit p_limit
  ),
  judged as materialized (
    select l.id, l.created_at, l.envelope,
      p_event_types && private.event_type_candidates(l.event_type) as is_type_wanted,
      -- As private.queue_event_deliveries() asks.
      p_filter_path is null
        or coalesce(pg_catalog.jsonb_path_match(l.envelope, p_filter_path::jsonpath, '{}', true), false) as is_filter_met
    from (select e.*, private.event_envelope(e) as envelope from latest e) l
  )
  select jsonb_build_object(
    'examined', count(*), 'matched', count(*) filter (where j.is_type_wanted and j.is_filter_met),
    'oldest_examined_at', min(j.created_at),
    'events', coalesce((
      select jsonb_agg(m.envelope - 'tenant_id' order by m.created_at desc, m.id)
      from (
        select w.* from judged w where w.is_type_wanted and w.is_filter_met order by w.created_at desc, w.id limit 10
      ) m
    ), '[]'::jsonb),
    'explanation', case when p_event_id is not null then (
      select jsonb_build_object(
        'matches', o.is_type_wanted and o.is_filter_met, 'event_type_matches', o.is_type_wanted, 'filter_matches', o.is_filter_met,
        'failed_conditions', coalesce((
          select jsonb_agg(c.key order by c.key) from jsonb_each_text(p_conditions) as c (key, value)
          where not coalesce(pg_catalog.jsonb_path_match(o.envelope, c.value::jsonpath, '{}', true), false)
        ), '[]'::jsonb)
      ) from judged o
    ) end
  )
  into v_answer
  from judged j;
  if p_event_id is not null and (v_answer ->> 'examined')::integer = 0 then
    perform private.raise_error('IL404', 'This event does not exist.');
  end if;
  return v_answer;
end;
$$;
comment on function public.dry_run_event_subscription(uuid, uuid, text[], text, jsonb, uuid, integer, uuid) is
  'Which of the latest p_limit events of a tenant (of an org and of all orgs, where p_org_id is given) a subscription with these types and this filter would get: {examined, matched, oldest_examined_at, events: up to 10 envelopes, explanation}. With p_event_id of that event only, and explanation {matches, event_type_matches, filter_matches, failed_conditions: keys of p_conditions {key: jsonpath}}. Throws IL403, IL404. Definer for service_role alone.';

create function public.preview_delivery_source(
  p_tenant_id uuid, p_org_id uuid, p_kind text, p_integration_id uuid, p_event_id uuid, p_actor uuid
)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_subscription private.delivery_subscriptions;
  v_event public.integration_events_outbox;
  v_event_type text;
  v_objections text[];
begin
  perform private.assert_permission(p_tenant_id, p_actor, 'integrations.manage');
  perform private.assert_permission(p_tenant_id, p_actor, 'deliveries.read');
  if p_kind = 'event' then
    perform private.assert_org_of_subscription(p_tenant_id, p_org_id, p_integration_id);
  end if;
  select s.* into v_subscription
  from private.delivery_subscriptions s
  join private.delivery_lanes l on l.integration_id = s.id and l.kind = p_kind
  where s.tenant_id = p_tenant_id and s.id = p_integration_id;
  if v_subscription.id is null then
    perform private.raise_error('IL404', 'This integration does not exist.');
  end if;
  if p_event_id is not null then
    select e.* into v_event from public.integration_events_outbox e
    where e.tenant_id = p_tenant_id and e.id = p_event_id
      and (p_org_id is null or e.org_id is null or e.org_id = p_org_id);
    if v_event.id is null then
      perform private.raise_error('IL404', 'This event does not exist.');
    end if;
    if p_kind = 'event' then
      v_event_type := v_event.event_type;
      select array_remove(array[
        case when not s.event_types && private.event_type_candidates(v_event.event_type) then 'event_types' end,
        case when s.org_id <> v_event.org_id then 'org' end,
        case when not coalesce(pg_catalog.jsonb_path_match(private.event_envelope(v_event), s.filter_path, '{}', true), false)
          and s.filter_path is not null then 'filter' end
      ], null) into v_objections
      from public.event_subscriptions s where s.id = p_integration_id;
    else
      select t.event_type, array_remove(array[
        case when not i.scopes @> array[t.scope] then 'scopes' end,
        case when i.config ? 'event_types' and not i.config -> 'event_types' ? t.event_type then 'event_types' end
      ], null) into v_event_type, v_objections
      from private.guardian_meta_event_types t, public.guardian_meta_integrations i
      where t.source_event_type = v_event.event_type and i.id = p_integration_id;
      v_event_type := coalesce(v_event_type, v_event.event_type);
      v_objections := coalesce(v_objections, array['event_types']);
    end if;
  end if;
  return jsonb_build_object(
    'config', v_subscription.config,
    'event', case when v_event.id is not null then private.event_envelope(v_event) end,
    'event_type', v_event_type,
    'objections', to_jsonb(v_objections)
  );
end;
$$;
comment on function public.preview_delivery_source(uuid, uuid, text, uuid, uuid, uuid) is
  'What a preview is made of: {config, event: its envelope, event_type: as the receiver sees it, objections: why it would not be queued for this subscription, of event_types, org, filter, scopes}; the last three null without p_event_id. Throws IL403, IL404. Definer for service_role alone.';

grant execute on function
  public.dry_run_event_subscription(uuid, uuid, text[], text, jsonb, uuid, integer, uuid),
  public.preview_delivery_source(uuid, uuid, text, uuid, uuid, uuid)
to service_role;
