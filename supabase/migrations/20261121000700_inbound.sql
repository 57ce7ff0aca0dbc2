-- Inbound webhooks and their receipts; the one call that stores what arrived together.
-- New tables only. Rollback: drop them.

create table public.integration_webhooks (
  id uuid not null default gen_random_uuid(),
  tenant_id uuid not null references public.tenants (id),
  org_id uuid,
  connector_id uuid,
  provider text not null constraint integration_webhooks_provider_check check (provider ~ '^[a-z][a-z0-9_]{0,49}$'),
  name text not null constraint integration_webhooks_name_length_check check (char_length(name) between 1 and 200),
  is_active boolean not null default true,
  secret_ref uuid not null,
  previous_secret_ref uuid,
  previous_secret_expires_at timestamptz,
  signing_url text,
  version integer not null default 1,
  created_by uuid,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint integration_webhooks_pkey primary key (id),
  constraint integration_webhooks_tenant_id_id_key unique (tenant_id, id),
  constraint integration_webhooks_org_fkey foreign key (tenant_id, org_id) references public.orgs (tenant_id, id),
  constraint integration_webhooks_connector_fkey foreign key (tenant_id, connector_id)
    references public.integration_connectors (tenant_id, id) on delete set null (connector_id),
  constraint integration_webhooks_previous_secret_check check ((previous_secret_ref is null) = (previous_secret_expires_at is null))
);
create index integration_webhooks_tenant_id_created_at_idx on public.integration_webhooks (tenant_id, created_at desc, id);
create index integration_webhooks_tenant_id_org_id_idx on public.integration_webhooks (tenant_id, org_id);
create index integration_webhooks_tenant_id_connector_id_idx on public.integration_webhooks (tenant_id, connector_id) where connector_id is not null;
comment on table public.integration_webhooks is 'An address that an outside system posts to. Written by RPCs only, because a secret in Vault goes with it.';
comment on column public.integration_webhooks.id is 'The webhook; part of its URL.';
comment on column public.integration_webhooks.tenant_id is 'Whose webhook.';
comment on column public.integration_webhooks.org_id is 'Org its events belong to; null = all orgs of the tenant.';
comment on column public.integration_webhooks.connector_id is 'Connector it feeds; null = none.';
comment on column public.integration_webhooks.provider is 'Names the signature scheme and the adapter: hubspot, standard_webhooks, generic_hmac ...';
comment on column public.integration_webhooks.name is 'Display name.';
comment on column public.integration_webhooks.is_active is 'false = answered like an unknown webhook.';
comment on column public.integration_webhooks.secret_ref is 'Vault id of the signing secret.';
comment on column public.integration_webhooks.previous_secret_ref is 'Vault id of the secret before the last rotation; null = no overlap running.';
comment on column public.integration_webhooks.previous_secret_expires_at is 'Until when the previous secret verifies; null = no overlap running.';
comment on column public.integration_webhooks.signing_url is 'URL the provider signs, where it differs from the webhook''s public URL; null = the same.';
comment on column public.integration_webhooks.version is 'Grows with every change; a receiver that cached an older one reads again.';
comment on column public.integration_webhooks.created_by is 'Person who created it; null = the service.';
comment on column public.integration_webhooks.created_at is 'Instant of creation.';
comment on column public.integration_webhooks.updated_at is 'Instant of the last change.';

create function private.bump_webhook_version()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  new.version := old.version + 1;
  new.updated_at := now();
  return new;
end;
$$;
comment on function private.bump_webhook_version() is 'Row trigger: every change of a webhook makes cached copies stale.';
create trigger integration_webhooks_version before update on public.integration_webhooks
  for each row execute function private.bump_webhook_version();

