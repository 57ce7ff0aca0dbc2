-- Receipts for people: lists with filters that read a bounded number of rows, and what became of each; dead dispatches
-- with where they come from, and how many of which kind there are.
-- New functions only. Rollback: drop them.

create function private.receipt_states(p_tenant_id uuid, p_receipt_ids uuid[])
returns jsonb
language sql
stable
set search_path = ''
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
  select coalesce(jsonb_object_agg(s.id, to_jsonb(s) - 'id'), '{}'::jsonb)
  from (
    select r.id, private.is_webhook_test(r.webhook_id, r.request_id) as is_test, d.*
    from unnest(p_receipt_ids) as i (id)
    join public.webhook_receipts r on r.tenant_id = p_tenant_id and r.id = i.id
    cross join lateral (
      select count(*) filter (where d.status = 'pending' and d.last_error_code is null) as pending,
        count(*) filter (where d.status = 'pending' and d.last_error_code is not null) as failing,
        count(*) filter (where d.status = 'dead') as dead, count(*) filter (where d.status = 'done') as done
      from public.integration_events_outbox e
      join public.event_dispatches d on d.tenant_id = e.tenant_id and d.event_id = e.id
      where e.tenant_id = r.tenant_id and e.receipt_id = r.id
    ) d
  ) s;
$$;
comment on function private.receipt_states(uuid, uuid[]) is
  'What became of receipts: {id: {is_test, pending, failing (another attempt follows), dead, done}}, counted in dispatches.';

create function public.webhook_receipt_states(p_tenant_id uuid, p_receipt_ids uuid[])
returns jsonb
language sql
stable
security definer
set search_path = ''
as $$
  select private.receipt_states(p_tenant_id, p_receipt_ids);
$$;
comment on function public.webhook_receipt_states(uuid, uuid[]) is
  'What became of receipts of a tenant, see private.receipt_states. Definer for service_role alone: the caller has shown that its user may see them.';

create function private.receipt_meets(p_receipt public.webhook_receipts, p_filter jsonb)
returns boolean
language sql
stable
set search_path = ''
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
  select (not p_filter ? 'duplicates' or (p_receipt.duplicate_count > 0) = (p_filter ->> 'duplicates')::boolean)
    and (not p_filter ? 'type' or exists (
      select from public.integration_events_outbox e
      where e.tenant_id = p_receipt.tenant_id and e.receipt_id = p_receipt.id and e.payload ->> 'type' = p_filter ->> 'type'
    ))
    and (not p_filter ? 'outcome' or exists (
      select from public.integration_events_outbox e
      join public.event_dispatches d on d.tenant_id = e.tenant_id and d.event_id = e.id
      where e.tenant_id = p_receipt.tenant_id and e.receipt_id = p_receipt.id
        and case p_filter ->> 'outcome'
          when 'failing' then d.status = 'pending' and d.last_error_code is not null
          else d.status = p_filter ->> 'outcome' end
    ));
$$;
comment on function private.receipt_meets(public.webhook_receipts, jsonb) is
  'Whether a receipt meets {duplicates: it brought some or none, type: of one of its elements, outcome: dead|failing|pending|done of one of its dispatches}, as far as they are named.';

create function public.list_webhook_receipts(
  p_tenant_id uuid, p_webhook_id uuid, p_filter jsonb, p_limit integer, p_after jsonb
)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  return private.receipts_page(p_tenant_id, p_webhook_id, p_filter, least(p_limit, 200), p_after);
end;
$$;
comment on function public.list_webhook_receipts(uuid, uuid, jsonb, integer, jsonb) is
  'A page of a webhook''s receipts, newest first: {ids, next: {at, id} or null, states: see private.receipt_states}. p_filter: from and to (by received_at), and as private.receipt_meets says, all optional. At most 2,000 receipts are looked at, so a page that is not full may have a next. Definer for service_role alone: callers show rows as far as their user''s policies do.';

