import assert from "node:assert/strict";
import { createEgressClient } from "../../supabase/functions/_shared/guardrails/egress/egress_client.ts";
import { egressFailure, egressRequest, PUBLIC_ADDRESS } from "../support/egress.ts";
import { makeCertificate } from "../support/certificate.ts";
import { rawServer } from "../support/raw_server.ts";

const HOST = "hooks.example.com";

/** A listener inside that must stay untouched, and one outside that stands behind PUBLIC_ADDRESS. */
async function insideAndOutside() {
  const certificate = await makeCertificate(HOST);
  const inside = rawServer(() => Promise.resolve());
  const outside = rawServer(async ({ readRequest, write }) => {
    while (await readRequest() !== null) await write("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
  }, certificate);
  const dialled: string[] = [];
  const connect = ({ hostname, port }: { hostname: string; port: number }) => {
    dialled.push(hostname);
    return Deno.connect({ hostname: "127.0.0.1", port: hostname === PUBLIC_ADDRESS ? outside.port : port });
  };
  const options = { ports: [inside.port], allowLocal: false, connect, caCerts: [certificate.caCert] };
  return { inside, outside, dialled, options, url: `https://${HOST}:${inside.port}/` };
}

Deno.test("EGRESS: a name that turns to loopback after the check is not followed there", async () => {
  const { inside, outside, dialled, options, url } = await insideAndOutside();
  let asked = 0;
  const resolver = () => Promise.resolve(asked++ === 0 ? [PUBLIC_ADDRESS] : ["127.0.0.1"]);
  const client = createEgressClient({ ...options, resolver });
  try {
    assert.equal((await client.sendRequest(egressRequest(url))).status, 200);
    assert.equal(asked, 1, "the name is looked up once per request");
    assert.deepEqual(dialled, [PUBLIC_ADDRESS]);
    // Forget the answer: another client has no memory of it.
    const later = createEgressClient({ ...options, resolver });
    assert.equal((await egressFailure(later.sendRequest(egressRequest(url)))).errorClass, "address_refused");
    assert.equal(asked, 2);
    assert.deepEqual(dialled, [PUBLIC_ADDRESS]);
    assert.equal(inside.connections, 0);
    assert.equal(outside.connections, 1);
  } finally {
    client.close();
    await inside.close();
    await outside.close();
  }
});

Deno.test("EGRESS: one bad address among good ones refuses them all", async () => {
  const { inside, outside, dialled, options, url } = await insideAndOutside();
  try {
    for (const bad of ["127.0.0.1", "::1", "10.0.0.1", "::ffff:7f00:1", "fd00::1", "nonsense", "127.1"]) {
      for (const answers of [[PUBLIC_ADDRESS, bad], [bad, PUBLIC_ADDRESS]]) {
        const client = createEgressClient({ ...options, resolver: () => Promise.resolve(answers) });
        const failure = await egressFailure(client.sendRequest(egressRequest(url)));
        assert.equal(failure.errorClass, "address_refused", answers.join());
      }
    }
    assert.deepEqual(dialled, []);
    assert.equal(inside.connections + outside.connections, 0);
  } finally {
    await inside.close();
    await outside.close();
  }
});

Deno.test("EGRESS: a kept connection is not used once the name leads elsewhere", async () => {
  const { inside, outside, dialled, options, url } = await insideAndOutside();
  let answers = [PUBLIC_ADDRESS];
  const other = "93.184.216.35";
  const client = createEgressClient({
    ...options,
    resolver: () => Promise.resolve(answers),
    connect: ({ hostname, port }) =>
      options.connect({ hostname: hostname === other ? PUBLIC_ADDRESS : hostname, port }),
    nameCacheMs: 0,
  });
  try {
    await client.sendRequest(egressRequest(url));
    await client.sendRequest(egressRequest(url));
    assert.equal(outside.connections, 1, "the same address: the connection is used again");
    answers = [other];
    await client.sendRequest(egressRequest(url));
    assert.equal(outside.connections, 2, "another address: a new one");
    answers = ["127.0.0.1"];
    assert.equal((await egressFailure(client.sendRequest(egressRequest(url)))).errorClass, "address_refused");
    assert.equal(dialled.length, 2);
    assert.equal(inside.connections, 0);
  } finally {
    client.close();
    await inside.close();
    await outside.close();
  }
});

Deno.test("EGRESS: answers of DNS are shared by requests at the same time and kept for seconds only", async () => {
  let asked = 0;
  const resolver = () => Promise.resolve([asked++ < 1 ? PUBLIC_ADDRESS : "127.0.0.1"]);
  const remembering = createEgressClient({ ports: [443], allowLocal: false, resolver });
  await Promise.all(Array.from({ length: 20 }, () => remembering.checkUrl(`https://${HOST}/`)));
  assert.equal(asked, 1);
  const forgetful = createEgressClient({ ports: [443], allowLocal: false, resolver, nameCacheMs: 0 });
  await egressFailure(forgetful.checkUrl(`https://${HOST}/`));
  await egressFailure(forgetful.checkUrl(`https://${HOST}/`));
  assert.equal(asked, 3);
});