create table public.webhook_receipts (
  id uuid not null,
  tenant_id uuid not null,
  org_id uuid,
  webhook_id uuid not null,
  provider text not null,
  request_id text not null constraint webhook_receipts_request_id_check check (char_length(request_id) <= 200),
  content_type text,
  body_bytes integer not null,
  event_count integer not null,
  duplicate_count integer not null,
  received_at timestamptz not null default clock_timestamp(),
  constraint webhook_receipts_pkey primary key (id, tenant_id)
);
create index webhook_receipts_webhook_received_at_idx on public.webhook_receipts (tenant_id, webhook_id, received_at desc, id);
comment on table public.webhook_receipts is 'One verified request that brought something new. Written by store_webhook_receipts only, which takes tenant and org from the webhook.';
comment on column public.webhook_receipts.id is 'The receipt; the provider''s answer names it.';
comment on column public.webhook_receipts.tenant_id is 'Whose receipt.';
comment on column public.webhook_receipts.org_id is 'Org of the webhook at that time; null = all.';
comment on column public.webhook_receipts.webhook_id is 'The webhook it came through.';
comment on column public.webhook_receipts.provider is 'Provider of the webhook at that time.';
comment on column public.webhook_receipts.request_id is 'x-request-id of the answer; first trace id of its events.';
comment on column public.webhook_receipts.content_type is 'Content-Type as sent; null = none.';
comment on column public.webhook_receipts.body_bytes is 'Size of the body in bytes.';
comment on column public.webhook_receipts.event_count is 'Elements that were new and became events.';
comment on column public.webhook_receipts.duplicate_count is 'Elements already known.';
comment on column public.webhook_receipts.received_at is 'Instant of storing.';

create table public.webhook_receipt_bodies (
  receipt_id uuid not null,
  tenant_id uuid not null,
  headers text not null,
  body bytea not null,
  constraint webhook_receipt_bodies_pkey primary key (receipt_id, tenant_id),
  constraint webhook_receipt_bodies_receipt_fkey foreign key (tenant_id, receipt_id)
    references public.webhook_receipts (tenant_id, id) on delete cascade
);
alter table public.webhook_receipt_bodies alter column body set storage external;
comment on table public.webhook_receipt_bodies is 'The request as it came, byte for byte, so that a replay verifies. Apart from the receipt to keep lists narrow.';
comment on column public.webhook_receipt_bodies.receipt_id is 'The receipt.';
comment on column public.webhook_receipt_bodies.tenant_id is 'Whose receipt.';
comment on column public.webhook_receipt_bodies.headers is 'Headers as JSON text {name: value}; values of credential headers are masked before storing.';
comment on column public.webhook_receipt_bodies.body is 'Body bytes, exactly as received.';

insert into private.event_consumers (consumer, event_type) values ('crm', 'webhook.received');

create function public.get_webhook_verifier(p_webhook_id uuid)
returns jsonb
language sql
stable
security definer
set search_path = ''
as $$
  select jsonb_build_object(
    'webhook_id', w.id, 'tenant_id', w.tenant_id, 'provider', w.provider, 'version', w.version, 'signing_url', w.signing_url,
    'secret', current_secret.decrypted_secret,
    'previous_secret', previous_secret.decrypted_secret,
    'previous_secret_expires_at', w.previous_secret_expires_at
  )
  from public.integration_webhooks w
  join vault.decrypted_secrets current_secret on current_secret.id = w.secret_ref
  left join vault.decrypted_secrets previous_secret
    on previous_secret.id = w.previous_secret_ref and w.previous_secret_expires_at > now()
  where w.id = p_webhook_id and w.is_active;
$$;
comment on function public.get_webhook_verifier(uuid) is
  'What the receiver needs to verify a request: {webhook_id, tenant_id, provider, version, signing_url, secret, previous_secret, previous_secret_expires_at}; null when unknown or inactive. Definer for service_role alone: reads Vault.';

create function public.store_webhook_receipts(p_batch jsonb)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_answer jsonb;
  v_duplicates jsonb;
