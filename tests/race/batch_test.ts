import assert from "node:assert/strict";
import { eventually } from "../support/bare_stack.ts";
import { type CrewArrival, type CrewEndpoint, mostWithin } from "../support/crew_endpoints.ts";
import {
  type DeliveryCrew,
  endLeases,
  isDrained,
  letTimePass,
  withDeliveryCrew,
} from "../support/delivery_crew.ts";

const HOUR_MS = 3_600_000;
const batch = (maxEvents: number, maxWaitMs = HOUR_MS) => ({
  batch: { max_events: maxEvents, max_wait_ms: maxWaitMs },
});
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);
const came = (endpoint: CrewEndpoint, count: number) =>
  eventually(`${count} requests`, 10_000, () => Promise.resolve(endpoint.arrivals.length >= count));
const asSent = ({ webhookId, body }: CrewArrival) => `${webhookId} ${body}`;
const sizes = ({ arrivals }: CrewEndpoint) => arrivals.map(({ events }) => events.length);

/** Whether what is left waits for more, and nothing is on its way. */
async function rests({ sql }: DeliveryCrew, waiting: number): Promise<boolean> {
  const [row] = await sql`select (select count(*) from private.delivery_queue)::integer as waiting,
    (select count(*) from private.delivery_flights)::integer as flying`;
  return row!.waiting === waiting && row!.flying === 0;
}

/** Writes the configuration of an integration anew, as a person does. */
async function configure(
  { sql }: DeliveryCrew,
  endpoint: CrewEndpoint,
  config: Record<string, number | string | object>,
) {
  await sql`update public.guardian_meta_integrations set config_version = config_version + 1,
    config = ${
    sql.json(JSON.parse(JSON.stringify({ webhook_url: endpoint.url, ...config })))
  } where id = ${endpoint.id}`;
}

Deno.test("BATCH: a full one leaves at once, the rest when its oldest has waited", async () => {
  await withDeliveryCrew(async (crew) => {
    const endpoint = await crew.integrate(batch(5));
    await crew.produce(12);
    await crew.work(3, async () => {
      await eventually("two leave", 20_000, () => rests(crew, 2));
      assert.deepEqual(sizes(endpoint), [5, 5]);
      await crew
        .admin`update private.delivery_queue set due_at = due_at - interval '1 hour' where position = (
        select min(position) from private.delivery_queue)`;
      await came(endpoint, 3);
    });
    // The first two leave at the same time, in no order.
    const batches = endpoint.arrivals.map(({ events }) => events).toSorted((one, other) =>
      one[0]! - other[0]!
    );
    assert.deepEqual(batches.flat(), upTo(12));
    assert.equal(new Set(endpoint.arrivals.map(({ webhookId }) => webhookId)).size, 3);
  });
});

Deno.test("BATCH: tried again, it is the same: members, webhook-id, bytes, whoever sends it and whatever was written since", async () => {
  await withDeliveryCrew(async (crew) => {
    const endpoint = await crew.integrate(
      { ...batch(4), max_attempts: 20 },
      ({ before }) => before < 2 ? 500 : 204,
    );
    await crew.produce(4);
    const retry = async () => {
      await crew.produce(1);
      await letTimePass(crew, endpoint);
      await crew.admin`update private.delivery_queue set due_at = clock_timestamp() where batch_id is null`;
    };
    await crew.work(3, async () => {
      await came(endpoint, 1);
      await eventually("it waits", 20_000, () => rests(crew, 4));
      await retry();
      await came(endpoint, 2);
      await eventually("it waits", 20_000, () => rests(crew, 5));
      await retry();
      await came(endpoint, 3);
      await eventually("it is delivered", 20_000, () => rests(crew, 2));
    });
    assert.deepEqual(new Set(endpoint.arrivals.map(asSent)).size, 1);
    assert.deepEqual(endpoint.arrivals[0]!.events, upTo(4));
  });
});

Deno.test("BATCH: a killed worker's comes again with the same members, webhook-id and bytes", async () => {
  await withDeliveryCrew(async (crew) => {
    const endpoint = await crew.integrate(batch(6));
    const victim = crew.hire();
    endpoint.says = () => {
      victim.kill();
      return 204;
    };
    await crew.produce(6);
    await came(endpoint, 1);
    await crew.work(2, async () => {
      endpoint.says = () => 204;
      await endLeases(crew, victim);
      await eventually("it is delivered", 20_000, () => isDrained(crew));
    });
    assert.equal(endpoint.arrivals.length, 2);
    assert.equal(new Set(endpoint.arrivals.map(asSent)).size, 1);
  });
});

