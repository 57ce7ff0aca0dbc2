import assert from "node:assert/strict";
import postgres from "postgres";
import { withBareStack } from "../support/bare_stack.ts";

const WRITERS = 4;
const REPORTS = 120;

/** A tenant with two integrations of the same tenant. Answers their ids. */
async function makeIntegrations(sql: postgres.Sql): Promise<{ tenantId: string; integrationIds: string[] }> {
  const [tenant] = await sql`insert into public.tenants (name, slug) values ('Sums', 'sums') returning id`;
  const integrationIds: string[] = [];
  for (const key of ["one", "two"]) {
    const config = sql.json({ webhook_url: "https://example.com/" });
    const [row] = await sql`select public.create_guardian_meta_integration(
      ${tenant!.id}, ${key}, 'Sums', null, true, ${config}, null, ${["readiness"]}, '{}',
      'whsec_c2FtcGxlLXNhbXBsZS1zYW1wbGUtc2FtcGxlLXNhbXBsZQ==', null) ->> 'id' as id`;
    integrationIds.push(row!.id);
  }
  return { tenantId: tenant!.id, integrationIds };
}

/** Reports as the engine writes them, over two hours, so that rollups of different order meet the same rows. */
async function report(sql: postgres.Sql, integrationIds: string[], nth: number): Promise<void> {
  const firstMs = [nth % 50, 3 * nth];
  await sql`insert into private.delivery_statistics_recent (integration_id, at, delivered, failed, discarded, first_attempt_ms, success_ms)
    values (${integrationIds[nth % 2]!}, now() - ${nth % 2} * interval '1 hour', 2, 1, ${
    nth % 3 === 0 ? 1 : 0
  }, ${firstMs}, ${firstMs.map((ms) => ms + 10)})`;
}

async function statisticsOf(sql: postgres.Sql, tenantId: string, integrationIds: string[]) {
  const [row] = await sql`select public.delivery_statistics(${tenantId}, ${integrationIds}) as statistics`;
  return row!.statistics as Record<string, { delivered: number; last_24h: Record<string, number> }>;
}

Deno.test({
  name: "RACE: rollups beside each other, writers and readers count every report once",
  fn: () =>
    withBareStack(async ({ sql, admin, stack }) => {
      await admin`update cron.job set active = false`;
      const { tenantId, integrationIds } = await makeIntegrations(sql);
      const clients = Array.from({ length: WRITERS + 3 }, () => postgres(stack.dbUrl, { max: 1 }));
      let writing = true;
      const writers = clients.slice(0, WRITERS).map(async (client, index) => {
        for (let nth = 0; nth < REPORTS; nth++) await report(client, integrationIds, nth * WRITERS + index);
      });
      const rollups = clients.slice(WRITERS, WRITERS + 2).map(async (client) => {
        while (writing) await client`select private.roll_up_delivery_statistics(7)`;
      });
      const reader = (async () => {
        let seen = 0;
        while (writing) {
          const statistics = await statisticsOf(clients.at(-1)!, tenantId, integrationIds);
          const delivered = Object.values(statistics).reduce((sum, one) => sum + one.delivered, 0);
          assert.ok(delivered >= seen && delivered % 2 === 0, `${delivered} after ${seen}`);
          seen = delivered;
        }
      })();
      try {
        await Promise.all(writers);
      } finally {
        writing = false;
      }
      await Promise.all([...rollups, reader]);
      const before = await statisticsOf(sql, tenantId, integrationIds);
      await sql`select private.roll_up_delivery_statistics()`;
      assert.equal((await sql`select private.roll_up_delivery_statistics() as moved`)[0]!.moved, 0);
      assert.deepEqual(
        await statisticsOf(sql, tenantId, integrationIds),
        before,
        "read the same, rolled up or not",
      );

      const total = WRITERS * REPORTS;
      const nths = Array.from({ length: total }, (_, nth) => nth);
      const firstMs = nths.flatMap((nth) => [nth % 50, 3 * nth]);
      const discarded = nths.filter((nth) => nth % 3 === 0).length;
      for (const table of ["delivery_statistics", "tenant_delivery_statistics"]) {
        const [sums] = await sql`
          select sum(delivered)::int as delivered, sum(failed)::int as failed, sum(discarded)::int as discarded,
            private.sum_histograms(first_attempt_histogram) = private.latency_histogram(${firstMs}::integer[]) as first_attempts,
            private.sum_histograms(success_histogram) = private.latency_histogram(${
          firstMs.map((ms) => ms + 10)
        }::integer[]) as successes
          from ${sql(`private.${table}`)}`;
        assert.deepEqual({ ...sums }, {
          ...{ delivered: 2 * total, failed: total, discarded },
          ...{ first_attempts: true, successes: true },
        }, table);
      }
      const [totals] = await sql`
        select sum(delivered)::int as delivered, sum(discarded)::int as discarded from private.delivery_totals`;
      assert.deepEqual({ ...totals }, { delivered: 2 * total, discarded });
      await Promise.all(clients.map((client) => client.end({ timeout: 1 })));
    }, { migrations: true }),
  sanitizeOps: false,
  sanitizeResources: false,
});