begin
  with items as (
    select i.* from jsonb_to_recordset(p_batch) as i (
      webhook_id uuid, version integer, receipt_id uuid, request_id text, content_type text, headers text, body text, elements jsonb
    )
  ),
  live as (
    select i.webhook_id, i.receipt_id, i.request_id, i.content_type, i.headers, i.elements, decode(i.body, 'base64') as body,
      w.tenant_id, w.org_id, w.provider
    from items i
    join public.integration_webhooks w on w.id = i.webhook_id and w.version = i.version and w.is_active
  ),
  new_events as (
    -- In key order, so that two batches with the same keys wait for each other instead of deadlocking.
    insert into public.integration_events_outbox
      (tenant_id, org_id, event_type, entity_type, entity_id, payload, source, trace_id, webhook_id, receipt_id, dedupe_key)
    select l.tenant_id, l.org_id, 'webhook.received', 'webhook', l.webhook_id::text,
      jsonb_build_object('receipt_id', l.receipt_id, 'webhook_id', l.webhook_id, 'provider', l.provider, 'type', e.type, 'element', e.index),
      l.provider, l.request_id, l.webhook_id, l.receipt_id, e.dedupe_key
    from live l
    cross join lateral jsonb_to_recordset(l.elements) as e (dedupe_key text, type text, index integer)
    order by l.webhook_id, e.dedupe_key
    on conflict (tenant_id, webhook_id, dedupe_key) where dedupe_key is not null do nothing
    returning receipt_id
  ),
  fresh as (
    select n.receipt_id, count(*)::integer as event_count from new_events n group by n.receipt_id
  ),
  receipts as (
    insert into public.webhook_receipts
      (id, tenant_id, org_id, webhook_id, provider, request_id, content_type, body_bytes, event_count, duplicate_count)
    select l.receipt_id, l.tenant_id, l.org_id, l.webhook_id, l.provider, l.request_id, l.content_type,
      octet_length(l.body), f.event_count, jsonb_array_length(l.elements) - f.event_count
    from live l
    join fresh f on f.receipt_id = l.receipt_id
  ),
  bodies as (
    insert into public.webhook_receipt_bodies (receipt_id, tenant_id, headers, body)
    select l.receipt_id, l.tenant_id, convert_from(decode(l.headers, 'base64'), 'UTF8'), l.body
    from live l
    join fresh f on f.receipt_id = l.receipt_id
  )
  select
    coalesce(jsonb_object_agg(i.receipt_id, jsonb_build_object(
      'outcome', case when l.receipt_id is null then 'stale' else 'stored' end,
      'receipt_id', case when l.receipt_id is not null then i.receipt_id end
    )) filter (where l.receipt_id is null or f.receipt_id is not null), '{}'::jsonb),
    jsonb_agg(jsonb_build_object(
      'receipt_id', i.receipt_id, 'tenant_id', l.tenant_id, 'webhook_id', i.webhook_id, 'dedupe_key', i.elements -> 0 -> 'dedupe_key'
    )) filter (where l.receipt_id is not null and f.receipt_id is null)
  into v_answer, v_duplicates
  from items i
  left join live l on l.receipt_id = i.receipt_id
  left join fresh f on f.receipt_id = i.receipt_id;
  if v_duplicates is null then
    return v_answer;
  end if;

  -- A duplicate names the receipt that brought the event first. A statement of its own: it must see what a
  -- concurrent transaction has just committed.
  return v_answer || (
    select jsonb_object_agg(i.receipt_id, jsonb_build_object(
      'outcome', 'duplicate',
      'receipt_id', (
        select o.receipt_id from public.integration_events_outbox o
        where o.tenant_id = i.tenant_id and o.webhook_id = i.webhook_id and o.dedupe_key = i.dedupe_key
      )
    ))
    from jsonb_to_recordset(v_duplicates) as i (receipt_id uuid, tenant_id uuid, webhook_id uuid, dedupe_key text)
  );
end;
$$;
comment on function public.store_webhook_receipts(jsonb) is
  'Stores verified requests that arrived together: [{webhook_id, version, receipt_id, request_id, content_type, headers, body, elements: [{dedupe_key, type, index}]}], headers and body in base64. Answers {receipt_id: {outcome: stored|duplicate|stale, receipt_id}}; stale = the webhook changed since it was cached, verify again. All or nothing: a data error (SQLSTATE 22, 23) stores none of the batch. Definer for service_role alone.';

create function public.get_webhook_receipt_bodies(p_receipt_ids uuid[])
returns jsonb
language sql
stable
security definer
set search_path = ''
as $$
  select coalesce(jsonb_object_agg(b.receipt_id, jsonb_build_object(
    'tenant_id', b.tenant_id, 'provider', r.provider, 'content_type', r.content_type,
    'body', translate(encode(b.body, 'base64'), E'\n', '')
  )), '{}'::jsonb)
  from public.webhook_receipt_bodies b
  join public.webhook_receipts r on r.tenant_id = b.tenant_id and r.id = b.receipt_id
  where b.receipt_id = any (p_receipt_ids);
