import { randomBytes } from "node:crypto";
import type postgres from "postgres";
import type { JSONValue } from "postgres";
import { type Arrival as SinkArrival, type Sink, startSink } from "../../simulators/sink/sink.ts";
import { type ChaosStack, pause } from "./chaos_stack.ts";
import { type Arrival, Ledger } from "./ledger.ts";
import type { Leg } from "./leg.ts";
import type { Random } from "./random.ts";

const WRITE_AGAIN_AFTER_MS = 50;
const GIVE_UP_AFTER_MS = 30_000;
/** The endpoints take up to this long to answer, so that a blow finds requests on the wire. */
const SLOWEST_ANSWER_MS = 30;
/** Ways a subscription can want its deliveries; every tenant has one of each. */
const CONFIGS: Record<string, Record<string, JSONValue>> = {
  plain: {},
  fifo: { ordering: "fifo" },
  limited: { rate_limit_per_second: 200 },
  batched: { batch: { max_events: 3, max_wait_ms: 1000 } },
  event: {},
};
const PARTS = Object.keys(CONFIGS);

/** Where a subscription's deliveries go: which of the tenant's endpoints. */
interface LegEndpoint {
  tenant_id: string;
  endpoint: string;
  part: string;
  signing_secret: string;
}

let nextInstantMs = Date.parse("2026-01-01T00:00:00.000Z");

/** The leg, and the far side that it ends at. */
export interface DeliveryLeg extends Leg {
  sink: Sink;
  stop(): Promise<void>;
}

/**
 * Product to endpoint: each item is a readiness snapshot of one of two tenants, of an instant that no other has, written
 * in a transaction of its own. Accepted = committed. Arrived = a verified request at each of that tenant's endpoints that
 * tells of that instant; what arrives again must carry the same webhook-id and the same bytes, and in a FIFO line follow
 * itself.
 *
 * @param parts - the kinds of subscription that each tenant has.
 */
export async function deliveryLeg(chaos: ChaosStack, random: Random, parts = PARTS): Promise<DeliveryLeg> {
  const { sql } = chaos;
  const byEndpoint = new Map<string, LegEndpoint>();
  const arrived: SinkArrival[] = [];
  const sink = startSink({
    secretOf: (endpoint) => byEndpoint.get(endpoint)?.signing_secret,
    answer: async (arrival) => {
      await pause(random.between(0, SLOWEST_ANSWER_MS));
      return new Response(null, { status: arrival.verified ? 204 : 401 });
    },
    // The sink itself forgets the oldest.
    onArrival: (arrival) => void arrived.push(arrival),
  });
  for (const endpoint of await subscribe(sql, sink.url, parts)) byEndpoint.set(endpoint.endpoint, endpoint);
  const tenantIds = [...new Set([...byEndpoint.values()].map((endpoint) => endpoint.tenant_id))];
  const ledger = new Ledger();

  return {
    ledger,
    sink,
    drainer: "meta-webhook-deliver",
    queue: {
      leaseMs: 90_000,
      async setForward(sql, leasesUntil) {
        // Far enough for a batch that is not full as well.
        await sql`update private.delivery_queue set due_at = now() - interval '1 hour'`;
        await sql`update private.delivery_lanes set not_before = now() where not_before > now()`;
        await sql`update private.delivery_flights set lease_until = now() where lease_until < ${leasesUntil}`;
      },
    },
    async produce(producer) {
      const tenantId = tenantIds[producer % tenantIds.length]!;
      const id = crypto.randomUUID();
      const computedAt = new Date(nextInstantMs++).toISOString();
      await untilCommitted(() =>
        sql`insert into public.guardian_readiness_snapshots (id, tenant_id, overall_score, band, computed_at)
          values (${id}, ${tenantId}, 50, 'emerging', ${computedAt}) on conflict (id) do nothing`
      );
      ledger.accept(computedAt, tenantId, parts);
    },
    async open() {
      const rows = await sql<{ status: string; n: number; last_error: string | null }[]>`
        select status, count(*)::integer as n, min(last_error) as last_error
        from private.deliveries where status <> 'delivered' group by status`;
      const discarded = rows.find((row) => row.status === "discarded");
      if (discarded) throw new Error(`${discarded.n} deliveries were given up: ${discarded.last_error}`);
      return rows.reduce((sum, row) => sum + row.n, 0);
    },
    arrivals: (sinceMs) => Promise.resolve(arrivalsSince(arrived, byEndpoint, sinceMs)),
    // What was sent again is seen at the sink.
    repeats: () => Promise.resolve(0),
    stop: () => sink.stop(),
  };
}

