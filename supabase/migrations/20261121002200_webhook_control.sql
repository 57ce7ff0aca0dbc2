-- Control of inbound webhooks: a secret is revealed, the overlap of a rotation ends at once, a webhook is deleted.
-- Adds a column and three functions; replaces private.writable_webhook of 0700.
-- Rollback: drop the functions and the column, restore private.writable_webhook.

alter table public.integration_webhooks add column deleted_at timestamptz
  constraint integration_webhooks_deleted_check check (deleted_at is null or not is_active);
comment on column public.integration_webhooks.deleted_at is
  'When it was deleted: answered like an unknown webhook, its secrets have left Vault, its receipts stay as long as others. Null = it was not.';
comment on column public.integration_webhooks.secret_ref is 'Vault id of the signing secret; behind that of a deleted webhook there is nothing.';

create or replace function private.writable_webhook(
  p_tenant_id uuid, p_org_id uuid, p_webhook_id uuid, p_actor uuid, p_permission text
)
returns public.integration_webhooks
language plpgsql
set search_path = ''
as $$
declare
  v_webhook public.integration_webhooks;
begin
  perform private.assert_permission(p_tenant_id, p_actor, p_permission);
  perform private.set_actor(p_actor);
  select w.* into v_webhook from public.integration_webhooks w
  where w.tenant_id = p_tenant_id and w.id = p_webhook_id
    and (
      w.org_id = p_org_id
      or (w.org_id is null and (p_actor is null or exists (
        select from public.tenant_members m where m.tenant_id = p_tenant_id and m.user_id = p_actor and m.org_id is null
      )))
    )
    -- What a deleted one received can still be replayed.
    and (w.deleted_at is null or p_permission = 'deliveries.replay')
  for update;
  if v_webhook.id is null then
    perform private.raise_error('IL404', 'This webhook does not exist.');
  end if;
  return v_webhook;
end;
$$;
comment on function private.writable_webhook(uuid, uuid, uuid, uuid, text) is
  'Locks a webhook for a change by p_actor, who needs p_permission, within an org; a webhook of all orgs only for platform-level members, a deleted one only for a replay. Throws IL403, IL404.';

create function public.reveal_webhook_secret(p_tenant_id uuid, p_org_id uuid, p_webhook_id uuid, p_actor uuid)
returns text
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_webhook public.integration_webhooks := private.writable_webhook(p_tenant_id, p_org_id, p_webhook_id, p_actor, 'webhooks.reveal');
  v_secret constant text := public.read_secret(p_tenant_id, v_webhook.secret_ref);
begin
  if v_secret is null then
    perform private.raise_error('IL409', 'Vault does not give this secret out; rotate it.');
  end if;
  insert into public.audit_log (tenant_id, actor_id, actor_role, action, table_name, row_key, changes, request_id)
  values (
    p_tenant_id, p_actor, coalesce(nullif(current_setting('role', true), 'none'), session_user), 'reveal', 'integration_webhooks',
    jsonb_build_object('id', v_webhook.id, 'name', v_webhook.name), '{}', left(private.request_header('x-request-id'), 200)
  );
  insert into public.integration_logs (tenant_id, org_id, webhook_id, event_type, status)
  values (p_tenant_id, v_webhook.org_id, v_webhook.id, 'webhook.revealed', 'success');
  return v_secret;
end;
$$;
comment on function public.reveal_webhook_secret(uuid, uuid, uuid, uuid) is
  'The signing secret of a webhook. That it was shown, and to whom, is in audit_log before it is. Throws IL403, IL404, IL409. Definer for service_role alone: reads Vault.';

create function public.end_webhook_overlap(p_tenant_id uuid, p_org_id uuid, p_webhook_id uuid, p_actor uuid)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_webhook public.integration_webhooks := private.writable_webhook(p_tenant_id, p_org_id, p_webhook_id, p_actor, 'webhooks.manage');
  v_outdated constant uuid := v_webhook.previous_secret_ref;
begin
  if v_outdated is null then
    return private.webhook_resource(v_webhook);
  end if;
  update public.integration_webhooks w set previous_secret_ref = null, previous_secret_expires_at = null
  where w.tenant_id = p_tenant_id and w.id = p_webhook_id
  returning w.* into v_webhook;
  perform public.delete_secret(p_tenant_id, v_outdated);
  insert into public.integration_logs (tenant_id, org_id, webhook_id, event_type, status)
  values (p_tenant_id, v_webhook.org_id, v_webhook.id, 'webhook.overlap_ended', 'success');
  return private.webhook_resource(v_webhook);
end;
$$;
comment on function public.end_webhook_overlap(uuid, uuid, uuid, uuid) is
  'From now on only the newest secret of a webhook verifies; the one before leaves Vault. Changes nothing when no overlap runs. Throws IL403, IL404. Definer for service_role alone.';

create function public.delete_webhook(p_tenant_id uuid, p_org_id uuid, p_webhook_id uuid, p_actor uuid)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_webhook public.integration_webhooks := private.writable_webhook(p_tenant_id, p_org_id, p_webhook_id, p_actor, 'webhooks.manage');
  v_secret_refs constant uuid[] := array[v_webhook.secret_ref, v_webhook.previous_secret_ref];
begin
  update public.integration_webhooks w
  set is_active = false, deleted_at = clock_timestamp(), previous_secret_ref = null, previous_secret_expires_at = null
  where w.tenant_id = p_tenant_id and w.id = p_webhook_id
  returning w.* into v_webhook;
  perform public.delete_secret(p_tenant_id, gone.ref) from unnest(v_secret_refs) as gone (ref) where gone.ref is not null;
  insert into public.integration_logs (tenant_id, org_id, webhook_id, event_type, status)
  values (p_tenant_id, v_webhook.org_id, v_webhook.id, 'webhook.deleted', 'success');
  return private.webhook_resource(v_webhook);
end;
$$;
comment on function public.delete_webhook(uuid, uuid, uuid, uuid) is
  'Deletes a webhook: its secrets leave Vault, its URL is answered like an unknown one from the next request on, receipts and events stay until retention takes them. Throws IL403, IL404. Definer for service_role alone.';

grant execute on function
  public.reveal_webhook_secret(uuid, uuid, uuid, uuid), public.end_webhook_overlap(uuid, uuid, uuid, uuid),
  public.delete_webhook(uuid, uuid, uuid, uuid)
to service_role;
