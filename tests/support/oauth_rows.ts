import { createHash } from "node:crypto";
import { sql } from "./stack.ts";

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

/** Credentials as Google's are stored; nobody accepts them. */
const secretsOfNobody = () =>
  JSON.stringify({ access_token: `ya29.${crypto.randomUUID()}`, refresh_token: "1//0gnobody" });

/** A connector of Google's that looks as if somebody had connected it by consent; answers its id. */
export async function connectedByConsent(tenantId: string, orgId: string): Promise<string> {
  const [row] = await sql`
    insert into public.integration_connectors (tenant_id, org_id, type, name, status, secret_ref)
    values (${tenantId}, ${orgId}, 'google_workspace', 'Target', 'active',
      public.store_secret(${tenantId}, ${secretsOfNobody()}, 'connector'))
    returning id`;
  await sql`insert into private.connector_grants (connector_id, tenant_id, provider, account_id)
    values (${row!.id}, ${tenantId}, 'google_workspace', ${crypto.randomUUID()})`;
  return row!.id;
}

/** A grant that waits for somebody of a tenant to finish it; answers the code that the browser would have brought. */
export async function pendingGrant(tenantId: string, orgId: string, email: string): Promise<string> {
  const code = (crypto.randomUUID() + crypto.randomUUID()).replaceAll("-", "").slice(0, 43);
  const stateHash = sha256(crypto.randomUUID());
  const [user] = await sql`select id from auth.users where email = ${email}`;
  await sql`select public.begin_oauth(${tenantId}, ${orgId}, 'google_workspace', null, 'Target', '{}', ${stateHash},
    600000, ${user!.id})`;
  const [taken] = await sql`select public.take_oauth_state(${stateHash}) ->> 'id' as id`;
  await sql`select public.keep_oauth_grant(${taken!.id}, ${secretsOfNobody()}, ${sha256(code)}, '{}', '{}',
    ${crypto.randomUUID()}, 'nobody@acme.example', false, null, null, 600000)`;
  return code;
}
