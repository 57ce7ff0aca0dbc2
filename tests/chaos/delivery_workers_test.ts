import assert from "node:assert/strict";
import type { FaultPoint } from "../../supabase/functions/_shared/fault_point.ts";
import { eventually } from "../support/stack.ts";
import { type ChaosStack, pause, startChaosStack } from "./chaos_stack.ts";
import { type DeliveryLeg, deliveryLeg } from "./delivery_leg.ts";
import type { Strike } from "./fault_control.ts";
import { requireAllOnce } from "./ledger.ts";
import { chaosSeed, Random } from "./random.ts";
import { drainByTwo, freezeAndTakeOver, logLines, reaches } from "./two_workers.ts";

const ITEMS = 500;
const TOO_LATE = "results came after the lease and changed nothing";

let chaos: ChaosStack;
let leg: DeliveryLeg;

Deno.test.beforeAll(async () => {
  chaos = await startChaosStack();
  leg = await deliveryLeg(chaos, Random.of(chaosSeed, "delivery workers"), ["plain"]);
});
Deno.test.afterAll(async () => {
  await chaos.stop();
  await leg.stop();
});

function workersTest(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, fn, sanitizeOps: false, sanitizeResources: false });
}

/** Every row that a delivery's result can touch. */
async function touchedRows(): Promise<unknown[]> {
  const deliveries = await chaos.sql`select * from public.guardian_meta_webhook_events order by id`;
  const attempts = await chaos
    .sql`select * from public.guardian_meta_webhook_attempts order by delivery_id, attempt`;
  const integrations = await chaos.sql`select * from public.guardian_meta_integrations order by id`;
  const waiting = await chaos.sql`select * from private.delivery_queue order by delivery_id`;
  const flights = await chaos.sql`select * from private.delivery_flights order by delivery_id`;
  const lanes = await chaos.sql`select * from private.delivery_lanes order by integration_id`;
  return [deliveries, attempts, integrations, waiting, flights, lanes].map((rows) => [...rows]);
}

for (const point of ["deliver.claimed", "deliver.sent"] satisfies FaultPoint[]) {
  workersTest(`frozen at ${point} until another worker has delivered, a worker changes 0 rows`, async () => {
    const startedAtMs = Date.now();
    const from = leg.ledger.size;
    const tooLate = (await logLines(chaos, leg.drainer, TOO_LATE)).length;
    const { frozen, stop } = await freezeAndTakeOver(chaos, leg, point, async () => await leg.open() === 0);
    try {
      const before = await touchedRows();
      const reported = reaches(chaos, "deliver.finished", frozen.pid);
      frozen.release();
      await reported;
      assert.deepEqual(await touchedRows(), before);
      assert.ok(
        (await logLines(chaos, leg.drainer, TOO_LATE)).length > tooLate,
        "it says that it was too late",
      );
      requireAllOnce(leg.ledger.judge(await leg.arrivals(startedAtMs), from), 4);
    } finally {
      await stop();
    }
  });

  workersTest(
    `frozen at ${point} until another worker holds the lease, a worker changes 0 rows`,
    async () => {
      const startedAtMs = Date.now();
      const from = leg.ledger.size;
      let holding: Promise<Strike> | undefined;
      let held: Strike | undefined;
      const { frozen, stop } = await freezeAndTakeOver(chaos, leg, point, async () => {
        holding ??= chaos.control.arm({ point: "deliver.claimed", pass: 1, act: "hold" });
        held = await Promise.race([holding, pause(200).then(() => undefined)]);
        return held !== undefined;
      });
      try {
        const before = await touchedRows();
        const reported = reaches(chaos, "deliver.finished", frozen.pid);
        frozen.release();
        await reported;
        assert.deepEqual(await touchedRows(), before, "the lease of the other worker stands");
        held!.release();
        await eventually(async () => await leg.open() === 0);
        requireAllOnce(leg.ledger.judge(await leg.arrivals(startedAtMs), from), 4);
      } finally {
        held?.release();
        await stop();
      }
    },
  );
}

workersTest(`two live workers send each of ${ITEMS} deliveries exactly once`, async () => {
  const startedAtMs = Date.now();
  const from = leg.ledger.size;
  const claims = await drainByTwo(chaos, leg, "deliver.claimed", () =>
    Promise.all(
      Array.from({ length: 10 }, async (_, producer) => {
        for (let item = 0; item < ITEMS / 10; item++) await leg.produce(producer);
      }),
    ));
  assert.ok(claims.every((count) => count >= 2), `both went on claiming: ${claims}`);
  const verdict = leg.ledger.judge(await leg.arrivals(startedAtMs), from);
  requireAllOnce(verdict, ITEMS);
  assert.equal(verdict.repeats, 0, "not even with the same webhook-id");
});
