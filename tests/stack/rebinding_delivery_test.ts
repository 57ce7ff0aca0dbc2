import assert from "node:assert/strict";
import { createEgressClient } from "../../supabase/functions/_shared/guardrails/egress/egress_client.ts";
import { makeCertificate } from "../support/certificate.ts";
import { PUBLIC_ADDRESS } from "../support/egress.ts";
import { withLoneWorker } from "../support/lone_worker.ts";
import { rawServer } from "../support/raw_server.ts";

const HOST = "hooks.example.com";

Deno.test({
  name:
    "EGRESS: deliveries to a name that turns inwards fail without a connection, and arrive once it turns back",
  fn: turnInwardsAndBack,
  sanitizeOps: false,
  sanitizeResources: false,
});

/** What DNS says at each attempt, and the class of its failure. */
const TURNS: [addresses: string[], errorClass: string | null][] = [
  [[PUBLIC_ADDRESS], null],
  [["127.0.0.1"], "address_refused"],
  [["::1"], "address_refused"],
  [["10.0.0.1"], "address_refused"],
  [["169.254.169.254"], "address_refused"],
  [["::ffff:127.0.0.1"], "address_refused"],
  [[PUBLIC_ADDRESS, "127.0.0.1"], "address_refused"],
  [["127.0.0.1", PUBLIC_ADDRESS], "address_refused"],
  [[], "dns_failed"],
  [[PUBLIC_ADDRESS], null],
];

async function turnInwardsAndBack(): Promise<void> {
  const certificate = await makeCertificate(HOST);
  const inside = rawServer(() => Promise.resolve());
  const outside = rawServer(async ({ readRequest, write }) => {
    while (await readRequest() !== null) await write("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
  }, certificate);
  let addresses: string[] = [];
  const client = createEgressClient({
    ports: [inside.port],
    allowLocal: false,
    caCerts: [certificate.caCert],
    nameCacheMs: 0,
    resolver: () => Promise.resolve(addresses),
    connect: ({ hostname, port }) =>
      Deno.connect({ hostname: "127.0.0.1", port: hostname === PUBLIC_ADDRESS ? outside.port : port }),
  });
  const config = { webhook_url: `https://${HOST}:${inside.port}/`, max_attempts: 20 };
  try {
    await withLoneWorker({ send: client.sendRequest, config }, async ({ produce, attempt }) => {
      let failures = 0;
      await produce();
      for (const [answers, errorClass] of TURNS) {
        addresses = answers;
        const { status, errorClass: seen } = await attempt();
        assert.equal(seen, errorClass, answers.join());
        assert.equal(status, errorClass === null ? "delivered" : "failed", answers.join());
        if (errorClass !== null) failures++;
        else if (failures === 0) await produce();
      }
      assert.equal(failures, TURNS.length - 2);
    });
    assert.equal(outside.requests.length, 2);
    assert.equal(inside.connections, 0);
  } finally {
    client.close();
    await inside.close();
    await outside.close();
  }
}
