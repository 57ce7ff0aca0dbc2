-- The SQL interface of pg_net 0.14. Requests are sent by the stack, after commit; like the real tables, these are
-- unlogged, so a crash empties them, and open to every role, since the functions run with their caller's rights.
\echo Use "create extension pg_net" to load this file. \quit

do $$
begin
  if pg_catalog.to_regnamespace('net') is null then
    create schema net;
  end if;
end;
$$;

create domain net.http_method as text check (upper(value) in ('GET', 'POST', 'DELETE'));

create unlogged table net.http_request_queue (
  id bigserial,
  method net.http_method not null,
  url text not null,
  headers jsonb,
  body bytea,
  timeout_milliseconds integer not null
);

create unlogged table net._http_response (
  id bigint,
  status_code integer,
  content_type text,
  headers jsonb,
  content text,
  timed_out boolean,
  error_msg text,
  created timestamptz not null default now()
);
create index on net._http_response (created);

-- Delivered when the transaction commits, so the worker sees the rows it is woken for; nothing is sent on rollback.
create function net._wake() returns trigger language plpgsql set search_path = '' as $$
begin
  perform pg_catalog.pg_notify('interlock_net', '');
  return null;
end;
$$;
create trigger wake_worker after insert on net.http_request_queue for each statement execute function net._wake();

create function net._urlencode_string(string varchar)
returns text language sql immutable strict set search_path = '' as $$
  select coalesce(string_agg(
    case when chr(b) ~ '[A-Za-z0-9_.~-]' then chr(b) else '%' || upper(lpad(to_hex(b), 2, '0')) end, '' order by i
  ), '')
  from (
    select i, get_byte(convert_to(string, 'UTF8'), i) as b
    from generate_series(0, octet_length(convert_to(string, 'UTF8')) - 1) as i
  ) as bytes
$$;

create function net._url_with_params(url text, params jsonb)
returns text language sql immutable set search_path = '' as $$
  select url || coalesce(
    case when position('?' in url) > 0 then '&' else '?' end
      || (select string_agg(net._urlencode_string(p.key) || '=' || net._urlencode_string(p.value), '&')
          from jsonb_each_text(params) as p),
    '')
$$;

create function net.http_get(
  url text, params jsonb default '{}'::jsonb, headers jsonb default '{}'::jsonb, timeout_milliseconds integer default 5000
)
returns bigint language sql volatile parallel safe strict set search_path = '' as $$
  insert into net.http_request_queue (method, url, headers, timeout_milliseconds)
  values ('GET', net._url_with_params(url, params), headers, timeout_milliseconds)
  returning id
$$;

create function net.http_delete(
  url text, params jsonb default '{}'::jsonb, headers jsonb default '{}'::jsonb, timeout_milliseconds integer default 5000,
  body jsonb default null
)
returns bigint language sql volatile parallel safe set search_path = '' as $$
  insert into net.http_request_queue (method, url, headers, body, timeout_milliseconds)
  values ('DELETE', net._url_with_params(url, params), headers, convert_to(body::text, 'UTF8'), timeout_milliseconds)
  returning id
$$;

create function net.http_post(
  url text, body jsonb default '{}'::jsonb, params jsonb default '{}'::jsonb,
  headers jsonb default '{"Content-Type": "application/json"}'::jsonb, timeout_milliseconds integer default 5000
)
returns bigint language plpgsql volatile parallel safe set search_path = '' as $$
declare
  v_content_type constant text := (
    select h.value from jsonb_each_text(coalesce(headers, '{}'::jsonb)) as h where lower(h.key) = 'content-type' limit 1
  );
  v_request_id bigint;
begin
  if v_content_type <> 'application/json' then
    raise exception 'Content-Type header must be "application/json"';
  end if;
  if body is null then
    raise exception 'body must not be null';
  end if;
  insert into net.http_request_queue (method, url, headers, body, timeout_milliseconds)
  values (
    'POST', net._url_with_params(http_post.url, params),
    coalesce(http_post.headers, '{}'::jsonb)
      || case when v_content_type is null then '{"Content-Type": "application/json"}'::jsonb else '{}'::jsonb end,
    convert_to(http_post.body::text, 'UTF8'), http_post.timeout_milliseconds
  )
  returning id into v_request_id;
  return v_request_id;
end;
$$;

grant usage on schema net to public;
grant all on all tables in schema net to public;
grant all on all sequences in schema net to public;
