import assert from "node:assert/strict";
import { call } from "../support/api.ts";
import { deliveryWith, startTestSink, writeReadiness } from "../support/outbound.ts";
import { adminSql, eventually, sql, stackTest } from "../support/stack.ts";
import { createTenant, type TestTenant } from "../support/tenant.ts";

const post = async (tenant: TestTenant, path: string, body: unknown = {}) =>
  await call(path, { user: tenant.users.manager, body });
const HOUR_MS = 3_600_000;
const ago = (ms: number) => new Date(Date.now() - ms).toISOString();
const lastHour = () => ({ from: ago(HOUR_MS), to: new Date(Date.now() + HOUR_MS).toISOString() });

/** Deliveries of a disabled integration, so that nobody works on them: given up, each with its dead letter. */
async function giveUp(tenantId: string, integrationId: string, count: number): Promise<void> {
  await sql`insert into public.guardian_meta_webhook_events
    (tenant_id, integration_id, event_type, status, finished_at, last_error_class, attempt_count)
    select ${tenantId}, ${integrationId}, 'readiness_updated', 'discarded', clock_timestamp(), 'timed_out', 1
    from generate_series(1, ${count})`;
  await adminSql`insert into private.delivery_dead_letters
    (delivery_id, tenant_id, integration_id, kind, error_class, discarded_at)
    select id, tenant_id, integration_id, 'guardian_meta', 'timed_out', finished_at
    from public.guardian_meta_webhook_events where integration_id = ${integrationId}`;
}

async function queuedOf(integrationId: string): Promise<number> {
  const [row] =
    await adminSql`select count(*)::int as count from private.delivery_queue where integration_id = ${integrationId}`;
  return row!.count;
}

async function withIntegration(
  run: (tenant: TestTenant, integrationId: string) => Promise<void>,
): Promise<void> {
  const sink = startTestSink();
  try {
    const tenant = await createTenant();
    const { id } = await sink.integrate(tenant, { is_enabled: false });
    await run(tenant, id);
  } finally {
    await sink.stop();
  }
}

stackTest(
  "REPLAY: what was given up goes out again by filter, after a preview that does nothing",
  async () => {
    let status = 500;
    const sink = startTestSink(() => new Response(null, { status }));
    try {
      const tenant = await createTenant();
      const integration = await sink.integrate(tenant, { config: { max_attempts: 1 } });
      await writeReadiness(tenant.id);
      const dead = await deliveryWith(integration.id, "discarded");
      const filter = { integration_id: integration.id, ...lastHour() };
      const preview = await post(tenant, "guardian-meta/replays", { ...filter, preview: true });
      assert.deepEqual([preview.status, preview.body], [200, {
        total: 1,
        total_is_exact: true,
        replayed: 1,
        missed: 0,
      }]);
      assert.equal((await deliveryWith(integration.id, "discarded")).replays, 0);
      status = 204;
      const started = await post(tenant, "guardian-meta/replays", filter);
      assert.deepEqual(
        [started.status, started.body.state, started.body.done, started.body.total],
        [202, "done", 1, 1],
      );
      assert.equal((await deliveryWith(integration.id, "delivered")).id, dead.id);
      const [first, second] = sink.arrivalsOf(integration);
      assert.deepEqual([second!.webhookId, second!.body], [first!.webhookId, first!.body]);
      const shown = await call(`guardian-meta/replays/${started.body.id}`, { user: tenant.users.manager });
      assert.deepEqual(shown.body, started.body);
      const audit = await sql`select actor_id, action from public.audit_log
      where tenant_id = ${tenant.id} and table_name = 'delivery_replays' order by id`;
      assert.deepEqual(audit.map((row) => [row.action, row.actor_id]), [
        ["insert", tenant.users.manager.id],
        ["update", tenant.users.manager.id],
      ]);
    } finally {
      await sink.stop();
    }
  },
);

