-- The SQL interface of supabase_vault 0.3. Secrets are encrypted with a key that lies in a file of the cluster
-- (vault.key, 64 hex digits), outside every table and dump: the same trust boundary as on the platform.
\echo Use "create extension supabase_vault" to load this file. \quit

create table vault.secrets (
  id uuid primary key default gen_random_uuid(),
  name text,
  description text not null default '',
  secret text not null,
  key_id uuid,
  nonce bytea default extensions.gen_random_bytes(16),
  created_at timestamptz not null default current_timestamp,
  updated_at timestamptz not null default current_timestamp
);
comment on table vault.secrets is 'Secrets, encrypted in the column secret.';
create unique index secrets_name_idx on vault.secrets (name) where name is not null;

-- The passphrase of one secret: the cluster's key together with the secret's nonce.
create function vault._passphrase(nonce bytea)
returns text language plpgsql stable security definer set search_path = '' as $$
declare
  v_key constant text := btrim(pg_catalog.pg_read_file('vault.key', 0, 80, true), E' \n\r');
begin
  if v_key is null or v_key !~ '^[0-9a-f]{64}$' then
    raise exception 'The file vault.key in the data directory of Postgres must hold 64 hex digits.'
      using hint = 'Secrets cannot be read without it: restore the file, or start the stack with --fresh.';
  end if;
  return v_key || pg_catalog.encode(nonce, 'hex');
end;
$$;

-- OpenPGP with a modification check. The passphrase is a random key already, so it is not stretched.
create function vault._encrypt(plaintext text, nonce bytea)
returns text language sql volatile security definer set search_path = '' as $$
  select pg_catalog.translate(pg_catalog.encode(
    extensions.pgp_sym_encrypt(plaintext, vault._passphrase(nonce), 's2k-mode=0, cipher-algo=aes256'), 'base64'
  ), E'\n', '')
$$;

create function vault._decrypt(ciphertext text, nonce bytea)
returns text language sql stable security definer set search_path = '' as $$
  select extensions.pgp_sym_decrypt(pg_catalog.decode(ciphertext, 'base64'), vault._passphrase(nonce))
$$;

create view vault.decrypted_secrets as
select s.id, s.name, s.description, s.secret, vault._decrypt(s.secret, s.nonce) as decrypted_secret, s.key_id, s.nonce,
  s.created_at, s.updated_at
from vault.secrets s;

create function vault.create_secret(
  new_secret text, new_name text default null, new_description text default '', new_key_id uuid default null
)
returns uuid language plpgsql security definer set search_path = '' as $$
declare
  v_nonce constant bytea := extensions.gen_random_bytes(16);
  v_id uuid;
begin
  insert into vault.secrets (secret, nonce, name, description)
  values (vault._encrypt(new_secret, v_nonce), v_nonce, new_name, new_description)
  returning id into v_id;
  return v_id;
end;
$$;

create function vault.update_secret(
  secret_id uuid, new_secret text default null, new_name text default null, new_description text default null,
  new_key_id uuid default null
)
returns void language plpgsql security definer set search_path = '' as $$
declare
  v_nonce constant bytea := extensions.gen_random_bytes(16);
begin
  update vault.secrets s
  set secret = case when new_secret is null then s.secret else vault._encrypt(new_secret, v_nonce) end,
      nonce = case when new_secret is null then s.nonce else v_nonce end,
      name = coalesce(new_name, s.name),
      description = coalesce(new_description, s.description),
      updated_at = now()
  where s.id = secret_id;
end;
$$;

select pg_catalog.pg_extension_config_dump('vault.secrets', '');

revoke all on all functions in schema vault from public;
grant usage on schema vault to postgres, service_role;
grant select, delete on vault.secrets, vault.decrypted_secrets to postgres, service_role;
grant execute on function vault.create_secret(text, text, text, uuid), vault.update_secret(uuid, text, text, text, uuid),
  vault._decrypt(text, bytea) to postgres, service_role;
