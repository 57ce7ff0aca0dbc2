import assert from "node:assert/strict";
import type postgres from "postgres";
import { withBareStack } from "../support/bare_stack.ts";

async function queue(sql: postgres.Sql, count: number): Promise<string> {
  const [tenant] = await sql`insert into public.tenants (name, slug) values ('Heal', 'heal') returning id`;
  const config = sql.json({ webhook_url: "https://example.com/", max_in_flight: 10 });
  const [row] = await sql`select public.create_guardian_meta_integration(
    ${tenant!.id}, 'heal', 'Heal', null, true, ${config}, null, ${["readiness"]}, '{}',
    'whsec_c2FtcGxlLXNhbXBsZS1zYW1wbGUtc2FtcGxlLXNhbXBsZQ==', null) ->> 'id' as id`;
  await sql`insert into public.guardian_readiness_snapshots (tenant_id, overall_score, band)
    select ${tenant!.id}, 1, 'baseline' from generate_series(1, ${count})`;
  return row!.id;
}

const claim = (sql: postgres.Sql, limit: number) =>
  sql`select public.exchange_deliveries('{}', ${limit}, 60000)`;

const inFlight = async (sql: postgres.Sql) =>
  (await sql`select in_flight from private.delivery_lanes`)[0]!.in_flight as number;

const heal = async (sql: postgres.Sql) =>
  (await sql`select private.heal_delivery_lanes() as healed`)[0]!.healed as number;

function healingTest(name: string, run: (sql: postgres.Sql) => Promise<void>): void {
  Deno.test({
    name,
    fn: () =>
      withBareStack(async ({ sql, admin }) => {
        await admin`update cron.job set active = false`;
        await run(sql);
      }, { migrations: true }),
    sanitizeOps: false,
    sanitizeResources: false,
  });
}

healingTest(
  "LANES: a lane whose count went wrong is put right and says so; a right one is left alone",
  async (sql) => {
    const integrationId = await queue(sql, 10);
    await claim(sql, 4);
    const counted = await inFlight(sql);
    assert.ok(counted > 0);
    assert.equal(await heal(sql), 0);
    await sql`update private.delivery_lanes set in_flight = 10`;
    const [blocked] = await sql`select public.exchange_deliveries('{}', 5, 60000) -> 'claimed' as claimed`;
    assert.equal(blocked!.claimed, null, "a lane that believes to be full claims nothing");
    assert.equal(await heal(sql), 1);
    assert.equal(await inFlight(sql), counted);
    const logs =
      await sql`select status, details from public.integration_logs where event_type = 'delivery.lane_healed'`;
    assert.deepEqual(logs.map((row) => ({ ...row })), [{
      status: "warning",
      details: { integration_id: integrationId, was: 10, is: counted },
    }]);
    assert.equal(await heal(sql), 0);
  },
);

healingTest(
  "RACE: healing beside a claim that is not committed waits for it and finds the lane right",
  async (sql) => {
    await queue(sql, 10);
    await sql`update private.delivery_lanes set in_flight = 2`;
    const worker = await sql.reserve();
    let healing: Promise<number>;
    try {
      await worker`begin`;
      await worker`select public.exchange_deliveries('{}', 4, 60000)`;
      healing = heal(sql);
      // Until it stands in line for the lane that the worker holds.
      for (let waits = false; !waits;) {
        const [row] = await sql`select exists (select from pg_catalog.pg_locks where not granted) as waits`;
        waits = row!.waits;
      }
      await worker`commit`;
    } finally {
      worker.release();
    }
    assert.equal(await healing, 1);
    const [row] = await sql`select count(*)::int as flights from private.delivery_flights`;
    assert.equal(await inFlight(sql), row!.flights);
  },
);
