import assert from "node:assert/strict";
import { eventually } from "../support/bare_stack.ts";
import type { CrewEndpoint } from "../support/crew_endpoints.ts";
import { type DeliveryCrew, isDrained, withDeliveryCrew } from "../support/delivery_crew.ts";

/** Integrations of one tenant whose endpoints answer only when they are let go. Answers how. */
async function hang(crew: DeliveryCrew, integrations: number, backlog: number, tenantId: string) {
  const letGo = Promise.withResolvers<void>();
  const endpoints: CrewEndpoint[] = [];
  for (let index = 0; index < integrations; index++) {
    const config = { max_in_flight: 100, timeout_ms: 30_000 };
    const says = async () => {
      await letGo.promise;
      return 204;
    };
    endpoints.push(await crew.integrate(config, says, tenantId));
  }
  await crew.produce(backlog, tenantId);
  const hanging = () => endpoints.reduce((sum, { arrivals }) => sum + arrivals.length, 0);
  return { letGo: letGo.resolve, hanging };
}

for (const workers of [1, 2]) {
  Deno.test(`FAIRNESS: ${workers} workers hold what one tenant's endpoints hang on, and deliver another's at once`, async () => {
    await withDeliveryCrew(async (crew) => {
      const { letGo, hanging } = await hang(crew, 10, 200, crew.tenantId);
      const other = await crew.tenant();
      const endpoint = await crew.integrate({}, undefined, other);
      await crew.work(workers, async () => {
        await eventually("much hangs", 20_000, () => Promise.resolve(hanging() > 150));
        for (let event = 1; event <= 5; event++) {
          await crew.produce(1, other);
          await eventually(
            "the other tenant's",
            5000,
            () => Promise.resolve(endpoint.accepted.length === event),
          );
        }
        const [row] = await crew.sql`select count(*)::integer as n from public.guardian_meta_webhook_attempts
          where tenant_id = ${crew.tenantId}`;
        assert.equal(row!.n, 0, "nothing of the first tenant's had ended");
        letGo();
        await eventually("all the rest", 60_000, () => isDrained(crew));
      });
      assert.equal(hanging(), 2000);
    });
  });
}

Deno.test("FAIRNESS: five tenants that hang leave room for a sixth in the only worker", async () => {
  await withDeliveryCrew(async (crew) => {
    const hogs: Awaited<ReturnType<typeof hang>>[] = [];
    for (let hog = 0; hog < 5; hog++) hogs.push(await hang(crew, 3, 100, await crew.tenant()));
    const endpoint = await crew.integrate();
    await crew.work(1, async () => {
      await eventually(
        "all five hang",
        20_000,
        () => Promise.resolve(hogs.every(({ hanging }) => hanging() > 0)),
      );
      for (let event = 1; event <= 3; event++) {
        await crew.produce(1);
        await eventually(
          "the sixth tenant's",
          5000,
          () => Promise.resolve(endpoint.accepted.length === event),
        );
      }
      for (const { letGo } of hogs) letGo();
      await eventually("all the rest", 60_000, () => isDrained(crew));
    });
  });
});
