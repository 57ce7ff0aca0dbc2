-- Two demo tenants with two orgs and the four roles each, so that isolation can be tried by hand, and one inbound
-- webhook per provider. Every demo password is "interlock-demo". For development only: never run it on a project
-- that others can reach.

insert into public.tenants (id, name, slug) values
  ('a0000000-0000-4000-8000-000000000001', 'Acme Studio', 'acme'),
  ('b0000000-0000-4000-8000-000000000001', 'Globex Agency', 'globex');

insert into public.orgs (id, tenant_id, name) values
  ('a0000000-0000-4000-8000-0000000000a1', 'a0000000-0000-4000-8000-000000000001', 'Acme North'),
  ('a0000000-0000-4000-8000-0000000000a2', 'a0000000-0000-4000-8000-000000000001', 'Acme South'),
  ('b0000000-0000-4000-8000-0000000000b1', 'b0000000-0000-4000-8000-000000000001', 'Globex East'),
  ('b0000000-0000-4000-8000-0000000000b2', 'b0000000-0000-4000-8000-000000000001', 'Globex West');

-- The token columns must be '' and not null, or sign-in fails on the real Auth server.
insert into auth.users (
  id, instance_id, aud, role, email, encrypted_password, email_confirmed_at, raw_app_meta_data, raw_user_meta_data,
  created_at, updated_at, confirmation_token, recovery_token, email_change, email_change_token_new,
  email_change_token_current, phone_change, phone_change_token, reauthentication_token
)
select
  u.id::uuid, '00000000-0000-0000-0000-000000000000', 'authenticated', 'authenticated', u.email,
  extensions.crypt('interlock-demo', extensions.gen_salt('bf', 6)), now(),
  '{"provider": "email", "providers": ["email"]}', '{}', now(), now(), '', '', '', '', '', '', '', ''
from (values
  ('a1000000-0000-4000-8000-000000000001', 'owner@acme.example'),
  ('a1000000-0000-4000-8000-000000000002', 'admin@acme.example'),
  ('a1000000-0000-4000-8000-000000000003', 'manager@acme.example'),
  ('a1000000-0000-4000-8000-000000000004', 'member@acme.example'),
  ('b1000000-0000-4000-8000-000000000001', 'owner@globex.example'),
  ('b1000000-0000-4000-8000-000000000002', 'admin@globex.example'),
  ('b1000000-0000-4000-8000-000000000003', 'manager@globex.example'),
  ('b1000000-0000-4000-8000-000000000004', 'member@globex.example')
) as u (id, email);

insert into auth.identities (id, user_id, provider_id, provider, identity_data, last_sign_in_at, created_at, updated_at)
select gen_random_uuid(), u.id, u.id::text, 'email',
  jsonb_build_object('sub', u.id::text, 'email', u.email, 'email_verified', true), now(), now(), now()
from auth.users u
where u.email like '%@acme.example' or u.email like '%@globex.example';

insert into public.tenant_members (tenant_id, user_id, role, org_id) values
  ('a0000000-0000-4000-8000-000000000001', 'a1000000-0000-4000-8000-000000000001', 'owner', null),
  ('a0000000-0000-4000-8000-000000000001', 'a1000000-0000-4000-8000-000000000002', 'admin', null),
  ('a0000000-0000-4000-8000-000000000001', 'a1000000-0000-4000-8000-000000000003', 'manager', 'a0000000-0000-4000-8000-0000000000a1'),
  ('a0000000-0000-4000-8000-000000000001', 'a1000000-0000-4000-8000-000000000004', 'member', 'a0000000-0000-4000-8000-0000000000a1'),
  ('b0000000-0000-4000-8000-000000000001', 'b1000000-0000-4000-8000-000000000001', 'owner', null),
  ('b0000000-0000-4000-8000-000000000001', 'b1000000-0000-4000-8000-000000000002', 'admin', null),
  ('b0000000-0000-4000-8000-000000000001', 'b1000000-0000-4000-8000-000000000003', 'manager', 'b0000000-0000-4000-8000-0000000000b1'),
  ('b0000000-0000-4000-8000-000000000001', 'b1000000-0000-4000-8000-000000000004', 'member', 'b0000000-0000-4000-8000-0000000000b1');

insert into public.integration_webhooks (id, tenant_id, org_id, provider, name, secret_ref)
select w.id::uuid, w.tenant_id::uuid, w.org_id::uuid, w.provider, w.name,
  public.store_secret(w.tenant_id::uuid, w.secret, 'inbound webhook signing secret')
