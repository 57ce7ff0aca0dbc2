import assert from "node:assert/strict";
import type { FaultPoint } from "../../supabase/functions/_shared/fault_point.ts";
import { eventually } from "../support/stack.ts";
import { type ChaosStack, pause, startChaosStack } from "./chaos_stack.ts";
import type { Strike } from "./fault_control.ts";
import type { Arrival } from "./ledger.ts";
import type { Leg } from "./leg.ts";
import { chaosSeed, Random } from "./random.ts";
import { letLeasesRunOut, webhookLeg } from "./webhook_leg.ts";

const NAME = "event-dispatch";
/** Each item is two events. */
const ITEMS = 250;

let chaos: ChaosStack;
let leg: Leg;

Deno.test.beforeAll(async () => {
  chaos = await startChaosStack();
  leg = webhookLeg(chaos, Random.of(chaosSeed, NAME));
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

/** The lines of the log that the function wrote with this message. */
async function logLines(message: string): Promise<string[]> {
  const log = await Deno.readTextFile(chaos.stack.logFile);
  return log.split("\n").filter((line) => line.includes(` ${NAME} `) && line.includes(` ${message} `));
}

const TOO_LATE = "results came after the lease and changed nothing";

/** Resolves once a worker has gone on to a point, counted from now. */
function passes(point: FaultPoint, pid: number): Promise<boolean> {
  const from = chaos.control.passes.length;
  return eventually(() =>
    Promise.resolve(chaos.control.passes.slice(from).some((pass) => pass.point === point && pass.pid === pid))
  );
}

/** Freezes the worker with everything it has claimed, and lets its lease run out until another worker takes over. */
async function freezeAndTakeOver(
  point: FaultPoint,
  takenOver: (port: number) => Promise<boolean>,
): Promise<{ frozen: Strike; stop(): Promise<void> }> {
  const striking = chaos.control.arm({ point, pass: 1, act: "freeze" });
  await Promise.all([0, 1, 2, 3].map((producer) => leg.produce(producer)));
  const frozen = await striking;
  const other = chaos.stack.startBeside(NAME);
  const stop = async () => {
    frozen.release();
    await other.stop();
  };
  try {
    const port = await other.port;
    await eventually(async () => {
      await letLeasesRunOut(chaos.sql, frozen.atMs);
      await chaos.wake(NAME, port);
      return await takenOver(port);
    });
    return { frozen, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

for (const point of ["dispatch.claimed", "dispatch.handled"] satisfies FaultPoint[]) {
  workersTest(`frozen at ${point} until another worker has finished, a worker changes 0 rows`, async () => {
    const startedAtMs = Date.now();
    const from = leg.ledger.size;
    const tooLate = (await logLines(TOO_LATE)).length;
    const { frozen, stop } = await freezeAndTakeOver(point, async () => await leg.open() === 0);
    try {
      const before = await touchedRows();
      const reported = passes("dispatch.finished", frozen.pid);
      frozen.release();
      await reported;
      assert.deepEqual(await touchedRows(), before);
      assert.equal(
        (await logLines(TOO_LATE)).length,
        tooLate + 1,
        "it did report, and says that it was too late",
      );
      requireAllOnce(await leg.arrivals(startedAtMs), from, 4);
    } finally {
      await stop();
    }
  });

  workersTest(
    `frozen at ${point} until another worker holds the lease, a worker changes 0 rows`,
    async () => {
      const startedAtMs = Date.now();
      const from = leg.ledger.size;
      const holding: Promise<Strike>[] = [];
      let held: Strike | undefined;
      const { frozen, stop } = await freezeAndTakeOver(point, async () => {
        if (holding.length === 0) {
          holding.push(chaos.control.arm({ point: "dispatch.claimed", pass: 1, act: "hold" }));
        }
        held = await Promise.race([holding[0], pause(200).then(() => undefined)]);
        return held !== undefined;
      });
      try {
        const before = await dispatchRows();
        const reported = passes("dispatch.finished", frozen.pid);
        frozen.release();
        await reported;
        assert.deepEqual(await dispatchRows(), before, "the lease of the other worker stands");
        held!.release();
        await eventually(async () => await leg.open() === 0);
        requireAllOnce(await leg.arrivals(startedAtMs), from, 4);
      } finally {
        held?.release();
        await stop();
      }
    },
  );
}

function requireAllOnce(arrivals: Arrival[], from: number, accepted: number): void {
  const verdict = leg.ledger.judge(arrivals, from);
  const { lost, duplicates, outOfTenant, unknown } = verdict;
  assert.deepEqual([verdict.accepted, lost, duplicates, outOfTenant, unknown], [accepted, [], [], [], []]);
}

workersTest(`two live workers handle each of ${2 * ITEMS} events exactly once`, async () => {
  const startedAtMs = Date.now();
  const from = leg.ledger.size;
  const before = new Set((await logLines("dispatched")).map(dispatchIdOf));
  // Each waits with its first claim in hand until the other has one as well: they do work at the same time.
  const holds: Promise<Strike>[] = [1, 2].map(() =>
    chaos.control.arm({ point: "dispatch.claimed", pass: 1, act: "hold" })
  );
  const passedBefore = chaos.control.passes.length;
  const producing = Promise.all(
    Array.from({ length: 10 }, async (_, producer) => {
      for (let item = 0; item < ITEMS / 10; item++) await leg.produce(producer);
    }),
  );
  const first = await holds[0]!;
  const other = chaos.stack.startBeside(NAME);
  try {
    const port = await other.port;
    await chaos.wake(NAME, port);
    const second = await holds[1]!;
    await producing;
    assert.notEqual(first.pid, second.pid);
    first.release();
    second.release();
    await eventually(async () => {
      await Promise.all([chaos.wake(NAME), chaos.wake(NAME, port)]);
      return await leg.open() === 0;
    }, 30_000);
    const claims = chaos.control.passes.slice(passedBefore).filter((pass) =>
      pass.point === "dispatch.claimed"
    );
    for (const { pid } of [first, second]) {
      assert.ok(claims.filter((pass) => pass.pid === pid).length >= 2, "both went on claiming");
    }
    const handled = (await logLines("dispatched")).map(dispatchIdOf).filter((id) => !before.has(id));
    assert.equal(handled.length, 2 * ITEMS, "handled as often as there are events");
    assert.equal(new Set(handled).size, 2 * ITEMS, "and each once");
    requireAllOnce(await leg.arrivals(startedAtMs), from, ITEMS);
  } finally {
    chaos.control.disarm();
    await other.stop();
  }
});

function dispatchIdOf(line: string): string {
  return /dispatch_id=(\d+)/.exec(line)![1]!;
}
