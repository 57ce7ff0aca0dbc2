-- The queue of the delivery engine, apart from its log: what waits, what is on its way, and one lane per subscription.
-- A claim reads and changes these tables only, so that its cost does not grow with the log.
-- New tables; takes open deliveries over from the log and drops what the log no longer needs.
-- Rollback: put lease and count columns back, fill them from the queue, drop the tables.

create table private.delivery_lanes (
  integration_id uuid not null,
  tenant_id uuid not null,
  kind text not null,
  is_open boolean not null,
  config_version integer not null,
  max_attempts integer not null,
  max_in_flight integer not null,
  is_fifo boolean not null,
  send_interval_ms double precision,
  batch_max_events integer,
  batch_max_wait_ms integer,
  in_flight integer not null default 0,
  not_before timestamptz not null default '-infinity',
  consecutive_failures integer not null default 0,
  breaker_openings integer not null default 0,
  breaker_opened_at timestamptz,
  failing_since timestamptz,
  told_failing_at timestamptz,
  told_exhausted_at timestamptz,
  last_delivered_at timestamptz,
  changed_at timestamptz not null default '-infinity',
  constraint delivery_lanes_pkey primary key (integration_id)
) with (fillfactor = 50);
create index delivery_lanes_tenant_id_idx on private.delivery_lanes (tenant_id);
comment on table private.delivery_lanes is
  'Where the deliveries of one subscription wait in line: what a claim must know of it, and the lock that lets only one worker claim from it at a time. Made by triggers of the subscriptions.';
comment on column private.delivery_lanes.integration_id is 'The subscription.';
comment on column private.delivery_lanes.tenant_id is 'Its tenant.';
comment on column private.delivery_lanes.kind is 'guardian_meta or event: which tables hold its log.';
comment on column private.delivery_lanes.is_open is 'false = nothing is claimed: disabled or paused, itself, its tenant or everything.';
comment on column private.delivery_lanes.config_version is 'Copy of the subscription''s.';
comment on column private.delivery_lanes.max_attempts is 'Failed attempts before a delivery is discarded.';
comment on column private.delivery_lanes.max_in_flight is 'Requests at the same time.';
comment on column private.delivery_lanes.is_fifo is 'true = one request at a time, in the order of queueing; a failed one holds the line until it is delivered or discarded.';
comment on column private.delivery_lanes.send_interval_ms is 'Least time between the beginnings of two requests; null = no rate limit.';
comment on column private.delivery_lanes.batch_max_events is 'One request carries up to so many deliveries; null = one each.';
comment on column private.delivery_lanes.batch_max_wait_ms is 'A batch that is not full leaves when its oldest delivery has waited so long; null = no batches.';
comment on column private.delivery_lanes.in_flight is 'Requests claimed and not yet reported, tests aside.';
comment on column private.delivery_lanes.not_before is 'Nothing is claimed before: rate limit, open breaker, Retry-After, or a failed head of a FIFO line.';
comment on column private.delivery_lanes.consecutive_failures is 'Failures of the endpoint itself since its last success; answers that blame the request do not count.';
comment on column private.delivery_lanes.breaker_openings is 'How often the breaker opened since the last success; 0 = closed. While above 0, one request at a time probes.';
comment on column private.delivery_lanes.breaker_opened_at is 'Its latest opening: a request claimed later is a probe, and only a probe''s failure opens it for longer. Null = never.';
comment on column private.delivery_lanes.failing_since is 'First failure since the last success; null = not failing.';
comment on column private.delivery_lanes.told_failing_at is 'When admins were told that it fails; null = not since the last recovery.';
comment on column private.delivery_lanes.told_exhausted_at is 'When admins were told that a delivery was given up; null = not since the last recovery. It is told once an hour at the most.';
comment on column private.delivery_lanes.last_delivered_at is 'Latest success, to the second; null = none.';
comment on column private.delivery_lanes.changed_at is
  'When its configuration was changed, or it was enabled, last: what an attempt claimed before learned does not disable it.';

