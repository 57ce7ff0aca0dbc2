import assert from "node:assert/strict";
import { call } from "../support/api.ts";
import { adminSql, eventually, sql, stackTest } from "../support/stack.ts";
import { createTenant, type TestTenant } from "../support/tenant.ts";
import { createWebhook, sendGeneric, type TestWebhook } from "../support/webhook.ts";

const HOUR_MS = 3_600_000;
const around = () => ({
  from: new Date(Date.now() - HOUR_MS).toISOString(),
  to: new Date(Date.now() + HOUR_MS).toISOString(),
});

const replay = async (tenant: TestTenant, body: Record<string, unknown>, orgId?: string) =>
  await call("integrations/replays", {
    user: orgId ? tenant.users.admin : tenant.users.manager,
    orgId,
    body: { ...around(), ...body },
  });

async function settled(tenant: TestTenant): Promise<void> {
  await eventually(async () =>
    (await sql`select 1 from public.event_dispatches where tenant_id = ${tenant.id} and status = 'pending'`)
      .length ===
      0
  );
}

/** A webhook that got requests of a type each, all handled. */
async function withReceipts(tenant: TestTenant, types: string[], orgId?: string): Promise<TestWebhook> {
  const webhook = await createWebhook(tenant, "generic_hmac", orgId);
  for (const [nth, type] of types.entries()) await sendGeneric(webhook, JSON.stringify({ type, nth }));
  await settled(tenant);
  return webhook;
}

/** Makes all that a webhook brought, or what it brought of a type, look as if the consumer had given it up. */
async function kill(webhook: TestWebhook, type: string | null, code = "INTERNAL"): Promise<void> {
  await sql`update public.event_dispatches d set status = 'dead', last_error_code = ${code}, finished_at = clock_timestamp()
    from public.integration_events_outbox e
    where e.id = d.event_id and e.webhook_id = ${webhook.id} and (${type}::text is null or e.payload ->> 'type' = ${type})`;
}

/** How often the events of a webhook were replayed, by type. */
async function replaysOf(webhook: TestWebhook): Promise<Record<string, number>> {
  const rows = await sql`select e.payload ->> 'type' as type, sum(d.replays)::int as replays
    from public.event_dispatches d join public.integration_events_outbox e on e.id = d.event_id
    where e.webhook_id = ${webhook.id} group by 1`;
  return Object.fromEntries(rows.map((row) => [row.type, row.replays]));
}

stackTest(
  "INBOUND REPLAY: what is dead goes through its consumer again, after a preview that does nothing",
  async () => {
    const tenant = await createTenant();
    const webhook = await withReceipts(tenant, ["paid", "gone", "paid"]);
    const other = await withReceipts(tenant, ["paid"]);
    await kill(webhook, null);
    await kill(other, null, "VALIDATION_FAILED");
    const preview = await replay(tenant, { preview: true });
    assert.deepEqual([preview.status, preview.body], [200, { total: 4, total_is_exact: true }]);
    assert.deepEqual([await replaysOf(webhook), await replaysOf(other)], [{ paid: 0, gone: 0 }, { paid: 0 }]);
    const narrowed = { webhook_id: webhook.id, type: "paid", consumer: "crm", error_code: "INTERNAL" };
    assert.equal((await replay(tenant, { ...narrowed, preview: true })).body.total, 2);
    const started = await replay(tenant, narrowed);
    assert.deepEqual(
      [started.status, started.body.state, started.body.total, started.body.done, started.body.webhook_id],
      [202, "done", 2, 2, webhook.id],
    );
    await settled(tenant);
    assert.deepEqual([await replaysOf(webhook), await replaysOf(other)], [{ paid: 2, gone: 0 }, { paid: 0 }]);
    assert.equal((await replay(tenant, { error_code: "VALIDATION_FAILED" })).body.done, 1);
    assert.equal((await replay(tenant, {})).body.done, 1, "the one that is left");
    assert.deepEqual((await replay(tenant, {})).body.done, 0);
    const shown = await call(`integrations/replays/${started.body.id}`, { user: tenant.users.manager });
    assert.deepEqual(shown.body, started.body);
    const listed = await call("integrations/replays", { user: tenant.users.manager });
    assert.equal(listed.body.data.length, 4);
    const audit = await sql`select distinct actor_id from public.audit_log
    where tenant_id = ${tenant.id} and table_name = 'delivery_replays'`;
    assert.deepEqual(audit.map((row) => row.actor_id), [tenant.users.manager.id]);
  },
);

stackTest(
  "INBOUND REPLAY: a time span of a webhook goes again, done or dead, and none of another",
  async () => {
    const tenant = await createTenant();
    const webhook = await withReceipts(tenant, ["early", "late", "late"]);
    const other = await withReceipts(tenant, ["late"]);
    await sql`update public.webhook_receipts r set received_at = received_at - interval '3 hours'
    from public.integration_events_outbox e where e.receipt_id = r.id and e.payload ->> 'type' = 'early' and r.webhook_id = ${webhook.id}`;
    const counts = async (status: string, more = {}) =>
      (await replay(tenant, { webhook_id: webhook.id, status, preview: true, ...more })).body.total;
    assert.deepEqual([await counts("any"), await counts("done"), await counts("dead")], [2, 2, 0]);
    assert.equal(await counts("any", { from: "2020-01-01T00:00:00Z" }), 3);
    assert.equal(await counts("any", { type: "early" }), 0);
    const started = await replay(tenant, { webhook_id: webhook.id, status: "any" });
    assert.deepEqual([started.body.done, started.body.examined], [2, 2]);
    await settled(tenant);
    assert.deepEqual([await replaysOf(webhook), await replaysOf(other)], [{ early: 0, late: 2 }, {
      late: 0,
    }]);
  },
);

