-- Grants by OAuth 2: asked for by a person, pending until the same person finishes them, refreshed by one process at a time,
-- revoked at the provider when they end.
-- New tables in private, functions, a trigger on integration_connectors, the job interlock-oauth-upkeep.
-- Rollback: unschedule the job, drop the trigger and the new objects. Grants that are pending then stay at the provider.

create table private.oauth_states (
  id uuid not null default gen_random_uuid(),
  tenant_id uuid not null references public.tenants (id),
  org_id uuid,
  user_id uuid not null,
  provider text not null,
  connector_id uuid,
  connector_name text,
  config jsonb not null,
  state_hash text not null,
  state_expires_at timestamptz not null,
  answered_at timestamptz,
  secret_ref uuid,
  scopes text[],
  missing_scopes text[],
  account_id text,
  account_name text,
  links_account boolean,
  token_expires_at timestamptz,
  refresh_due_at timestamptz,
  code_hash text,
  grant_expires_at timestamptz,
  created_at timestamptz not null default clock_timestamp(),
  constraint oauth_states_pkey primary key (id),
  constraint oauth_states_state_hash_key unique (state_hash),
  constraint oauth_states_code_hash_key unique (code_hash),
  constraint oauth_states_target_check check ((connector_id is null) <> (connector_name is null)),
  constraint oauth_states_grant_check check ((secret_ref is null) = (code_hash is null) and (secret_ref is null) = (grant_expires_at is null))
);
create index oauth_states_user_idx on private.oauth_states (tenant_id, user_id, created_at);
create index oauth_states_grant_expires_at_idx on private.oauth_states (grant_expires_at) where grant_expires_at is not null;
create index oauth_states_state_expires_at_idx on private.oauth_states (state_expires_at) where code_hash is null;
create index oauth_states_account_idx on private.oauth_states (provider, account_id) where account_id is not null;
comment on table private.oauth_states is
  'What somebody asked a provider for and has not finished: first a state that is on its way, then a grant that is pending. Private: no API role reads it, the service through functions only.';
comment on column private.oauth_states.id is 'The attempt.';
comment on column private.oauth_states.tenant_id is 'Tenant it was begun for.';
comment on column private.oauth_states.org_id is 'Org of a new connector; null = all orgs.';
comment on column private.oauth_states.user_id is 'Who began it, and the only one who can finish it.';
comment on column private.oauth_states.provider is 'Type of the connector.';
comment on column private.oauth_states.connector_id is 'Connector that is connected again; null = a new one.';
comment on column private.oauth_states.connector_name is 'Name of the new connector; null = an existing one.';
comment on column private.oauth_states.config is 'Settings of the connector, without secrets.';
comment on column private.oauth_states.state_hash is 'SHA-256 of the state parameter in hex. The verifier of PKCE stands nowhere: it follows from the state and a key of the installation.';
comment on column private.oauth_states.state_expires_at is 'From when on the state is refused.';
comment on column private.oauth_states.answered_at is 'When the provider''s answer was taken; null = not yet. It is taken once.';
comment on column private.oauth_states.secret_ref is 'Vault id of the pending grant; null = none yet.';
comment on column private.oauth_states.scopes is 'What the provider granted.';
comment on column private.oauth_states.missing_scopes is 'What the settings need and was not granted.';
comment on column private.oauth_states.account_id is 'The provider''s identifier of the account that consented.';
comment on column private.oauth_states.account_name is 'The account for display.';
comment on column private.oauth_states.links_account is 'Whether the provider''s app posts news of the account to one URL for all.';
comment on column private.oauth_states.token_expires_at is 'When the access token ends; null = never.';
comment on column private.oauth_states.refresh_due_at is 'When upkeep would refresh it first; null = it cannot be refreshed.';
comment on column private.oauth_states.code_hash is 'SHA-256 in hex of the one-time code that the browser got; null = no grant yet.';
comment on column private.oauth_states.grant_expires_at is 'From when on the pending grant is revoked; null = no grant yet.';
comment on column private.oauth_states.created_at is 'When it was begun.';