create table private.delivery_queue (
  delivery_id uuid not null,
  position bigint generated always as identity,
  tenant_id uuid not null,
  integration_id uuid not null,
  kind text not null,
  event_id uuid,
  event_type text not null,
  is_test boolean not null default false,
  is_ready boolean not null default true,
  due_at timestamptz not null default clock_timestamp(),
  batch_id uuid,
  attempt_count integer not null default 0,
  failure_count integer not null default 0,
  lost_count integer not null default 0,
  queued_at timestamptz not null default clock_timestamp(),
  constraint delivery_queue_pkey primary key (delivery_id)
);
create index delivery_queue_lane_idx on private.delivery_queue (integration_id, position) where is_ready and not is_test;
create index delivery_queue_due_idx on private.delivery_queue (due_at) where not is_ready;
create index delivery_queue_test_idx on private.delivery_queue (position) where is_test;
create index delivery_queue_batch_idx on private.delivery_queue (batch_id) where batch_id is not null;
comment on table private.delivery_queue is 'Deliveries that wait. A claim moves a row to delivery_flights; a failed attempt brings it back.';
comment on column private.delivery_queue.delivery_id is 'The delivery.';
comment on column private.delivery_queue.position is 'Place in the lane, given once: a delivery that is tried again keeps it.';
comment on column private.delivery_queue.tenant_id is 'Whose delivery.';
comment on column private.delivery_queue.integration_id is 'The lane.';
comment on column private.delivery_queue.kind is 'guardian_meta or event: which table holds its log.';
comment on column private.delivery_queue.event_id is 'The event; null = a test.';
comment on column private.delivery_queue.event_type is 'Type as the receiver sees it.';
comment on column private.delivery_queue.is_test is 'true = asked for by a person: one attempt, past the lane''s limits, whether the lane is open or not.';
comment on column private.delivery_queue.is_ready is 'false = not before due_at.';
comment on column private.delivery_queue.due_at is 'When it may be claimed.';
comment on column private.delivery_queue.batch_id is 'The request it goes with, given by its first attempt in a batch; null = not in one yet.';
comment on column private.delivery_queue.attempt_count is 'Attempts begun, ever.';
comment on column private.delivery_queue.failure_count is 'Failed attempts since creation or the last replay.';
comment on column private.delivery_queue.lost_count is 'Attempts whose worker disappeared, since creation or the last replay.';
comment on column private.delivery_queue.queued_at is 'Since when it waits for its first attempt, or its first one after a replay.';

create table private.delivery_flights (
  delivery_id uuid not null,
  position bigint not null,
  tenant_id uuid not null,
  integration_id uuid not null,
  kind text not null,
  event_id uuid,
  event_type text not null,
  is_test boolean not null,
  batch_id uuid,
  attempt_count integer not null,
  failure_count integer not null,
  lost_count integer not null,
  queued_at timestamptz not null,
  lease_token uuid not null,
  lease_until timestamptz not null,
  started_at timestamptz not null,
  constraint delivery_flights_pkey primary key (delivery_id)
);
comment on table private.delivery_flights is 'Deliveries that a worker holds: as many rows as are on their way, however long the queue and the log are.';
comment on column private.delivery_flights.delivery_id is 'The delivery.';
comment on column private.delivery_flights.position is 'Its place in the lane.';
comment on column private.delivery_flights.tenant_id is 'Whose delivery.';
comment on column private.delivery_flights.integration_id is 'The lane.';
comment on column private.delivery_flights.kind is 'guardian_meta or event: which table holds its log.';
comment on column private.delivery_flights.event_id is 'The event; null = a test.';
comment on column private.delivery_flights.event_type is 'Type as the receiver sees it.';
comment on column private.delivery_flights.is_test is 'As in delivery_queue.';
comment on column private.delivery_flights.batch_id is 'Deliveries of one request share it; null = a request of its own.';
comment on column private.delivery_flights.attempt_count is 'Number of this attempt.';
comment on column private.delivery_flights.failure_count is 'Failed attempts before this one, since creation or the last replay.';
comment on column private.delivery_flights.lost_count is 'Attempts whose worker disappeared, since creation or the last replay.';
comment on column private.delivery_flights.queued_at is 'As in delivery_queue.';
comment on column private.delivery_flights.lease_token is 'Names the claim; results with another token change nothing.';
comment on column private.delivery_flights.lease_until is 'End of the lease: then the worker counts as lost.';
comment on column private.delivery_flights.started_at is 'Instant of the claim, by the database''s clock.';

