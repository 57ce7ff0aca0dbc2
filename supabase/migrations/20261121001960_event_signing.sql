-- Rotation of what signs for subscriptions to events, as integrations have it. A new function. Rollback: drop it.

create function public.rotate_event_subscription_secret(
  p_tenant_id uuid, p_org_id uuid, p_subscription_id uuid, p_secret text, p_overlap_seconds integer, p_actor uuid
)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_subscription public.event_subscriptions;
begin
  perform private.assert_permission(p_tenant_id, p_actor, 'integrations.manage');
  perform private.set_actor(p_actor);
  perform private.assert_org_of_subscription(p_tenant_id, p_org_id, p_subscription_id);
  if not exists (
    select from public.event_subscriptions s where s.tenant_id = p_tenant_id and s.id = p_subscription_id
  ) then
    perform private.raise_error('IL404', 'This subscription does not exist.');
  end if;
  perform private.rotate_signing_secret(p_tenant_id, p_subscription_id, p_secret, p_overlap_seconds);
  select s.* into strict v_subscription from public.event_subscriptions s
  where s.tenant_id = p_tenant_id and s.id = p_subscription_id;
  insert into public.integration_logs (tenant_id, org_id, event_type, status, details)
  values (p_tenant_id, v_subscription.org_id, 'subscription.rotated', 'success', jsonb_build_object(
    'integration_id', p_subscription_id, 'signature', coalesce(v_subscription.config ->> 'signature', 'v1'),
    'overlap_seconds', p_overlap_seconds
  ));
  return private.event_subscription_resource(v_subscription);
end;
$$;
comment on function public.rotate_event_subscription_secret(uuid, uuid, uuid, text, integer, uuid) is
  'Gives a subscription to events a new secret (whsec_ = v1, whsk_ = v1a); the old one signs beside it p_overlap_seconds longer (0 = not at all). p_org_id narrows to those of an org. Answers the subscription. Throws IL403, IL404, IL422. Definer for service_role alone.';
grant execute on function public.rotate_event_subscription_secret(uuid, uuid, uuid, text, integer, uuid) to service_role;