create table private.connector_grants (
  connector_id uuid not null,
  tenant_id uuid not null,
  provider text not null,
  account_id text,
  scopes text[] not null default '{}',
  expires_at timestamptz,
  refresh_due_at timestamptz,
  refreshed_at timestamptz,
  lease_token uuid,
  lease_until timestamptz,
  judged_hash text,
  failed_at timestamptz,
  failure_count integer not null default 0,
  failing_since timestamptz,
  exhausted_at timestamptz,
  constraint connector_grants_pkey primary key (connector_id),
  constraint connector_grants_connector_fkey foreign key (tenant_id, connector_id)
    references public.integration_connectors (tenant_id, id) on delete cascade
) with (fillfactor = 80);
create index connector_grants_tenant_connector_idx on private.connector_grants (tenant_id, connector_id);
create index connector_grants_account_idx on private.connector_grants (provider, account_id) where account_id is not null;
create index connector_grants_refresh_due_at_idx on private.connector_grants (refresh_due_at) where refresh_due_at is not null;
comment on table private.connector_grants is
  'Connectors whose credentials can be refreshed: the lease of whoever does it, and how that went. The tokens themselves are in Vault only.';
comment on column private.connector_grants.connector_id is 'The connector.';
comment on column private.connector_grants.tenant_id is 'Its tenant.';
comment on column private.connector_grants.provider is 'Its type.';
comment on column private.connector_grants.account_id is 'Account that consented; null = the credentials were typed in.';
comment on column private.connector_grants.scopes is 'What was granted.';
comment on column private.connector_grants.expires_at is 'When the access token ends; null = never, or unknown.';
comment on column private.connector_grants.refresh_due_at is 'When upkeep refreshes it though nobody asks; null = not at all.';
comment on column private.connector_grants.refreshed_at is 'When it was granted or refreshed last.';
comment on column private.connector_grants.lease_token is 'Who may refresh now; null = nobody does.';
comment on column private.connector_grants.lease_until is 'Until when others wait for them.';
comment on column private.connector_grants.judged_hash is 'SHA-256 in hex of the credentials that the failures are about: with others they count nothing.';
comment on column private.connector_grants.failed_at is 'Last failure since the last success; null = none.';
comment on column private.connector_grants.failure_count is 'Failures since the last success.';
comment on column private.connector_grants.failing_since is 'First failure since the last success; null = none.';
comment on column private.connector_grants.exhausted_at is 'Since when nobody tries any more: somebody has to connect again; null = it is tried.';

create table private.oauth_revocations (
  id uuid not null default gen_random_uuid(),
  tenant_id uuid not null references public.tenants (id),
  provider text not null,
  account_id text,
  secret_ref uuid not null,
  next_attempt_at timestamptz not null default clock_timestamp(),
  attempt_count integer not null default 0,
  created_at timestamptz not null default clock_timestamp(),
  constraint oauth_revocations_pkey primary key (id)
);
create index oauth_revocations_next_attempt_at_idx on private.oauth_revocations (next_attempt_at);
comment on table private.oauth_revocations is
  'Grants that ended here and of which the provider is to be told: never finished, disconnected, or of a deleted connector.';
comment on column private.oauth_revocations.id is 'The task.';
comment on column private.oauth_revocations.tenant_id is 'Tenant the grant was for.';
comment on column private.oauth_revocations.provider is 'Type of the connector.';
comment on column private.oauth_revocations.account_id is 'Account that consented.';
comment on column private.oauth_revocations.secret_ref is 'Vault id of the tokens; gone with the task.';
comment on column private.oauth_revocations.next_attempt_at is 'When it is tried next; a claim moves it on.';
comment on column private.oauth_revocations.attempt_count is 'Attempts so far.';
comment on column private.oauth_revocations.created_at is 'When the grant ended here.';

create function private.secret_hash(p_secret text)
returns text
language sql
immutable
set search_path = ''
as $$
  select encode(sha256(convert_to(p_secret, 'UTF8')), 'hex');
$$;
comment on function private.secret_hash(text) is 'SHA-256 of a text in hex: what tells credentials apart without holding them.';

-- From the question to the connector.

create function public.begin_oauth(
  p_tenant_id uuid, p_org_id uuid, p_provider text, p_connector_id uuid, p_name text, p_config text, p_state_hash text,
  p_lifetime_ms integer, p_actor uuid
)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_connector public.integration_connectors;
  v_state private.oauth_states;
