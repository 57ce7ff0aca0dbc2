import assert from "node:assert/strict";
import { call } from "../support/api.ts";
import { deliveryWith, startTestSink, writeReadiness } from "../support/outbound.ts";
import { eventually, sql, stackTest } from "../support/stack.ts";
import { createTenant, type TestTenant } from "../support/tenant.ts";

const recover = async (tenant: TestTenant, path: string, since: string, preview: boolean) =>
  await call(`${path}/recover`, { user: tenant.users.admin, body: { since, preview } });

async function publish(tenant: TestTenant, orgId: string | null | undefined, type: string, amount = 1) {
  const [row] = await sql`select private.publish_event(${tenant.id}, ${orgId ?? null}, ${type}, 'order', '1',
    ${sql.json({ amount })}, 'test', 'test') as id`;
  return row!.id as string;
}

stackTest(
  "RECOVER: an integration gets what was given up and what it never got, once, and nothing it has",
  async () => {
    let status = 204;
    const sink = startTestSink(() => new Response(null, { status }));
    try {
      const tenant = await createTenant();
      await writeReadiness(tenant.id, 10);
      const since = new Date(Date.now() - 60_000).toISOString();
      const integration = await sink.integrate(tenant, { config: { max_attempts: 1 } });
      const path = `guardian-meta/integrations/${integration.id}`;
      await writeReadiness(tenant.id, 20);
      await deliveryWith(integration.id, "delivered");
      status = 500;
      await writeReadiness(tenant.id, 30);
      await deliveryWith(integration.id, "discarded");
      status = 204;
      await sql`update public.guardian_meta_integrations set is_enabled = false where id = ${integration.id}`;
      await writeReadiness(tenant.id, 40);
      const preview = await recover(tenant, path, since, true);
      assert.deepEqual([preview.status, preview.body], [200, {
        total: 3,
        total_is_exact: true,
        replayed: 1,
        missed: 2,
      }]);
      const done = await recover(tenant, path, since, false);
      assert.deepEqual([done.status, done.body.state, done.body.done, done.body.mode], [
        202,
        "done",
        3,
        "recover",
      ]);
      assert.equal((await recover(tenant, path, since, true)).body.total, 0);
      assert.equal(sink.arrivalsOf(integration).length, 2, "disabled: what was queued waits");
      const enabled = await call("guardian-meta/integrations", {
        method: "PATCH",
        user: tenant.users.admin,
        body: { updates: [{ id: integration.id, is_enabled: true }] },
      });
      assert.equal(enabled.status, 200);
      await eventually(() => Promise.resolve(sink.arrivalsOf(integration).length === 5));
      const scores = sink.arrivalsOf(integration).map((arrival) =>
        JSON.parse(arrival.body).data.overall_score
      );
      assert.deepEqual(scores.toSorted(), [10, 20, 30, 30, 40]);
      const again = await recover(tenant, path, since, false);
      assert.deepEqual([again.body.state, again.body.done], ["done", 0]);
    } finally {
      await sink.stop();
    }
  },
);

stackTest(
  "RECOVER: a subscription gets the events that meet its types, org and filter, of its tenant",
  async () => {
    const [tenant, other] = [await createTenant(), await createTenant()];
    const wanted = [
      await publish(tenant, tenant.orgs[0], "order.paid", 100),
      await publish(tenant, null, "order.refunded", 200),
    ];
    await publish(tenant, tenant.orgs[0], "order.paid", 5);
    await publish(tenant, tenant.orgs[1], "order.paid", 100);
    await publish(tenant, tenant.orgs[0], "invoice.paid", 100);
    await publish(other, other.orgs[0], "order.paid", 100);
    const created = await call("event-subscriptions", {
      user: tenant.users.admin,
      orgId: tenant.orgs[0],
      body: {
        label: "Late",
        event_types: ["order.*"],
        filter: { "payload.amount": { $gte: 50 } },
        config: { webhook_url: "http://127.0.0.1:9/late" },
        is_enabled: false,
      },
    });
    assert.equal(created.status, 201, JSON.stringify(created.body));
    const since = new Date(Date.now() - 60_000).toISOString();
    const path = `event-subscriptions/${created.body.id}`;
    const theirs = await recover(other, path, since, false);
    assert.deepEqual([theirs.status, theirs.body.error_code], [404, "NOT_FOUND"]);
    const done = await recover(tenant, path, since, false);
    assert.deepEqual([done.status, done.body.done, done.body.total], [202, 2, 2], JSON.stringify(done.body));
    const rows = await sql`select event_id, org_id from public.event_deliveries
    where integration_id = ${created.body.id} order by created_at, id`;
    assert.deepEqual(rows.map((row) => [row.event_id, row.org_id]), [[wanted[0], tenant.orgs[0]], [
      wanted[1],
      null,
    ]]);
    const listed = await call("event-subscriptions/deliveries", { user: tenant.users.manager });
    assert.deepEqual(listed.body.data.map((row: { state: string }) => row.state), [
      "held_disabled",
      "held_disabled",
    ]);
  },
);

stackTest("RECOVER: of an org, only its people see and replay what is its own", async () => {
  const tenant = await createTenant();
  const created = await call("event-subscriptions", {
    user: tenant.users.admin,
    body: {
      label: "All orgs",
      event_types: ["order.paid"],
      config: { webhook_url: "http://127.0.0.1:9/all" },
      is_enabled: false,
    },
  });
  await publish(tenant, tenant.orgs[0], "order.paid");
  await publish(tenant, tenant.orgs[1], "order.paid");
  const since = new Date(Date.now() - 60_000).toISOString();
  const all = await recover(tenant, `event-subscriptions/${created.body.id}`, since, false);
  assert.deepEqual([all.status, all.body.done], [202, 2]);
  await sql`update public.event_deliveries set status = 'discarded', finished_at = clock_timestamp()
    where integration_id = ${created.body.id}`;
  await sql`delete from private.delivery_queue where integration_id = ${created.body.id}`;
  const seen = async (user: keyof TestTenant["users"], path: string) =>
    (await call(`event-subscriptions/${path}`, { user: tenant.users[user] })).body.data.length;
  assert.deepEqual([await seen("manager", "deliveries"), await seen("admin", "deliveries")], [1, 2]);
  assert.deepEqual([await seen("manager", "replays"), await seen("admin", "replays")], [0, 1]);
  const to = new Date(Date.now() + 60_000).toISOString();
  const body = { from: since, to, status: "any" };
  const narrow = await call("event-subscriptions/replays", { user: tenant.users.manager, body });
  assert.deepEqual([narrow.status, narrow.body.done, narrow.body.total], [202, 1, 1]);
  assert.equal(await seen("manager", "replays"), 1);
});
