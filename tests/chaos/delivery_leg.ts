import { type Sink, startSink } from "../../simulators/sink/sink.ts";
import { type ChaosStack, pause } from "./chaos_stack.ts";
import { type Arrival, Ledger } from "./ledger.ts";
import type { Leg } from "./leg.ts";
import type { Random } from "./random.ts";

const WRITE_AGAIN_AFTER_MS = 50;
const GIVE_UP_AFTER_MS = 30_000;
/** The endpoints take up to this long to answer, so that a blow finds requests on the wire. */
const SLOWEST_ANSWER_MS = 30;
const PART = "delivery";

let nextInstantMs = Date.parse("2026-01-01T00:00:00.000Z");

/** The leg, and the far side that it ends at. */
export interface DeliveryLeg extends Leg {
  sink: Sink;
  stop(): Promise<void>;
}

/**
 * Product to endpoint: each item is a readiness snapshot of one of two tenants, of an instant that no other has, written
 * in a transaction of its own. Accepted = committed. Arrived = a verified request at that tenant's endpoint that tells of
 * that instant; what arrives again must carry the same webhook-id and the same bytes.
 */
export async function deliveryLeg(chaos: ChaosStack, random: Random): Promise<DeliveryLeg> {
  const { sql } = chaos;
  const integrations = await sql<{ tenant_id: string; endpoint: string; signing_secret: string }[]>`
    select i.tenant_id, t.slug as endpoint, s.decrypted_secret as signing_secret
    from public.guardian_meta_integrations i
    join public.tenants t on t.id = i.tenant_id
    join vault.decrypted_secrets s on s.id = i.secret_ref
    where i.integration_key = 'demo-sink'`;
  const byEndpoint = new Map(integrations.map((integration) => [integration.endpoint, integration]));
  const sink = startSink({
    secretOf: (endpoint) => byEndpoint.get(endpoint)?.signing_secret,
    answer: async (arrival) => {
      await pause(random.between(0, SLOWEST_ANSWER_MS));
      return new Response(null, { status: arrival.verified ? 204 : 401 });
    },
  });
  await sql`update public.guardian_meta_integrations i
    set config = i.config || jsonb_build_object('webhook_url', ${`${sink.url}/`} || t.slug), config_version = i.config_version + 1
    from public.tenants t where t.id = i.tenant_id and i.integration_key = 'demo-sink'`;
  const ledger = new Ledger();

  return {
    ledger,
    sink,
    drainer: "meta-webhook-deliver",
    queue: {
      leaseMs: 90_000,
      async setForward(sql, leasesUntil) {
        await sql`update private.delivery_queue set due_at = now() where due_at > now()`;
        await sql`update private.delivery_lanes set not_before = now() where not_before > now()`;
        await sql`update private.delivery_flights set lease_until = now() where lease_until < ${leasesUntil}`;
      },
    },
    async produce(producer) {
      const { tenant_id: tenantId } = integrations[producer % integrations.length]!;
      const id = crypto.randomUUID();
      const computedAt = new Date(nextInstantMs++).toISOString();
      await untilCommitted(() =>
        sql`insert into public.guardian_readiness_snapshots (id, tenant_id, overall_score, band, computed_at)
          values (${id}, ${tenantId}, 50, 'emerging', ${computedAt}) on conflict (id) do nothing`
      );
      ledger.accept(computedAt, tenantId, [PART]);
    },
    async open() {
      const rows = await sql<{ status: string; n: number; last_error: string | null }[]>`
        select status, count(*)::integer as n, min(last_error) as last_error
        from public.guardian_meta_webhook_events where status <> 'delivered' group by status`;
      const discarded = rows.find((row) => row.status === "discarded");
      if (discarded) throw new Error(`${discarded.n} deliveries were given up: ${discarded.last_error}`);
      return rows.reduce((sum, row) => sum + row.n, 0);
    },
    arrivals: (sinceMs) => Promise.resolve(arrivalsSince(sink, byEndpoint, sinceMs)),
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

/** Told apart by what the endpoint reads: a webhook with another's content under its own id would be found. */
function arrivalsSince(
  sink: Sink,
  byEndpoint: Map<string, { tenant_id: string }>,
  sinceMs: number,
): Arrival[] {
  return sink.arrivals.filter((arrival) => Date.parse(arrival.receivedAt) >= sinceMs).map((arrival) => ({
    key: arrival.verified ? JSON.parse(arrival.body).data.computed_at : `not verified: ${arrival.problem}`,
    tenantId: byEndpoint.get(arrival.endpoint)?.tenant_id ?? arrival.endpoint,
    part: PART,
    fingerprint: `${arrival.webhookId} ${arrival.body}`,
  }));
}