begin
  perform private.assert_permission(p_tenant_id, p_actor, 'connectors.manage');
  if p_connector_id is not null then
    v_connector := private.writable_connector(p_tenant_id, p_org_id, p_connector_id, p_actor, 'connectors.manage');
    if v_connector.type <> p_provider then
      perform private.raise_error('IL404', 'This connector does not exist.');
    end if;
  end if;
  -- Whoever begins again and again and never finishes keeps the newest twenty.
  delete from private.oauth_states s
  where s.id in (
    select o.id from private.oauth_states o
    where o.tenant_id = p_tenant_id and o.user_id = p_actor and o.answered_at is null
    order by o.created_at desc offset 19
  );
  insert into private.oauth_states
    (tenant_id, org_id, user_id, provider, connector_id, connector_name, config, state_hash, state_expires_at)
  values (
    p_tenant_id, case when p_connector_id is null then p_org_id else v_connector.org_id end, p_actor, p_provider, p_connector_id,
    case when p_connector_id is null then p_name end, coalesce(v_connector.config, p_config::jsonb), p_state_hash,
    clock_timestamp() + p_lifetime_ms * interval '1 millisecond'
  )
  returning * into v_state;
  return jsonb_build_object(
    'expires_at', v_state.state_expires_at, 'config', v_state.config, 'account_name', v_connector.account_name
  );
end;
$$;
comment on function public.begin_oauth(uuid, uuid, text, uuid, text, text, text, integer, uuid) is
  'Remembers that p_actor asks a provider for a grant: for a connector that there is, or for a new one. Answers {expires_at, config, account_name}. Throws IL403, IL404. Definer for service_role alone.';

create function public.take_oauth_state(p_state_hash text)
returns jsonb
language sql
security definer
set search_path = ''
as $$
  update private.oauth_states s set answered_at = clock_timestamp()
  where s.state_hash = p_state_hash and s.answered_at is null and s.state_expires_at > clock_timestamp()
  returning jsonb_build_object(
    'id', s.id, 'tenant_id', s.tenant_id, 'user_id', s.user_id, 'provider', s.provider, 'config', s.config
  );
$$;
comment on function public.take_oauth_state(text) is
  'Takes a state, once: {id, tenant_id, user_id, provider, config}, or null when it is unknown, used or too old. Definer for service_role alone.';

create function public.keep_oauth_grant(
  p_state_id uuid, p_secret text, p_code_hash text, p_scopes text[], p_missing_scopes text[], p_account_id text,
  p_account_name text, p_links_account boolean, p_token_expires_at timestamptz, p_refresh_due_at timestamptz, p_lifetime_ms integer
)
returns boolean
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_state private.oauth_states;
begin
  select s.* into v_state from private.oauth_states s
  where s.id = p_state_id and s.answered_at is not null and s.secret_ref is null
  for update;
  if v_state.id is null then
    return false;
  end if;
  update private.oauth_states s set
    secret_ref = public.store_secret(v_state.tenant_id, p_secret, 'pending grant'),
    code_hash = p_code_hash, scopes = p_scopes, missing_scopes = p_missing_scopes, account_id = p_account_id,
    account_name = left(p_account_name, 320), links_account = p_links_account, token_expires_at = p_token_expires_at,
    refresh_due_at = p_refresh_due_at, grant_expires_at = clock_timestamp() + p_lifetime_ms * interval '1 millisecond'
  where s.id = v_state.id;
  return true;
end;
$$;
comment on function public.keep_oauth_grant(uuid, text, text, text[], text[], text, text, boolean, timestamptz, timestamptz, integer) is
  'Keeps what a provider granted for a state that was taken, pending until whoever began it finishes it; false when there is no such state, or it has a grant. Definer for service_role alone.';

create function private.abandon_grant(p_state private.oauth_states)
returns void
language plpgsql
set search_path = ''
as $$
begin
  insert into private.oauth_revocations (tenant_id, provider, account_id, secret_ref)
  values (p_state.tenant_id, p_state.provider, p_state.account_id, p_state.secret_ref);
  delete from private.oauth_states s where s.id = p_state.id;
end;
$$;
comment on function private.abandon_grant(private.oauth_states) is 'A pending grant can be finished by nobody any more, and is to be revoked.';

create function private.connect_by_grant(p_state private.oauth_states, p_actor uuid)
returns public.integration_connectors
language plpgsql
set search_path = ''
as $$
declare
  v_secret constant text := public.read_secret(p_state.tenant_id, p_state.secret_ref);
  v_connector public.integration_connectors;
  v_connector_id uuid := p_state.connector_id;
