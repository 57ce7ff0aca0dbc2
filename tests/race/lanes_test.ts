import assert from "node:assert/strict";
import { eventually } from "../support/bare_stack.ts";
import { withDeliveryCrew } from "../support/delivery_crew.ts";

/** More than one page of lanes. */
const HELD = 600;

Deno.test("LANES: any number of held ones in line keep nobody waiting", async () => {
  await withDeliveryCrew(async (crew) => {
    const held = await crew.tenant();
    // Ids that come before any random one: a claim looks at them first.
    await crew.admin`insert into public.guardian_meta_integrations
        (id, tenant_id, integration_key, label, scopes, config, secret_ref, flow)
      select ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid, ${held}, n::text, 'Held', '{readiness}',
        '{"webhook_url": "https://example.com/"}', gen_random_uuid(), 'paused'
      from generate_series(1, ${HELD}::integer) n`;
    await crew.produce(1, held);
    const open = await crew.integrate();
    const batched = await crew.integrate({ batch: { max_events: 50, max_wait_ms: 1000 } });
    await crew.produce(1);
    const [next] = await crew.sql`select public.exchange_deliveries('{}', 10, 60000) as answer`;
    assert.deepEqual(
      next!.answer.claimed.deliveries.map((one: { integration_id: string }) => one.integration_id),
      [open.id],
    );
    const [quiet] = await crew.sql`select public.exchange_deliveries('{}', 10, 60000) as answer`;
    assert.equal(quiet!.answer.claimed, null);
    assert.ok(
      quiet!.answer.next_ms > 0 && quiet!.answer.next_ms <= 1000,
      `${quiet!.answer.next_ms} ms until the batch`,
    );
    await crew.work(
      1,
      () => eventually("the batch", 20_000, () => Promise.resolve(batched.arrivals.length === 1)),
    );
  });
});