Deno.test("BATCH: a member that may not leave leaves the others", async () => {
  await withDeliveryCrew(async (crew) => {
    const endpoint = await crew.integrate(
      { ...batch(4), max_attempts: 20 },
      ({ before }) => before === 0 ? 500 : 204,
    );
    await crew.produce(4);
    await crew.admin`update private.delivery_queue set event_type = 'no_such_type' where position = (
      select min(position) from private.delivery_queue)`;
    await crew.work(2, async () => {
      await came(endpoint, 1);
      await eventually("three wait", 20_000, () => rests(crew, 3));
      await letTimePass(crew, endpoint);
      await eventually("they are delivered", 20_000, () => isDrained(crew));
    });
    assert.deepEqual(endpoint.arrivals.map(({ events }) => events), [[2, 3, 4], [2, 3, 4]]);
    assert.equal(new Set(endpoint.arrivals.map(asSent)).size, 1);
  });
});

Deno.test("BATCH: the rate limit and max_in_flight count requests", async () => {
  await withDeliveryCrew(async (crew) => {
    let atOnce = 0;
    let mostAtOnce = 0;
    const narrow = await crew.integrate({ ...batch(10), max_in_flight: 2 }, async () => {
      mostAtOnce = Math.max(mostAtOnce, ++atOnce);
      await new Promise((resolve) => setTimeout(resolve, 50));
      atOnce--;
      return 204;
    });
    const slow = await crew.integrate({ ...batch(10), rate_limit_per_second: 10 });
    await crew.produce(150);
    await crew.work(4, () => eventually("all", 20_000, () => isDrained(crew)));
    assert.deepEqual([mostAtOnce, narrow.arrivals.length], [2, 15]);
    assert.deepEqual(sizes(slow), Array(15).fill(10));
    assert.ok(mostWithin(1000, slow.departures) <= 10);
    const [lane] = await crew.sql`select sum(in_flight)::integer as n from private.delivery_lanes`;
    assert.equal(lane!.n, 0);
  });
});

Deno.test("BATCH: switched on and off with retries pending, everything tried goes out again as it was", async () => {
  await withDeliveryCrew(async (crew) => {
    const endpoint = await crew.integrate({ max_attempts: 3 }, () => 500);
    await crew.produce(2);
    await crew.work(2, async () => {
      await came(endpoint, 2);
      await eventually("two singles wait", 20_000, () => rests(crew, 2));
      await configure(crew, endpoint, { ...batch(3), max_attempts: 3 });
      await crew.produce(3);
      await came(endpoint, 3);
      await eventually("a batch waits too", 20_000, () => rests(crew, 5));
      await configure(crew, endpoint, { max_attempts: 3 });
      await crew.produce(1);
      await came(endpoint, 4);
      await eventually("all wait", 20_000, () => rests(crew, 6));
      await letTimePass(crew, endpoint);
      await came(endpoint, 8);
      await eventually("all wait", 20_000, () => rests(crew, 6));
      await configure(crew, endpoint, { ...batch(3), max_attempts: 3 });
      endpoint.says = () => 204;
      await letTimePass(crew, endpoint);
      await eventually("all is delivered", 20_000, () => isDrained(crew));
    });
    const tries = Object.values(Object.groupBy(endpoint.arrivals, asSent)).map((same) =>
      `${same![0]!.events}: ${same!.length}`
    );
    assert.deepEqual(tries.sort(), ["1: 3", "2: 3", "3,4,5: 3", "6: 3"]);
  });
});

Deno.test("BATCH: one claim takes whole ones, and not many more deliveries than it has room for", async () => {
  await withDeliveryCrew(async (crew) => {
    for (let lane = 0; lane < 10; lane++) await crew.integrate(batch(100));
    await crew.produce(100);
    const [row] = await crew.sql`select public.exchange_deliveries('{}', 150, 60000) as answer`;
    assert.equal(row!.answer.claimed.deliveries.length, 200);
  });
});
