-- App endpoints: a provider with one URL per app posts the news of all customers to it, and each account's part goes to
-- the tenant that connected the account. For that a connector has a webhook of its own without URL and secret, so that
-- filter, rates, statistics, receipts and replays hold for it as for any other.
-- Changes integration_webhooks (secret_ref may be null, a column, an index); triggers on integration_connectors and
-- connector_accounts; new functions; replaces rotate_webhook_secret and reveal_webhook_secret of 0700 and 2200.
-- Rollback: delete the webhooks that are through_app, drop the new objects, restore the two functions and the not null.

alter table public.integration_webhooks
  alter column secret_ref drop not null,
  add column through_app boolean not null default false,
  add constraint integration_webhooks_through_app_check check (
    case when through_app
      then secret_ref is null and previous_secret_ref is null and signing_url is null
        and (connector_id is not null or deleted_at is not null)
      else secret_ref is not null
    end
  );
comment on column public.integration_webhooks.secret_ref is
  'Vault id of the signing secret; behind that of a deleted webhook there is nothing. Null = it is verified with the secret of an app (through_app).';
comment on column public.integration_webhooks.through_app is
  'true = it has neither URL nor secret of its own: it gets what the provider''s app posts for the accounts of its connector. Written by link_connector_account.';
create unique index integration_webhooks_app_connector_key on public.integration_webhooks (tenant_id, connector_id)
  where through_app and deleted_at is null;

create function private.outdate_app_webhook()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  with outdated as (
    -- The trigger integration_webhooks_version does the rest.
    update public.integration_webhooks w set updated_at = now()
    where w.tenant_id = old.tenant_id and w.through_app and w.deleted_at is null
      and w.connector_id = (to_jsonb(old) ->> tg_argv[0])::uuid
    returning w.id
  )
  update private.webhook_watch k
  set watched_since = clock_timestamp(), silent_since = null, told_at = null
  from outdated o
  where k.webhook_id = o.id;
  return null;
end;
$$;
comment on function private.outdate_app_webhook() is
  'Row trigger: an account that leaves its connector, or a connector that is switched, makes what receivers remember of them stale, and its silence is watched anew. Its argument names the column with the connector. Definer: whoever changes connectors need not be able to write webhooks.';
create trigger connector_accounts_outdate_webhook after update or delete on public.connector_accounts
  for each row execute function private.outdate_app_webhook('connector_id');
create trigger integration_connectors_outdate_webhook after update of status on public.integration_connectors
  for each row when (old.status is distinct from new.status) execute function private.outdate_app_webhook('id');

create function private.end_app_webhook()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  update public.integration_webhooks w set is_active = false, deleted_at = clock_timestamp()
  where w.tenant_id = old.tenant_id and w.connector_id = old.id and w.through_app and w.deleted_at is null;
  return old;
end;
$$;
comment on function private.end_app_webhook() is
  'Row trigger: with a connector its webhook is deleted; receipts and events stay. Definer, as private.outdate_app_webhook.';
create trigger integration_connectors_end_webhook before delete on public.integration_connectors
  for each row execute function private.end_app_webhook();

create table private.unknown_app_accounts (
  provider text not null,
  account_id text not null,
  request_count bigint not null,
  element_count bigint not null,
  first_seen_at timestamptz not null default clock_timestamp(),
  last_seen_at timestamptz not null default clock_timestamp(),
  constraint unknown_app_accounts_pkey primary key (provider, account_id)
);
comment on table private.unknown_app_accounts is
  'Accounts that an app posted news of and that nobody has connected, or whose connector or webhook is inactive: their news was acknowledged and not stored. At most 10,000; written by count_unknown_app_accounts from requests whose signature was right.';
comment on column private.unknown_app_accounts.provider is 'Whose app.';
comment on column private.unknown_app_accounts.account_id is
  'The provider''s identifier; empty = none was named, or none that an account could have; * = all those for which there was no room.';
comment on column private.unknown_app_accounts.request_count is 'Requests with news of it.';
comment on column private.unknown_app_accounts.element_count is 'Elements of theirs.';
comment on column private.unknown_app_accounts.first_seen_at is 'When it was counted first.';
comment on column private.unknown_app_accounts.last_seen_at is 'When it was counted last; 90 days later the row is removed.';