stackTest("INBOUND REPLAY: what still waits is left alone, and so is what comes later", async () => {
  const tenant = await createTenant();
  const webhook = await withReceipts(tenant, ["a", "b"]);
  await sql`update public.event_dispatches d set status = 'pending', finished_at = null, next_attempt_at = now() + interval '1 hour'
    from public.integration_events_outbox e where e.id = d.event_id and e.webhook_id = ${webhook.id} and e.payload ->> 'type' = 'a'`;
  const started = await replay(tenant, { webhook_id: webhook.id, status: "any" });
  assert.deepEqual([started.body.total, started.body.done], [1, 1]);
  assert.deepEqual(await replaysOf(webhook), { a: 0, b: 1 });
});

stackTest("INBOUND REPLAY: nobody replays what belongs to another org or tenant", async () => {
  const tenant = await createTenant();
  const [here, there] = [
    await withReceipts(tenant, ["x"], tenant.orgs[0]),
    await withReceipts(tenant, ["x"], tenant.orgs[1]),
  ];
  for (const webhook of [here, there]) await kill(webhook, null);
  assert.equal((await replay(tenant, { preview: true })).body.total, 1, "a manager of the first org");
  assert.equal((await replay(tenant, { preview: true }, tenant.orgs[1])).body.total, 1);
  const named = await replay(tenant, { webhook_id: there.id });
  assert.deepEqual([named.status, named.body.error_code], [404, "NOT_FOUND"]);
  assert.equal((await replay(tenant, {})).body.done, 1);
  await settled(tenant);
  assert.deepEqual([await replaysOf(here), await replaysOf(there)], [{ x: 1 }, { x: 0 }]);
  const whole = await call("integrations/replays", { user: tenant.users.admin, body: around() });
  assert.equal(whole.body.done, 1, "an admin without an org reaches all");
  // Made for all orgs, it is the platform level's to watch and to stop.
  for (const verb of ["GET", "POST"]) {
    const path = `integrations/replays/${whole.body.id}${verb === "POST" ? "/cancel" : ""}`;
    assert.equal((await call(path, { user: tenant.users.manager, method: verb })).status, 404);
  }
});

stackTest(
  "INBOUND REPLAY: a long one is worked off by the schedule, can be stopped, and says how far it is",
  async () => {
    const tenant = await createTenant();
    const webhook = await createWebhook(tenant, "generic_hmac");
    await adminSql`update cron.job set active = false where jobname = 'interlock-replays'`;
    try {
      // Of a consumer that does not exist, so that nobody works on them meanwhile; two events a receipt.
      await sql`with received as (
        insert into public.webhook_receipts
          (id, tenant_id, webhook_id, provider, request_id, body_bytes, event_count, duplicate_count, received_at)
        select gen_random_uuid(), ${tenant.id}, ${webhook.id}, 'generic_hmac', 'long', 2, 2, 0,
          clock_timestamp() - n * interval '1 second' from generate_series(1, 2500) as n
        returning id, tenant_id, webhook_id
      ),
      told as (
        insert into public.integration_events_outbox
          (tenant_id, event_type, entity_type, entity_id, payload, source, trace_id, webhook_id, receipt_id)
        select r.tenant_id, 'long.received', 'webhook', '1', '{}', 'x', 'x', r.webhook_id, r.id
        from received r cross join generate_series(1, 2)
        returning id
      )
      insert into public.event_dispatches (tenant_id, event_id, consumer, status, finished_at, max_attempts)
      select ${tenant.id}, t.id, 'nobody', 'dead', clock_timestamp(), 1 from told t`;
      const asked = { webhook_id: webhook.id, status: "any" };
      const started = await replay(tenant, asked);
      assert.deepEqual(
        [started.body.state, started.body.total, started.body.total_is_exact, started.body.examined],
        ["running", 5000, true, 1000],
      );
      assert.equal(started.body.done, 2000);
      assert.ok(Date.parse(started.body.reached_at) > Date.now() - 2500 * 1000);
      const path = `integrations/replays/${started.body.id}`;
      const cancelled = await call(`${path}/cancel`, { user: tenant.users.manager, method: "POST" });
      assert.deepEqual([cancelled.body.state, cancelled.body.done], ["cancelled", 2000]);
      await sql`call private.work_off_replays()`;
      assert.deepEqual(
        (await call(path, { user: tenant.users.manager })).body,
        cancelled.body,
        "no slice followed",
      );
      const whole = await replay(tenant, { ...asked, status: "dead" });
      assert.equal(whole.body.state, "running");
      await sql`call private.work_off_replays()`;
      const ended =
        (await call(`integrations/replays/${whole.body.id}`, { user: tenant.users.manager })).body;
      assert.equal(ended.state, "done");
      assert.ok(ended.done >= 3000, `${ended.done} were dead when it was asked for`);
    } finally {
      await adminSql`update cron.job set active = true where jobname = 'interlock-replays'`;
    }
  },
);

for (
  const [what, body] of [
    ["a span without a webhook of what is done", { status: "done" }],
    ["a span that ends before it begins", { from: "2026-01-02T00:00:00Z", to: "2026-01-01T00:00:00Z" }],
    ["an unknown field", { integration_id: crypto.randomUUID() }],
    ["a code that is none", { error_code: "no code" }],
  ] as const
) {
  stackTest(`INBOUND REPLAY: ${what} is 422 with a sentence`, async () => {
    const tenant = await createTenant();
    const answer = await replay(tenant, body);
    assert.deepEqual(
      [answer.status, answer.body.error_code],
      [422, "VALIDATION_FAILED"],
      JSON.stringify(answer.body),
    );
  });
}
