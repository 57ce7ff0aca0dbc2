-- Tests of inbound webhooks: samples that the hub signs and sends to itself. They are verified and stored like any other
-- request, and marked, so that no consumer acts on them.
-- New table and functions; replaces public.get_webhook_receipt_bodies of 0700.
-- Rollback: restore public.get_webhook_receipt_bodies, drop the rest.

create table private.webhook_tests (
  id uuid not null default gen_random_uuid(),
  tenant_id uuid not null,
  webhook_id uuid not null,
  created_by uuid,
  created_at timestamptz not null default clock_timestamp(),
  constraint webhook_tests_pkey primary key (id),
  constraint webhook_tests_webhook_fkey foreign key (tenant_id, webhook_id)
    references public.integration_webhooks (tenant_id, id) on delete cascade
);
create index webhook_tests_webhook_idx on private.webhook_tests (tenant_id, webhook_id, created_at);
comment on table private.webhook_tests is
  'Samples that were sent. The request id of a sample is test_<id>; as it stands here, nobody else can pass a request off as a test.';
comment on column private.webhook_tests.id is 'The test.';
comment on column private.webhook_tests.tenant_id is 'Whose webhook.';
comment on column private.webhook_tests.webhook_id is 'The webhook it was sent to.';
comment on column private.webhook_tests.created_by is 'Who asked for it; null = the service.';
comment on column private.webhook_tests.created_at is 'When, before it was sent.';

create function private.is_webhook_test(p_webhook_id uuid, p_request_id text)
returns boolean
language sql
stable
set search_path = ''
as $$
  select p_request_id like 'test\_%' and exists (
    select from private.webhook_tests t
    where t.id = private.uuid_or_null(substr(p_request_id, 6)) and t.webhook_id = p_webhook_id
  );
$$;
comment on function private.is_webhook_test(uuid, text) is
  'Whether a request to a webhook, by its id, was a sample of ours.';

create function public.begin_webhook_test(p_tenant_id uuid, p_org_id uuid, p_webhook_id uuid, p_actor uuid)
returns uuid
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_webhook public.integration_webhooks := private.writable_webhook(p_tenant_id, p_org_id, p_webhook_id, p_actor, 'webhooks.manage');
  v_test_id uuid;
begin
  if not v_webhook.is_active then
    perform private.raise_error('IL409', 'This webhook is inactive, so it refuses every request; activate it first.');
  end if;
  insert into private.webhook_tests (tenant_id, webhook_id, created_by) values (p_tenant_id, v_webhook.id, p_actor)
  returning id into v_test_id;
  insert into public.integration_logs (tenant_id, org_id, webhook_id, event_type, status)
  values (p_tenant_id, v_webhook.org_id, v_webhook.id, 'webhook.tested', 'success');
  return v_test_id;
end;
$$;
comment on function public.begin_webhook_test(uuid, uuid, uuid, uuid) is
  'Announces a sample: the request test_<the id answered> to this webhook is a test. Throws IL403, IL404, IL409 (inactive). Definer for service_role alone.';
grant execute on function public.begin_webhook_test(uuid, uuid, uuid, uuid) to service_role;

create or replace function public.get_webhook_receipt_bodies(p_receipt_ids uuid[])
returns jsonb
language sql
stable
security definer
set search_path = ''
as $$
  select coalesce(jsonb_object_agg(b.receipt_id, jsonb_build_object(
    'tenant_id', b.tenant_id, 'provider', r.provider, 'content_type', r.content_type,
    'is_test', private.is_webhook_test(r.webhook_id, r.request_id),
    'body', translate(encode(b.body, 'base64'), E'\n', '')
  )), '{}'::jsonb)
  from public.webhook_receipt_bodies b
  join public.webhook_receipts r on r.tenant_id = b.tenant_id and r.id = b.receipt_id
  where b.receipt_id = any (p_receipt_ids);
$$;
comment on function public.get_webhook_receipt_bodies(uuid[]) is
  'Bodies for consumers: {receipt_id: {tenant_id, provider, content_type, is_test, body (base64)}}. Definer for service_role alone.';
