import { randomBytes } from "node:crypto";
import type postgres from "postgres";
import type { Stack } from "../../local/stack.ts";
import { environmentBeside, type Transport } from "../measure/function_process.ts";
import { type Listener, root, runForJson, startListener } from "../measure/processes.ts";
import type { SteadyLoad, SteadyResult } from "./steady_load.ts";

/** Rates of the receiver: those of an untouched hub, or so high that all is stored. */
export type Limits = "default" | "raised";

/** Requests a second of the tenant that floods: ten times what its webhook may, four times what the tenant may. */
export const FLOOD_PER_SECOND = 2000;
export const QUIET_PER_SECOND = 50;
/** Processes take a moment to start, and the first requests of each are slower. */
const FLOOD_AROUND_MS = 700;

/** What one phase saw. */
export interface Phase {
  quiet: SteadyResult;
  flood: SteadyResult | null;
}

/** Two tenants with a webhook each. */
export interface Scene {
  /** The quiet tenant sends for so long; the flood begins before that and ends after it. */
  send(port: number, durationMs: number, withFlood: boolean): Promise<Phase>;
  countReceipts(): Promise<number>;
}

/** Makes the webhooks, and silences everything that would compete for the machine. */
export async function prepareScene(sql: postgres.Sql): Promise<Scene> {
  await sql`update cron.job set active = false`;
  await sql`insert into private.drainers (name, awake_until) values ('event-dispatch', 'infinity')
    on conflict (name) do update set awake_until = 'infinity'`;
  const tenants = await sql<{ id: string; org_id: string; owner: string }[]>`
    select t.id, (select o.id from public.orgs o where o.tenant_id = t.id limit 1) as org_id,
      (select m.user_id from public.tenant_members m where m.tenant_id = t.id and m.role = 'owner' limit 1) as owner
    from public.tenants t where t.slug in ('acme', 'globex') order by t.slug`;
  const [flood, quiet] = await Promise.all(tenants.map(async ({ id, org_id, owner }) => {
    const secret = randomBytes(32).toString("hex");
    const [row] = await sql<{ id: string }[]>`
      select public.create_webhook(${id}, ${org_id}, 'generic_hmac', 'Bench', ${secret}, null, ${owner}) ->> 'id' as id`;
    return { id: row!.id, secret };
  }));
  const load = (port: number, webhook: typeof flood, options: Omit<SteadyLoad, "url" | "secret">) =>
    runForJson<SteadyResult>(
      "bench/flood/steady_load.ts",
      {
        url: `http://127.0.0.1:${port}/webhook-receiver/${webhook!.id}`,
        secret: webhook!.secret,
        ...options,
      } satisfies SteadyLoad,
    );
  return {
    async send(port, durationMs, withFlood) {
      const flooding = withFlood
        ? load(port, flood, {
          perSecond: FLOOD_PER_SECOND,
          connections: 50,
          durationMs: durationMs + 2 * FLOOD_AROUND_MS,
        })
        : null;
      if (withFlood) await new Promise((resolve) => setTimeout(resolve, FLOOD_AROUND_MS));
      const quietly = load(port, quiet, { perSecond: QUIET_PER_SECOND, connections: 8, durationMs });
      const [quietResult, floodResult] = await Promise.all([quietly, flooding]);
      return { quiet: quietResult, flood: floodResult };
    },
    async countReceipts() {
      const [row] = await sql<{ n: number }[]>`select count(*)::integer as n from public.webhook_receipts`;
      return row!.n;
    },
  };
}

/** Starts the receiver in a process of its own, without the gateway in front. */
export function startReceiver(stack: Stack, transport: Transport, limits: Limits): Promise<Listener> {
  const entrypoint = `file://${root}supabase/functions/webhook-receiver/index.ts`;
  const env = environmentBeside(stack, transport);
  if (limits === "default") env.INTERLOCK_WEBHOOK_RATE_LIMIT = env.INTERLOCK_TENANT_RATE_LIMIT = "";
  const args = ["--config", "supabase/functions/deno.json", "local/function_host.ts", entrypoint];
  return startListener(args, env);
}