begin
  if v_secret is null then
    perform private.raise_error('IL409', 'Vault does not give the new credentials out; connect again.');
  end if;
  if v_connector_id is null then
    v_connector_id := (public.create_connector(
      p_state.tenant_id, p_state.org_id, p_state.provider, p_state.connector_name, p_state.config::text, v_secret, true, null, p_actor
    ) ->> 'id')::uuid;
  end if;
  update public.integration_connectors c set
    -- In place, so that whoever holds the reference reads the newest.
    secret_ref = private.put_secret(p_state.tenant_id, c.secret_ref, v_secret, 'connector credentials'),
    status = 'active', last_error = null, account_name = p_state.account_name
  where c.tenant_id = p_state.tenant_id and c.id = v_connector_id
  returning * into v_connector;
  insert into private.connector_grants as g
    (connector_id, tenant_id, provider, account_id, scopes, expires_at, refresh_due_at, refreshed_at)
  values (
    v_connector_id, p_state.tenant_id, p_state.provider, p_state.account_id, p_state.scopes, p_state.token_expires_at,
    p_state.refresh_due_at, clock_timestamp()
  )
  on conflict (connector_id) do update set
    account_id = excluded.account_id, scopes = excluded.scopes, expires_at = excluded.expires_at,
    refresh_due_at = excluded.refresh_due_at, refreshed_at = excluded.refreshed_at,
    -- Whoever refreshes the grant before this one comes too late.
    lease_token = null, lease_until = null, judged_hash = null, failed_at = null, failure_count = 0, failing_since = null,
    exhausted_at = null;
  if p_state.links_account then
    perform public.link_connector_account(p_state.tenant_id, v_connector_id, p_state.account_id, p_actor);
  end if;
  perform public.delete_secret(p_state.tenant_id, p_state.secret_ref);
  delete from private.oauth_states s where s.id = p_state.id;
  return v_connector;
end;
$$;
comment on function private.connect_by_grant(private.oauth_states, uuid) is
  'Gives a connector the credentials of a pending grant, and makes it where it is a new one. Throws IL409 (the account is connected elsewhere). For definers.';

create function public.complete_oauth(p_tenant_id uuid, p_org_id uuid, p_code_hash text, p_actor uuid)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_state private.oauth_states;
  v_connector public.integration_connectors;
begin
  perform private.assert_permission(p_tenant_id, p_actor, 'connectors.manage');
  perform private.set_actor(p_actor);
  select s.* into v_state from private.oauth_states s where s.code_hash = p_code_hash for update;
  if v_state.id is not null and v_state.user_id is distinct from p_actor then
    -- The consent was given in another session than the one that asked for it: whoever set this up gets nothing of it.
    perform private.abandon_grant(v_state);
    insert into public.integration_logs (tenant_id, org_id, event_type, status, message, error_code)
    values (
      v_state.tenant_id, v_state.org_id, 'connector.grant_refused', 'warning',
      'Somebody else than who began it tried to finish a connection; what was granted is revoked.', 'NOT_FOUND'
    );
    return jsonb_build_object('outcome', 'foreign');
  end if;
  if v_state.id is null or v_state.tenant_id <> p_tenant_id or v_state.grant_expires_at <= clock_timestamp()
    or (p_org_id is not null and v_state.org_id is not null and v_state.org_id <> p_org_id) then
    return jsonb_build_object('outcome', 'unknown');
  end if;
  if cardinality(v_state.missing_scopes) > 0 then
    perform private.abandon_grant(v_state);
    return jsonb_build_object('outcome', 'missing', 'provider', v_state.provider, 'missing_scopes', v_state.missing_scopes);
  end if;
  if v_state.connector_id is not null then
    v_connector := private.writable_connector(
      p_tenant_id, coalesce(p_org_id, v_state.org_id), v_state.connector_id, p_actor, 'connectors.manage');
    if exists (
      select from private.connector_grants g
      where g.connector_id = v_state.connector_id and g.account_id is not null and g.account_id <> v_state.account_id
    ) then
      perform private.abandon_grant(v_state);
      return jsonb_build_object('outcome', 'other_account', 'account_name', v_connector.account_name);
    end if;
  end if;
  v_connector := private.connect_by_grant(v_state, p_actor);
  insert into public.integration_logs (tenant_id, org_id, connector_id, event_type, status, details)
  values (
    p_tenant_id, v_connector.org_id, v_connector.id, 'connector.connected', 'success',
    jsonb_build_object('type', v_connector.type, 'scopes', v_state.scopes, 'is_new', v_state.connector_id is null)
  );
  return jsonb_build_object('outcome', 'connected', 'connector', jsonb_build_object(
    'connector_id', v_connector.id, 'type', v_connector.type, 'name', v_connector.name, 'status', v_connector.status,
    'account_name', v_connector.account_name, 'scopes', v_state.scopes
  ));
