import assert from "node:assert/strict";
import "../support/functions_env.ts";
import { hubStore } from "../../supabase/functions/_shared/db/store.ts";
import { DeliveryWorker } from "../../supabase/functions/_shared/delivery/delivery_worker.ts";
import { Drainer } from "../../supabase/functions/_shared/drain/drainer.ts";
import type { FaultPoint } from "../../supabase/functions/_shared/fault_point.ts";
import { eventually } from "../support/bare_stack.ts";
import {
  BUILDERS,
  type DeliveryCrew,
  isDrained,
  letTimePass,
  QUIET,
  withDeliveryCrew,
} from "../support/delivery_crew.ts";
import { withHubEnvironment } from "../support/hub_environment.ts";

const hooked = globalThis as { interlockFaultHook?: (point: FaultPoint) => void };

const SOUND_SECRET = `whsec_${btoa("another-sample-secret-of-the-crew")}`;

/** The real loop around the real worker, as one process of the function has it. */
function startDrainer(crew: DeliveryCrew, maxItems: number): Drainer {
  withHubEnvironment({ INTERLOCK_DB_URL: crew.dbUrl });
  const worker = new DeliveryWorker(hubStore(), BUILDERS, crew.send);
  return new Drainer({
    ...{ name: "meta-webhook-deliver", unit: "deliveries", maxItems },
    round: (awakeMs, log) => worker.round(awakeMs, log),
    busy: () => worker.busy(),
    ready: () => worker.ready(),
    nextMs: () => worker.nextMs(),
    settle: (log, interrupted) => worker.settle(log, interrupted),
  });
}

Deno.test("WORKER: when endpoints cannot be read, what was claimed goes back and the room is free again", async () => {
  await withDeliveryCrew(async (crew) => {
    const endpoint = await crew.integrate({ max_in_flight: 100 });
    const hired = crew.hire();
    await hired.stop();
    const { worker } = hired;
    await crew.produce(50);
    await crew.admin`alter function public.get_delivery_endpoints(uuid[]) rename to away`;
    for (let time = 0; time < 20; time++) await assert.rejects(worker.round(0, QUIET));
    await crew.admin`alter function public.away(uuid[]) rename to get_delivery_endpoints`;
    await eventually("all", 5000, async () => {
      await worker.round(0, QUIET);
      return await isDrained(crew);
    });
    await worker.settle(QUIET);
    assert.equal(endpoint.accepted.length, 50);
    const [row] = await crew.sql`select max(attempt_count) as most from public.guardian_meta_webhook_events`;
    assert.equal(row!.most, 1, "nothing was tried, nothing is counted");
  });
});

Deno.test("WORKER: a subscription without a readable secret fails its attempt, and is tried again", async () => {
  await withDeliveryCrew(async (crew) => {
    const endpoint = await crew.integrate();
    const [before] = await crew
      .sql`select secret_ref from public.guardian_meta_integrations where id = ${endpoint.id}`;
    await crew
      .admin`update public.guardian_meta_integrations set secret_ref = gen_random_uuid() where id = ${endpoint.id}`;
    await crew.produce(1);
    await crew.work(1, async () => {
      await eventually("it fails", 5000, async () => {
        const [row] = await crew
          .sql`select status, last_error_class from public.guardian_meta_webhook_events`;
        return row!.status === "failed" && row!.last_error_class === "misconfigured";
      });
      await crew.admin`update public.guardian_meta_integrations set secret_ref = ${
        before!.secret_ref
      } where id = ${endpoint.id}`;
      await letTimePass(crew, endpoint);
      await eventually("it is delivered", 20_000, () => isDrained(crew));
    });
    assert.equal(endpoint.accepted.length, 1);
  });
});

