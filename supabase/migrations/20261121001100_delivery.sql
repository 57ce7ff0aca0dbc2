-- The delivery engine: what every kind of subscription, delivery and attempt has in common, and the one call a worker
-- makes: results in, next deliveries out. Kinds are child tables; the engine reads and changes them through the parents.
-- New objects only. Rollback: drop them.

create table private.delivery_subscriptions (
  id uuid not null default gen_random_uuid(),
  tenant_id uuid not null,
  is_enabled boolean not null default true,
  config jsonb not null,
  config_version integer not null default 1,
  secret_ref uuid not null,
  previous_secret_ref uuid,
  previous_secret_expires_at timestamptz,
  headers_ref uuid,
  last_synced_at timestamptz,
  failing_since timestamptz,
  disabled_at timestamptz,
  disabled_reason text,
  created_by uuid,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint delivery_subscriptions_config_check check (
    jsonb_typeof(config) = 'object'
    and coalesce(jsonb_typeof(config -> 'webhook_url') = 'string', false)
    and coalesce((config ->> 'max_attempts')::integer between 1 and 20, true)
    and coalesce((config ->> 'timeout_ms')::integer between 1000 and 30000, true)
    and coalesce((config ->> 'max_in_flight')::integer between 1 and 100, true)
    and coalesce(jsonb_typeof(config -> 'headers') = 'array', true)
  ),
  constraint delivery_subscriptions_previous_secret_check check ((previous_secret_ref is null) = (previous_secret_expires_at is null)),
  constraint delivery_subscriptions_disabled_check check ((disabled_at is null) = (disabled_reason is null) and (disabled_at is null or not is_enabled))
);
comment on table private.delivery_subscriptions is
  'What the delivery engine knows of a subscription, whatever its kind. Holds no rows itself: each kind is a child table.';
comment on column private.delivery_subscriptions.id is 'The subscription.';
comment on column private.delivery_subscriptions.tenant_id is 'Whose subscription.';
comment on column private.delivery_subscriptions.is_enabled is 'false = gets no new events; what is queued waits until it is enabled again.';
comment on column private.delivery_subscriptions.config is
  '{webhook_url, headers: [names], timeout_ms (default 10000), max_attempts (default 3), max_in_flight (default 10)}. Values of headers are in Vault.';
comment on column private.delivery_subscriptions.config_version is 'Grows with every change a worker must see; workers read again when theirs is older.';
comment on column private.delivery_subscriptions.secret_ref is 'Vault id of the signing secret.';
comment on column private.delivery_subscriptions.previous_secret_ref is 'Vault id of the secret before the last rotation, which also signs until previous_secret_expires_at; null = none.';
comment on column private.delivery_subscriptions.previous_secret_expires_at is 'Until when the previous secret signs as well; null = no overlap running.';
comment on column private.delivery_subscriptions.headers_ref is 'Vault id of the custom headers, a JSON object {name: value}; null = none.';
comment on column private.delivery_subscriptions.last_synced_at is 'Last successful delivery, to the second; null = none yet. Written by the engine.';
comment on column private.delivery_subscriptions.failing_since is 'First failure since the last success; null = not failing. Written by the engine.';
comment on column private.delivery_subscriptions.disabled_at is 'When the engine disabled it; null = it did not.';
comment on column private.delivery_subscriptions.disabled_reason is 'Why the engine disabled it: gone = the endpoint answered 410; null = it did not.';
comment on column private.delivery_subscriptions.created_by is 'Person who created it; null = the service.';
comment on column private.delivery_subscriptions.created_at is 'Instant of creation.';
comment on column private.delivery_subscriptions.updated_at is 'Instant of the last change by a person.';

create table private.deliveries (
  id uuid not null default gen_random_uuid(),
  tenant_id uuid not null,
  integration_id uuid not null,
  event_id uuid,
  event_type text not null,
  status text not null default 'pending',
  attempt_count integer not null default 0,
  failure_count integer not null default 0,
  lost_count integer not null default 0,
  next_attempt_at timestamptz not null default clock_timestamp(),
  lease_token uuid,
  lease_until timestamptz,
  first_attempt_at timestamptz,
  last_attempt_at timestamptz,
  last_status_code integer,
  last_error_class text,
  last_error text,
  replays integer not null default 0,
  metadata jsonb not null default '{}'::jsonb,
  created_at timestamptz not null default clock_timestamp(),
  finished_at timestamptz,
  constraint deliveries_status_check check (status in ('pending', 'failed', 'delivered', 'discarded')),
  constraint deliveries_finished_check check ((status in ('delivered', 'discarded')) = (finished_at is not null)),
  constraint deliveries_lease_check check ((lease_token is null) = (lease_until is null))
);
comment on table private.deliveries is
  'One event on its way to one subscription: the queue of the delivery engine. Holds no rows itself: each kind is a child table. Narrow on purpose; bodies are with the attempts.';
