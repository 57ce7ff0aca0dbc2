import assert from "node:assert/strict";
import { eventually } from "../support/bare_stack.ts";
import type { CrewEndpoint } from "../support/crew_endpoints.ts";
import { type DeliveryCrew, isDrained, letTimePass, withDeliveryCrew } from "../support/delivery_crew.ts";

/** The lane as the breaker left it; `holdSeconds` counts from its latest opening. */
async function lane({ sql }: DeliveryCrew, endpoint: CrewEndpoint) {
  const [row] = await sql`select breaker_openings, consecutive_failures, in_flight,
      case when isfinite(not_before)
        then round(extract(epoch from not_before - breaker_opened_at))::integer end as hold_seconds
    from private.delivery_lanes where integration_id = ${endpoint.id}`;
  return row as {
    breaker_openings: number;
    consecutive_failures: number;
    in_flight: number;
    hold_seconds: number;
  };
}

/** Fails `endpoint` until its breaker opens and everything on the wire is reported. */
async function untilOpen(crew: DeliveryCrew, endpoint: CrewEndpoint) {
  return await eventually("the breaker opens", 10_000, async () => {
    const found = await lane(crew, endpoint);
    return found.breaker_openings > 0 && found.in_flight === 0 && found;
  });
}

async function attempts({ sql }: DeliveryCrew): Promise<number> {
  const [row] = await sql`select count(*)::integer as n from public.guardian_meta_webhook_attempts`;
  return row!.n;
}

Deno.test("BREAKER: opens at 10 failures in a row, probes one at a time ever more rarely, closes at a success", async () => {
  await withDeliveryCrew(async (crew) => {
    let atOnce = 0;
    let mostAtOnce = 0;
    const endpoint = await crew.integrate({ max_in_flight: 40, max_attempts: 20 }, async ({ before }) => {
      mostAtOnce = Math.max(mostAtOnce, ++atOnce);
      // Not all at once: some come when it is open already.
      await new Promise((resolve) => setTimeout(resolve, 20 + (before % 40) * 10));
      atOnce--;
      return 500;
    });
    await crew.produce(200);
    await crew.work(3, async () => {
      const opened = await untilOpen(crew, endpoint);
      assert.ok(opened.consecutive_failures >= 10);
      assert.deepEqual(
        [opened.breaker_openings, opened.hold_seconds],
        [1, 30],
        "what was on the wire opens it no further",
      );
      const holds = [30];
      for (let opening = 2; opening <= 7; opening++) {
        const before = endpoint.arrivals.length;
        mostAtOnce = 0;
        await letTimePass(crew, endpoint);
        await eventually("a probe fails", 5000, async () => {
          const found = await lane(crew, endpoint);
          if (found.breaker_openings === opening) holds.push(found.hold_seconds);
          return found.breaker_openings === opening;
        });
        assert.deepEqual([endpoint.arrivals.length - before, mostAtOnce], [1, 1], "one probe");
      }
      assert.deepEqual(holds, [30, 60, 120, 240, 480, 600, 600]);
      const spent = await attempts(crew);
      assert.equal(spent, endpoint.arrivals.length, "nothing but what arrived cost an attempt");
      endpoint.says = () => 204;
      await letTimePass(crew, endpoint);
      await eventually("all is delivered", 10_000, async () => {
        await crew.admin`update private.delivery_queue set due_at = clock_timestamp() where not is_ready`;
        return await isDrained(crew, endpoint);
      });
      assert.equal(endpoint.accepted.length, 200);
      assert.equal((await lane(crew, endpoint)).breaker_openings, 0);
    });
  });
});

Deno.test("BREAKER: answers that blame the request open nothing; too many requests do", async () => {
  await withDeliveryCrew(async (crew) => {
    const blaming = await crew.integrate(
      { max_attempts: 1 },
      ({ before }) => [400, 409, 413, 415, 422][before % 5]!,
    );
    const flooded = await crew.integrate({ max_attempts: 5 }, () => 429);
    await crew.produce(60);
    await crew.work(2, async () => {
      await eventually("all are refused", 10_000, () => isDrained(crew, blaming));
      assert.equal(blaming.arrivals.length, 60);
      const { breaker_openings, consecutive_failures } = await lane(crew, blaming);
      assert.deepEqual([breaker_openings, consecutive_failures], [0, 0]);
      await untilOpen(crew, flooded);
      assert.ok(flooded.arrivals.length < 30, `${flooded.arrivals.length} deliveries lost an attempt`);
    });
  });
});

Deno.test("BREAKER: a test goes through an open one and closes it", async () => {
  await withDeliveryCrew(async (crew) => {
    const endpoint = await crew.integrate({ max_attempts: 20 }, () => 500);
    await crew.produce(50);
    const test = () => crew.sql`select public.queue_test_delivery(${crew.tenantId}, ${endpoint.id}, null)`;
    await crew.work(2, async () => {
      const opened = await untilOpen(crew, endpoint);
      const before = endpoint.arrivals.length;
      await test();
      await eventually(
        "the test arrives",
        5000,
        () => Promise.resolve(endpoint.arrivals.length === before + 1),
      );
      await eventually("the test is over", 5000, async () => {
        const [row] = await crew
          .sql`select status from public.guardian_meta_webhook_events where event_type = 'test'`;
        return row!.status === "discarded";
      });
      assert.equal(
        (await lane(crew, endpoint)).breaker_openings,
        opened.breaker_openings,
        "a failed test changes nothing",
      );
      endpoint.says = () => 204;
      await test();
      await eventually("deliveries flow", 20_000, () => Promise.resolve(endpoint.accepted.length > 20));
    });
  });
});

for (const status of [429, 503]) {
  Deno.test(`HOLD: ${status} with Retry-After holds the whole lane, and no other one`, async () => {
    await withDeliveryCrew(async (crew) => {
      const says = () => new Response(null, { status, headers: { "retry-after": "90" } });
      const busy = await crew.integrate({ max_in_flight: 3 }, says);
      const other = await crew.integrate();
      await crew.produce(40);
      await crew.work(3, async () => {
        await eventually("the other's", 10_000, () => isDrained(crew, other));
      });
      assert.ok(busy.arrivals.length <= 3, `${busy.arrivals.length} were sent on`);
      const [row] = await crew.sql`select round(extract(epoch from not_before - clock_timestamp())) as s
        from private.delivery_lanes where integration_id = ${busy.id}`;
      assert.ok(row!.s > 60 && row!.s <= 90, `${row!.s} s`);
    });
  });
}