create function public.count_unknown_app_accounts(p_counts jsonb)
returns void
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_room constant bigint := 10000 - (select count(*) from private.unknown_app_accounts);
begin
  if jsonb_array_length(p_counts) > 1000 then
    perform private.raise_error('IL422', 'At most 1000 accounts are counted at a time.');
  end if;
  with given as (
    select c.provider, c.account_id, sum(c.requests) as requests, sum(c.elements) as elements
    from jsonb_to_recordset(p_counts) as c (provider text, account_id text, requests bigint, elements bigint)
    group by c.provider, c.account_id
  ),
  placed as (
    select g.provider, g.requests, g.elements,
      case
        when u.provider is not null
          or row_number() over (partition by u.provider is null order by g.provider, g.account_id) <= v_room
        then g.account_id
        else '*'
      end as account_id
    from given g
    left join private.unknown_app_accounts u on u.provider = g.provider and u.account_id = g.account_id
  )
  insert into private.unknown_app_accounts as u (provider, account_id, request_count, element_count)
  select p.provider, p.account_id, sum(p.requests), sum(p.elements)
  from placed p
  group by p.provider, p.account_id
  order by p.provider, p.account_id
  on conflict (provider, account_id) do update set
    request_count = u.request_count + excluded.request_count, element_count = u.element_count + excluded.element_count,
    last_seen_at = excluded.last_seen_at;
end;
$$;
comment on function public.count_unknown_app_accounts(jsonb) is
  'Adds news that no connector takes: [{provider, account_id, requests, elements}], at most 1000. Beyond 10,000 accounts further ones are counted together, as *. Throws IL422. Definer for service_role alone.';

create function private.tidy_unknown_app_accounts(p_now timestamptz default clock_timestamp())
returns integer
language plpgsql
set search_path = ''
as $$
declare
  v_removed integer;
begin
  delete from private.unknown_app_accounts u where u.last_seen_at < p_now - interval '90 days';
  get diagnostics v_removed = row_count;
  return v_removed;
end;
$$;
comment on function private.tidy_unknown_app_accounts(timestamptz) is
  'Removes accounts that were last counted more than 90 days ago; answers how many. Run by the job interlock-unknown-account-tidying.';
select private.schedule_job('interlock-unknown-account-tidying', 3600, 'select private.tidy_unknown_app_accounts()');

create function public.resolve_app_accounts(p_provider text, p_account_ids text[])
returns jsonb
language sql
stable
security definer
set search_path = ''
as $$
  select coalesce(jsonb_object_agg(a.account_id, jsonb_build_object(
    'webhook_id', w.id, 'tenant_id', w.tenant_id, 'version', w.version, 'event_types', w.event_types,
    'rate_limit_per_second', w.rate_limit_per_second
  )), '{}'::jsonb)
  from public.connector_accounts a
  join public.integration_connectors c
    on c.tenant_id = a.tenant_id and c.id = a.connector_id and c.status <> 'inactive'
  join public.integration_webhooks w
    on w.tenant_id = a.tenant_id and w.connector_id = a.connector_id and w.provider = a.provider and w.through_app and w.is_active
  where a.provider = p_provider and a.account_id = any (p_account_ids);
$$;
comment on function public.resolve_app_accounts(text, text[]) is
  'Where the news of a provider''s accounts goes: {account_id: {webhook_id, tenant_id, version, event_types, rate_limit_per_second}}; left out are accounts that nobody connected and those whose connector or webhook is inactive. A connector with status error still receives: what it misses would be lost. Definer for service_role alone.';

create function public.link_connector_account(p_tenant_id uuid, p_connector_id uuid, p_account_id text, p_actor uuid default null)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_connector public.integration_connectors;
  v_account public.connector_accounts;
  v_webhook_id uuid;
