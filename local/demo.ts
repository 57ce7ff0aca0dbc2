import postgres from "postgres";
import type { Stack } from "./stack.ts";

/** What the seed put in: who can sign in where, and which webhooks are there to try. */
export interface Demo {
  tenants: {
    id: string;
    name: string;
    orgs: { id: string; name: string }[];
    users: { email: string; password: string; role: string }[];
  }[];
  webhooks: { id: string; tenant_id: string; provider: string; url: string; secret: string }[];
}

/** Password of every demo user; seed.sql sets it. */
const DEMO_PASSWORD = "interlock-demo";

/** Reads the demo tenants, their people and their webhooks with the secrets, for stack.json and the summary. */
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
    return { tenants: [...tenants], webhooks: [...webhooks] };
  } finally {
    await sql.end({ timeout: 1 });
  }
}
