import assert from "node:assert/strict";
import { type HubspotEvent, hubspotEvent, sendHubspotEvents } from "../../simulators/hubspot/webhook.ts";
import { call } from "../support/api.ts";
import { adminSql, eventually, sql, stackTest } from "../support/stack.ts";
import { createTenant } from "../support/tenant.ts";
import { createWebhook } from "../support/webhook.ts";

/** Resolves when no event of the tenant waits any more. */
async function settled(tenantId: string): Promise<void> {
  await eventually(async () => {
    const [row] = await sql`select count(*)::int as pending from public.event_dispatches
      where tenant_id = ${tenantId} and status = 'pending'`;
    return row!.pending === 0;
  });
}

stackTest("a signed HubSpot webhook becomes a receipt, events, a contact and its timeline", async () => {
  const tenant = await createTenant();
  const webhook = await createWebhook(tenant);
  const response = await sendHubspotEvents(webhook, [
    hubspotEvent({ subscriptionType: "contact.creation", objectId: 7, occurredAt: 1000 }),
    hubspotEvent({
      subscriptionType: "contact.propertyChange",
      objectId: 7,
      occurredAt: 2000,
      propertyName: "email",
      propertyValue: "ada@example.com",
    }),
    hubspotEvent({
      subscriptionType: "contact.propertyChange",
      objectId: 7,
      occurredAt: 2000,
      propertyName: "company",
      propertyValue: "Acme",
    }),
    hubspotEvent({ subscriptionType: "deal.creation", objectId: 9 }),
  ]);
  assert.equal(response.status, 200);
  const answer = await response.json();
  assert.deepEqual([answer.success, answer.duplicate], [true, false]);
  await settled(tenant.id);

  const contacts = await sql`select * from public.crm_contacts where tenant_id = ${tenant.id}`;
  assert.equal(contacts.length, 1);
  assert.equal(contacts[0]!.email, "ada@example.com");
  assert.deepEqual(contacts[0]!.properties, { company: "Acme" });
  assert.equal(contacts[0]!.org_id, tenant.orgs[0]);
  const activities =
    await sql`select * from public.crm_activities where tenant_id = ${tenant.id} order by occurred_at`;
  assert.equal(activities.length, 3);
  assert.ok(
    activities.every((activity) => activity.contact_id === contacts[0]!.id && activity.meta.idempotency_key),
  );
  const events = await sql`select event_type, trace_id from public.integration_events_outbox
    where tenant_id = ${tenant.id} and event_type <> 'webhook.received' order by created_at`;
  // The elements are handled side by side: whichever comes first makes the contact, and a creation after it changes
  // nothing that could be told.
  assert.equal(events[0]!.event_type, "contact.created");
  assert.ok(events.slice(1).every((event) => event.event_type === "contact.updated"));
  assert.ok([2, 3].includes(events.length));
  assert.ok(events.every((event) => event.trace_id === response.headers.get("x-request-id")));
  const [map] = await sql`select * from public.identity_external_id_map where tenant_id = ${tenant.id}`;
  assert.deepEqual([map!.external_id, map!.internal_id], ["62515:7", contacts[0]!.id]);

  const receipt = await call(`integrations/webhooks/${webhook.id}/receipts/${answer.receipt_id}`, {
    user: tenant.users.manager,
  });
  assert.equal(receipt.status, 200);
  assert.equal(receipt.body.events.length, 4);
  assert.ok(
    receipt.body.events.every((event: { event_dispatches: { status: string }[] }) =>
      event.event_dispatches[0]!.status === "done"
    ),
  );
  assert.equal(JSON.parse(receipt.body.body_text).length, 4);
});

stackTest("the bell alone brings an event to its consumer: no schedule is needed", async () => {
  await adminSql`update cron.job set active = false where jobname = 'interlock-dispatch'`;
  try {
    const tenant = await createTenant();
    const webhook = await createWebhook(tenant);
    for (let round = 0; round < 3; round++) {
      const sent = await sendHubspotEvents(webhook, [
        hubspotEvent({ subscriptionType: "contact.creation", objectId: round }),
      ]);
      assert.equal(sent.status, 200);
      await sent.body?.cancel();
      await settled(tenant.id);
      // Longer than the drainer lingers and than its promise lasts: the next round needs the bell again.
      await new Promise((resolve) => setTimeout(resolve, 1800));
    }
    const [row] =
      await sql`select count(*)::int as contacts from public.crm_contacts where tenant_id = ${tenant.id}`;
    assert.equal(row!.contacts, 3);
  } finally {
    await adminSql`update cron.job set active = true where jobname = 'interlock-dispatch'`;
  }
});

