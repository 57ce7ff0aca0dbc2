-- Finished deliveries go back into the queue.
-- New functions only. Rollback: drop them.

create function private.requeue_deliveries(p_tenant_id uuid, p_delivery_ids uuid[])
returns integer
language plpgsql
set search_path = ''
set enable_seqscan = off
as $$
declare
  v_requeued integer;
begin
  with again as (
    update private.deliveries d
    set status = 'pending', finished_at = null, next_attempt_at = null, replays = d.replays + 1
    where d.id = any (p_delivery_ids) and (d.tenant_id = p_tenant_id) is true and d.finished_at is not null and d.event_type <> 'test'
    returning d.tableoid::regclass as log, d.*
  ),
  waiting as (
    insert into private.delivery_queue (delivery_id, tenant_id, integration_id, kind, event_id, event_type, attempt_count)
    select a.id, a.tenant_id, a.integration_id,
      case a.log when 'public.guardian_meta_webhook_events'::regclass then 'guardian_meta' else 'event' end,
      a.event_id, a.event_type, a.attempt_count
    from again a
    order by a.created_at, a.id
    returning delivery_id
  ),
  redeemed as (
    delete from private.delivery_dead_letters l using again a where l.delivery_id = a.id
  )
  select count(*) into v_requeued from waiting;
  if v_requeued > 0 then
    perform private.ring('meta-webhook-deliver');
  end if;
  return v_requeued;
end;
$$;
comment on function private.requeue_deliveries(uuid, uuid[]) is
  'Puts finished deliveries of a tenant back into the queue, behind what waits, with the same webhook-id and body; open ones and tests stay as they are. Answers how many. Rings the bell.';

create function public.replay_deliveries(p_tenant_id uuid, p_delivery_ids uuid[], p_actor uuid)
returns integer
language plpgsql
security definer
set search_path = ''
as $$
begin
  perform private.assert_permission(p_tenant_id, p_actor, 'deliveries.replay');
  return private.requeue_deliveries(p_tenant_id, p_delivery_ids);
end;
$$;
comment on function public.replay_deliveries(uuid, uuid[], uuid) is
  'Sends finished deliveries of a tenant again, delivered or given up; answers how many went back into the queue. Throws IL403. Definer for service_role alone.';
grant execute on function public.replay_deliveries(uuid, uuid[], uuid) to service_role;