stackTest(
  "REPLAY: a filter counts what meets it, and nothing open, no test, nothing of others",
  () =>
    withIntegration(async (tenant, integrationId) => {
      await giveUp(tenant.id, integrationId, 3);
      await sql`insert into public.guardian_meta_webhook_events
      (tenant_id, integration_id, event_type, status, finished_at) values
      (${tenant.id}, ${integrationId}, 'readiness_updated', 'delivered', now()),
      (${tenant.id}, ${integrationId}, 'adoption_scores_computed', 'delivered', now()),
      (${tenant.id}, ${integrationId}, 'test', 'delivered', now()),
      (${tenant.id}, ${integrationId}, 'readiness_updated', 'pending', null)`;
      const other = await createTenant();
      const count = async (of: TestTenant, narrowing: Record<string, unknown>) => {
        const answer = await post(of, "guardian-meta/replays", {
          ...lastHour(),
          preview: true,
          ...narrowing,
        });
        assert.equal(answer.status, 200, JSON.stringify(answer.body));
        return answer.body.total;
      };
      assert.equal(await count(tenant, {}), 3);
      assert.equal(await count(tenant, { status: "delivered" }), 2);
      assert.equal(await count(tenant, { status: "any" }), 5);
      assert.equal(await count(tenant, { status: "any", event_type: "adoption_scores_computed" }), 1);
      assert.equal(await count(tenant, { status: "any", error_class: "timed_out" }), 3);
      assert.equal(await count(tenant, { error_class: "gone" }), 0);
      assert.equal(await count(tenant, { from: ago(3 * HOUR_MS), to: ago(2 * HOUR_MS) }), 0);
      assert.equal(await count(other, { status: "any" }), 0);
      const theirs = await post(other, "guardian-meta/replays", {
        ...lastHour(),
        integration_id: integrationId,
      });
      assert.deepEqual([theirs.status, theirs.body.error_code], [404, "NOT_FOUND"]);
    }),
);

stackTest(
  "REPLAY: a long one is worked off by the schedule, and tells how far it is",
  () =>
    withIntegration(async (tenant, integrationId) => {
      await giveUp(tenant.id, integrationId, 2500);
      const started = await post(tenant, "guardian-meta/replays", lastHour());
      assert.deepEqual([started.body.total, started.body.done >= 1000], [2500, true]);
      const done = await eventually(async () => {
        const { body } = await call(`guardian-meta/replays/${started.body.id}`, {
          user: tenant.users.manager,
        });
        return body.state === "done" ? body : null;
      }, 45_000);
      assert.deepEqual([done.done, done.examined, done.last_error], [2500, 2500, null]);
      assert.equal(await queuedOf(integrationId), 2500);
    }),
);

stackTest(
  "REPLAY: a cancelled one stops between two slices and stays stopped",
  () =>
    withIntegration(async (tenant, integrationId) => {
      await giveUp(tenant.id, integrationId, 8000);
      const started = await post(tenant, "guardian-meta/replays", lastHour());
      const path = `guardian-meta/replays/${started.body.id}`;
      const cancelled = await post(tenant, `${path}/cancel`);
      assert.deepEqual([cancelled.status, cancelled.body.state], [200, "cancelled"]);
      assert.ok(cancelled.body.done < 8000, `done: ${cancelled.body.done}`);
      await sql`call private.work_off_replays()`;
      assert.equal(await queuedOf(integrationId), cancelled.body.done);
      assert.deepEqual((await post(tenant, `${path}/cancel`)).body, cancelled.body);
    }),
);

stackTest(
  "REPLAY: one that cannot go on says why, fails after ten tries and holds up no other",
  () =>
    withIntegration(async (tenant, integrationId) => {
      const [broken] = await sql`insert into public.delivery_replays
      (tenant_id, kind, mode, filter, phase, total, total_is_exact, advanced_at)
      values (${tenant.id}, 'guardian_meta', 'replay', '{"from": "yesteryear"}', 'log', 1, true, now() - interval '1 day')
      returning id`;
      await giveUp(tenant.id, integrationId, 1500);
      const started = await post(tenant, "guardian-meta/replays", lastHour());
      const row = await eventually(async () => {
        await sql`call private.work_off_replays()`;
        const [row] = await sql`select state, last_error from public.delivery_replays where id = ${
          broken!.id
        }`;
        return row!.state === "failed" && row;
      }, 30_000);
      assert.match(row.last_error, /yesteryear/);
      const [other] =
        await sql`select state, done from public.delivery_replays where id = ${started.body.id}`;
      assert.deepEqual([other!.state, other!.done], ["done", 1500]);
    }),
);

stackTest(
  "REPLAY: a tenant has ten running at a time",
  () =>
    withIntegration(async (tenant, integrationId) => {
      await sql`insert into public.delivery_replays
      (tenant_id, kind, mode, filter, phase, total, total_is_exact, created_at)
      select ${tenant.id}, 'guardian_meta', 'replay', '{}', 'log', 0, true, '-infinity' from generate_series(1, 10)`;
      await adminSql.begin(async (transaction) => {
        // Nobody works them off meanwhile.
        await transaction`select from public.delivery_replays where tenant_id = ${tenant.id} for update`;
        const refused = await post(tenant, "guardian-meta/replays", {
          ...lastHour(),
          integration_id: integrationId,
        });
        assert.deepEqual([refused.status, refused.body.error_code], [409, "CONFLICT"]);
      });
    }),
);
