import assert from "node:assert/strict";
import { eventually } from "../support/bare_stack.ts";
import type { CrewEndpoint } from "../support/crew_endpoints.ts";
import {
  type DeliveryCrew,
  endLeases,
  isDrained,
  letTimePass,
  withDeliveryCrew,
} from "../support/delivery_crew.ts";

const FIFO = { ordering: "fifo", max_attempts: 20 };
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);
const acceptedEvents = ({ accepted }: CrewEndpoint) => accepted.flatMap(({ events }) => events);

/** Drains while time passes for the endpoint: no wait of a retry is waited for. */
async function drain(crew: DeliveryCrew, endpoint: CrewEndpoint): Promise<void> {
  await eventually("all is delivered", 60_000, async () => {
    await crew
      .admin`update private.delivery_lanes set not_before = clock_timestamp(), consecutive_failures = 0
      where integration_id = ${endpoint.id}`;
    return await isDrained(crew, endpoint);
  });
}

Deno.test("FIFO: exact with random failures, eight workers and one killed, while others go on", async () => {
  await withDeliveryCrew(async (crew) => {
    const line = await crew.integrate(FIFO, () => Math.random() < 0.2 ? 500 : 204);
    const other = await crew.integrate();
    await crew.produce(60);
    await crew.work(8, async (hired) => {
      let died: Promise<void> | undefined;
      const say = line.says;
      line.says = async (arrival) => {
        const [row] = await crew
          .sql`select lease_token from private.delivery_flights where integration_id = ${line.id}`;
        // Whoever has the line then: it often stays with one of them for long.
        const victim = hired.find(({ leases }) => leases.includes(row?.lease_token));
        if (!died && arrival.before > 15 && victim) {
          victim.kill();
          died = (async () => {
            const before = line.arrivals.length;
            await eventually("the others'", 30_000, () => isDrained(crew, other));
            assert.equal(line.arrivals.length, before, "the line waits for the killed worker's");
            await endLeases(crew, victim);
          })();
          // It is told of where it is waited for.
          died.catch(() => {});
        }
        return await say(arrival);
      };
      for (let more = 0; more < 4; more++) await crew.produce(10);
      await drain(crew, line);
      assert.ok(died, "somebody had the line");
      await died;
    });
    // What the killed worker sent was accepted without its knowledge, and comes again: at its place, with the same id.
    const accepted = acceptedEvents(line);
    assert.deepEqual(accepted.filter((event, index) => event !== accepted[index - 1]), upTo(100));
    for (let index = 1; index < line.accepted.length; index++) {
      if (accepted[index] === accepted[index - 1]) {
        assert.equal(line.accepted[index]!.webhookId, line.accepted[index - 1]!.webhookId);
      }
    }
    assert.equal(other.accepted.length, 100);
  });
});

Deno.test("FIFO: a retry holds its own line only; a head that is given up lets the next go", async () => {
  await withDeliveryCrew(async (crew) => {
    const line = await crew.integrate(
      { ...FIFO, max_attempts: 2 },
      ({ events }) => events[0] === 3 ? 500 : 204,
    );
    const other = await crew.integrate(FIFO);
    await crew.produce(6);
    await crew.work(3, async () => {
      await eventually("the other line", 10_000, () => isDrained(crew, other));
      await eventually("the head fails", 20_000, () => Promise.resolve(line.arrivals.length === 3));
      await new Promise((resolve) => setTimeout(resolve, 200));
      assert.deepEqual(line.arrivals.flatMap(({ events }) => events), [1, 2, 3], "nobody overtakes it");
      await drain(crew, line);
    });
    assert.deepEqual(line.arrivals.flatMap(({ events }) => events), [1, 2, 3, 3, 4, 5, 6]);
    assert.deepEqual(acceptedEvents(other), upTo(6));
    const [letter] = await crew.sql`select count(*)::integer as n from private.delivery_dead_letters`;
    assert.equal(letter!.n, 1);
  });
});

Deno.test("FIFO: a pause keeps the order, and so does switching it on with retries pending", async () => {
  await withDeliveryCrew(async (crew) => {
    const line = await crew.integrate({ max_attempts: 20 }, ({ events }) => events[0]! <= 2 ? 500 : 204);
    await crew.produce(4);
    await crew.work(3, async () => {
      await eventually("two wait for their retry", 10_000, async () => {
        const [row] = await crew
          .sql`select count(*)::integer as n from private.delivery_queue where not is_ready`;
        return row!.n === 2;
      });
      await crew.sql`update public.guardian_meta_integrations set config = config || '{"ordering": "fifo"}',
        config_version = config_version + 1, flow = 'paused' where id = ${line.id}`;
      await crew.produce(4);
      await crew.sql`update public.guardian_meta_integrations set flow = 'open' where id = ${line.id}`;
      await new Promise((resolve) => setTimeout(resolve, 300));
      assert.deepEqual(acceptedEvents(line).sort(), [3, 4], "the first in line is waited for");
      line.says = () => 204;
      await letTimePass(crew, line);
      await drain(crew, line);
    });
    assert.deepEqual(acceptedEvents(line).slice(2), [1, 2, 5, 6, 7, 8]);
  });
});

Deno.test("FIFO: the events of one statement go out in the order they were written", async () => {
  await withDeliveryCrew(async (crew) => {
    const lines = [];
    for (let line = 0; line < 5; line++) lines.push(await crew.integrate(FIFO));
    lines.push(await crew.subscribe(["*"], FIFO));
    // However the planner joins events and subscriptions.
    await crew.sql.begin(async (transaction) => {
      await transaction`set local enable_nestloop = off`;
      await transaction`set local enable_mergejoin = off`;
      await transaction`insert into public.guardian_readiness_snapshots (tenant_id, overall_score, band, computed_at)
        select ${crew.tenantId}, 1, 'baseline', '2026-01-01'::timestamptz + n * interval '1 second'
        from generate_series(1, 300) n`;
    });
    const rows = await crew.sql`
      select q.integration_id, array_agg(extract(epoch from (e.payload ->> 'computed_at')::timestamptz)::integer order by q.position) as at
      from private.delivery_queue q join public.integration_events_outbox e on e.id = q.event_id group by 1`;
    assert.equal(rows.length, 6);
    for (const row of rows) assert.deepEqual(row.at, [...row.at].sort((a: number, b: number) => a - b));
  });
});
