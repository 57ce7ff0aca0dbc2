import assert from "node:assert/strict";
import { eventually } from "../support/bare_stack.ts";
import { type CrewArrival, type CrewEndpoint, mostWithin } from "../support/crew_endpoints.ts";
import { type DeliveryCrew, withDeliveryCrew } from "../support/delivery_crew.ts";
import { report } from "../support/report.ts";

const QUEUED = 1000;
/** Of the rate that a limit allows, at least so much is used while there is a backlog; a machine that stalls loses slots. */
const LEAST_SHARE = 0.75;

/** Arrivals per second. */
function pace(arrivals: CrewArrival[]): number {
  return (arrivals.length - 1) / (arrivals.at(-1)!.atMs - arrivals[0]!.atMs) * 1000;
}

function came(endpoint: CrewEndpoint, count: number): Promise<boolean> {
  return eventually(`${count} arrivals`, 60_000, () => Promise.resolve(endpoint.arrivals.length >= count));
}

function setFlow({ sql }: DeliveryCrew, endpoint: CrewEndpoint, flow: string) {
  return sql`update public.guardian_meta_integrations set flow = ${flow} where id = ${endpoint.id}`;
}

/**
 * The limit is on what workers give to the network: how evenly that arrives is up to the network, and here to a machine
 * that may stall for longer than the reserve of the limit.
 *
 * @param unlimited - an endpoint without a limit beside it: how fast this machine is. Where it cannot send as fast as the
 * limit allows, half of its pace is enough.
 */
function assertKept(rate: number, limited: CrewEndpoint, arrivals: CrewArrival[], unlimited: CrewEndpoint) {
  const most = mostWithin(1000, limited.departures);
  report(
    `rate limit ${rate}/s: most in any second ${most} sent and ${mostWithin(1000, arrivals)} arrived, pace ${
      pace(arrivals).toFixed(1)
    }/s`,
  );
  assert.ok(most <= rate, `${most} left within a second`);
  const least = Math.min(LEAST_SHARE * rate, pace(unlimited.arrivals) / 2);
  assert.ok(pace(arrivals) >= least, `only ${pace(arrivals).toFixed(1)} of ${least.toFixed(1)} a second`);
}

for (
  const { rate, arrivals } of [{ rate: 10, arrivals: 40 }, { rate: 50, arrivals: 150 }, {
    rate: 700,
    arrivals: QUEUED,
  }]
) {
  Deno.test(`RATE: four workers send ${rate} a second and in no second more`, async () => {
    await withDeliveryCrew(async (crew) => {
      const limited = await crew.integrate({ rate_limit_per_second: rate, max_in_flight: 100 });
      const free = await crew.integrate({ max_in_flight: 50 });
      await crew.produce(QUEUED);
      await crew.work(4, async () => {
        await came(limited, arrivals);
        await setFlow(crew, limited, "paused");
        await came(free, QUEUED);
      });
      assertKept(rate, limited, limited.arrivals.slice(0, arrivals), free);
      if (rate < 700) assert.ok(limited.arrivals.length < QUEUED, "nobody else waits for it");
    });
  });
}

Deno.test("RATE: kept through a pause with a backlog, a new address and switching it off and on", async () => {
  await withDeliveryCrew(async (crew) => {
    const rate = 50;
    const limited = await crew.integrate({ rate_limit_per_second: rate, max_in_flight: 100 });
    await crew.produce(QUEUED);
    await crew.work(4, async () => {
      await came(limited, 50);
      await setFlow(crew, limited, "paused");
      await new Promise((resolve) => setTimeout(resolve, 1500));
      const paused = limited.arrivals.length;
      await setFlow(crew, limited, "open");
      await came(limited, paused + 50);
      for (let change = 0; change < 4; change++) {
        await crew.sql`update public.guardian_meta_integrations
          set config = config || jsonb_build_object('webhook_url', ${`${limited.url}?${change}`}::text),
            config_version = config_version + 1 where id = ${limited.id}`;
        await crew
          .sql`update public.guardian_meta_integrations set is_enabled = false where id = ${limited.id}`;
        await crew
          .sql`update public.guardian_meta_integrations set is_enabled = true where id = ${limited.id}`;
        await came(limited, limited.arrivals.length + 20);
      }
      await setFlow(crew, limited, "paused");
    });
    const most = mostWithin(1000, limited.departures);
    assert.ok(most <= rate, `${most} left within a second`);
  });
});

Deno.test("RATE: what could not leave in its slot goes back, and costs no attempt", async () => {
  await withDeliveryCrew(async (crew) => {
    const limited = await crew.integrate({ rate_limit_per_second: 50, max_in_flight: 100 });
    await crew.produce(120);
    await crew.work(1, async () => {
      await came(limited, 10);
      // The process stands still: what waits for its slot misses it.
      const untilMs = performance.now() + 600;
      while (performance.now() < untilMs);
      await came(limited, 120);
    });
    assert.ok(mostWithin(1000, limited.departures) <= 50);
    const [row] = await crew.sql`select max(attempt_count) as most, count(*)::integer as n
      from public.guardian_meta_webhook_events where status = 'delivered'`;
    assert.deepEqual([row!.most, row!.n], [1, 120]);
  });
});