from (values
  ('a2000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-0000000000a1', 'hubspot', 'Demo HubSpot', 'demo-hubspot-client-secret-acme'),
  ('a2000000-0000-4000-8000-000000000002', 'a0000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-0000000000a1', 'standard_webhooks', 'Demo Standard Webhooks', 'whsec_zMNLTb00RcLpS4Y22ks49HyI1UM8Ht6vxs2e+6HsRfw='),
  ('a2000000-0000-4000-8000-000000000003', 'a0000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-0000000000a1', 'generic_hmac', 'Demo Generic HMAC', 'demo-generic-hmac-secret-acme'),
  ('b2000000-0000-4000-8000-000000000001', 'b0000000-0000-4000-8000-000000000001', 'b0000000-0000-4000-8000-0000000000b1', 'hubspot', 'Demo HubSpot', 'demo-hubspot-client-secret-globex'),
  ('b2000000-0000-4000-8000-000000000002', 'b0000000-0000-4000-8000-000000000001', 'b0000000-0000-4000-8000-0000000000b1', 'standard_webhooks', 'Demo Standard Webhooks', 'whsec_i+bqRsEESOD1kAxw2o1jMuq1aDZmMAW3jqWM6bMUW+s='),
  ('b2000000-0000-4000-8000-000000000003', 'b0000000-0000-4000-8000-000000000001', 'b0000000-0000-4000-8000-0000000000b1', 'generic_hmac', 'Demo Generic HMAC', 'demo-generic-hmac-secret-globex')
) as w (id, tenant_id, org_id, provider, name, secret);

-- Accounts of the demo's apps: what they post to /webhook-receiver/app/{provider} goes to these connectors.
insert into public.integration_connectors (id, tenant_id, org_id, type, name, status) values
  ('a5000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-0000000000a1', 'hubspot', 'Demo HubSpot app', 'active'),
  ('a5000000-0000-4000-8000-000000000002', 'a0000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-0000000000a1', 'slack', 'Demo Slack app', 'active'),
  ('a5000000-0000-4000-8000-000000000003', 'a0000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-0000000000a1', 'zoho', 'Demo Zoho app', 'active'),
  ('b5000000-0000-4000-8000-000000000001', 'b0000000-0000-4000-8000-000000000001', 'b0000000-0000-4000-8000-0000000000b1', 'hubspot', 'Demo HubSpot app', 'active');
select public.link_connector_account(a.tenant_id::uuid, a.connector_id::uuid, a.account_id)
from (values
  ('a0000000-0000-4000-8000-000000000001', 'a5000000-0000-4000-8000-000000000001', '1000001'),
  ('a0000000-0000-4000-8000-000000000001', 'a5000000-0000-4000-8000-000000000002', 'T0DEMOACME'),
  ('a0000000-0000-4000-8000-000000000001', 'a5000000-0000-4000-8000-000000000003', '1000000068001'),
  ('b0000000-0000-4000-8000-000000000001', 'b5000000-0000-4000-8000-000000000001', '1000002')
) as a (tenant_id, connector_id, account_id);

insert into public.clients (id, tenant_id, org_id, name) values
  ('a3000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-0000000000a1', 'Northwind Bakery'),
  ('b3000000-0000-4000-8000-000000000001', 'b0000000-0000-4000-8000-000000000001', 'b0000000-0000-4000-8000-0000000000b1', 'Eastside Clinic');

-- Readiness goes to the sink that the local stack runs beside itself; `task start` corrects the port where it differs.
insert into public.guardian_meta_integrations (id, tenant_id, integration_key, label, config, scopes, secret_ref)
select i.id::uuid, i.tenant_id::uuid, 'demo-sink', 'Demo sink', jsonb_build_object('webhook_url', i.webhook_url),
  array['readiness', 'uplift', 'editions', 'executive_reports', 'adoption', 'lifecycle'],
  public.store_secret(i.tenant_id::uuid, i.secret, 'outbound webhook signing secret')
from (values
  ('a4000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-000000000001', 'http://127.0.0.1:54329/acme', 'whsec_MMYGaNWmvlbWgu+ACuM5nQpzPkJKhJpkf8FnUb6dSac='),
  ('b4000000-0000-4000-8000-000000000001', 'b0000000-0000-4000-8000-000000000001', 'http://127.0.0.1:54329/globex', 'whsec_mI7j3UJgPzIIS0G3DTJOvmN/oS8qDj7u0vYgYc0nSZk=')
) as i (id, tenant_id, webhook_url, secret);