create table private.delivery_dead_letters (
  delivery_id uuid not null,
  tenant_id uuid not null,
  integration_id uuid not null,
  kind text not null,
  error_class text not null,
  discarded_at timestamptz not null,
  constraint delivery_dead_letters_pkey primary key (delivery_id)
);
create index delivery_dead_letters_tenant_idx on private.delivery_dead_letters (tenant_id, discarded_at desc, delivery_id);
create index delivery_dead_letters_integration_idx on private.delivery_dead_letters (integration_id, discarded_at desc, delivery_id);
comment on table private.delivery_dead_letters is 'Deliveries that were given up and not replayed since: a short list beside a long log.';
comment on column private.delivery_dead_letters.delivery_id is 'The delivery.';
comment on column private.delivery_dead_letters.tenant_id is 'Whose delivery.';
comment on column private.delivery_dead_letters.integration_id is 'The subscription.';
comment on column private.delivery_dead_letters.kind is 'guardian_meta or event: which table holds its log.';
comment on column private.delivery_dead_letters.error_class is 'Class of the last failure.';
comment on column private.delivery_dead_letters.discarded_at is 'When it was given up.';

create table private.delivery_pauses (
  tenant_id uuid not null,
  flow text not null constraint delivery_pauses_flow_check check (flow in ('paused', 'draining')),
  changed_by uuid,
  changed_at timestamptz not null default now(),
  constraint delivery_pauses_pkey primary key (tenant_id)
);
comment on table private.delivery_pauses is 'Whose deliveries are held: a tenant''s, or everybody''s under the nil uuid. No row = not held.';
comment on column private.delivery_pauses.tenant_id is 'The tenant; 00000000-0000-0000-0000-000000000000 = everybody.';
comment on column private.delivery_pauses.flow is 'paused or draining, as for one subscription.';
comment on column private.delivery_pauses.changed_by is 'Person who did it; null = the service.';
comment on column private.delivery_pauses.changed_at is 'When.';

create table private.delivery_statistics_recent (
  integration_id uuid not null,
  at timestamptz not null,
  delivered integer not null,
  failed integer not null,
  discarded integer not null,
  first_attempt_ms integer[] not null,
  success_ms integer[] not null
);
create index delivery_statistics_recent_at_idx on private.delivery_statistics_recent (integration_id, at);
comment on table private.delivery_statistics_recent is
  'What came in since the last rollup: one row per report and subscription, so that no worker waits for a counter.';
comment on column private.delivery_statistics_recent.integration_id is 'The subscription.';
comment on column private.delivery_statistics_recent.at is 'When it was reported.';
comment on column private.delivery_statistics_recent.delivered is 'Deliveries that succeeded.';
comment on column private.delivery_statistics_recent.failed is 'Attempts that failed, refused ones included.';
comment on column private.delivery_statistics_recent.discarded is 'Deliveries that were given up.';
comment on column private.delivery_statistics_recent.first_attempt_ms is 'Time from queueing to the first attempt, one value per first attempt.';
comment on column private.delivery_statistics_recent.success_ms is 'Time from queueing to success, one value per delivered one.';