stackTest("every order of arrival ends equal", async () => {
  const change = (
    occurredAt: number,
    propertyName: string,
    propertyValue: string,
    eventId: number,
  ): HubspotEvent =>
    hubspotEvent({
      subscriptionType: "contact.propertyChange",
      objectId: 5,
      occurredAt,
      propertyName,
      propertyValue,
      eventId,
    });
  const events = [
    hubspotEvent({ subscriptionType: "contact.creation", objectId: 5, occurredAt: 1000, eventId: 1 }),
    change(2000, "email", "old@example.com", 2),
    change(3000, "email", "new@example.com", 3),
    change(3000, "email", "tie@example.com", 4),
    change(2500, "firstname", "Ada", 5),
    change(6000, "lastname", "After", 6),
    hubspotEvent({ subscriptionType: "contact.privacyDeletion", objectId: 5, occurredAt: 4000, eventId: 7 }),
    hubspotEvent({ subscriptionType: "contact.deletion", objectId: 5, occurredAt: 5000, eventId: 8 }),
    hubspotEvent({ subscriptionType: "contact.restore", objectId: 5, occurredAt: 5500, eventId: 9 }),
    change(5600, "email", "back@example.com", 10),
    change(3500, "company", "Forgotten", 11),
  ];
  const outcomes = new Set<string>();
  for (let round = 0; round < 12; round++) {
    const tenant = await createTenant();
    const webhook = await createWebhook(tenant);
    const shuffled = round === 0 ? events : round === 1 ? [...events].reverse() : shuffle(events, round);
    // One request each: every event is a dispatch of its own, claimed and applied in this order of arrival.
    for (const event of shuffled) {
      const sent = await sendHubspotEvents(webhook, [event]);
      assert.equal(sent.status, 200);
      await sent.body?.cancel();
    }
    await settled(tenant.id);
    const rows = await sql`select email, first_name, last_name, phone, properties, deleted_at, field_versions
      from public.crm_contacts where tenant_id = ${tenant.id}`;
    assert.equal(rows.length, 1);
    const { field_versions: versions, ...fields } = rows[0]!;
    outcomes.add(JSON.stringify([fields, Object.entries(versions).sort()]));
  }
  assert.equal(outcomes.size, 1, [...outcomes].join("\n"));
  const [final] = JSON.parse([...outcomes][0]!);
  assert.deepEqual(
    [final.email, final.first_name, final.last_name, final.properties, final.deleted_at],
    ["back@example.com", null, "After", {}, null],
  );
});

function shuffle<T>(items: T[], seed: number): T[] {
  let state = seed * 2654435761;
  const random = () => (state = (state * 1664525 + 1013904223) >>> 0) / 2 ** 32;
  return items.map((item) => ({ item, at: random() })).sort((a, b) => a.at - b.at).map(({ item }) => item);
}

stackTest(
  "what a consumer cannot read ends dead, is listed with its reason, and is replayed by hand",
  async () => {
    const tenant = await createTenant();
    const webhook = await createWebhook(tenant);
    const broken = hubspotEvent({
      subscriptionType: "contact.propertyChange",
      objectId: 3,
      propertyValue: "x",
    });
    await (await sendHubspotEvents(webhook, [broken])).body?.cancel();
    const dead = await eventually(async () => {
      const list = await call("integrations/dispatches?status=dead", { user: tenant.users.manager });
      return list.body.data?.length === 1 ? list.body.data[0] : null;
    });
    assert.equal(dead.last_error_code, "VALIDATION_FAILED");
    assert.match(dead.last_error, /propertyName/);
    const replayed = await call("integrations/dispatches/replay", {
      user: tenant.users.manager,
      body: { dispatch_ids: [dead.id] },
    });
    assert.deepEqual([replayed.status, replayed.body.replayed], [202, 1]);
    await eventually(async () => {
      const [row] = await sql`select status, replays from public.event_dispatches where id = ${dead.id}`;
      return row!.status === "dead" && row!.replays === 1;
    });
  },
);

stackTest(
  "a consumer that fails is tried again, goes dead after its attempts, and succeeds after a fix and a replay",
  async () => {
    const tenant = await createTenant();
    const webhook = await createWebhook(tenant);
    await adminSql`create function private.refuse_activity() returns trigger language plpgsql
      as $$ begin raise exception 'no activity today' using errcode = 'lock_not_available'; end $$`;
    await adminSql`create trigger refuse_activity before insert on public.crm_activities
      for each row execute function private.refuse_activity()`;
    let receiptId = "";
    try {
      const sent = await sendHubspotEvents(webhook, [
        hubspotEvent({ subscriptionType: "contact.creation", objectId: 11 }),
      ]);
      receiptId = (await sent.json()).receipt_id;
      await eventually(async () => {
        const [row] =
          await sql`select last_error, attempts from public.event_dispatches where tenant_id = ${tenant.id}`;
        return row!.last_error !== null && /activity/.test(row!.last_error);
      });
      const [contact] =
        await sql`select count(*)::int as n from public.crm_contacts where tenant_id = ${tenant.id}`;
      assert.equal(contact!.n, 1, "the contact stands although its timeline failed");
      await sql`update public.event_dispatches set max_attempts = attempts, next_attempt_at = now() where tenant_id = ${tenant.id}`;
      await eventually(async () => {
        await sql`select public.wake_drainer('event-dispatch')`;
        const [row] = await sql`select status from public.event_dispatches where tenant_id = ${tenant.id}`;
        return row!.status === "dead";
      });
    } finally {
      await adminSql`drop function private.refuse_activity() cascade`;
      await sql`update public.event_dispatches set max_attempts = 8 where tenant_id = ${tenant.id}`;
    }
    const replay = await call(`integrations/webhooks/${webhook.id}/receipts/${receiptId}/replay`, {
      method: "POST",
      user: tenant.users.manager,
    });
    assert.deepEqual([replay.status, replay.body.replayed], [202, 1]);
    await settled(tenant.id);
    const [row] =
      await sql`select d.status, (select count(*)::int from public.crm_activities a where a.tenant_id = d.tenant_id) as activities,
    (select count(*)::int from public.crm_contacts c where c.tenant_id = d.tenant_id) as contacts
    from public.event_dispatches d where d.tenant_id = ${tenant.id}`;
    assert.deepEqual([row!.status, row!.activities, row!.contacts], ["done", 1, 1]);
  },
);
