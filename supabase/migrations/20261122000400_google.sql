-- What is read from Google Workspace: Drive's files, Gmail's messages, Calendar's events.
-- New tables only. Rollback: drop them and delete their lines of private.sync_tables.

create table public.google_drive_files (
  id uuid not null default gen_random_uuid(),
  tenant_id uuid not null,
  org_id uuid,
  connector_id uuid not null,
  external_id text not null constraint google_drive_files_external_id_check check (char_length(external_id) between 1 and 200),
  name text,
  mime_type text,
  parent_id text,
  drive_id text,
  size_bytes bigint,
  md5_checksum text,
  file_created_at timestamptz,
  file_modified_at timestamptz,
  web_view_link text,
  owner_email text,
  owner_name text,
  content_hash text not null,
  seen_pass uuid,
  first_synced_at timestamptz not null default clock_timestamp(),
  last_synced_at timestamptz not null default clock_timestamp(),
  deleted_at timestamptz,
  constraint google_drive_files_pkey primary key (id),
  constraint google_drive_files_tenant_id_id_key unique (tenant_id, id),
  constraint google_drive_files_external_id_key unique (tenant_id, connector_id, external_id),
  constraint google_drive_files_connector_fkey foreign key (tenant_id, connector_id)
    references public.integration_connectors (tenant_id, id) on delete cascade,
  constraint google_drive_files_org_fkey foreign key (tenant_id, org_id) references public.orgs (tenant_id, id)
) with (fillfactor = 80);
create index google_drive_files_tenant_id_org_id_idx on public.google_drive_files (tenant_id, org_id) where org_id is not null;
create index google_drive_files_deleted_at_idx on public.google_drive_files (deleted_at) where deleted_at is not null;
comment on table public.google_drive_files is 'Files and folders of connected Google Drives, without their contents. Written by syncs only.';
comment on column public.google_drive_files.id is 'The row.';
comment on column public.google_drive_files.tenant_id is 'Whose record.';
comment on column public.google_drive_files.org_id is 'Org of the connector; null = all orgs.';
comment on column public.google_drive_files.connector_id is 'Connector it was read with.';
comment on column public.google_drive_files.external_id is 'Google''s identifier of the file.';
comment on column public.google_drive_files.name is 'Name; null = Google showed none.';
comment on column public.google_drive_files.mime_type is 'Kind of file; application/vnd.google-apps.folder is a folder.';
comment on column public.google_drive_files.parent_id is 'external_id of the folder it lies in; null = not visible to the account.';
comment on column public.google_drive_files.drive_id is 'Shared drive it belongs to; null = somebody''s own drive.';
comment on column public.google_drive_files.size_bytes is 'Size of its content; null = a folder, or a kind of Google''s own.';
comment on column public.google_drive_files.md5_checksum is 'MD5 of its content in hexadecimal; null = it has none.';
comment on column public.google_drive_files.file_created_at is 'When it was created, as Google says.';
comment on column public.google_drive_files.file_modified_at is 'When somebody last changed it, as Google says.';
comment on column public.google_drive_files.web_view_link is 'Where people open it; who may is up to Google.';
comment on column public.google_drive_files.owner_email is 'Address of its owner; null = it belongs to a shared drive.';
comment on column public.google_drive_files.owner_name is 'Name of its owner; null = it belongs to a shared drive.';
comment on column public.google_drive_files.content_hash is 'Hash of what was read: the same = nothing changed.';
comment on column public.google_drive_files.seen_pass is 'Newest pass over everything that met it; null = none.';
comment on column public.google_drive_files.first_synced_at is 'When it was first read, or read again after it had gone.';
comment on column public.google_drive_files.last_synced_at is 'When a change of it was last written.';
comment on column public.google_drive_files.deleted_at is 'When it was found to be gone; null = it exists. Removed 30 days later.';
alter table public.google_drive_files enable row level security;
alter table public.google_drive_files force row level security;
grant select on public.google_drive_files to authenticated, service_role;
create policy "readers of connectors see synced records in their org scope" on public.google_drive_files for select to authenticated
  using (
    tenant_id = (select private.get_current_workspace_id())
    and (select private.has_tenant_permission('connectors.read'))
    and (org_id is null or (select private.get_current_org_id()) is null or org_id = (select private.get_current_org_id()))
  );