comment on column private.deliveries.id is 'The delivery; webhook-id on the wire is msg_ and this without dashes, the same on every attempt.';
comment on column private.deliveries.tenant_id is 'Whose delivery.';
comment on column private.deliveries.integration_id is 'The subscription it goes to.';
comment on column private.deliveries.event_id is 'The event of the outbox; null = a test, or the event has left by retention.';
comment on column private.deliveries.event_type is 'Type as the receiver sees it.';
comment on column private.deliveries.status is 'pending -> delivered or discarded; failed = an attempt failed and another one is due. Replay turns delivered and discarded into pending.';
comment on column private.deliveries.attempt_count is 'Attempts begun, ever: the number of the latest attempt.';
comment on column private.deliveries.failure_count is 'Failed attempts since creation or the last replay; at max_attempts it is discarded.';
comment on column private.deliveries.lost_count is 'Attempts whose worker disappeared, since creation or the last replay. They are not the receiver''s fault: the limit is ten, apart from max_attempts.';
comment on column private.deliveries.next_attempt_at is 'When it may be claimed (again); while leased, the end of the lease.';
comment on column private.deliveries.lease_token is 'Names the current claim; results with another token change nothing. Null = not claimed.';
comment on column private.deliveries.lease_until is 'End of the current claim; null = not claimed.';
comment on column private.deliveries.first_attempt_at is 'Start of the first attempt; null = none yet.';
comment on column private.deliveries.last_attempt_at is 'Start of the latest attempt; null = none yet.';
comment on column private.deliveries.last_status_code is 'HTTP status of the latest answer; null = none came.';
comment on column private.deliveries.last_error_class is 'Stable class of the latest failure; null = none, or delivered since.';
comment on column private.deliveries.last_error is 'The latest failure in a sentence, without personal data or anything the receiver wrote; null = none, or delivered since.';
comment on column private.deliveries.replays is 'How often a person asked for it again.';
comment on column private.deliveries.metadata is 'Facts for people, for example {requested_by} of a test. Never read by the engine.';
comment on column private.deliveries.created_at is 'Instant of queueing.';
comment on column private.deliveries.finished_at is 'Instant of becoming delivered or discarded; null while open.';

create table private.delivery_attempts (
  id uuid not null default gen_random_uuid(),
  tenant_id uuid not null,
  integration_id uuid not null,
  delivery_id uuid not null,
  attempt integer not null,
  outcome text not null,
  status_code integer,
  error_class text,
  started_at timestamptz not null,
  duration_ms integer,
  timing jsonb,
  response_excerpt text,
  request_body text,
  constraint delivery_attempts_outcome_check check (outcome in ('delivered', 'failed', 'refused', 'lost')),
  constraint delivery_attempts_attempt_check check (attempt >= 1)
);
comment on table private.delivery_attempts is
  'One HTTP try of a delivery. Holds no rows itself: each kind is a child table. Rows never change.';
comment on column private.delivery_attempts.id is 'The attempt.';
comment on column private.delivery_attempts.tenant_id is 'Whose attempt.';
comment on column private.delivery_attempts.integration_id is 'The subscription it went to.';
comment on column private.delivery_attempts.delivery_id is 'The delivery.';
comment on column private.delivery_attempts.attempt is 'Number within the delivery, from 1.';
comment on column private.delivery_attempts.outcome is 'delivered; failed; refused = nothing was sent, because the payload or the address may not leave; lost = the worker disappeared, what the receiver saw is unknown.';
comment on column private.delivery_attempts.status_code is 'HTTP status; null = no answer came.';
comment on column private.delivery_attempts.error_class is 'Stable class of the failure; null = none.';
comment on column private.delivery_attempts.started_at is 'Instant the attempt began.';
comment on column private.delivery_attempts.duration_ms is 'Whole duration in milliseconds; null = unknown (lost).';
comment on column private.delivery_attempts.timing is 'Phases in milliseconds: {resolve_ms, connect_ms, tls_ms, first_byte_ms}, null where a phase did not happen, and lost_connection_ms where a kept connection was found dead and the request went once more; null = nothing was sent.';
comment on column private.delivery_attempts.response_excerpt is 'First bytes of the answer as text, secrets of ours masked; null = none.';
comment on column private.delivery_attempts.request_body is 'The exact body, kept with the first attempt that has one; null = the same as before, or none was sent.';

create function private.copy_column_comments(p_from regclass, p_to regclass)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_column record;
begin
  for v_column in
    select a.attname, pg_catalog.col_description(p_from, a.attnum) as words
    from pg_catalog.pg_attribute a
    where a.attrelid = p_from and a.attnum > 0 and not a.attisdropped
  loop
    execute format('comment on column %s.%I is %L', p_to, v_column.attname, v_column.words);
  end loop;
end;
$$;
comment on function private.copy_column_comments(regclass, regclass) is
  'Gives a child table the column comments of its parent. For migrations that add a kind of subscription.';

insert into private.drainers (name) values ('meta-webhook-deliver');

create function private.message_id(p_delivery_id uuid)
returns text
language sql
immutable
set search_path = ''
as $$
  select 'msg_' || replace(p_delivery_id::text, '-', '');
$$;
comment on function private.message_id(uuid) is
  'webhook-id of a delivery (Standard Webhooks: constant over retries, no dot).';
