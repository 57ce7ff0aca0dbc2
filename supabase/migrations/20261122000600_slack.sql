-- What is read from Slack, and the log of what is sent to it.
-- New tables and a new function. Rollback: drop them and their lines in private.sync_tables.

create table public.slack_conversations (
  id uuid not null default gen_random_uuid(),
  tenant_id uuid not null,
  org_id uuid,
  connector_id uuid not null,
  external_id text not null constraint slack_conversations_external_id_length_check check (char_length(external_id) between 1 and 200),
  name text,
  topic text,
  purpose text,
  is_private boolean,
  is_archived boolean,
  is_member boolean,
  member_count integer,
  created_at timestamptz,
  content_hash text not null,
  seen_pass uuid,
  first_synced_at timestamptz not null default clock_timestamp(),
  last_synced_at timestamptz not null default clock_timestamp(),
  deleted_at timestamptz,
  constraint slack_conversations_pkey primary key (id),
  constraint slack_conversations_tenant_id_id_key unique (tenant_id, id),
  constraint slack_conversations_external_id_key unique (tenant_id, connector_id, external_id),
  constraint slack_conversations_connector_fkey foreign key (tenant_id, connector_id)
    references public.integration_connectors (tenant_id, id) on delete cascade,
  constraint slack_conversations_org_fkey foreign key (tenant_id, org_id) references public.orgs (tenant_id, id)
) with (fillfactor = 80);
create index slack_conversations_tenant_id_org_id_idx on public.slack_conversations (tenant_id, org_id) where org_id is not null;
create index slack_conversations_deleted_at_idx on public.slack_conversations (deleted_at) where deleted_at is not null;
comment on table public.slack_conversations is 'Channels of Slack that the app may see. Written by syncs.';
comment on column public.slack_conversations.id is 'The row.';
comment on column public.slack_conversations.tenant_id is 'Whose row.';
comment on column public.slack_conversations.org_id is 'Org of the connector; null = all orgs.';
comment on column public.slack_conversations.connector_id is 'The connector it was read with.';
comment on column public.slack_conversations.external_id is 'Slack''s id of the channel.';
comment on column public.slack_conversations.name is 'Its name without the #.';
comment on column public.slack_conversations.topic is 'What it is about just now; empty = nothing is said.';
comment on column public.slack_conversations.purpose is 'What it is for; empty = nothing is said.';
comment on column public.slack_conversations.is_private is 'true = only its members see it.';
comment on column public.slack_conversations.is_archived is 'true = nothing more is said in it.';
comment on column public.slack_conversations.is_member is 'Whether the app is in it, so that its messages can be read.';
comment on column public.slack_conversations.member_count is 'People in it; null = Slack does not say.';
comment on column public.slack_conversations.created_at is 'When it was made at Slack.';
comment on column public.slack_conversations.content_hash is 'Hash of the values, by which a change is known.';
comment on column public.slack_conversations.seen_pass is 'The newest pass over everything that saw it; null = none did.';
comment on column public.slack_conversations.first_synced_at is 'When it was first read, or read again after it had gone.';
comment on column public.slack_conversations.last_synced_at is 'When a change of it was last stored.';
comment on column public.slack_conversations.deleted_at is 'When the channel was found to be gone; null = it exists. The row is removed 30 days later.';

alter table public.slack_conversations enable row level security;
alter table public.slack_conversations force row level security;
grant select on public.slack_conversations to authenticated, service_role;
create policy "readers of connectors see channels in their org scope" on public.slack_conversations for select to authenticated
  using (
    tenant_id = (select private.get_current_workspace_id())
    and (select private.has_tenant_permission('connectors.read'))
    and (org_id is null or (select private.get_current_org_id()) is null or org_id = (select private.get_current_org_id()))
  );

