import assert from "node:assert/strict";
import { eventually } from "../support/bare_stack.ts";
import { isDrained, withDeliveryCrew } from "../support/delivery_crew.ts";

Deno.test("BACKLOG: results find their rows by id, also where the planner has not seen the log grow", async () => {
  await withDeliveryCrew(async (crew) => {
    await crew.integrate({ max_in_flight: 100 });
    await crew.admin`alter table public.guardian_meta_webhook_events set (autovacuum_enabled = off)`;
    const reads = async () => {
      const [row] = await crew.admin`select idx_scan::integer as n from pg_stat_user_indexes
        where indexrelname = 'guardian_meta_webhook_events_tenant_id_created_at_idx'`;
      return row!.n;
    };
    await crew.work(1, async () => {
      // Statements are planned now, over a table of a few rows, and kept.
      await crew.produce(20);
      await eventually("few", 10_000, () => isDrained(crew));
      await crew.produce(3000);
      await eventually("many", 60_000, () => isDrained(crew));
    });
    // What the worker's connection counted is seen a moment after it has ended.
    await new Promise((resolve) => setTimeout(resolve, 1500));
    assert.equal(await reads(), 0, "reads of the list's index, each over all deliveries of the tenant");
  });
});