create function private.receipts_page(p_tenant_id uuid, p_webhook_id uuid, p_filter jsonb, p_limit integer, p_after jsonb)
returns jsonb
language plpgsql
stable
set search_path = ''
set enable_seqscan = off
set enable_bitmapscan = off
set enable_sort = off
set jit = off
as $$
declare
  -- What needs no look behind the receipt is found at once.
  v_rows constant integer := case when p_filter ?| array['duplicates', 'type', 'outcome'] then 2000 else p_limit end;
  v_from constant timestamptz := coalesce((p_filter ->> 'from')::timestamptz, '-infinity');
  v_to constant timestamptz := coalesce((p_filter ->> 'to')::timestamptz, 'infinity');
  v_at constant timestamptz := coalesce((p_after ->> 'at')::timestamptz, 'infinity');
  v_id constant uuid := (p_after ->> 'id')::uuid;
  v_receipt public.webhook_receipts;
  v_last jsonb;
  v_looked_at integer := 0;
  v_ids uuid[] := '{}';
begin
  for v_receipt in
    select r.* from public.webhook_receipts r
    where r.tenant_id = p_tenant_id and r.webhook_id = p_webhook_id
      and r.received_at >= v_from and r.received_at < v_to
      and r.received_at <= v_at and (v_id is null or r.received_at < v_at or r.id > v_id)
    order by r.received_at desc, r.id
    limit v_rows
  loop
    v_looked_at := v_looked_at + 1;
    v_last := jsonb_build_object('at', v_receipt.received_at, 'id', v_receipt.id);
    if private.receipt_meets(v_receipt, p_filter) then
      v_ids := v_ids || v_receipt.id;
    end if;
    exit when cardinality(v_ids) >= p_limit;
  end loop;
  return jsonb_build_object(
    'ids', to_jsonb(v_ids),
    'next', case when cardinality(v_ids) >= p_limit or v_looked_at >= v_rows then v_last end,
    'states', private.receipt_states(p_tenant_id, v_ids)
  );
end;
$$;
comment on function private.receipts_page(uuid, uuid, jsonb, integer, jsonb) is
  'What public.list_webhook_receipts answers. Its settings keep to the index in its order, so that a page reads a bounded number of rows.';

grant execute on function
  public.webhook_receipt_states(uuid, uuid[]), public.list_webhook_receipts(uuid, uuid, jsonb, integer, jsonb)
to service_role;

-- Dead letters.

create function private.dead_dispatches(p_tenant_id uuid, p_org_id uuid, p_filter jsonb, p_after jsonb, p_rows integer)
returns table (
  id bigint, died_at timestamptz, wanted boolean, webhook_id uuid, provider text, consumer text, error_code text, reason text
)
language sql
stable
set search_path = ''
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
  select d.id, d.finished_at,
    (p_org_id is null or d.org_id is null or d.org_id = p_org_id)
      and (not p_filter ? 'webhook_id' or e.webhook_id = (p_filter ->> 'webhook_id')::uuid)
      and (not p_filter ? 'type' or e.payload ->> 'type' = p_filter ->> 'type')
      and (not p_filter ? 'consumer' or d.consumer = p_filter ->> 'consumer')
      and (not p_filter ? 'error_code' or d.last_error_code = p_filter ->> 'error_code')
      and (not p_filter ? 'from' or d.created_at >= (p_filter ->> 'from')::timestamptz)
      and (not p_filter ? 'to' or d.created_at < (p_filter ->> 'to')::timestamptz),
    e.webhook_id, e.payload ->> 'provider', d.consumer, d.last_error_code, d.last_error
  from (
    select d.* from public.event_dispatches d
    where d.tenant_id = p_tenant_id and d.status = 'dead'
      -- Nothing dies before it is made.
      and d.finished_at >= coalesce((p_filter ->> 'from')::timestamptz, '-infinity')
      and d.finished_at <= coalesce((p_after ->> 'at')::timestamptz, 'infinity')
      and (p_after is null or d.finished_at < (p_after ->> 'at')::timestamptz or d.id < (p_after ->> 'id')::bigint)
    order by d.finished_at desc, d.id desc
    limit p_rows
  ) d
  join public.integration_events_outbox e on e.tenant_id = d.tenant_id and e.id = d.event_id
  order by d.finished_at desc, d.id desc;
