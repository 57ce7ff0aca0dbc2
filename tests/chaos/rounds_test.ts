import assert from "node:assert/strict";
import type { FaultPoint } from "../../supabase/functions/_shared/fault_point.ts";
import { type ChaosStack, pause, startChaosStack } from "./chaos_stack.ts";
import { type DeliveryLeg, deliveryLeg } from "./delivery_leg.ts";
import { requireAllOnce } from "./ledger.ts";
import type { Leg } from "./leg.ts";
import { chaosSeed, Random } from "./random.ts";
import { type Blow, runRound } from "./round.ts";
import { report } from "../support/report.ts";
import { type VerdictRow, verdictTable } from "./verdict_table.ts";
import { webhookLeg } from "./webhook_leg.ts";

/** Rounds per leg; CHAOS_ROUNDS asks for more. */
const ROUNDS = Number(Deno.env.get("CHAOS_ROUNDS") ?? 50);
/** Rounds in which a server is lost under load; each takes seconds to come back. */
const SERVER_ROUNDS = Math.ceil(ROUNDS / 10);

const rows: VerdictRow[] = [];
const planned: number[] = [];
let chaos: ChaosStack;
let webhooks: Leg;
let deliveries: DeliveryLeg;

Deno.test.beforeAll(async () => {
  chaos = await startChaosStack();
  webhooks = webhookLeg(chaos, Random.of(chaosSeed, "webhooks"));
  deliveries = await deliveryLeg(chaos, Random.of(chaosSeed, "deliveries"));
});

Deno.test.afterAll(async () => {
  await chaos.stop();
  await deliveries.stop();
});

/** Some worker is killed when it reaches one of the points for the nth time in the round. */
function killAt(points: FaultPoint[], latestPass: number): Blow {
  return async (random) => {
    const fault = { point: random.pick(points), pass: random.between(1, latestPass), act: "kill" } as const;
    const strike = await chaos.control.arm(fault);
    return { at: strike.point, struckAtMs: strike.atMs };
  };
}

/** A server of the stack is killed with all its children at some moment of the load, and comes back by itself. */
function crash(server: "postgres" | "postgrest"): Blow {
  return async (random) => {
    await pause(random.between(50, 500));
    const struckAtMs = Date.now();
    await chaos.stack[server].crash();
    return { at: server, struckAtMs };
  };
}

function roundsTest(name: string, rounds: number, leg: () => Leg, blow: Blow): void {
  planned.push(rounds);
  Deno.test({
    name: `${rounds} rounds of ${name}: nothing lost, nothing twice, nothing out of its tenant`,
    sanitizeOps: false,
    sanitizeResources: false,
    async fn() {
      const from = leg().ledger.size;
      const repeatsBefore = await leg().repeats();
      const startedAtMs = Date.now();
      const struckAt: string[] = [];
      try {
        for (let round = 1; round <= rounds; round++) {
          const result = await runRound(chaos, leg(), blow, Random.of(chaosSeed, `${name} ${round}`));
          struckAt.push(result.struckAt);
          const what =
            `round ${round} of ${name}, struck at ${result.struckAt}; CHAOS_SEED=${chaosSeed} repeats the choices`;
          requireAllOnce(result.verdict, result.verdict.accepted, what);
        }
      } finally {
        chaos.control.disarm();
        // Once more over all of them: what a round found in its place must still be there after the later ones.
        const verdict = leg().ledger.judge(await leg().arrivals(startedAtMs), from);
        verdict.repeats += await leg().repeats() - repeatsBefore;
        rows.push({ name, struckAt, verdict });
      }
      const { verdict } = rows.at(-1)!;
      requireAllOnce(verdict, verdict.accepted, `all rounds of ${name}, CHAOS_SEED=${chaosSeed}`);
      assert.ok(verdict.accepted >= rounds * 12, "every round had its load");
    },
  });
}

const RECEIVE: FaultPoint[] = ["receive.verified", "receive.stored"];
const DELIVER: FaultPoint[] = ["deliver.claimed", "deliver.sent", "deliver.finished"];
const DISPATCH: FaultPoint[] = ["dispatch.claimed", "dispatch.handled", "dispatch.finished"];

roundsTest("webhook-receiver killed", ROUNDS, () => webhooks, killAt(RECEIVE, 12));
roundsTest("event-dispatch killed", ROUNDS, () => webhooks, killAt(DISPATCH, 3));
roundsTest("meta-webhook-deliver killed", ROUNDS, () => deliveries, killAt(DELIVER, 4));
roundsTest("PostgREST killed", SERVER_ROUNDS, () => webhooks, crash("postgrest"));
roundsTest("Postgres killed", SERVER_ROUNDS, () => webhooks, crash("postgres"));
roundsTest("PostgREST killed while delivering", SERVER_ROUNDS, () => deliveries, crash("postgrest"));
roundsTest("Postgres killed while delivering", SERVER_ROUNDS, () => deliveries, crash("postgres"));

Deno.test("every kind of round was held to its end, as the table says", () => {
  report(`CHAOS_SEED=${chaosSeed}\n${verdictTable(rows)}`);
  assert.deepEqual(rows.map((row) => row.struckAt.length), planned);
});