create table public.slack_messages (
  id uuid not null default gen_random_uuid(),
  tenant_id uuid not null,
  org_id uuid,
  connector_id uuid not null,
  external_id text not null constraint slack_messages_external_id_length_check check (char_length(external_id) between 1 and 200),
  conversation_id text,
  ts text,
  posted_at timestamptz,
  thread_ts text,
  subtype text,
  user_id text,
  bot_id text,
  username text,
  text text,
  edited_at timestamptz,
  reply_count integer,
  latest_reply_at timestamptz,
  reactions jsonb,
  files jsonb,
  content_hash text not null,
  seen_pass uuid,
  first_synced_at timestamptz not null default clock_timestamp(),
  last_synced_at timestamptz not null default clock_timestamp(),
  deleted_at timestamptz,
  constraint slack_messages_pkey primary key (id),
  constraint slack_messages_tenant_id_id_key unique (tenant_id, id),
  constraint slack_messages_external_id_key unique (tenant_id, connector_id, external_id),
  constraint slack_messages_connector_fkey foreign key (tenant_id, connector_id)
    references public.integration_connectors (tenant_id, id) on delete cascade,
  constraint slack_messages_org_fkey foreign key (tenant_id, org_id) references public.orgs (tenant_id, id)
) with (fillfactor = 80);
create index slack_messages_tenant_id_org_id_idx on public.slack_messages (tenant_id, org_id) where org_id is not null;
create index slack_messages_deleted_at_idx on public.slack_messages (deleted_at) where deleted_at is not null;
create index slack_messages_conversation_idx on public.slack_messages (tenant_id, connector_id, conversation_id, posted_at desc);
comment on table public.slack_messages is 'What is said in channels of Slack, but for replies in threads. Written by syncs.';
comment on column public.slack_messages.id is 'The row.';
comment on column public.slack_messages.tenant_id is 'Whose row.';
comment on column public.slack_messages.org_id is 'Org of the connector; null = all orgs.';
comment on column public.slack_messages.connector_id is 'The connector it was read with.';
comment on column public.slack_messages.external_id is 'Channel and ts, which together name a message: C0123456789:1731000000.000100.';
comment on column public.slack_messages.conversation_id is 'Slack''s id of the channel: external_id of slack_conversations.';
comment on column public.slack_messages.ts is 'Slack''s name for the message within its channel: seconds since 1970 with six digits, as text.';
comment on column public.slack_messages.posted_at is 'The same instant.';
comment on column public.slack_messages.thread_ts is 'ts of the message that began the thread; null = there is none.';
comment on column public.slack_messages.subtype is 'What kind of message it is, for example channel_join; null = somebody said something.';
comment on column public.slack_messages.user_id is 'Slack''s id of who said it; null = nobody did.';
comment on column public.slack_messages.bot_id is 'Slack''s id of the app that posted it; null = a person did.';
comment on column public.slack_messages.username is 'Name that an app posted under; null = its own.';
comment on column public.slack_messages.text is 'What was said, in the markup of Slack.';
comment on column public.slack_messages.edited_at is 'When it was last edited; null = never.';
comment on column public.slack_messages.reply_count is 'Replies in its thread, as of the last pass that saw it; null = none.';
comment on column public.slack_messages.latest_reply_at is 'When the newest of them was sent, as of then; null = none.';
comment on column public.slack_messages.reactions is '[{name, count}]; null = none.';
comment on column public.slack_messages.files is '[{id, name, mimetype, size}], without addresses; null = none.';
comment on column public.slack_messages.content_hash is 'Hash of the values, by which a change is known.';
comment on column public.slack_messages.seen_pass is 'The newest pass over everything that saw it; null = none did.';
comment on column public.slack_messages.first_synced_at is 'When it was first read, or read again after it had gone.';
comment on column public.slack_messages.last_synced_at is 'When a change of it was last stored.';
comment on column public.slack_messages.deleted_at is 'When the message was found to be gone; null = it exists. The row is removed 30 days later.';

alter table public.slack_messages enable row level security;
alter table public.slack_messages force row level security;
grant select on public.slack_messages to authenticated, service_role;
create policy "readers of connectors see messages in their org scope" on public.slack_messages for select to authenticated
  using (
    tenant_id = (select private.get_current_workspace_id())
    and (select private.has_tenant_permission('connectors.read'))
    and (org_id is null or (select private.get_current_org_id()) is null or org_id = (select private.get_current_org_id()))
  );

-- No text goes into events: who wants it reads it here.
insert into private.sync_tables (table_name, entity_type, payload_columns) values
  ('slack_conversations', 'slack_conversation', '{name,is_private,is_archived,is_member}'),
  ('slack_messages', 'slack_message', '{conversation_id,ts,thread_ts,posted_at,subtype}');

create function public.record_connector_use(
  p_tenant_id uuid, p_connector_id uuid, p_event_type text, p_error_class text, p_error text, p_details jsonb,
  p_duration_ms integer, p_request_id text
)
returns void
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_connector public.integration_connectors;
begin
  select c.* into v_connector from public.integration_connectors c where c.tenant_id = p_tenant_id and c.id = p_connector_id;
  -- Else it was deleted while it was used.
  if v_connector.id is not null then
    perform private.log_connector_use(v_connector, p_event_type, p_error_class, p_error, p_details, p_duration_ms, p_request_id);
  end if;
end;
$$;
comment on function public.record_connector_use(uuid, uuid, text, text, text, jsonb, integer, text) is
  'Writes what became of one call to a provider into integration_logs, as private.log_connector_use says; nothing for a connector that is gone. Definer for service_role alone.';
grant execute on function public.record_connector_use(uuid, uuid, text, text, text, jsonb, integer, text) to service_role;