begin
  perform private.assert_permission(p_tenant_id, p_actor, 'connectors.manage');
  perform private.set_actor(p_actor);
  select c.* into v_connector from public.integration_connectors c
  where c.tenant_id = p_tenant_id and c.id = p_connector_id
  for no key update;
  if v_connector.id is null then
    perform private.raise_error('IL404', 'This connector does not exist.');
  end if;
  if v_connector.type not in ('hubspot', 'slack', 'zoho') then
    perform private.raise_error('IL422', format('No app of %s posts to one address for all accounts.', v_connector.type));
  end if;
  if p_account_id is null or p_account_id !~ '^[!-~]{1,200}$' or p_account_id = '*' then
    perform private.raise_error('IL422', 'An account is named by 1 to 200 printable characters without spaces.');
  end if;
  insert into public.connector_accounts (tenant_id, connector_id, provider, account_id)
  values (p_tenant_id, p_connector_id, v_connector.type, p_account_id)
  on conflict (provider, account_id) do nothing;
  -- A statement of its own: it must see what a concurrent transaction has just committed.
  select a.* into v_account from public.connector_accounts a where a.provider = v_connector.type and a.account_id = p_account_id;
  if v_account.tenant_id is distinct from p_tenant_id then
    perform private.raise_error('IL409', 'This account is connected to another workspace; disconnect it there first.');
  end if;
  if v_account.connector_id <> p_connector_id then
    perform private.raise_error('IL409', 'Another connector of this workspace speaks for this account; disconnect it there first.');
  end if;
  insert into public.integration_webhooks (tenant_id, org_id, connector_id, provider, name, through_app, created_by)
  values (p_tenant_id, v_connector.org_id, p_connector_id, v_connector.type, v_connector.name, true, p_actor)
  on conflict (tenant_id, connector_id) where through_app and deleted_at is null do nothing
  returning id into v_webhook_id;
  if v_webhook_id is not null then
    insert into public.integration_logs (tenant_id, org_id, connector_id, webhook_id, event_type, status)
    values (p_tenant_id, v_connector.org_id, p_connector_id, v_webhook_id, 'webhook.created', 'success');
  end if;
  delete from private.unknown_app_accounts u where u.provider = v_connector.type and u.account_id = p_account_id;
  return (
    select jsonb_build_object(
      'provider', w.provider, 'account_id', p_account_id, 'connector_id', w.connector_id, 'webhook_id', w.id
    )
    from public.integration_webhooks w
    where w.tenant_id = p_tenant_id and w.connector_id = p_connector_id and w.through_app and w.deleted_at is null
  );
end;
$$;
comment on function public.link_connector_account(uuid, uuid, text, uuid) is
  'Connects a provider''s account to a connector of that provider and gives the connector the webhook that takes its news; does nothing where that is done. Answers {provider, account_id, connector_id, webhook_id}. Throws IL403, IL404, IL409 (another workspace or connector has the account), IL422. Definer for service_role alone.';

create or replace function public.rotate_webhook_secret(
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
  perform private.assert_own_secret(v_webhook);
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
  'Gives a webhook a new secret; the old one verifies p_overlap_seconds longer (0 = not at all), an older one no more. Throws IL403, IL404, IL409 (it has none of its own), IL422. Definer for service_role alone.';

create or replace function public.reveal_webhook_secret(p_tenant_id uuid, p_org_id uuid, p_webhook_id uuid, p_actor uuid)
returns text
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_webhook public.integration_webhooks := private.writable_webhook(p_tenant_id, p_org_id, p_webhook_id, p_actor, 'webhooks.reveal');
  v_secret text;
begin
  perform private.assert_own_secret(v_webhook);
  v_secret := public.read_secret(p_tenant_id, v_webhook.secret_ref);
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

create function private.assert_own_secret(p_webhook public.integration_webhooks)
returns void
language plpgsql
set search_path = ''
as $$
begin
  if p_webhook.through_app then
    perform private.raise_error('IL409', 'This webhook has no secret of its own: requests come through the app, whose secret is in the configuration of the hub.');
  end if;
end;
$$;
comment on function private.assert_own_secret(public.integration_webhooks) is
  'Refuses what makes sense only for a webhook that has a secret of its own. Throws IL409.';

grant execute on function
  public.count_unknown_app_accounts(jsonb), public.resolve_app_accounts(text, text[]),
  public.link_connector_account(uuid, uuid, text, uuid)
to service_role;
