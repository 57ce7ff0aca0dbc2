import assert from "node:assert/strict";
import { startTestSink } from "../support/outbound.ts";
import { adminSql, eventually, sql, stackTest } from "../support/stack.ts";
import { createTenant } from "../support/tenant.ts";

/** Exchanges results for deliveries as a worker does. */
async function exchange(results: Record<string, string | number | null>[], limit: number, leaseMs = 60_000) {
  const [row] = await sql`select public.exchange_deliveries(${
    sql.json(results)
  }, ${limit}, ${leaseMs}) as answer`;
  return row!.answer as {
    finished: number;
    claimed: {
      delivery_id: string;
      lease_token: string;
      integration_id: string;
      attempt: number;
      max_attempts: number;
    }[];
  };
}

/** An integration that the running function never sees: its deliveries wait for the test alone. */
async function quietIntegration(count: number, config = {}) {
  const sink = startTestSink();
  await sink.stop();
  const tenant = await createTenant();
  const integration = await sink.integrate(tenant, { is_enabled: false, config });
  await sql`insert into public.integration_events_outbox (tenant_id, event_type, entity_type, entity_id, payload, source, trace_id)
    select ${tenant.id}, 'test.made', 'test', '1', '{}', 'test', 'test' from generate_series(1, ${count})`;
  await adminSql`insert into public.guardian_meta_webhook_events (tenant_id, integration_id, event_id, event_type)
    select tenant_id, ${integration.id}, id, 'readiness_updated' from public.integration_events_outbox where tenant_id = ${tenant.id}`;
  return { tenant, integration };
}

const result = (
  claimed: { delivery_id: string; lease_token: string; max_attempts: number },
  outcome: string,
) => ({
  delivery_id: claimed.delivery_id,
  lease_token: claimed.lease_token,
  outcome,
  max_attempts: claimed.max_attempts,
  started_at: new Date().toISOString(),
  duration_ms: 1,
  status_code: outcome === "delivered" ? 204 : 500,
});

/** Claims what belongs to one integration while nobody else works. */
async function alone<T>(work: () => Promise<T>): Promise<T> {
  await adminSql`update cron.job set active = false where jobname = 'interlock-deliver'`;
  try {
    // The function's own drainer has gone to sleep once its promise is over and the claim after it is made.
    await eventually(async () => {
      const [row] =
        await adminSql`select awake_until < clock_timestamp() - interval '300 milliseconds' as asleep
        from private.drainers where name = 'meta-webhook-deliver'`;
      return row!.asleep;
    });
    return await work();
  } finally {
    await adminSql`update cron.job set active = true where jobname = 'interlock-deliver'`;
  }
}

stackTest("RACE: eight workers that claim at once never hold the same delivery", async () => {
  await alone(async () => {
    const { integration } = await quietIntegration(400, { max_in_flight: 100 });
    await adminSql`update public.guardian_meta_integrations set is_enabled = true where id = ${integration.id}`;
    const held = new Map<string, number>();
    const worker = async () => {
      for (let empty = 0; empty < 3;) {
        const { claimed } = await exchange([], 20);
        const mine = claimed.filter((one) => one.integration_id === integration.id);
        for (const one of mine) held.set(one.delivery_id, (held.get(one.delivery_id) ?? 0) + 1);
        const { finished } = await exchange(mine.map((one) => result(one, "delivered")), 0);
        assert.equal(finished, mine.length);
        empty = mine.length === 0 ? empty + 1 : 0;
      }
    };
    await Promise.all(Array.from({ length: 8 }, worker));
    assert.equal(held.size, 400);
    assert.deepEqual([...held.values()].filter((times) => times !== 1), []);
    const attempts =
      await sql`select count(*)::int as count from public.guardian_meta_webhook_attempts where integration_id = ${integration.id}`;
    assert.equal(attempts[0]!.count, 400);
  });
});

stackTest(
  "RACE: a worker that wakes after its lease changes no row, and its attempt is written down as lost",
  async () => {
    await alone(async () => {
      const { integration } = await quietIntegration(1);
      await adminSql`update public.guardian_meta_integrations set is_enabled = true where id = ${integration.id}`;
      const [late] = (await exchange([], 500)).claimed.filter((one) => one.integration_id === integration.id);
      assert.ok(late);
      await adminSql`update public.guardian_meta_webhook_events set lease_until = now(), next_attempt_at = now() where id = ${late.delivery_id}`;
      const [second] = (await exchange([], 500)).claimed.filter((one) =>
        one.integration_id === integration.id
      );
      assert.deepEqual([second?.delivery_id, second?.attempt], [late.delivery_id, 2]);
      assert.equal((await exchange([result(late, "failed")], 0)).finished, 0);
      assert.equal((await exchange([result(second!, "delivered")], 0)).finished, 1);
      assert.equal((await exchange([result(second!, "failed")], 0)).finished, 0);
      const [delivery] =
        await sql`select status, attempt_count, lost_count from public.guardian_meta_webhook_events where id = ${late.delivery_id}`;
      assert.deepEqual({ ...delivery }, { status: "delivered", attempt_count: 2, lost_count: 1 });
      const attempts =
        await sql`select attempt, outcome from public.guardian_meta_webhook_attempts where delivery_id = ${late.delivery_id} order by attempt`;
      assert.deepEqual(attempts.map((row) => [row.attempt, row.outcome]), [[1, "lost"], [2, "delivered"]]);
    });
  },
);

stackTest("RACE: one event is queued once per integration, however often it is offered", async () => {
  const { tenant, integration } = await quietIntegration(1);
  await Promise.all(
    Array.from(
      { length: 20 },
      () =>
        adminSql`insert into public.guardian_meta_webhook_events (tenant_id, integration_id, event_id, event_type)
      select tenant_id, ${integration.id}, id, 'readiness_updated' from public.integration_events_outbox where tenant_id = ${tenant.id}
      on conflict (event_id, integration_id) do nothing`,
    ),
  );
  const rows =
    await sql`select from public.guardian_meta_webhook_events where integration_id = ${integration.id}`;
  assert.equal(rows.length, 1);
});
