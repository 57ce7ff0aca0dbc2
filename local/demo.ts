import postgres from "postgres";
import type { Stack } from "./stack.ts";

/** What the seed put in: who can sign in where, and which webhooks and integrations are there to try. */
export interface Demo {
  tenants: {
    id: string;
    name: string;
    orgs: { id: string; name: string }[];
    users: { email: string; password: string; role: string }[];
  }[];
  webhooks: { id: string; tenant_id: string; provider: string; url: string; secret: string }[];
  integrations: { id: string; tenant_id: string; webhook_url: string; signing_secret: string }[];
}

/** Password of every demo user; seed.sql sets it. */
const DEMO_PASSWORD = "interlock-demo";

/** Reads the demo tenants, their people, webhooks and integrations with the secrets, for stack.json and the summary. */
export async function describeDemo(stack: Stack): Promise<Demo> {
  const sql = postgres(stack.dbUrl, { max: 1, onnotice: () => {} });
  try {
    const tenants = await sql<Demo["tenants"]>`
      select t.id, t.name,
        coalesce((select jsonb_agg(jsonb_build_object('id', o.id, 'name', o.name) order by o.name)
          from public.orgs o where o.tenant_id = t.id), '[]') as orgs,
        coalesce((select jsonb_agg(jsonb_build_object('email', u.email, 'password', ${DEMO_PASSWORD}::text, 'role', m.role) order by r.rank desc)
          from public.tenant_members m join auth.users u on u.id = m.user_id
          join public.role r on r.tenant_id = m.tenant_id and r.name = m.role
          where m.tenant_id = t.id and u.email like '%.example'), '[]') as users
      from public.tenants t where t.slug in ('acme', 'globex') order by t.name`;
    const webhooks = await sql<Demo["webhooks"]>`
      select w.id, w.tenant_id, w.provider, ${`${stack.apiUrl}/functions/v1/webhook-receiver/`} || w.id as url,
        s.decrypted_secret as secret
      from public.integration_webhooks w
      join public.tenants t on t.id = w.tenant_id and t.slug in ('acme', 'globex')
      join vault.decrypted_secrets s on s.id = w.secret_ref
      where w.name like 'Demo %' order by t.name, w.provider`;
    const integrations = await sql<Demo["integrations"]>`
      select i.id, i.tenant_id, i.config ->> 'webhook_url' as webhook_url, s.decrypted_secret as signing_secret
      from public.guardian_meta_integrations i
      join public.tenants t on t.id = i.tenant_id and t.slug in ('acme', 'globex')
      join vault.decrypted_secrets s on s.id = i.secret_ref
      where i.integration_key = 'demo-sink' order by t.name`;
    return { tenants: [...tenants], webhooks: [...webhooks], integrations: [...integrations] };
  } finally {
    await sql.end({ timeout: 1 });
  }
}
