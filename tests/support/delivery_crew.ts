import type postgres from "postgres";
import { createDirectStore } from "../../supabase/functions/_shared/db/direct_store.ts";
import type { Json, Store } from "../../supabase/functions/_shared/db/store.ts";
import { DeliveryWorker } from "../../supabase/functions/_shared/delivery/delivery_worker.ts";
import { eventPayload } from "../../supabase/functions/_shared/delivery/event_payload.ts";
import { createEgressClient } from "../../supabase/functions/_shared/guardrails/egress/egress_client.ts";
import type { Logger } from "../../supabase/functions/_shared/log.ts";
import { guardianPayload } from "../../supabase/functions/_shared/meta/guardian_payload.ts";
import { withBareStack } from "./bare_stack.ts";
import { type CrewEndpoint, EndpointServer, type Says } from "./crew_endpoints.ts";

/** Where only those deliver whom the test hires: several workers, endpoints that say what the test wants. */
export interface DeliveryCrew {
  sql: postgres.Sql;
  /** As superuser: moves time. */
  admin: postgres.Sql;
  dbUrl: string;
  /** The tenant that events are written for when no other is named. */
  tenantId: string;
  tenant(): Promise<string>;
  /** A guardian meta integration with an endpoint of its own. */
  integrate(config?: Record<string, Json>, says?: Says, tenantId?: string): Promise<CrewEndpoint>;
  /** A subscription to any events with an endpoint of its own. */
  subscribe(eventTypes: string[], config?: Record<string, Json>, says?: Says): Promise<CrewEndpoint>;
  /** Writes so many events that every integration of the tenant wants, in one statement, counted on from 1. */
  produce(count: number, tenantId?: string): Promise<void>;
  hire(): Hired;
  /** Hires so many, and lets them go when `work` is over. */
  work<T>(workers: number, work: (hired: Hired[]) => Promise<T>): Promise<T>;
  send: ReturnType<typeof createEgressClient>["sendRequest"];
}

/** A worker that goes on until it is stopped or killed. */
export interface Hired {
  worker: DeliveryWorker;
  /** Every lease it ever got. */
  leases: string[];
  /** Ends after what is on the wire was reported. */
  stop(): Promise<void>;
  /** Ends at once: nothing is sent or reported any more. */
  kill(): void;
}

export const QUIET: Logger = { debug() {}, info() {}, warn() {}, error() {}, with: () => QUIET };
const POLL_MS = 20;
const SECRET = "whsec_c2FtcGxlLXNhbXBsZS1zYW1wbGUtc2FtcGxlLXNhbXBsZQ==";

/** Builders of the crew's workers, by kind of subscription. */
export const BUILDERS = new Map([["guardian_meta", guardianPayload], ["event", eventPayload]]);

/** Runs a test with a crew on a stack where nobody else delivers. */
export async function withDeliveryCrew(test: (crew: DeliveryCrew) => Promise<void>): Promise<void> {
  await withBareStack(async ({ stack, sql, admin }) => {
    const endpoints = new EndpointServer();
    const client = createEgressClient({ ports: [443], allowLocal: true });
    const send: DeliveryCrew["send"] = (request) => {
      endpoints.departs(String(request.url));
      return client.sendRequest(request);
    };
    const stores: Store[] = [];
    const everHired: Hired[] = [];
    const tenant = async () => {
      const slug = crypto.randomUUID();
      const [row] = await sql`insert into public.tenants (name, slug) values (${slug}, ${slug}) returning id`;
      return row!.id as string;
    };
    const tenantId = await tenant();
    let produced = 0;
    const hire = () => {
      const store = createDirectStore({ databaseUrl: stack.dbUrl, maxConnections: 1 });
      stores.push(store);
      const hired = startWorking(store, send);
      everHired.push(hired);
      return hired;
    };
    const crew: DeliveryCrew = {
      ...{ sql, admin, dbUrl: stack.dbUrl, tenantId, tenant, hire, send },
      async integrate(config = {}, says, ofTenant = tenantId) {
        const endpoint = endpoints.open(says);
        const all = sql.json({ webhook_url: endpoint.url, ...config });
        const [row] = await sql`select public.create_guardian_meta_integration(
          ${ofTenant}, ${endpoint.key}, 'Crew', null, true, ${all}, null, ${[
          "readiness",
        ]}, '{}', ${SECRET}, null
        ) ->> 'id' as id`;
        return Object.assign(endpoint, { id: row!.id as string });
      },
      async subscribe(eventTypes, config = {}, says) {
        const endpoint = endpoints.open(says);
        const all = sql.json({ webhook_url: endpoint.url, ...config });
        const [row] =
          await sql`insert into public.event_subscriptions (tenant_id, label, event_types, config, secret_ref)
          values (${tenantId}, 'Crew', ${eventTypes}, ${all}, public.store_secret(${tenantId}, ${SECRET}, 'crew'))
          returning id`;
        return Object.assign(endpoint, { id: row!.id as string });
      },
      async produce(count, ofTenant = tenantId) {
        // The instant numbers the events: it is part of what is sent.
        await sql`insert into public.guardian_readiness_snapshots (tenant_id, overall_score, band, computed_at)
          select ${ofTenant}, 1, 'baseline', '2026-01-01'::timestamptz + (${produced} + n) * interval '1 second'
          from generate_series(1, ${count}::integer) n`;
        produced += count;
      },
      async work(workers, work) {
        const hired = Array.from({ length: workers }, hire);
        try {
          return await work(hired);
        } finally {
          await Promise.all(hired.map((one) => one.stop()));
        }
      },
    };
    try {
      await test(crew);
    } finally {
      // Also after a failure: one that goes on without its store would fail for itself, and hide what failed.
      await Promise.allSettled(everHired.map((one) => one.stop()));
      client.close();
      await Promise.all(stores.map((store) => store.close()));
      await endpoints.close();
    }
  }, { migrations: true });
}