$$;
comment on function private.dead_dispatches(uuid, uuid, jsonb, jsonb, integer) is
  'The next p_rows dispatches of a tenant that were given up, the latest first; wanted = it meets the filter {webhook_id, type, consumer, error_code, from, to (by the event''s storing)} and the org.';

create function public.list_dead_dispatches(p_tenant_id uuid, p_org_id uuid, p_filter jsonb, p_limit integer, p_after jsonb)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_limit constant integer := least(p_limit, 200);
  v_rows constant integer := case
    when p_org_id is null and not p_filter ?| array['webhook_id', 'type', 'consumer', 'error_code', 'to'] then v_limit else 5000 end;
  v_ids bigint[];
  v_last jsonb;
begin
  with looked_at as materialized (
    select x.*, row_number() over () as place from private.dead_dispatches(p_tenant_id, p_org_id, p_filter, p_after, v_rows) x
  ),
  found as (select l.* from looked_at l where l.wanted order by l.place limit v_limit)
  select (select array_agg(f.id order by f.place) from found f), (
    select jsonb_build_object('at', l.died_at, 'id', l.id::text) from looked_at l
    where l.place = case when (select count(*) from found) = v_limit then (select max(f.place) from found f) else v_rows end
  )
  into v_ids, v_last;
  return jsonb_build_object('ids', coalesce(to_jsonb(v_ids), '[]'::jsonb), 'next', v_last);
end;
$$;
comment on function public.list_dead_dispatches(uuid, uuid, jsonb, integer, jsonb) is
  'A page of the dispatches that were given up, the latest first: {ids, next: {at, id} or null}. p_filter as in private.dead_dispatches. At most 5,000 are looked at, so a page that is not full may have a next. Definer for service_role alone: callers show rows as far as their user''s policies do.';

create function public.count_dead_dispatches(p_tenant_id uuid, p_org_id uuid, p_filter jsonb)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_rows constant integer := 20000;
begin
  return (
    with looked_at as materialized (
      select x.* from private.dead_dispatches(p_tenant_id, p_org_id, p_filter, null, v_rows) x
    ),
    kinds as (
      select l.webhook_id, l.provider, l.consumer, l.error_code, count(*) as dead,
        (array_agg(l.reason order by l.died_at desc))[1] as reason,
        min(l.died_at) as first_died_at, max(l.died_at) as last_died_at
      from looked_at l where l.wanted
      group by l.webhook_id, l.provider, l.consumer, l.error_code
      order by count(*) desc, max(l.died_at) desc
      limit 100
    )
    select jsonb_build_object(
      'total', (select count(*) from looked_at l where l.wanted),
      'total_is_exact', (select count(*) < v_rows from looked_at),
      'kinds', coalesce((select jsonb_agg(to_jsonb(k)) from kinds k), '[]'::jsonb)
    )
  );
end;
$$;
comment on function public.count_dead_dispatches(uuid, uuid, jsonb) is
  'How many dispatches were given up, and why: {total, total_is_exact, kinds: [{webhook_id, provider, consumer, error_code, dead, reason (of the latest), first_died_at, last_died_at}]}, the most frequent 100. p_filter as in private.dead_dispatches. At most the latest 20,000 are looked at; total_is_exact false = there are more. Definer for service_role alone.';

grant execute on function
  public.list_dead_dispatches(uuid, uuid, jsonb, integer, jsonb), public.count_dead_dispatches(uuid, uuid, jsonb)
to service_role;
