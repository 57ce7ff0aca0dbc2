import assert from "node:assert/strict";
import type postgres from "postgres";
import { resultColumns } from "../../supabase/functions/_shared/delivery/contract.ts";
import { withBareStack } from "../support/bare_stack.ts";

interface Claimed {
  delivery_id: string;
  integration_id: string;
  lease_token: string;
  attempt: number;
}

/** Exchanges results for deliveries as a worker does. */
async function exchange(
  sql: postgres.Sql,
  results: Record<string, string | number | boolean>[],
  limit: number,
) {
  const [row] = await sql`select public.exchange_deliveries(${
    sql.json(resultColumns(results))
  }, ${limit}, 60000) as answer`;
  const answer = row!.answer as {
    finished: number;
    claimed: { lease_token: string; deliveries: Claimed[] } | null;
  };
  const { deliveries, lease_token } = answer.claimed ?? { deliveries: [], lease_token: "" };
  return { finished: answer.finished, claimed: deliveries.map((one) => ({ ...one, lease_token })) };
}

/** A tenant with an integration, and events that it wants. Answers the integration. */
async function queueDeliveries(sql: postgres.Sql, count: number): Promise<string> {
  const [tenant] = await sql`insert into public.tenants (name, slug) values ('Race', 'race') returning id`;
  const config = sql.json({ webhook_url: "https://example.com/", max_in_flight: 100 });
  const [row] = await sql`select public.create_guardian_meta_integration(
    ${tenant!.id}, 'race', 'Race', null, true, ${config}, null, ${["readiness"]}, '{}',
    'whsec_c2FtcGxlLXNhbXBsZS1zYW1wbGUtc2FtcGxlLXNhbXBsZQ==', null) ->> 'id' as id`;
  await sql`insert into public.guardian_readiness_snapshots (tenant_id, overall_score, band)
    select ${tenant!.id}, 1, 'baseline' from generate_series(1, ${count})`;
  return row!.id;
}

const result = (claimed: Claimed, outcome: string) => ({
  delivery_id: claimed.delivery_id,
  integration_id: claimed.integration_id,
  lease_token: claimed.lease_token,
  outcome,
  endpoint_failed: outcome !== "delivered",
  began_after_ms: 0,
  duration_ms: 1,
  status_code: outcome === "delivered" ? 204 : 500,
});

/** A test in which nobody works but the test itself. */
function raceTest(name: string, run: (sql: postgres.Sql, admin: postgres.Sql) => Promise<void>): void {
  Deno.test({
    name,
    fn: () => withBareStack(({ sql, admin }) => run(sql, admin), { migrations: true }),
    sanitizeOps: false,
    sanitizeResources: false,
  });
}

raceTest("RACE: eight workers that claim at once never hold the same delivery", async (sql) => {
  const integrationId = await queueDeliveries(sql, 400);
  const held = new Map<string, number>();
  const worker = async () => {
    for (let empty = 0; empty < 3;) {
      const { claimed } = await exchange(sql, [], 20);
      for (const one of claimed) held.set(one.delivery_id, (held.get(one.delivery_id) ?? 0) + 1);
      const { finished } = await exchange(sql, claimed.map((one) => result(one, "delivered")), 0);
      assert.equal(finished, claimed.length);
      empty = claimed.length === 0 ? empty + 1 : 0;
    }
  };
  await Promise.all(Array.from({ length: 8 }, worker));
  assert.equal(held.size, 400);
  assert.deepEqual([...held.values()].filter((times) => times !== 1), []);
  const attempts =
    await sql`select count(*)::int as count from public.guardian_meta_webhook_attempts where integration_id = ${integrationId}`;
  assert.equal(attempts[0]!.count, 400);
});

raceTest(
  "RACE: a worker that wakes after its lease changes no row, and its attempt is written down as lost",
  async (sql, admin) => {
    await queueDeliveries(sql, 1);
    const [late] = (await exchange(sql, [], 10)).claimed;
    assert.ok(late);
    assert.equal((await exchange(sql, [], 10)).claimed.length, 0);
    await admin`update private.delivery_flights set lease_until = now()`;
    const [second] = (await exchange(sql, [], 10)).claimed;
    assert.deepEqual([second?.delivery_id, second?.attempt], [late.delivery_id, 2]);
    assert.equal((await exchange(sql, [result(late, "failed")], 0)).finished, 0);
    assert.equal((await exchange(sql, [result(second!, "delivered")], 0)).finished, 1);
    assert.equal((await exchange(sql, [result(second!, "failed")], 0)).finished, 0);
    const [delivery] = await sql`select status, attempt_count from public.guardian_meta_webhook_events`;
    assert.deepEqual({ ...delivery }, { status: "delivered", attempt_count: 2 });
    const attempts =
      await sql`select attempt, outcome from public.guardian_meta_webhook_attempts order by attempt`;
    assert.deepEqual(attempts.map((row) => [row.attempt, row.outcome]), [[1, "lost"], [2, "delivered"]]);
  },
);

raceTest("RACE: one event is queued once per integration, however often it is offered", async (sql) => {
  await queueDeliveries(sql, 1);
  await Promise.all(
    Array.from(
      { length: 20 },
      () =>
        sql`insert into public.guardian_meta_webhook_events (tenant_id, integration_id, event_id, event_type)
      select tenant_id, integration_id, event_id, event_type from public.guardian_meta_webhook_events
      on conflict (event_id, integration_id) do nothing`,
    ),
  );
  const rows = await sql`select from public.guardian_meta_webhook_events`;
  assert.equal(rows.length, 1);
});

raceTest(
  "RACE: no more than max_in_flight of one integration are claimed, and every tenant gets its share",
  async (sql) => {
    const config = (max: number) => sql.json({ webhook_url: "https://example.com/", max_in_flight: max });
    const busy = await queueDeliveries(sql, 200);
    await sql`update public.guardian_meta_integrations set config = ${config(7)} where id = ${busy}`;
    const [other] = await sql`insert into public.tenants (name, slug) values ('Other', 'other') returning id`;
    await sql`select public.create_guardian_meta_integration(
    ${other!.id}, 'other', 'Other', null, true, ${config(10)}, null, ${["readiness"]}, '{}',
    'whsec_c2FtcGxlLXNhbXBsZS1zYW1wbGUtc2FtcGxlLXNhbXBsZQ==', null)`;
    await sql`insert into public.guardian_readiness_snapshots (tenant_id, overall_score, band) values (${
      other!.id
    }, 2, 'baseline')`;
    const counts = async () => {
      const rows = await sql`select tenant_id = ${other!.id} as other, count(*)::int as n
      from private.delivery_flights group by 1`;
      return Object.fromEntries(rows.map((row) => [row.other ? "other" : "busy", row.n]));
    };
    await exchange(sql, [], 4);
    assert.deepEqual(await counts(), { busy: 2, other: 1 });
    await exchange(sql, [], 100);
    await exchange(sql, [], 100);
    assert.deepEqual(await counts(), { busy: 7, other: 1 });
  },
);