function startWorking(store: Store, send: DeliveryCrew["send"]): Hired {
  const leases: string[] = [];
  let stopping = false;
  let killed = false;
  const dead = () => new Promise<never>(() => {});
  const watched: Store = {
    parallelCalls: store.parallelCalls,
    close: () => store.close(),
    callWithBytes: (functionName, bytes) => store.callWithBytes(functionName, bytes),
    async call<T>(functionName: string, args: Record<string, Json>): Promise<T> {
      if (killed) return await dead();
      const answer = await store.call<T & { claimed?: { lease_token: string } | null }>(functionName, args);
      if (answer?.claimed) leases.push(answer.claimed.lease_token);
      return killed ? await dead() : answer;
    },
  };
  const worker = new DeliveryWorker(
    watched,
    BUILDERS,
    async (request) => killed ? await dead() : await send(request),
  );
  const working = (async () => {
    while (!stopping) {
      if (await worker.round(0, QUIET) > 0) continue;
      let timer: ReturnType<typeof setTimeout> | undefined;
      const over = new Promise<void>((resolve) => timer = setTimeout(resolve, POLL_MS));
      await Promise.race(worker.busy() ? [over, worker.ready()] : [over]);
      clearTimeout(timer);
    }
    await worker.settle(QUIET);
  })();
  return {
    worker,
    leases,
    async stop() {
      stopping = true;
      if (!killed) await working;
    },
    kill() {
      killed = true;
      // A call that was under way may end with its store; nobody waits for that any more.
      working.catch(() => {});
    },
  };
}

/** Ends the leases of a worker that is gone, as time would. */
export async function endLeases({ admin }: DeliveryCrew, { leases }: Hired): Promise<void> {
  await admin`update private.delivery_flights set lease_until = now() where lease_token = any (${leases}::uuid[])`;
}

/** Lets retries be due and what is held go on, as time would. */
export async function letTimePass({ admin }: DeliveryCrew, endpoint: CrewEndpoint): Promise<void> {
  await admin`update private.delivery_lanes set not_before = clock_timestamp() where integration_id = ${endpoint.id}`;
  await admin`update private.delivery_queue set due_at = clock_timestamp() - interval '1 hour' where integration_id = ${endpoint.id}`;
}

/** Whether nothing waits and nothing is on its way. */
export async function isDrained({ sql }: DeliveryCrew, endpoint?: CrewEndpoint): Promise<boolean> {
  const [row] = await sql`select not exists (
      select from private.delivery_queue where integration_id = coalesce(${
    endpoint?.id ?? null
  }, integration_id)
    ) and not exists (
      select from private.delivery_flights where integration_id = coalesce(${
    endpoint?.id ?? null
  }, integration_id)
    ) as drained`;
  return row!.drained;
}
