-- Publishing a guardian source row costs less: the payload is built inside the statement, not by a function per row.
-- Replaces the body of private.publish_guardian_rows(), drops private.guardian_facts(). No table is touched.
-- Rollback: restore both from 1600.

create or replace function private.publish_guardian_rows()
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
    select n.tenant_id, v_event_type, v_entity_type, n.id::text, f.facts,
      'guardian', coalesce(v_request_id, gen_random_uuid()::text), (r.facts ->> v_instant)::timestamptz
    from new_rows n
    cross join lateral (select to_jsonb(n) offset 0) as r (facts)
    cross join lateral (
      select jsonb_object_agg(c, case when c like '%\_at'
        then to_jsonb(to_char((r.facts ->> c)::timestamptz at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
        else r.facts -> c end)
      from unnest(v_columns) as c
    ) as f (facts)
    where r.facts ->> v_instant is not null;
    return null;
  end if;
  insert into public.integration_events_outbox
    (tenant_id, event_type, entity_type, entity_id, payload, source, trace_id, occurred_at)
  select n.tenant_id, v_event_type, v_entity_type, n.id::text, f.facts,
    'guardian', coalesce(v_request_id, gen_random_uuid()::text), (r.facts ->> v_instant)::timestamptz
  from new_rows n
  left join old_rows o on o.tenant_id = n.tenant_id and o.id = n.id
  cross join lateral (select to_jsonb(n), to_jsonb(o) offset 0) as r (facts, old_facts)
  cross join lateral (
    select jsonb_object_agg(c, case when c like '%\_at'
        then to_jsonb(to_char((r.facts ->> c)::timestamptz at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
        else r.facts -> c end),
      bool_or(c <> 'updated_at' and r.facts -> c is distinct from r.old_facts -> c)
    from unnest(v_columns) as c
  ) as f (facts, is_news)
  where r.facts ->> v_instant is not null and f.is_news;
  return null;
end;
$$;
drop function private.guardian_facts(jsonb, text[]);