end;
$$;
comment on function public.complete_oauth(uuid, uuid, text, uuid) is
  'Finishes a pending grant for whoever began it. Answers {outcome}: connected (with connector), missing (missing_scopes), other_account, foreign (begun by somebody else), unknown; missing, other_account and foreign end the grant. Throws IL403, IL404, IL409. Definer for service_role alone.';

create function public.disconnect_connector(p_tenant_id uuid, p_org_id uuid, p_connector_id uuid, p_actor uuid)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_connector public.integration_connectors :=
    private.permitted_connector(p_tenant_id, p_org_id, p_connector_id, p_actor, 'connectors.manage');
  v_account_id text;
  v_revocation_id uuid;
begin
  perform private.stop_connector_sync(p_tenant_id, p_connector_id);
  v_connector := private.writable_connector(p_tenant_id, p_org_id, p_connector_id, p_actor, 'connectors.manage');
  select g.account_id into v_account_id from private.connector_grants g
  where g.connector_id = p_connector_id and g.tenant_id = p_tenant_id
  for update;
  if v_account_id is null or v_connector.secret_ref is null then
    perform private.raise_error('IL409', 'Nobody has connected this connector by consent; change its credentials, or delete it.');
  end if;
  -- The next account is another one, maybe: a checkpoint of this one would say nothing there.
  update public.sync_cursors u set cursor = null where u.tenant_id = p_tenant_id and u.connector_id = p_connector_id;
  insert into private.oauth_revocations (tenant_id, provider, account_id, secret_ref)
  values (p_tenant_id, v_connector.type, v_account_id, v_connector.secret_ref)
  returning id into v_revocation_id;
  delete from private.connector_grants g where g.connector_id = p_connector_id;
  delete from public.connector_accounts a where a.tenant_id = p_tenant_id and a.connector_id = p_connector_id;
  update public.integration_connectors c set status = 'inactive', secret_ref = null, last_error = null, account_name = null
  where c.tenant_id = p_tenant_id and c.id = p_connector_id;
  insert into public.integration_logs (tenant_id, org_id, connector_id, event_type, status)
  values (p_tenant_id, v_connector.org_id, p_connector_id, 'connector.disconnected', 'success');
  return jsonb_build_object('connector_id', p_connector_id, 'status', 'inactive', 'revocation_id', v_revocation_id);
end;
$$;
comment on function public.disconnect_connector(uuid, uuid, uuid, uuid) is
  'Takes a connector''s grant away and queues its revocation; its run ends, and the next one reads everything anew. Answers {connector_id, status, revocation_id}. Throws IL403, IL404, IL409 (its credentials were typed in). Definer for service_role alone.';

create function private.revoke_with_connector()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_account_id text;
  v_secret text;
begin
  select g.account_id into v_account_id from private.connector_grants g where g.connector_id = old.id;
  if v_account_id is not null and old.secret_ref is not null then
    v_secret := public.read_secret(old.tenant_id, old.secret_ref);
    if v_secret is not null then
      -- A copy: whoever deletes the connector deletes its secret.
      insert into private.oauth_revocations (tenant_id, provider, account_id, secret_ref)
      values (old.tenant_id, old.type, v_account_id, public.store_secret(old.tenant_id, v_secret, 'grant to revoke'));
    end if;
  end if;
  return old;
end;
$$;
comment on function private.revoke_with_connector() is
  'Row trigger: what was granted to a connector that is deleted is revoked at the provider. Definer: reads Vault.';
create trigger integration_connectors_revoke_grant before delete on public.integration_connectors
  for each row execute function private.revoke_with_connector();