create table public.gmail_messages (
  id uuid not null default gen_random_uuid(),
  tenant_id uuid not null,
  org_id uuid,
  connector_id uuid not null,
  external_id text not null constraint gmail_messages_external_id_check check (char_length(external_id) between 1 and 200),
  thread_id text,
  subject text,
  sender text,
  recipients text,
  label_ids jsonb,
  snippet text,
  received_at timestamptz,
  history_id text,
  size_bytes bigint,
  content_hash text not null,
  seen_pass uuid,
  first_synced_at timestamptz not null default clock_timestamp(),
  last_synced_at timestamptz not null default clock_timestamp(),
  deleted_at timestamptz,
  constraint gmail_messages_pkey primary key (id),
  constraint gmail_messages_tenant_id_id_key unique (tenant_id, id),
  constraint gmail_messages_external_id_key unique (tenant_id, connector_id, external_id),
  constraint gmail_messages_connector_fkey foreign key (tenant_id, connector_id)
    references public.integration_connectors (tenant_id, id) on delete cascade,
  constraint gmail_messages_org_fkey foreign key (tenant_id, org_id) references public.orgs (tenant_id, id)
) with (fillfactor = 80);
create index gmail_messages_tenant_id_org_id_idx on public.gmail_messages (tenant_id, org_id) where org_id is not null;
create index gmail_messages_deleted_at_idx on public.gmail_messages (deleted_at) where deleted_at is not null;
comment on table public.gmail_messages is 'Messages of connected Gmail mailboxes, without text and attachments. Written by syncs only.';
comment on column public.gmail_messages.id is 'The row.';
comment on column public.gmail_messages.tenant_id is 'Whose record.';
comment on column public.gmail_messages.org_id is 'Org of the connector; null = all orgs.';
comment on column public.gmail_messages.connector_id is 'Connector it was read with.';
comment on column public.gmail_messages.external_id is 'Gmail''s identifier of the message.';
comment on column public.gmail_messages.thread_id is 'Conversation it belongs to.';
comment on column public.gmail_messages.subject is 'Subject, cut to 2000 characters; null = it has none.';
comment on column public.gmail_messages.sender is 'The From header.';
comment on column public.gmail_messages.recipients is 'The To header, cut to 10000 characters; null = it has none.';
comment on column public.gmail_messages.label_ids is 'Identifiers of its labels, sorted: INBOX, UNREAD, Label_12 ...';
comment on column public.gmail_messages.snippet is 'Its beginning, as Gmail shows it in lists.';
comment on column public.gmail_messages.received_at is 'When Gmail took it in.';
comment on column public.gmail_messages.history_id is 'Gmail''s number of its last change.';
comment on column public.gmail_messages.size_bytes is 'Size, as Gmail estimates it.';
comment on column public.gmail_messages.content_hash is 'Hash of what was read: the same = nothing changed.';
comment on column public.gmail_messages.seen_pass is 'Newest pass over everything that met it; null = none.';
comment on column public.gmail_messages.first_synced_at is 'When it was first read, or read again after it had gone.';
comment on column public.gmail_messages.last_synced_at is 'When a change of it was last written.';
comment on column public.gmail_messages.deleted_at is 'When it was found to be gone; null = it exists. Removed 30 days later.';
alter table public.gmail_messages enable row level security;
alter table public.gmail_messages force row level security;
grant select on public.gmail_messages to authenticated, service_role;
create policy "readers of connectors see synced records in their org scope" on public.gmail_messages for select to authenticated
  using (
    tenant_id = (select private.get_current_workspace_id())
    and (select private.has_tenant_permission('connectors.read'))
    and (org_id is null or (select private.get_current_org_id()) is null or org_id = (select private.get_current_org_id()))
  );