create table private.delivery_statistics (
  integration_id uuid not null,
  hour timestamptz not null,
  delivered bigint not null,
  failed bigint not null,
  discarded bigint not null,
  first_attempt_histogram bigint[] not null,
  success_histogram bigint[] not null,
  constraint delivery_statistics_pkey primary key (integration_id, hour)
);
comment on table private.delivery_statistics is 'Deliveries per subscription and hour, rolled up every minute. The current minute stands in delivery_statistics_recent.';
comment on column private.delivery_statistics.integration_id is 'The subscription.';
comment on column private.delivery_statistics.hour is 'Beginning of the hour, UTC.';
comment on column private.delivery_statistics.delivered is 'Deliveries that succeeded.';
comment on column private.delivery_statistics.failed is 'Attempts that failed, refused ones included.';
comment on column private.delivery_statistics.discarded is 'Deliveries that were given up.';
comment on column private.delivery_statistics.first_attempt_histogram is 'Time from queueing to the first attempt: counts in the buckets of private.latency_bucket().';
comment on column private.delivery_statistics.success_histogram is 'Time from queueing to success: counts in the buckets of private.latency_bucket().';

-- Lanes follow their subscriptions.

create function private.holds(p_tenant_id uuid, p_flow text)
returns boolean
language sql
stable
set search_path = ''
as $$
  select exists (
    select from private.delivery_pauses p
    where p.tenant_id in (p_tenant_id, '00000000-0000-0000-0000-000000000000') and p.flow = p_flow
  );
$$;
comment on function private.holds(uuid, text) is 'Whether the tenant''s deliveries, or everybody''s, are paused or draining.';

create function private.draining_tenants()
returns uuid[]
language sql
stable
set search_path = ''
as $$
  select coalesce(array_agg(p.tenant_id), '{}') from (
    select p.tenant_id from private.delivery_pauses p
    where p.flow = 'draining' and p.tenant_id <> '00000000-0000-0000-0000-000000000000'
    union all
    select t.id from public.tenants t
    where exists (
      select from private.delivery_pauses p
      where p.flow = 'draining' and p.tenant_id = '00000000-0000-0000-0000-000000000000'
    )
  ) p;
$$;
comment on function private.draining_tenants() is 'Tenants whose new events are not queued now.';

create function private.not_before_unheld(p_not_before timestamptz, p_send_interval_ms double precision)
returns timestamptz
language sql
volatile
set search_path = ''
as $$
  select case
    when p_send_interval_ms is null then '-infinity'
    else least(p_not_before, clock_timestamp() + (400 + p_send_interval_ms) * interval '1 millisecond') end;
$$;
comment on function private.not_before_unheld(timestamptz, double precision) is
  'not_before of a lane that nothing holds any more. A rate limit stays: slots are given up to 400 ms ahead, and those that were given are not given again.';

