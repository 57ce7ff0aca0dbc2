import { type CallOptions } from "../support/api.ts";
import { sql, stack } from "../support/stack.ts";
import { createTenant, createUser, signIn, type TestTenant, type TestUser } from "../support/tenant.ts";
import type { Caller } from "./access_matrix.ts";

/** The tenant under attack, the people around it, and how each of them calls. */
export interface Cast {
  tenant: TestTenant;
  foreign: TestTenant;
  outsider: TestUser;
  stranger: TestUser;
  /** How a caller calls PostgREST: their token, naming the tenant. */
  restOptions(caller: Caller): CallOptions;
}

/** Makes the cast: one tenant, a foreign one, a manager of the tenant's second org, and somebody of no tenant. */
export async function createCast(): Promise<Cast> {
  const [tenant, foreign] = [await createTenant(), await createTenant()];
  const stranger = await createUser(`stranger-${crypto.randomUUID()}@nowhere.test`);
  const outsider = await createUser(`outsider-${crypto.randomUUID()}@nowhere.test`);
  await sql`insert into public.tenant_members (tenant_id, user_id, role, org_id)
    values (${tenant.id}, ${outsider.id}, 'manager', ${tenant.orgs[1]})`;
  for (const user of [stranger, outsider]) user.token = await signIn(user.email);
  const users: Partial<Record<Caller, TestUser>> = {
    ...tenant.users,
    stranger,
    outsider,
    foreign: foreign.users.owner,
  };
  return {
    tenant,
    foreign,
    outsider,
    stranger,
    restOptions(caller) {
      if (caller === "service") return { headers: { apikey: stack.secretKey } };
      return { user: users[caller], tenantId: tenant.id };
    },
  };
}