create table public.google_calendar_events (
  id uuid not null default gen_random_uuid(),
  tenant_id uuid not null,
  org_id uuid,
  connector_id uuid not null,
  external_id text not null constraint google_calendar_events_external_id_check check (char_length(external_id) between 1 and 200),
  calendar_id text,
  event_id text,
  status text,
  summary text,
  location text,
  is_all_day boolean,
  starts_at timestamptz,
  ends_at timestamptz,
  start_date date,
  end_date date,
  time_zone text,
  organizer_email text,
  recurrence jsonb,
  recurring_event_id text,
  ical_uid text,
  web_link text,
  event_updated_at timestamptz,
  content_hash text not null,
  seen_pass uuid,
  first_synced_at timestamptz not null default clock_timestamp(),
  last_synced_at timestamptz not null default clock_timestamp(),
  deleted_at timestamptz,
  constraint google_calendar_events_pkey primary key (id),
  constraint google_calendar_events_tenant_id_id_key unique (tenant_id, id),
  constraint google_calendar_events_external_id_key unique (tenant_id, connector_id, external_id),
  constraint google_calendar_events_connector_fkey foreign key (tenant_id, connector_id)
    references public.integration_connectors (tenant_id, id) on delete cascade,
  constraint google_calendar_events_org_fkey foreign key (tenant_id, org_id) references public.orgs (tenant_id, id)
) with (fillfactor = 80);
create index google_calendar_events_tenant_id_org_id_idx on public.google_calendar_events (tenant_id, org_id) where org_id is not null;
create index google_calendar_events_deleted_at_idx on public.google_calendar_events (deleted_at) where deleted_at is not null;
comment on table public.google_calendar_events is 'Events of connected Google calendars, without guests and description. A series is one row. Written by syncs only.';
comment on column public.google_calendar_events.id is 'The row.';
comment on column public.google_calendar_events.tenant_id is 'Whose record.';
comment on column public.google_calendar_events.org_id is 'Org of the connector; null = all orgs.';
comment on column public.google_calendar_events.connector_id is 'Connector it was read with.';
comment on column public.google_calendar_events.external_id is 'calendar_id/event_id; sha256: and its hash where that is longer than 200 characters.';
comment on column public.google_calendar_events.calendar_id is 'Calendar it stands in, as the connector''s settings name it.';
comment on column public.google_calendar_events.event_id is 'Google''s identifier: the same in the calendars of all guests.';
comment on column public.google_calendar_events.status is 'confirmed or tentative.';
comment on column public.google_calendar_events.summary is 'Title; null = it has none, or is private.';
comment on column public.google_calendar_events.location is 'Place, as somebody typed it; null = none.';
comment on column public.google_calendar_events.is_all_day is 'Whether it has days instead of instants.';
comment on column public.google_calendar_events.starts_at is 'Beginning; null = it lasts whole days.';
comment on column public.google_calendar_events.ends_at is 'End; null = it lasts whole days.';
comment on column public.google_calendar_events.start_date is 'First day; null = it has an instant.';
comment on column public.google_calendar_events.end_date is 'Day after the last one; null = it has an instant.';
comment on column public.google_calendar_events.time_zone is 'Zone it was planned in, by IANA; null = the calendar''s.';
comment on column public.google_calendar_events.organizer_email is 'Address of who organizes it.';
comment on column public.google_calendar_events.recurrence is 'Rules of a series, lines of RFC 5545; null = no series.';
comment on column public.google_calendar_events.recurring_event_id is 'event_id of the series it differs from; null = none.';
comment on column public.google_calendar_events.ical_uid is 'Identifier across calendar systems.';
comment on column public.google_calendar_events.web_link is 'Where people open it.';
comment on column public.google_calendar_events.event_updated_at is 'When it last changed, as Google says.';
comment on column public.google_calendar_events.content_hash is 'Hash of what was read: the same = nothing changed.';
comment on column public.google_calendar_events.seen_pass is 'Newest pass over everything that met it; null = none.';
comment on column public.google_calendar_events.first_synced_at is 'When it was first read, or read again after it had gone.';
comment on column public.google_calendar_events.last_synced_at is 'When a change of it was last written.';
comment on column public.google_calendar_events.deleted_at is 'When it was found to be gone; null = it exists. Removed 30 days later.';
alter table public.google_calendar_events enable row level security;
alter table public.google_calendar_events force row level security;
grant select on public.google_calendar_events to authenticated, service_role;
create policy "readers of connectors see synced records in their org scope" on public.google_calendar_events for select to authenticated
  using (
    tenant_id = (select private.get_current_workspace_id())
    and (select private.has_tenant_permission('connectors.read'))
    and (org_id is null or (select private.get_current_org_id()) is null or org_id = (select private.get_current_org_id()))
  );

insert into private.sync_tables (table_name, entity_type, payload_columns) values
  ('google_drive_files', 'drive_file', '{name,mime_type}'),
  ('gmail_messages', 'gmail_message', '{thread_id,label_ids}'),
  ('google_calendar_events', 'calendar_event', '{event_id,status,starts_at,start_date}');