-- Revocation.

create function private.is_granted_elsewhere(p_provider text, p_account_id text)
returns boolean
language sql
stable
set search_path = ''
as $$
  select exists (select from private.connector_grants g where g.provider = p_provider and g.account_id = p_account_id)
    or exists (
      select from private.oauth_states s
      where s.provider = p_provider and s.account_id = p_account_id and s.grant_expires_at > clock_timestamp()
    );
$$;
comment on function private.is_granted_elsewhere(text, text) is
  'Whether a grant of the same account is in use: providers revoke all that an account granted to an app, so that one would end too.';

create function public.claim_oauth_revocations(p_limit integer, p_revocation_id uuid default null)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_lapsed private.oauth_states;
  v_claimed jsonb;
begin
  if p_limit not between 1 and 100 then
    perform private.raise_error('IL422', 'At most 100 revocations are claimed at a time.');
  end if;
  for v_lapsed in
    select s.* from private.oauth_states s where s.grant_expires_at <= clock_timestamp() limit p_limit for update skip locked
  loop
    perform private.abandon_grant(v_lapsed);
  end loop;
  with due as (
    select r.id from private.oauth_revocations r
    where r.next_attempt_at <= clock_timestamp() and (p_revocation_id is null or r.id = p_revocation_id)
    order by r.next_attempt_at
    limit p_limit
    for update skip locked
  ),
  claimed as (
    update private.oauth_revocations r
    set attempt_count = r.attempt_count + 1,
      next_attempt_at = clock_timestamp() + power(2, least(r.attempt_count, 10)) * interval '1 minute'
    from due d where r.id = d.id
    returning r.*
  )
  select coalesce(jsonb_agg(jsonb_build_object(
    'id', c.id, 'tenant_id', c.tenant_id, 'provider', c.provider, 'secret', public.read_secret(c.tenant_id, c.secret_ref),
    'is_granted_elsewhere', private.is_granted_elsewhere(c.provider, c.account_id)
  )), '[]'::jsonb) into v_claimed
  from claimed c;
  return v_claimed;
end;
$$;
comment on function public.claim_oauth_revocations(integer, uuid) is
  'Hands out grants to revoke, those that nobody finished in time included: [{id, tenant_id, provider, secret, is_granted_elsewhere}]; secret null = Vault has none. Not handed out again for a minute, doubling. Throws IL422. Definer for service_role alone: reads Vault.';

create function public.finish_oauth_revocation(p_revocation_id uuid, p_is_done boolean)
returns void
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_revocation private.oauth_revocations;
begin
  delete from private.oauth_revocations r
  where r.id = p_revocation_id and (p_is_done or r.attempt_count >= 6)
  returning r.* into v_revocation;
  if v_revocation.id is null then
    return;
  end if;
  perform public.delete_secret(v_revocation.tenant_id, v_revocation.secret_ref);
  if not p_is_done then
    insert into public.integration_logs (tenant_id, event_type, status, message, error_code, details)
    values (
      v_revocation.tenant_id, 'connector.revocation_failed', 'warning',
      'The provider could not be told that a grant has ended; remove the app in the settings of the account.',
      'PROVIDER_UNAVAILABLE', jsonb_build_object('provider', v_revocation.provider)
    );
  end if;
end;
$$;
comment on function public.finish_oauth_revocation(uuid, boolean) is
  'Removes a grant that was revoked, or that could not be in six attempts (an hour), with its tokens. Definer for service_role alone.';

-- Refreshing, one at a time per connector.

create function public.begin_token_refresh(
  p_tenant_id uuid, p_connector_id uuid, p_secret_ref uuid, p_seen_hash text, p_lease_ms integer
)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_grant private.connector_grants;
  v_secret text;
  v_now timestamptz;