Deno.test("WORKER: a subscription that is broken in the store fails alone, the others' deliveries leave at once", async () => {
  await withDeliveryCrew(async (crew) => {
    const sound = await crew.integrate();
    const [unsigned, garbled, headless, odd] = [
      await crew.integrate(),
      await crew.integrate(),
      await crew.integrate({ headers: ["x-key"] }),
      await crew.integrate(),
    ];
    const secretOf = crew
      .admin`select secret_ref from public.guardian_meta_integrations where id = ${unsigned.id}`;
    await crew.admin`select vault.update_secret((${secretOf}), 'no secret of ours')`;
    await crew.admin`update vault.secrets set secret = 'bm8gY2lwaGVydGV4dA=='
      where id = (select secret_ref from public.guardian_meta_integrations where id = ${garbled.id})`;
    await crew.admin`update public.guardian_meta_integrations
      set headers_ref = public.store_secret(tenant_id, 'x-key: 1', 'headers') where id = ${headless.id}`;
    await crew.admin`update public.guardian_meta_integrations
      set config = config || '{"field_mappings": "none"}' where id = ${odd.id}`;
    await crew.produce(8);
    await crew.work(1, async () => {
      await eventually("the sound one's", 20_000, () => isDrained(crew, sound));
      await eventually("the others fail", 5000, async () => {
        const [row] = await crew.sql`select count(distinct integration_id)::integer as n
          from public.guardian_meta_webhook_events where last_error_class = 'misconfigured'`;
        return row!.n === 4;
      });
      const sentences = await crew.sql`select distinct integration_id as id, last_error
        from public.guardian_meta_webhook_events where last_error is not null`;
      const saidOf = (id: string) => sentences.filter((row) => row.id === id).map((row) => row.last_error);
      for (const { id } of [unsigned, garbled]) {
        assert.deepEqual(saidOf(id), [
          "The signing secret of this subscription is missing or cannot sign; rotate it.",
        ]);
      }
      assert.match(saidOf(headless.id)[0], /^The headers of this subscription cannot be read/);
      assert.match(saidOf(odd.id)[0], /^The configuration of this subscription cannot be read/);
      const secret = await crew
        .sql`select public.store_secret(${crew.tenantId}, ${SOUND_SECRET}, 'test') as ref`;
      await crew.admin`update public.guardian_meta_integrations
        set secret_ref = ${secret[0]!.ref}, config_version = config_version + 1 where id = ${unsigned.id}`;
      await eventually("what is mended does not wait", 5000, async () => {
        await crew.admin`update private.delivery_queue set due_at = clock_timestamp()
          where integration_id = ${unsigned.id} and not is_ready`;
        return await isDrained(crew, unsigned);
      });
    });
    assert.deepEqual([sound.accepted.length, unsigned.accepted.length], [8, 8]);
    for (const { arrivals } of [garbled, headless, odd]) assert.equal(arrivals.length, 0);
  });
});

Deno.test("WORKER: a process that slept past its lease sends nothing of what it held", async () => {
  await withDeliveryCrew(async (crew) => {
    const endpoint = await crew.integrate();
    await crew.produce(5);
    const awakeNow = performance.now;
    let sleptMs = 0;
    hooked.interlockFaultHook = (point) => {
      // After every claim anew: it may claim what it gave back before it is stopped.
      if (point === "deliver.claimed") sleptMs += 95_000;
    };
    performance.now = () => awakeNow.call(performance) + sleptMs;
    try {
      const hired = crew.hire();
      await eventually("it claims", 20_000, () => Promise.resolve(hired.leases.length > 0));
      await hired.stop();
    } finally {
      performance.now = awakeNow;
      delete hooked.interlockFaultHook;
    }
    assert.equal(endpoint.arrivals.length, 0);
    await crew.work(1, () => eventually("they are delivered", 20_000, () => isDrained(crew)));
    assert.equal(endpoint.arrivals.length, 5);
  });
});

Deno.test("DRAINER: waits for batches, retries and the next invocation without a schedule, and for no endpoint that hangs", async () => {
  await withDeliveryCrew(async (crew) => {
    const drainer = startDrainer(crew, 40);
    try {
      const batched = await crew.integrate({ batch: { max_events: 50, max_wait_ms: 3000 } });
      const retried = await crew.integrate(
        { retry_schedule_seconds: [2] },
        ({ before }) => before === 0 ? 500 : 204,
      );
      const queuedAtMs = performance.now();
      await crew.produce(1);
      drainer.wake(QUIET, "bell");
      await eventually(
        "both arrive",
        15_000,
        () => Promise.resolve(batched.arrivals.length === 1 && retried.accepted.length === 1),
      );
      assert.ok(batched.arrivals[0]!.atMs - queuedAtMs >= 3000, "no sooner than it was to");
      assert.ok(retried.accepted[0]!.atMs - retried.arrivals[0]!.atMs >= 2000, "no sooner than it was to");

      const other = await crew.tenant();
      const letGo = Promise.withResolvers<void>();
      const hanging = await crew.integrate({}, async () => {
        await letGo.promise;
        return 204;
      }, other);
      await crew.produce(1, other);
      drainer.wake(QUIET, "bell");
      await eventually("it hangs", 20_000, () => Promise.resolve(hanging.arrivals.length === 1));
      const many = await crew.integrate({}, undefined, other);
      await crew.produce(200, other);
      await eventually("several invocations", 20_000, () => {
        drainer.wake(QUIET, "bell");
        return Promise.resolve(many.accepted.length === 200);
      });
      assert.equal(hanging.accepted.length, 0, "and the first one still hangs");
      letGo.resolve();
      await eventually("the end", 10_000, async () => {
        drainer.wake(QUIET, "bell");
        return await isDrained(crew);
      });
    } finally {
      // Nothing is in line: the loop lets go by itself.
      await new Promise((resolve) => setTimeout(resolve, 2500));
      await hubStore().close();
      Deno.env.delete("INTERLOCK_DB_URL");
    }
  });
});
