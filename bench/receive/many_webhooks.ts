import type postgres from "postgres";
import type { Target } from "./load.ts";

const TENANTS = 50;
const WEBHOOKS_OF_TENANT = 4;

/** 200 webhooks of 50 tenants, made as the API makes them. */
export async function createManyWebhooks(sql: postgres.Sql): Promise<Target[]> {
  const tenants = await sql<{ id: string }[]>`
    insert into public.tenants (name, slug) select 'Bench', 'bench-' || n from generate_series(1, ${TENANTS}) n returning id`;
  const targets: Target[] = [];
  for (const { id } of tenants) {
    for (let nth = 0; nth < WEBHOOKS_OF_TENANT; nth++) {
      const secret = crypto.randomUUID();
      const [row] = await sql`
        select public.create_webhook(${id}, null, 'generic_hmac', 'Bench', ${secret}, null, null) ->> 'id' as id`;
      targets.push({ path: `/webhook-receiver/${row!.id}`, secret });
    }
  }
  return targets;
}
