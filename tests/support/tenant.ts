import { sql, stack } from "./stack.ts";

/** The four roles, strongest first. */
export const ROLES = ["owner", "admin", "manager", "member"] as const;
export type Role = (typeof ROLES)[number];

/** A signed-in person. */
export interface TestUser {
  id: string;
  email: string;
  token: string;
}

/** A tenant made for one test: two orgs, one person per role; manager and member belong to the first org. */
export interface TestTenant {
  id: string;
  orgs: [string, string];
  users: Record<Role, TestUser>;
}

let counter = 0;

/** Makes a tenant nobody else uses. */
export async function createTenant(): Promise<TestTenant> {
  const slug = `t${Date.now().toString(36)}-${counter++}-${crypto.randomUUID().slice(0, 8)}`;
  const [tenant] = await sql`insert into public.tenants (name, slug) values (${slug}, ${slug}) returning id`;
  const orgs = await sql`insert into public.orgs (tenant_id, name) values (${tenant!.id}, 'One'), (${
    tenant!.id
  }, 'Two') returning id`;
  const orgIds: [string, string] = [orgs[0]!.id, orgs[1]!.id];
  const users = {} as Record<Role, TestUser>;
  for (const role of ROLES) {
    users[role] = await createUser(`${role}@${slug}.test`);
    const orgId = role === "owner" || role === "admin" ? null : orgIds[0];
    await sql`insert into public.tenant_members (tenant_id, user_id, role, org_id)
      values (${tenant!.id}, ${users[role].id}, ${role}, ${orgId})`;
    users[role].token = await signIn(users[role].email);
  }
  return { id: tenant!.id, orgs: orgIds, users };
}

const PASSWORD = "correct horse battery";

/** Makes a user of no tenant. */
export async function createUser(email: string): Promise<TestUser> {
  const [user] = await sql`
    insert into auth.users (id, instance_id, aud, role, email, encrypted_password, email_confirmed_at, raw_app_meta_data,
      raw_user_meta_data, created_at, updated_at, confirmation_token, recovery_token, email_change, email_change_token_new)
    values (gen_random_uuid(), '00000000-0000-0000-0000-000000000000', 'authenticated', 'authenticated', ${email},
      extensions.crypt(${PASSWORD}, extensions.gen_salt('bf', 4)), now(), '{}', '{}', now(), now(), '', '', '', '')
    returning id`;
  return { id: user!.id, email, token: "" };
}

/** Signs in over HTTP; answers the access token. */
export async function signIn(email: string): Promise<string> {
  const response = await fetch(`${stack.apiUrl}/auth/v1/token?grant_type=password`, {
    method: "POST",
    headers: { "apikey": stack.publishableKey, "content-type": "application/json" },
    body: JSON.stringify({ email, password: PASSWORD }),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(`Sign-in failed: ${JSON.stringify(answer)}`);
  return answer.access_token;
}
