import assert from "node:assert/strict";
import { eventually } from "../support/bare_stack.ts";
import type { CrewEndpoint } from "../support/crew_endpoints.ts";
import { type DeliveryCrew, isDrained, letTimePass, withDeliveryCrew } from "../support/delivery_crew.ts";

/** Kinds of the notices about an endpoint, oldest first. */
async function noticesOf({ sql }: DeliveryCrew, endpoint: CrewEndpoint): Promise<string[]> {
  const rows =
    await sql`select kind from public.notifications where subject_id = ${endpoint.id} order by created_at, kind`;
  return rows.map((row) => row.kind.replace("integration.", ""));
}

async function untilTold(crew: DeliveryCrew, endpoint: CrewEndpoint, kinds: string[]): Promise<void> {
  await eventually(`notices ${kinds}`, 10_000, async () => {
    await letTimePass(crew, endpoint);
    return (await noticesOf(crew, endpoint)).length >= kinds.length;
  });
  assert.deepEqual(await noticesOf(crew, endpoint), kinds);
}

async function enable({ sql }: DeliveryCrew, endpoint: CrewEndpoint): Promise<void> {
  await sql`update public.guardian_meta_integrations
    set is_enabled = true, disabled_at = null, disabled_reason = null where id = ${endpoint.id}`;
}

Deno.test("NOTICES: failing, exhausted, recovered, each once, and they leave as events", async () => {
  await withDeliveryCrew(async (crew) => {
    const listener = await crew.subscribe(["integration.*"]);
    const endpoint = await crew.integrate({ max_attempts: 2, max_in_flight: 20 }, () => 503);
    await crew.produce(60);
    await crew.work(4, async () => {
      await untilTold(crew, endpoint, ["failing", "exhausted"]);
      await eventually("ten are given up", 20_000, async () => {
        await letTimePass(crew, endpoint);
        const [row] = await crew.sql`select count(*)::integer as n from private.delivery_dead_letters`;
        return row!.n >= 10;
      });
      assert.deepEqual(
        await noticesOf(crew, endpoint),
        ["failing", "exhausted"],
        "however many attempts follow",
      );
      endpoint.says = () => 204;
      await untilTold(crew, endpoint, ["failing", "exhausted", "recovered"]);
      await eventually("the rest", 10_000, async () => {
        await letTimePass(crew, endpoint);
        return await isDrained(crew);
      });
      assert.deepEqual(await noticesOf(crew, endpoint), ["failing", "exhausted", "recovered"]);
      endpoint.says = () => 500;
      await crew.produce(20);
      await untilTold(crew, endpoint, ["failing", "exhausted", "recovered", "failing", "exhausted"]);
      await eventually("the events", 10_000, () => Promise.resolve(listener.arrivals.length === 5));
    });
    const told = listener.arrivals.map(({ body }) => JSON.parse(body));
    assert.deepEqual(
      told.map(({ type }) => type),
      ["failing", "exhausted", "recovered", "failing", "exhausted"].map((kind) => `integration.${kind}`),
    );
    assert.ok(told.every(({ data }) => data.integration_id === endpoint.id));
  });
});

Deno.test("NOTICES: deliveries given up between successes are told once an hour, not one by one", async () => {
  await withDeliveryCrew(async (crew) => {
    const endpoint = await crew.integrate(
      { max_attempts: 1, max_in_flight: 5 },
      ({ before }) => before % 2 ? 204 : 400,
    );
    await crew.produce(60);
    await crew.work(3, async () => {
      await eventually("all", 10_000, () => isDrained(crew));
      assert.deepEqual(await noticesOf(crew, endpoint), ["exhausted"]);
      await crew
        .admin`update private.delivery_lanes set told_exhausted_at = told_exhausted_at - interval '61 minutes'`;
      endpoint.says = () => 204;
      await crew.produce(1);
      await untilTold(crew, endpoint, ["exhausted", "recovered"]);
    });
  });
});

Deno.test("DISABLED: after five days of failing, once; enabled again, it has five days again", async () => {
  await withDeliveryCrew(async (crew) => {
    const endpoint = await crew.integrate({ max_attempts: 20, max_in_flight: 20 }, () => 500);
    const age = (interval: string) =>
      crew.admin`update private.delivery_lanes set failing_since = failing_since - ${interval}::interval
        where integration_id = ${endpoint.id}`;
    const isEnabled = async () => {
      const [row] = await crew.sql`select is_enabled, disabled_reason from public.guardian_meta_integrations
        where id = ${endpoint.id}`;
      return [row!.is_enabled, row!.disabled_reason];
    };
    await crew.produce(40);
    await crew.work(4, async () => {
      await untilTold(crew, endpoint, ["failing"]);
      await age("4 days 23 hours");
      const before = endpoint.arrivals.length;
      await eventually("probes fail", 10_000, async () => {
        await letTimePass(crew, endpoint);
        return endpoint.arrivals.length >= before + 3;
      });
      assert.deepEqual(await isEnabled(), [true, null]);
      await age("2 hours");
      await untilTold(crew, endpoint, ["failing", "disabled"]);
      assert.deepEqual(await isEnabled(), [false, "failing"]);
      const after = endpoint.arrivals.length;
      await enable(crew, endpoint);
      await eventually("it is tried again", 10_000, async () => {
        await letTimePass(crew, endpoint);
        return endpoint.arrivals.length >= after + 12;
      });
      assert.deepEqual((await isEnabled())[0], true, "what was before does not count");
      assert.deepEqual(await noticesOf(crew, endpoint), ["failing", "disabled"]);
      endpoint.says = () => 204;
      await untilTold(crew, endpoint, ["failing", "disabled", "recovered"]);
    });
  });
});

