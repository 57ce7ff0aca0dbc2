import assert from "node:assert/strict";
import "../support/functions_env.ts";
import { DeliveryWorker } from "../../supabase/functions/_shared/delivery/delivery_worker.ts";
import { Drainer } from "../../supabase/functions/_shared/drain/drainer.ts";
import { createDirectStore } from "../../supabase/functions/_shared/db/direct_store.ts";
import { createEgressClient } from "../../supabase/functions/_shared/guardrails/egress/egress_client.ts";
import { issueCertificate, makeAuthority } from "../support/certificate.ts";
import { BUILDERS, isDrained, QUIET, withDeliveryCrew } from "../support/delivery_crew.ts";
import { stackTest } from "../support/stack.ts";

stackTest("BUDGET: what costs more than usual brings a drain sooner to its limit", async () => {
  const rounds = { plain: 0, costly: 0 };
  for (const kind of ["plain", "costly"] as const) {
    const ended = Promise.withResolvers<void>();
    const drainer = new Drainer({
      ...{ name: "event-dispatch", unit: "things", maxItems: 100 },
      round: () => {
        rounds[kind]++;
        return Promise.resolve(10);
      },
      extraCost: () => kind === "plain" ? 0 : rounds.costly * 15,
      settle: () => {
        ended.resolve();
        return Promise.resolve(0);
      },
    });
    drainer.wake(QUIET, "bell");
    await ended.promise;
  }
  assert.deepEqual(rounds, { plain: 10, costly: 4 });
});

stackTest(
  "BUDGET: a delivery over a new TLS connection costs as much as three, over a kept one as one",
  async () => {
    const authority = await makeAuthority();
    const certificate = await issueCertificate(authority, "*.example.com");
    const server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {}, ...certificate },
      async (request) => {
        await request.text();
        return new Response(null, { status: 204 });
      },
    );
    const { port } = server.addr;
    const client = createEgressClient({
      ...{ ports: [port], allowLocal: true, caCerts: [authority.caCert] },
      resolver: () => Promise.resolve(["127.0.0.1"]),
    });
    try {
      await withDeliveryCrew(async (crew) => {
        const store = createDirectStore({ databaseUrl: crew.dbUrl, maxConnections: 1 });
        const worker = new DeliveryWorker(store, BUILDERS, client.sendRequest);
        const deliver = async () => {
          await crew.produce(1);
          while (!await isDrained(crew)) {
            await worker.round(0, QUIET);
            await worker.settle(QUIET);
          }
        };
        for (const host of ["a", "b", "c"]) {
          await crew.integrate({ webhook_url: `https://${host}.example.com:${port}/` });
        }
        await deliver();
        assert.equal(worker.extraCost(), 6, "three handshakes");
        await deliver();
        assert.equal(worker.extraCost(), 6, "none more");
        await store.close();
      });
    } finally {
      client.close();
      await server.shutdown();
    }
  },
);
