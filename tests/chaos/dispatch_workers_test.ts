import assert from "node:assert/strict";
import type { FaultPoint } from "../../supabase/functions/_shared/fault_point.ts";
import { eventually } from "../support/stack.ts";
import { type ChaosStack, pause, startChaosStack } from "./chaos_stack.ts";
import type { Strike } from "./fault_control.ts";
import { requireAllOnce } from "./ledger.ts";
import type { Leg } from "./leg.ts";
import { chaosSeed, Random } from "./random.ts";
import { drainByTwo, freezeAndTakeOver, logLines, reaches } from "./two_workers.ts";
import { webhookLeg } from "./webhook_leg.ts";

/** Each item is two events. */
const ITEMS = 250;
const TOO_LATE = "results came after the lease and changed nothing";

let chaos: ChaosStack;
let leg: Leg;

Deno.test.beforeAll(async () => {
  chaos = await startChaosStack();
  leg = webhookLeg(chaos, Random.of(chaosSeed, "dispatch workers"));
});
Deno.test.afterAll(() => chaos.stop());

function workersTest(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, fn, sanitizeOps: false, sanitizeResources: false });
}

async function dispatchRows(): Promise<unknown[]> {
  return [...await chaos.sql`select * from public.event_dispatches order by id`];
}

/** Every row that handling an event can touch. */
async function touchedRows(): Promise<unknown[]> {
  const contacts = await chaos.sql`select * from public.crm_contacts order by id`;
  const activities = await chaos.sql`select * from public.crm_activities order by id`;
  const events = await chaos.sql`select * from public.integration_events_outbox order by id`;
  return [await dispatchRows(), [...contacts], [...activities], [...events]];
}

for (const point of ["dispatch.claimed", "dispatch.handled"] satisfies FaultPoint[]) {
  workersTest(`frozen at ${point} until another worker has finished, a worker changes 0 rows`, async () => {
    const startedAtMs = Date.now();
    const from = leg.ledger.size;
    const tooLate = (await logLines(chaos, leg.drainer, TOO_LATE)).length;
    const { frozen, stop } = await freezeAndTakeOver(chaos, leg, point, async () => await leg.open() === 0);
    try {
      const before = await touchedRows();
      const reported = reaches(chaos, "dispatch.finished", frozen.pid);
      frozen.release();
      await reported;
      assert.deepEqual(await touchedRows(), before);
      assert.equal(
        (await logLines(chaos, leg.drainer, TOO_LATE)).length,
        tooLate + 1,
        "it did report, and says that it was too late",
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
        holding ??= chaos.control.arm({ point: "dispatch.claimed", pass: 1, act: "hold" });
        held = await Promise.race([holding, pause(200).then(() => undefined)]);
        return held !== undefined;
      });
      try {
        const before = await dispatchRows();
        const reported = reaches(chaos, "dispatch.finished", frozen.pid);
        frozen.release();
        await reported;
        assert.deepEqual(await dispatchRows(), before, "the lease of the other worker stands");
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

workersTest(`two live workers handle each of ${2 * ITEMS} events exactly once`, async () => {
  const startedAtMs = Date.now();
  const from = leg.ledger.size;
  const before = new Set((await logLines(chaos, leg.drainer, "dispatched")).map(dispatchIdOf));
  const claims = await drainByTwo(chaos, leg, "dispatch.claimed", () =>
    Promise.all(
      Array.from({ length: 10 }, async (_, producer) => {
        for (let item = 0; item < ITEMS / 10; item++) await leg.produce(producer);
      }),
    ));
  assert.ok(claims.every((count) => count >= 2), `both went on claiming: ${claims}`);
  const handled = (await logLines(chaos, leg.drainer, "dispatched")).map(dispatchIdOf).filter((id) =>
    !before.has(id)
  );
  assert.equal(handled.length, 2 * ITEMS, "handled as often as there are events");
  assert.equal(new Set(handled).size, 2 * ITEMS, "and each once");
  requireAllOnce(leg.ledger.judge(await leg.arrivals(startedAtMs), from), ITEMS);
});

function dispatchIdOf(line: string): string {
  return /dispatch_id=(\d+)/.exec(line)![1]!;
}