Deno.test("DISABLED: 410 disables at once, told once by however many requests, and nothing is lost", async () => {
  await withDeliveryCrew(async (crew) => {
    const endpoint = await crew.integrate({ max_in_flight: 20 }, async ({ before }) => {
      // Told by several reports: whoever comes later finds it disabled.
      await new Promise((resolve) => setTimeout(resolve, 100 + 20 * before));
      return 410;
    });
    await crew.produce(60);
    await crew.work(4, async () => {
      await untilTold(crew, endpoint, ["exhausted", "disabled"]);
      await eventually("what was on the wire has ended", 10_000, async () => {
        const [lane] = await crew
          .sql`select in_flight from private.delivery_lanes where integration_id = ${endpoint.id}`;
        return lane!.in_flight === 0;
      });
      assert.deepEqual(await noticesOf(crew, endpoint), ["exhausted", "disabled"]);
      const asked = endpoint.arrivals.length;
      assert.ok(asked <= 20, `${asked} were asked`);
      endpoint.says = () => 204;
      await enable(crew, endpoint);
      await eventually("the others are delivered", 10_000, () => isDrained(crew));
      assert.equal(endpoint.accepted.length, 60 - asked);
    });
  });
});

/** Whether an endpoint's integration is enabled, and why not. */
async function enabledOf({ sql }: DeliveryCrew, endpoint: CrewEndpoint) {
  const [row] = await sql`select is_enabled, disabled_reason from public.guardian_meta_integrations
    where id = ${endpoint.id}`;
  return [row!.is_enabled, row!.disabled_reason];
}

Deno.test("DISABLED: a test that is answered 410 disables nothing, a delivery does", async () => {
  await withDeliveryCrew(async (crew) => {
    const endpoint = await crew.integrate({}, () => 410);
    await crew.work(2, async () => {
      await crew.sql`select public.queue_test_delivery(${crew.tenantId}, ${endpoint.id}, null)`;
      await eventually("the test is over", 5000, async () => {
        const [row] = await crew
          .sql`select status, last_error_class from public.guardian_meta_webhook_events`;
        return row!.status === "discarded" && row!.last_error_class === "gone";
      });
      assert.deepEqual(await enabledOf(crew, endpoint), [true, null]);
      assert.deepEqual(await noticesOf(crew, endpoint), []);
      await crew.produce(1);
      await eventually("it is disabled", 5000, async () => !(await enabledOf(crew, endpoint))[0]);
      assert.deepEqual(await enabledOf(crew, endpoint), [false, "gone"]);
    });
  });
});

const MENDING: Record<string, (crew: DeliveryCrew, endpoint: CrewEndpoint) => Promise<unknown>> = {
  "enabled again": async (crew, endpoint) => {
    await crew.sql`update public.guardian_meta_integrations set is_enabled = false where id = ${endpoint.id}`;
    await enable(crew, endpoint);
  },
  "changed": ({ sql }, endpoint) =>
    sql`update public.guardian_meta_integrations set config = config || '{"timeout_ms": 9000}',
      config_version = config_version + 1 where id = ${endpoint.id}`,
};

for (const [mended, mend] of Object.entries(MENDING)) {
  Deno.test(`DISABLED: a 410 to what left before it was ${mended} comes too late, a later one does not`, async () => {
    await withDeliveryCrew(async (crew) => {
      const { promise: isMended, resolve: sayMended } = Promise.withResolvers<void>();
      const endpoint = await crew.integrate({ max_attempts: 2 }, async ({ before }) => {
        if (before > 0) return 204;
        await isMended;
        return 410;
      });
      await crew.produce(1);
      await crew.work(2, async () => {
        await eventually("it is on its way", 20_000, () => Promise.resolve(endpoint.arrivals.length === 1));
        await mend(crew, endpoint);
        sayMended();
        await eventually("the late answer is written down", 5000, async () => {
          const [row] = await crew.sql`select status_code from public.guardian_meta_webhook_attempts`;
          return row?.status_code === 410;
        });
        assert.deepEqual(await enabledOf(crew, endpoint), [true, null]);
        await letTimePass(crew, endpoint);
        await eventually("it is tried again", 20_000, () => isDrained(crew, endpoint));
        assert.equal(endpoint.accepted.length, 1);
        assert.deepEqual(await noticesOf(crew, endpoint), []);
        endpoint.says = () => 410;
        await crew.produce(1);
        await untilTold(crew, endpoint, ["exhausted", "disabled"]);
        assert.deepEqual(await enabledOf(crew, endpoint), [false, "gone"]);
      });
    });
  });
}

Deno.test("NOTICES: an event that may not leave is not the endpoint's fault", async () => {
  await withDeliveryCrew(async (crew) => {
    const endpoint = await crew.integrate();
    await crew.produce(1);
    await crew.admin`update private.delivery_queue set event_type = 'no_such_type'`;
    await crew.work(1, () => eventually("it is refused", 20_000, () => isDrained(crew)));
    const [row] = await crew.sql`select failing_since, consecutive_failures from private.delivery_lanes`;
    assert.deepEqual([row!.failing_since, row!.consecutive_failures], [null, 0]);
    assert.deepEqual(await noticesOf(crew, endpoint), []);
    assert.equal(endpoint.arrivals.length, 0);
  });
});