create function private.keep_lane()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  insert into private.delivery_lanes as l (
    integration_id, tenant_id, kind, is_open, config_version, max_attempts, max_in_flight, is_fifo, send_interval_ms,
    batch_max_events, batch_max_wait_ms
  )
  values (
    new.id, new.tenant_id, tg_argv[0], new.is_enabled and new.flow <> 'paused' and not private.holds(new.tenant_id, 'paused'),
    new.config_version, coalesce((new.config ->> 'max_attempts')::integer, 3),
    case when new.config ->> 'ordering' = 'fifo' then 1 else coalesce((new.config ->> 'max_in_flight')::integer, 10) end,
    coalesce(new.config ->> 'ordering' = 'fifo', false),
    -- 15 % more than the limit asks for: requests do not arrive as evenly as they leave.
    1150.0 / (new.config ->> 'rate_limit_per_second')::integer,
    (new.config #>> '{batch,max_events}')::integer, (new.config #>> '{batch,max_wait_ms}')::integer
  )
  on conflict (integration_id) do update set
    is_open = excluded.is_open, config_version = excluded.config_version, max_attempts = excluded.max_attempts,
    max_in_flight = excluded.max_in_flight, is_fifo = excluded.is_fifo, send_interval_ms = excluded.send_interval_ms,
    batch_max_events = excluded.batch_max_events, batch_max_wait_ms = excluded.batch_max_wait_ms;
  if tg_op = 'UPDATE' and new.config ->> 'ordering' = 'fifo' and old.config ->> 'ordering' is distinct from 'fifo' then
    -- From now on the first in line is waited for, however long its retry is off.
    update private.delivery_queue q set is_ready = true where q.integration_id = new.id and not q.is_ready;
    update private.delivery_lanes l
    set not_before = greatest(l.not_before, (
      select q.due_at from private.delivery_queue q
      where q.integration_id = new.id and q.is_ready and not q.is_test order by q.position limit 1
    ))
    where l.integration_id = new.id;
  end if;
  if tg_op = 'UPDATE' and (
    (new.is_enabled and not old.is_enabled) or new.config is distinct from old.config
    or new.config_version is distinct from old.config_version
  ) then
    update private.delivery_lanes l set changed_at = clock_timestamp() where l.integration_id = new.id;
  end if;
  if tg_op = 'UPDATE' and (
    (new.is_enabled and not old.is_enabled) or new.config -> 'webhook_url' is distinct from old.config -> 'webhook_url'
    or new.secret_ref is distinct from old.secret_ref or new.headers_ref is distinct from old.headers_ref
  ) then
    -- Somebody mended it: what was learned of the old endpoint, or with the old secret, says nothing of the new one.
    update private.delivery_lanes l
    set not_before = private.not_before_unheld(l.not_before, l.send_interval_ms), consecutive_failures = 0,
        breaker_openings = 0, failing_since = null
    where l.integration_id = new.id;
    update private.delivery_subscriptions s set failing_since = null where s.id = new.id and s.failing_since is not null;
  end if;
  return null;
end;
$$;
comment on function private.keep_lane() is
  'Row trigger of every kind of subscription (its argument): the lane says what the subscription says. Definer: no user writes lanes.';
create trigger guardian_meta_integrations_lane after insert or update of is_enabled, flow, config, config_version
  on public.guardian_meta_integrations for each row execute function private.keep_lane('guardian_meta');
create trigger event_subscriptions_lane after insert or update of is_enabled, flow, config, config_version
  on public.event_subscriptions for each row execute function private.keep_lane('event');

-- What is open moves from the log to the queue.

update public.guardian_meta_integrations set config_version = config_version;
update private.delivery_lanes l set failing_since = i.failing_since, last_delivered_at = i.last_synced_at
from public.guardian_meta_integrations i where i.id = l.integration_id;
insert into private.delivery_queue (
  delivery_id, tenant_id, integration_id, kind, event_id, event_type, is_test, is_ready, due_at, attempt_count, failure_count,
  lost_count, queued_at
)
select d.id, d.tenant_id, d.integration_id, 'guardian_meta', d.event_id, d.event_type, d.event_type = 'test',
  d.next_attempt_at <= clock_timestamp(), d.next_attempt_at, d.attempt_count, d.failure_count, d.lost_count, d.created_at
from public.guardian_meta_webhook_events d
where d.finished_at is null
order by d.created_at, d.id;
insert into private.delivery_dead_letters (delivery_id, tenant_id, integration_id, kind, error_class, discarded_at)
select d.id, d.tenant_id, d.integration_id, 'guardian_meta', coalesce(d.last_error_class, 'unknown'), d.finished_at
from public.guardian_meta_webhook_events d
where d.status = 'discarded';
alter table private.deliveries drop constraint deliveries_lease_check;
alter table private.deliveries
  drop column failure_count, drop column lost_count, drop column lease_token, drop column lease_until,
  alter column next_attempt_at drop not null, alter column next_attempt_at drop default;
update public.guardian_meta_webhook_events set next_attempt_at = null where finished_at is not null or attempt_count = 0;
comment on table private.deliveries is
  'One event for one subscription: the log of the delivery engine, written when it is queued and when an attempt ends. Holds no rows itself: each kind is a child table. Narrow on purpose; bodies are with the attempts.';
comment on column private.deliveries.attempt_count is 'Attempts reported, ever: the number of the latest one.';
comment on column private.deliveries.next_attempt_at is 'When the next attempt is due after a failed one; null = as soon as possible, or there is none to come.';
select private.copy_column_comments('private.deliveries', 'public.guardian_meta_webhook_events');
select private.copy_column_comments('private.deliveries', 'public.event_deliveries');
comment on column public.event_deliveries.org_id is 'Org of the event; null = all orgs.';
