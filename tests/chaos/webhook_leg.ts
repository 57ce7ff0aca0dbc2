import type postgres from "postgres";
import { hubspotEvent, sendHubspotEvents } from "../../simulators/hubspot/webhook.ts";
import { type ChaosStack, pause } from "./chaos_stack.ts";
import { type Arrival, Ledger } from "./ledger.ts";
import type { Leg } from "./leg.ts";
import type { Random } from "./random.ts";

/** A provider waits longer before it sends again; that would only take time here. */
const RESEND_AFTER_MS = 25;
const GIVE_UP_AFTER_MS = 30_000;
/** Share of requests that a provider sends twice although the first was answered. */
const SENT_TWICE = 0.1;

let nextKey = 100_000_001;

/**
 * Provider to CRM: each item is a signed request with two events about a contact of its own, sent by providers of two
 * tenants. Accepted = answered 200 with a receipt id. Arrived = that receipt, its events once each, the contact with its
 * address, a line in its timeline per event, and one contact.created.
 */
export function webhookLeg(chaos: ChaosStack, random: Random): Leg {
  const { sql } = chaos;
  const webhooks = chaos.demo.webhooks.filter((webhook) => webhook.provider === "hubspot");
  const ledger = new Ledger();
  let resent = 0;

  return {
    ledger,
    drainer: "event-dispatch",
    queue: {
      leaseMs: 60_000,
      async setForward(sql, leasesUntil) {
        await sql`update public.event_dispatches set next_attempt_at = now(), lease_until = least(lease_until, now())
          where finished_at is null and next_attempt_at > now() and (lease_until is null or lease_until < ${leasesUntil})`;
      },
    },
    async produce(producer) {
      const webhook = webhooks[producer % webhooks.length]!;
      const key = String(nextKey++);
      const contact = { objectId: Number(key), portalId: 62515 };
      const email = addressOf(key);
      const events = [
        hubspotEvent({ ...contact, subscriptionType: "contact.creation" }),
        hubspotEvent({
          ...contact,
          subscriptionType: "contact.propertyChange",
          propertyName: "email",
          propertyValue: email,
        }),
      ];
      const send = () => sendHubspotEvents(webhook, events);
      const accepted = await sendUntilAccepted(send);
      resent += accepted.sent - 1;
      ledger.accept(key, webhook.tenant_id, partsOf(key, accepted.receiptId));
      if (random.fraction() > SENT_TWICE) return;
      const again = await sendUntilAccepted(send);
      resent += again.sent;
      if (again.receiptId !== accepted.receiptId || !again.duplicate) {
        throw new Error(`Sent again, ${key} was answered ${JSON.stringify(again)} instead of as a duplicate`);
      }
    },
    open: () => openDispatches(sql),
    arrivals: (sinceMs) => arrivalsSince(sql, new Date(sinceMs)),
    async repeats() {
      const [row] = await sql`select sum(attempts - 1)::integer as n from public.event_dispatches`;
      return resent + (row?.n ?? 0);
    },
  };
}

const addressOf = (key: string) => `c${key}@chaos.example`;

function partsOf(key: string, receiptId: string): string[] {
  return [
    `receipt ${receiptId}`,
    ...["event 0", "event 1", "identity", `contact ${addressOf(key)}`, "contact.created"],
    ...["activity hubspot.contact.creation", "activity hubspot.contact.propertyChange"],
  ];
}

interface AcceptedRequest {
  receiptId: string;
  duplicate: boolean;
  /** How often it was sent. */
  sent: number;
}

/** Sends as a provider does: again after every 503 and every broken connection. Any other answer is a fault of ours. */
async function sendUntilAccepted(send: () => Promise<Response>): Promise<AcceptedRequest> {
  const deadline = Date.now() + GIVE_UP_AFTER_MS;
  for (let sent = 1; Date.now() < deadline; sent++) {
    const answer = await send().then(async (response) => ({
      status: response.status,
      retryAfter: response.headers.get("retry-after"),
      text: await response.text(),
    })).catch(() => null);
    if (answer?.status === 200) {
      const { receipt_id, duplicate } = JSON.parse(answer.text);
      return { receiptId: receipt_id, duplicate, sent };
    }
    if (answer && (answer.status !== 503 || answer.retryAfter === null)) {
      throw new Error(`The receiver answered ${answer.status} ${answer.text}`);
    }
    await pause(RESEND_AFTER_MS);
  }
  throw new Error(`Not accepted within ${GIVE_UP_AFTER_MS} ms`);
}

async function openDispatches(sql: postgres.Sql): Promise<number> {
  const rows = await sql<{ status: string; n: number; last_error: string | null }[]>`
    select status, count(*)::integer as n, min(last_error) as last_error
    from public.event_dispatches where status <> 'done' group by status`;
  const dead = rows.find((row) => row.status === "dead");
  if (dead) throw new Error(`${dead.n} dispatches were given up: ${dead.last_error}`);
  return rows.find((row) => row.status === "pending")?.n ?? 0;
}

/** Found by what each row says itself, not by its tenant: what went astray is found where it went. */
async function arrivalsSince(sql: postgres.Sql, since: Date): Promise<Arrival[]> {
  const found = await sql<{ key: string; tenant_id: string; part: string }[]>`
    with receipts as (
      select r.id, r.tenant_id, convert_from(b.body, 'UTF8')::jsonb as body
      from public.webhook_receipts r join public.webhook_receipt_bodies b on b.receipt_id = r.id
      where r.received_at >= ${since}
    ),
    identities as (
      select m.tenant_id, m.internal_id, split_part(m.external_id, ':', 2) as key
      from public.identity_external_id_map m where m.external_type = 'contact' and m.created_at >= ${since}
    )
    select body -> 0 ->> 'objectId' as key, tenant_id, 'receipt ' || id as part from receipts
    union all
    select r.body -> (o.payload ->> 'element')::integer ->> 'objectId', o.tenant_id, 'event ' || (o.payload ->> 'element')
    from public.integration_events_outbox o join receipts r on r.id = o.receipt_id
    where o.event_type = 'webhook.received'
    union all
    select key, tenant_id, 'identity' from identities
    union all
    select i.key, c.tenant_id, 'contact ' || coalesce(c.email, 'without address')
    from public.crm_contacts c join identities i on i.internal_id = c.id
    union all
    select i.key, a.tenant_id, 'activity ' || a.type
    from public.crm_activities a join identities i on i.internal_id = a.contact_id
    union all
    select split_part(o.payload ->> 'external_id', ':', 2), o.tenant_id, o.event_type
    from public.integration_events_outbox o where o.event_type = 'contact.created' and o.created_at >= ${since}`;
  return found.map(({ key, tenant_id, part }) => ({ key, tenantId: tenant_id, part }));
}