/** Writes until it is known to be committed; the row's own id makes a second writing harmless. */
async function untilCommitted(write: () => Promise<unknown>): Promise<void> {
  const deadline = Date.now() + GIVE_UP_AFTER_MS;
  for (;;) {
    try {
      await write();
      return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await pause(WRITE_AGAIN_AFTER_MS);
    }
  }
}

/** Gives every demo tenant one subscription of each kind, at the sink, instead of the demo's own. */
async function subscribe(sql: postgres.Sql, sinkUrl: string, parts: string[]): Promise<LegEndpoint[]> {
  const tenants = await sql<{ tenant_id: string; slug: string }[]>`
    update public.guardian_meta_integrations i set is_enabled = false from public.tenants t
    where t.id = i.tenant_id and i.integration_key = 'demo-sink' returning i.tenant_id, t.slug`;
  const endpoints: LegEndpoint[] = [];
  for (const { tenant_id, slug } of tenants) {
    for (const part of parts) {
      const endpoint = `${slug}-${part}`;
      const secret = `whsec_${randomBytes(24).toString("base64")}`;
      const config = sql.json({ webhook_url: `${sinkUrl}/${endpoint}`, ...CONFIGS[part] });
      if (part === "event") {
        await sql`insert into public.event_subscriptions (tenant_id, label, event_types, config, secret_ref)
          values (${tenant_id}, ${endpoint}, '{guardian.readiness_updated}', ${config}, public.store_secret(${tenant_id}, ${secret}, 'chaos'))`;
      } else {
        await sql`select public.create_guardian_meta_integration(
          ${tenant_id}, ${endpoint}, 'Chaos', null, true, ${config}, null, '{readiness}', '{}', ${secret}, null)`;
      }
      endpoints.push({ tenant_id, endpoint, part, signing_secret: secret });
    }
  }
  return endpoints;
}

/** Told apart by what the endpoint reads: a webhook with another's content under its own id would be found. */
function arrivalsSince(
  arrived: SinkArrival[],
  byEndpoint: Map<string, LegEndpoint>,
  sinceMs: number,
): Arrival[] {
  const latestInLine = new Map<string, string>();
  const seen = new Set<string>();
  return arrived.filter((arrival) => Date.parse(arrival.receivedAt) >= sinceMs).flatMap((arrival) => {
    const { tenant_id: tenantId, part } = byEndpoint.get(arrival.endpoint) ??
      { tenant_id: arrival.endpoint, part: "unknown" };
    const fingerprint = `${arrival.webhookId} ${arrival.body}`;
    const found = (key: string) => ({ key, tenantId, part, fingerprint });
    if (!arrival.verified) return [found(`not verified: ${arrival.problem}`)];
    if (part === "fifo") {
      const isOvertaken = seen.has(arrival.webhookId) &&
        latestInLine.get(arrival.endpoint) !== arrival.webhookId;
      seen.add(arrival.webhookId);
      latestInLine.set(arrival.endpoint, arrival.webhookId);
      if (isOvertaken) return [found(`overtaken and then sent again: ${arrival.webhookId}`)];
    }
    const { data } = JSON.parse(arrival.body);
    const items: { data: { computed_at: string } }[] = data.events ?? [{ data }];
    return items.map((item) => found(item.data.computed_at));
  });
}
