import { type Sink, startSink } from "../../simulators/sink/sink.ts";
import { type ChaosStack, pause } from "./chaos_stack.ts";
import { type Arrival, Ledger } from "./ledger.ts";
import type { Leg } from "./leg.ts";

const WRITE_AGAIN_AFTER_MS = 50;
const GIVE_UP_AFTER_MS = 30_000;

/** The leg, and the far side that it ends at. */
export interface DeliveryLeg extends Leg {
  sink: Sink;
  stop(): Promise<void>;
}

/**
 * Product to endpoint: each item is a readiness snapshot of one of two tenants, written in a transaction of its own.
 * Accepted = committed. Arrived = a verified request at that tenant's endpoint; what arrives again must carry the same
 * webhook-id and the same bytes.
 */
export async function deliveryLeg(chaos: ChaosStack): Promise<DeliveryLeg> {
  const { sql } = chaos;
  const integrations = await sql<{ tenant_id: string; endpoint: string; signing_secret: string }[]>`
    select i.tenant_id, t.slug as endpoint, s.decrypted_secret as signing_secret
    from public.guardian_meta_integrations i
    join public.tenants t on t.id = i.tenant_id
    join vault.decrypted_secrets s on s.id = i.secret_ref
    where i.integration_key = 'demo-sink'`;
  const byEndpoint = new Map(integrations.map((integration) => [integration.endpoint, integration]));
  const sink = startSink({ secretOf: (endpoint) => byEndpoint.get(endpoint)?.signing_secret });
  await sql`update public.guardian_meta_integrations i
    set config = i.config || jsonb_build_object('webhook_url', ${`${sink.url}/`} || t.slug), config_version = i.config_version + 1
    from public.tenants t where t.id = i.tenant_id and i.integration_key = 'demo-sink'`;
  const ledger = new Ledger();

  return {
    ledger,
    sink,
    drainer: "meta-webhook-deliver",
    queue: { table: "public.guardian_meta_webhook_events", leaseMs: 90_000 },
    async produce(producer) {
      const { tenant_id: tenantId } = integrations[producer % integrations.length]!;
      const id = crypto.randomUUID();
      await untilCommitted(() =>
        sql`insert into public.guardian_readiness_snapshots (id, tenant_id, overall_score, band)
          values (${id}, ${tenantId}, 50, 'emerging') on conflict (id) do nothing`
      );
      ledger.accept(id, tenantId, ["delivery"]);
    },
    async open() {
      const rows = await sql<{ status: string; n: number; last_error: string | null }[]>`
        select status, count(*)::integer as n, min(last_error) as last_error
        from public.guardian_meta_webhook_events where status <> 'delivered' group by status`;
      const discarded = rows.find((row) => row.status === "discarded");
      if (discarded) throw new Error(`${discarded.n} deliveries were given up: ${discarded.last_error}`);
      return rows.reduce((sum, row) => sum + row.n, 0);
    },
    arrivals: (sinceMs) => arrivalsSince(chaos, sink, byEndpoint, sinceMs),
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

async function arrivalsSince(
  chaos: ChaosStack,
  sink: Sink,
  byEndpoint: Map<string, { tenant_id: string }>,
  sinceMs: number,
): Promise<Arrival[]> {
  const rows = await chaos.sql<{ webhook_id: string; snapshot_id: string }[]>`
    select private.message_id(d.id) as webhook_id, e.entity_id as snapshot_id
    from public.guardian_meta_webhook_events d
    join public.integration_events_outbox e on e.tenant_id = d.tenant_id and e.id = d.event_id
    where d.created_at >= ${new Date(sinceMs)}`;
  const snapshots = new Map(rows.map((row) => [row.webhook_id, row.snapshot_id]));
  return sink.arrivals
    .filter((arrival) => snapshots.has(arrival.webhookId) || Date.parse(arrival.receivedAt) >= sinceMs)
    .map((arrival) => ({
      key: snapshots.get(arrival.webhookId) ?? `webhook-id ${arrival.webhookId}`,
      tenantId: byEndpoint.get(arrival.endpoint)?.tenant_id ?? arrival.endpoint,
      part: arrival.verified ? "delivery" : `not verified: ${arrival.problem}`,
      fingerprint: `${arrival.webhookId} ${arrival.body}`,
    }));
}