begin
  insert into private.connector_grants (connector_id, tenant_id, provider)
  select c.id, c.tenant_id, c.type from public.integration_connectors c
  where c.tenant_id = p_tenant_id and c.id = p_connector_id and c.secret_ref = p_secret_ref
  on conflict (connector_id) do nothing;
  select g.* into v_grant from private.connector_grants g
  where g.connector_id = p_connector_id and g.tenant_id = p_tenant_id
  for update;
  -- Only now, so that what somebody else has just stored is seen.
  select public.read_secret(c.tenant_id, c.secret_ref) into v_secret from public.integration_connectors c
  where c.tenant_id = p_tenant_id and c.id = p_connector_id and c.secret_ref = p_secret_ref;
  v_now := clock_timestamp();
  if v_grant.connector_id is null or v_secret is null then
    return jsonb_build_object('state', 'gone');
  elsif private.secret_hash(v_secret) <> p_seen_hash then
    return jsonb_build_object('state', 'changed', 'secret', v_secret);
  elsif v_grant.exhausted_at is not null and v_grant.judged_hash = p_seen_hash then
    return jsonb_build_object('state', 'exhausted');
  elsif v_grant.lease_until > v_now then
    return jsonb_build_object('state', 'busy');
  elsif v_grant.judged_hash = p_seen_hash and v_grant.failed_at > v_now - interval '30 seconds' then
    return jsonb_build_object(
      'state', 'cooling', 'retry_in_ms', ceil(extract(epoch from v_grant.failed_at + interval '30 seconds' - v_now) * 1000));
  end if;
  update private.connector_grants g
  set lease_token = gen_random_uuid(), lease_until = v_now + p_lease_ms * interval '1 millisecond'
  where g.connector_id = p_connector_id
  returning g.* into v_grant;
  return jsonb_build_object('state', 'granted', 'lease_token', v_grant.lease_token);
end;
$$;
comment on function public.begin_token_refresh(uuid, uuid, uuid, text, integer) is
  'Asks for the right to refresh the credentials behind p_secret_ref, whose SHA-256 the caller last saw. Answers {state}: granted (lease_token), changed (secret: somebody has refreshed them), busy (somebody does), cooling (retry_in_ms after a failure), exhausted, gone. Definer for service_role alone: reads Vault.';

create function public.finish_token_refresh(
  p_tenant_id uuid, p_connector_id uuid, p_lease_token uuid, p_outcome text, p_secret text, p_expires_at timestamptz,
  p_refresh_due_at timestamptz, p_error text
)
returns boolean
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_connector public.integration_connectors;
  v_grant private.connector_grants;
  v_hash text;
  v_now timestamptz;
begin
  -- The connector first, as everybody else does who locks both.
  select c.* into v_connector from public.integration_connectors c
  where c.tenant_id = p_tenant_id and c.id = p_connector_id
  for update;
  select g.* into v_grant from private.connector_grants g
  where g.connector_id = p_connector_id and g.tenant_id = p_tenant_id and g.lease_token = p_lease_token
  for update;
  if v_grant.connector_id is null or v_connector.secret_ref is null then
    return false;
  end if;
  v_now := clock_timestamp();
  if p_outcome = 'refreshed' then
    perform private.put_secret(p_tenant_id, v_connector.secret_ref, p_secret, 'connector credentials');
    update private.connector_grants g set
      expires_at = p_expires_at, refresh_due_at = p_refresh_due_at, refreshed_at = v_now, lease_token = null, lease_until = null,
      judged_hash = null, failed_at = null, failure_count = 0, failing_since = null, exhausted_at = null
    where g.connector_id = p_connector_id;
    return true;
  end if;
  v_hash := private.secret_hash(public.read_secret(p_tenant_id, v_connector.secret_ref));
  if v_grant.judged_hash is distinct from v_hash then
    v_grant.failure_count := 0;
    v_grant.failing_since := null;
  end if;
  v_grant.failure_count := v_grant.failure_count + 1;
  v_grant.failing_since := coalesce(v_grant.failing_since, v_now);
  -- Days, so that an outage over a weekend mends itself.
  if p_outcome = 'refused' or (v_grant.failure_count >= 20 and v_grant.failing_since < v_now - interval '4 days') then
    v_grant.exhausted_at := v_now;
  end if;
  update private.connector_grants g set
    lease_token = null, lease_until = null, judged_hash = v_hash, failed_at = v_now, failure_count = v_grant.failure_count,
    failing_since = v_grant.failing_since, exhausted_at = v_grant.exhausted_at,
    refresh_due_at = case
      when v_grant.exhausted_at is null and g.refresh_due_at is not null
      then v_now + least(60, power(2, least(v_grant.failure_count, 6))) * interval '1 minute'
    end
  where g.connector_id = p_connector_id;
  if v_grant.exhausted_at is not null then
    perform private.mark_disconnected(v_connector, p_error);
    insert into public.integration_logs (tenant_id, org_id, connector_id, event_type, status, message, error_code)
    values (
      p_tenant_id, v_connector.org_id, p_connector_id, 'connector.reconnect_needed', 'error', left(p_error, 1000), 'RECONNECT_NEEDED'
    );
  elsif v_grant.failure_count = 1 then
    insert into public.integration_logs (tenant_id, org_id, connector_id, event_type, status, message, error_code)
    values (
      p_tenant_id, v_connector.org_id, p_connector_id, 'connector.refresh_failed', 'warning', left(p_error, 1000), 'PROVIDER_UNAVAILABLE'
    );
  end if;
  return true;
