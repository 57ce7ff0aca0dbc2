import assert from "node:assert/strict";
import { call, type CallOptions } from "../support/api.ts";
import { publish, startTestSink, type TestIntegration } from "../support/outbound.ts";
import { sql, stackTest } from "../support/stack.ts";
import { createTenant, type TestTenant } from "../support/tenant.ts";

const dryRun = (tenant: TestTenant, body: Record<string, unknown>, options: CallOptions = {}) =>
  call("event-subscriptions/dry-run", { user: tenant.users.admin, body, ...options });

const FILTERS: (Record<string, unknown> | null)[] = [
  null,
  {},
  { "payload.amount": { $gte: 3 } },
  { "payload.amount": { $not: { $gte: 3 } } },
  { "payload.country": { $in: ["DE", "AT"] }, "payload.amount": { $lt: 4 } },
  { $or: [{ "payload.country": { $startsWith: "D" } }, { "payload.vip": { $exists: true } }] },
  { "payload.country": { $ne: "DE" } },
  { "metadata.source": "test", "payload.country": { $contains: "E" } },
  { "payload.missing.deep": null },
];

stackTest("a dry run says exactly what a subscription then gets", async () => {
  const sink = startTestSink();
  try {
    const tenant = await createTenant();
    const cases = FILTERS.flatMap((filter) =>
      [["*"], ["order.*"], ["order.paid", "contact.created"]].map((event_types) => ({ event_types, filter }))
    );
    const subscriptions: TestIntegration[] = [];
    for (const { event_types, filter } of cases) {
      const made = await sink.subscribe(tenant, { event_types, ...(filter ? { filter } : {}) });
      await call("event-subscriptions/flow", {
        user: tenant.users.admin,
        body: { integration_id: made.id, flow: "paused" },
      });
      subscriptions.push(made);
    }
    const countries = ["DE", "AT", "FR", ""];
    for (const type of ["order.paid", "order.line.added", "contact.created"]) {
      for (let n = 0; n < 8; n++) {
        const vip: Record<string, string> = n % 3 === 0 ? { vip: "yes" } : {};
        await publish(tenant, type, {
          amount: n % 2 === 0 ? n : String(n),
          country: countries[n % 4]!,
          ...vip,
        });
      }
    }
    const [total] = await sql`select count(*)::int as events from public.integration_events_outbox
      where tenant_id = ${tenant.id}`;
    const counts = new Set<number>();
    for (const [index, { event_types, filter }] of cases.entries()) {
      const dry = await dryRun(tenant, { event_types, filter });
      assert.equal(dry.status, 200, JSON.stringify(dry.body));
      const rows = await sql`select event_id from public.event_deliveries
        where integration_id = ${subscriptions[index]!.id}`;
      assert.equal(dry.body.matched, rows.length, JSON.stringify({ event_types, filter }));
      assert.equal(dry.body.examined, total!.events);
      const queued = new Set(rows.map((row) => row.event_id));
      assert.equal(dry.body.events.length, Math.min(10, rows.length));
      assert.ok(dry.body.events.every((event: { id: string }) => queued.has(event.id)));
      counts.add(rows.length);
    }
    assert.ok(counts.size > 6, `the cases tell apart: ${[...counts]}`);
  } finally {
    await sink.stop();
  }
});

stackTest("a dry run over one event says which condition it does not meet", async () => {
  const tenant = await createTenant();
  const eventId = await publish(tenant, "order.paid", { amount: 3, country: "FR" });
  const filter = { "payload.amount": { $gte: 3 }, "payload.country": "DE", $or: [{ entity_type: "order" }] };
  const dry = await dryRun(tenant, { event_types: ["order.*"], filter, event_id: eventId });
  assert.deepEqual(dry.body.explanation, {
    matches: false,
    event_type_matches: true,
    filter_matches: false,
    failed_conditions: ["$or", "payload.country"],
  });
  assert.deepEqual([dry.body.examined, dry.body.matched, dry.body.events], [1, 0, []]);
  const other = await dryRun(tenant, { event_types: ["contact.*"], event_id: eventId });
  assert.deepEqual([other.body.explanation.event_type_matches, other.body.explanation.filter_matches], [
    false,
    true,
  ]);
  const met = await dryRun(tenant, {
    event_types: ["*"],
    filter: { "payload.amount": 3 },
    event_id: eventId,
  });
  assert.deepEqual([met.body.explanation.matches, met.body.explanation.failed_conditions], [true, []]);
  assert.deepEqual([met.body.events[0].id, met.body.events[0].payload], [eventId, {
    amount: 3,
    country: "FR",
  }]);
  assert.equal(JSON.stringify(met.body).includes(tenant.id), false);
});

stackTest(
  "a dry run looks at the latest events, of the org it is narrowed to, and of nobody else",
  async () => {
    const [tenant, other] = [await createTenant(), await createTenant()];
    const [north, south] = tenant.orgs;
    await publish(tenant, "x.old", {}, north);
    await publish(tenant, "x.south", {}, south);
    const latest = await publish(tenant, "x.all", {});
    const foreign = await publish(other, "x.foreign", {});
    const types = async (body: Record<string, unknown>, options?: CallOptions) =>
      (await dryRun(tenant, { event_types: ["x.*"], ...body }, options)).body.events
        .map((event: { event_type: string }) => event.event_type);
    assert.deepEqual(await types({}), ["x.all", "x.south", "x.old"]);
    assert.deepEqual(await types({ limit: 1 }), ["x.all"]);
    assert.deepEqual(await types({}, { orgId: north }), ["x.all", "x.old"]);
    assert.deepEqual(await types({ org_id: south }), ["x.all", "x.south"]);
    const across = await dryRun(tenant, { event_types: ["*"], org_id: south }, { orgId: north });
    assert.deepEqual([across.status, across.body.error_code], [404, "NOT_FOUND"]);
    const theirs = await dryRun(tenant, { event_types: ["*"], event_id: foreign });
    assert.deepEqual([theirs.status, theirs.body.error_code], [404, "NOT_FOUND"]);
    const hidden = await dryRun(tenant, { event_types: ["*"], event_id: latest, limit: 0 });
    assert.equal(hidden.status, 422);
  },
);

stackTest("notifications are listed page by page, of the tenant alone", async () => {
  const [tenant, other] = [await createTenant(), await createTenant()];
  for (const [owner, n] of [[tenant, 1], [tenant, 2], [tenant, 3], [other, 4]] as const) {
    await sql`select private.notify_admins(${owner.id}, 'integration.failing', ${
      n === 2 ? "error" : "warning"
    },
      ${`Number ${n}`}, 'event_subscription', ${`s${n}`}, '{"n": 1}')`;
  }
  const list = async (query: string) =>
    (await call(`integrations/notifications?${query}`, { user: tenant.users.manager })).body;
  const first = await list("limit=2");
  const second = await list(`limit=2&cursor=${encodeURIComponent(first.next_cursor)}`);
  const messages = [...first.data, ...second.data].map((row) => row.message);
  assert.deepEqual([messages, second.next_cursor], [["Number 3", "Number 2", "Number 1"], null]);
  assert.deepEqual((await list("severity=error")).data.map((row: { message: string }) => row.message), [
    "Number 2",
  ]);
  assert.deepEqual((await list("subject_id=s3")).data.map((row: { details: unknown }) => row.details), [{
    n: 1,
  }]);
  const member = await call("integrations/notifications", { user: tenant.users.member });
  assert.equal(member.status, 403);
});