$$;
comment on function public.get_webhook_receipt_bodies(uuid[]) is
  'Bodies for consumers: {receipt_id: {tenant_id, provider, content_type, body (base64)}}. Definer for service_role alone.';

create function private.writable_webhook(
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
  for update;
  if v_webhook.id is null then
    perform private.raise_error('IL404', 'This webhook does not exist.');
  end if;
  return v_webhook;
end;
$$;
comment on function private.writable_webhook(uuid, uuid, uuid, uuid, text) is
  'Locks a webhook for a change by p_actor, who needs p_permission, within an org; a webhook of all orgs only for platform-level members. Throws IL403, IL404.';

create function private.webhook_resource(p_webhook public.integration_webhooks)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select to_jsonb(p_webhook) - 'secret_ref' - 'previous_secret_ref' - 'version';
$$;
comment on function private.webhook_resource(public.integration_webhooks) is 'A webhook as the API shows it: no references to secrets.';

create function public.create_webhook(
  p_tenant_id uuid, p_org_id uuid, p_provider text, p_name text, p_secret text, p_signing_url text, p_actor uuid
)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_webhook public.integration_webhooks;
begin
  perform private.assert_permission(p_tenant_id, p_actor, 'webhooks.manage');
  perform private.set_actor(p_actor);
  insert into public.integration_webhooks (tenant_id, org_id, provider, name, secret_ref, signing_url, created_by)
  values (p_tenant_id, p_org_id, p_provider, p_name,
    public.store_secret(p_tenant_id, p_secret, 'inbound webhook signing secret'), p_signing_url, p_actor)
  returning * into v_webhook;
  insert into public.integration_logs (tenant_id, org_id, webhook_id, event_type, status)
  values (p_tenant_id, p_org_id, v_webhook.id, 'webhook.created', 'success');
  return private.webhook_resource(v_webhook);
end;
$$;
comment on function public.create_webhook(uuid, uuid, text, text, text, text, uuid) is
  'Creates an inbound webhook and its secret in one transaction; answers the webhook. Throws IL403, IL422. Definer for service_role alone.';

create function public.update_webhook(
  p_tenant_id uuid, p_org_id uuid, p_webhook_id uuid, p_name text, p_is_active boolean, p_actor uuid
)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_webhook public.integration_webhooks := private.writable_webhook(p_tenant_id, p_org_id, p_webhook_id, p_actor, 'webhooks.manage');
begin
  if v_webhook.name = coalesce(p_name, v_webhook.name) and v_webhook.is_active = coalesce(p_is_active, v_webhook.is_active) then
    return private.webhook_resource(v_webhook);
  end if;
  update public.integration_webhooks w
  set name = coalesce(p_name, w.name), is_active = coalesce(p_is_active, w.is_active)
  where w.tenant_id = p_tenant_id and w.id = p_webhook_id
  returning w.* into v_webhook;
  insert into public.integration_logs (tenant_id, org_id, webhook_id, event_type, status)
  values (p_tenant_id, v_webhook.org_id, v_webhook.id,
    case when p_is_active is null then 'webhook.renamed' when p_is_active then 'webhook.activated' else 'webhook.deactivated' end, 'success');
  return private.webhook_resource(v_webhook);
end;
$$;
comment on function public.update_webhook(uuid, uuid, uuid, text, boolean, uuid) is
  'Renames, activates or deactivates a webhook; null leaves a value as it is. Throws IL403, IL404. Definer for service_role alone.';

create function public.rotate_webhook_secret(
  p_tenant_id uuid, p_org_id uuid, p_webhook_id uuid, p_secret text, p_overlap_seconds integer, p_actor uuid
)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_webhook public.integration_webhooks := private.writable_webhook(p_tenant_id, p_org_id, p_webhook_id, p_actor, 'webhooks.manage');
  v_replaced constant uuid := v_webhook.secret_ref;
  v_outdated constant uuid := v_webhook.previous_secret_ref;
begin
  if p_overlap_seconds not between 0 and 604800 then
    perform private.raise_error('IL422', 'Both secrets verify for 0 to 604800 seconds (7 days).');
  end if;
  update public.integration_webhooks w
  set secret_ref = public.store_secret(p_tenant_id, p_secret, 'inbound webhook signing secret'),
      previous_secret_ref = case when p_overlap_seconds > 0 then w.secret_ref end,
      previous_secret_expires_at = case when p_overlap_seconds > 0 then now() + p_overlap_seconds * interval '1 second' end
  where w.tenant_id = p_tenant_id and w.id = p_webhook_id
  returning w.* into v_webhook;
  perform public.delete_secret(p_tenant_id, gone.ref)
  from unnest(array[v_outdated, case when p_overlap_seconds = 0 then v_replaced end]) as gone (ref)
  where gone.ref is not null;
  insert into public.integration_logs (tenant_id, org_id, webhook_id, event_type, status)
  values (p_tenant_id, v_webhook.org_id, v_webhook.id, 'webhook.rotated', 'success');
  return private.webhook_resource(v_webhook);
end;
$$;
comment on function public.rotate_webhook_secret(uuid, uuid, uuid, text, integer, uuid) is
  'Gives a webhook a new secret; the old one verifies p_overlap_seconds longer (0 = not at all), an older one no more. Throws IL403, IL404, IL422. Definer for service_role alone.';

create function public.replay_webhook_receipt(
  p_tenant_id uuid, p_org_id uuid, p_webhook_id uuid, p_receipt_id uuid, p_actor uuid
)
returns integer
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_webhook public.integration_webhooks := private.writable_webhook(p_tenant_id, p_org_id, p_webhook_id, p_actor, 'deliveries.replay');
  v_event_ids uuid[];
begin
  select array_agg(o.id) into v_event_ids from public.integration_events_outbox o
  where o.tenant_id = p_tenant_id and o.webhook_id = v_webhook.id and o.receipt_id = p_receipt_id;
  if v_event_ids is null then
    perform private.raise_error('IL404', 'This receipt does not exist.');
  end if;
  return private.replay_dispatches(p_tenant_id, v_event_ids, '{}');
end;
$$;
comment on function public.replay_webhook_receipt(uuid, uuid, uuid, uuid, uuid) is
  'Sends the events of a receipt through their consumers again (consumers are idempotent); answers how many dispatches went back into the queue, 0 when they are still pending. Throws IL403, IL404. Definer for service_role alone.';

grant execute on function
  public.get_webhook_verifier(uuid), public.store_webhook_receipts(jsonb), public.get_webhook_receipt_bodies(uuid[]),
  public.create_webhook(uuid, uuid, text, text, text, text, uuid),
  public.update_webhook(uuid, uuid, uuid, text, boolean, uuid),
  public.rotate_webhook_secret(uuid, uuid, uuid, text, integer, uuid),
  public.replay_webhook_receipt(uuid, uuid, uuid, uuid, uuid)
to service_role;

alter table public.integration_webhooks enable row level security;
alter table public.integration_webhooks force row level security;
grant select on public.integration_webhooks to authenticated, service_role;
create policy "readers of webhooks see those in their org scope" on public.integration_webhooks for select to authenticated
  using (
    tenant_id = (select private.get_current_workspace_id())
    and (select private.has_tenant_permission('webhooks.read'))
    and (org_id is null or (select private.get_current_org_id()) is null or org_id = (select private.get_current_org_id()))
  );

alter table public.webhook_receipts enable row level security;
alter table public.webhook_receipts force row level security;
grant select on public.webhook_receipts to authenticated, service_role;
create policy "readers of webhooks see receipts in their org scope" on public.webhook_receipts for select to authenticated
  using (
    tenant_id = (select private.get_current_workspace_id())
    and (select private.has_tenant_permission('webhooks.read'))
    and (org_id is null or (select private.get_current_org_id()) is null or org_id = (select private.get_current_org_id()))
  );

alter table public.webhook_receipt_bodies enable row level security;
alter table public.webhook_receipt_bodies force row level security;
grant select on public.webhook_receipt_bodies to authenticated, service_role;
create policy "readers of webhooks see bodies of receipts they see" on public.webhook_receipt_bodies for select to authenticated
  using (
    tenant_id = (select private.get_current_workspace_id())
    and exists (select from public.webhook_receipts r where r.id = webhook_receipt_bodies.receipt_id)
  );

select private.audit_table('public.integration_webhooks');