end;
$$;
comment on function public.finish_token_refresh(uuid, uuid, uuid, text, text, timestamptz, timestamptz, text) is
  'Says what became of a refresh, and answers whether the lease was still the caller''s; if not, nothing is changed. Outcomes: refreshed (p_secret replaces the old credentials in place), failed (may pass), refused (the grant is gone: the connector needs a person, who is told once). Definer for service_role alone: writes Vault.';

create function public.claim_due_token_refreshes(p_limit integer)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_claimed jsonb;
begin
  if p_limit not between 1 and 500 then
    perform private.raise_error('IL422', 'At most 500 connectors are claimed at a time.');
  end if;
  with due as (
    select g.connector_id from private.connector_grants g
    where g.refresh_due_at <= clock_timestamp()
    order by g.refresh_due_at
    limit p_limit
    for update skip locked
  ),
  claimed as (
    -- Whoever refreshes sets it anew; this is for those who disappear, or find nothing to refresh with.
    update private.connector_grants g set refresh_due_at = clock_timestamp() + interval '5 minutes'
    from due d where g.connector_id = d.connector_id
    returning g.tenant_id, g.connector_id
  )
  select coalesce(jsonb_agg(jsonb_build_object(
    'tenant_id', c.tenant_id, 'connector_id', c.id, 'type', c.type, 'secret_ref', c.secret_ref
  )), '[]'::jsonb) into v_claimed
  from claimed d
  join public.integration_connectors c on c.tenant_id = d.tenant_id and c.id = d.connector_id
  where c.secret_ref is not null;
  return v_claimed;
end;
$$;
comment on function public.claim_due_token_refreshes(integer) is
  'Connectors whose tokens are to be refreshed though nobody asks, at most 500, longest due first: [{tenant_id, connector_id, type, secret_ref}]. Not handed out again for five minutes. Throws IL422. Definer for service_role alone.';

create function private.wake_oauth_upkeep()
returns void
language plpgsql
set search_path = ''
as $$
begin
  delete from private.oauth_states s where s.code_hash is null and s.state_expires_at < clock_timestamp() - interval '1 hour';
  if exists (select from private.oauth_revocations r where r.next_attempt_at <= clock_timestamp())
    or exists (select from private.oauth_states s where s.grant_expires_at <= clock_timestamp())
    or exists (select from private.connector_grants g where g.refresh_due_at <= clock_timestamp()) then
    perform private.invoke_function('oauth/upkeep', '{"reason": "schedule"}'::jsonb);
  end if;
end;
$$;
comment on function private.wake_oauth_upkeep() is
  'Forgets states that nobody came back with, and asks for upkeep when a grant is to be revoked or refreshed. Run by the job interlock-oauth-upkeep.';
select private.schedule_job('interlock-oauth-upkeep', 60, 'select private.wake_oauth_upkeep()');

grant execute on function
  public.begin_oauth(uuid, uuid, text, uuid, text, text, text, integer, uuid),
  public.take_oauth_state(text),
  public.keep_oauth_grant(uuid, text, text, text[], text[], text, text, boolean, timestamptz, timestamptz, integer),
  public.complete_oauth(uuid, uuid, text, uuid),
  public.disconnect_connector(uuid, uuid, uuid, uuid),
  public.claim_oauth_revocations(integer, uuid),
  public.finish_oauth_revocation(uuid, boolean),
  public.begin_token_refresh(uuid, uuid, uuid, text, integer),
  public.finish_token_refresh(uuid, uuid, uuid, text, text, timestamptz, timestamptz, text),
  public.claim_due_token_refreshes(integer)
to service_role;
