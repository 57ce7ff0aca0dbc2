import assert from "node:assert/strict";
import { createEgressClient } from "../../supabase/functions/_shared/guardrails/egress/egress_client.ts";
import { egressFailure, egressRequest, PUBLIC_ADDRESS, withEndpoint } from "../support/egress.ts";
import { makeCertificate } from "../support/certificate.ts";
import { type RawConnection, rawServer } from "../support/raw_server.ts";

const OK = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
const tick = (durationMs: number) => new Promise((resolve) => setTimeout(resolve, durationMs));

async function answerAll({ readRequest, write }: RawConnection): Promise<void> {
  while (await readRequest() !== null) await write(OK);
}

Deno.test("EGRESS: requests go over the wire as written: framing ours, headers theirs, body whole", () =>
  withEndpoint(answerAll, async ({ url, server, client }) => {
    const body = new Uint8Array(300_000).map((_, index) => index % 251);
    await client.sendRequest(egressRequest(`${url}?a=ü#part`, {
      headers: { "content-type": "application/json", "webhook-id": "msg_1", "x-name": "Zoë" },
      body,
    }));
    const [head, sent] = server.requests[0]!.split("\r\n\r\n", 1).concat(server.requests[0]!.slice(-300_000));
    assert.deepEqual(head!.split("\r\n"), [
      "POST /hook?a=%C3%BC HTTP/1.1",
      `host: 127.0.0.1:${server.port}`,
      "accept-encoding: identity",
      "content-type: application/json",
      "webhook-id: msg_1",
      "x-name: Zo\xeb",
      "user-agent: Interlock/1",
      "content-length: 300000",
    ]);
    assert.deepEqual(Uint8Array.from(sent!, (char) => char.charCodeAt(0)), body);
  }));

Deno.test("EGRESS: a header that would break the message is not sent", () =>
  withEndpoint(answerAll, async ({ url, server, client }) => {
    const bad: Record<string, string>[] = [
      { "x-a": "b\r\nx-c: d" },
      { "x-a\r\nx-c": "d" },
      { "x a": "b" },
      { "x-a": "\0" },
      { "x-a": "☃" },
      { "": "b" },
      { Host: "inner" },
      { "Content-Length": "0" },
      { "transfer-encoding": "chunked" },
      { "Connection": "close" },
    ];
    for (const headers of bad) {
      const failure = await egressFailure(client.sendRequest(egressRequest(url, { headers })));
      assert.equal(failure.errorClass, "protocol_error", JSON.stringify(headers));
    }
    assert.equal(server.connections, 0);
  }));

Deno.test("EGRESS: requests one after the other share a connection, those at once have their own", () =>
  withEndpoint(answerAll, async ({ url, server, client }) => {
    for (let count = 0; count < 5; count++) await client.sendRequest(egressRequest(url));
    assert.equal(server.connections, 1);
    const responses = await Promise.all(
      Array.from({ length: 8 }, () => client.sendRequest(egressRequest(url))),
    );
    assert.ok(responses.every(({ status }) => status === 200));
    assert.equal(server.requests.length, 13);
    assert.equal(server.connections, 8);
    assert.equal(responses.filter(({ timing }) => timing.connectMs === null).length, 1);
  }));

Deno.test("EGRESS: a connection is kept only where the answer says so and ends where it says", async () => {
  const notKept = {
    "connection: close": "HTTP/1.1 200 OK\r\nConnection: Close\r\ncontent-length: 2\r\n\r\nok",
    "close in a list": "HTTP/1.1 200 OK\r\nconnection: x, close\r\ncontent-length: 2\r\n\r\nok",
    "HTTP/1.0": "HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok",
    "bytes after the answer": `${OK}HTTP/1.1 299 Smuggled\r\ncontent-length: 0\r\n\r\n`,
    "bytes after an answer without body": "HTTP/1.1 204 No Content\r\n\r\nsmuggled",
  };
  for (const [name, answer] of Object.entries(notKept)) {
    await withEndpoint(async ({ readRequest, write }) => {
      while (await readRequest() !== null) await write(answer);
    }, async ({ url, server, client }) => {
      for (let count = 0; count < 3; count++) {
        const { status } = await client.sendRequest(egressRequest(url));
        assert.ok(status === 200 || status === 204, `${name}: ${status}`);
      }
      assert.equal(server.connections, 3, name);
    });
  }
});

Deno.test("EGRESS: what comes unasked between two requests is no answer to the second", () =>
  withEndpoint(async ({ readRequest, write }) => {
    while (await readRequest() !== null) {
      await write(OK);
      await tick(20);
      await write("HTTP/1.1 299 Smuggled\r\ncontent-length: 0\r\n\r\n");
    }
  }, async ({ url, server, client }) => {
    for (let count = 0; count < 3; count++) {
      assert.equal((await client.sendRequest(egressRequest(url))).status, 200);
      await tick(100);
    }
    assert.equal(server.connections, 3);
  }));

Deno.test("EGRESS: a kept connection that the endpoint closed is replaced without a failure", () =>
  withEndpoint(async ({ readRequest, write }) => {
    await readRequest();
    await write(OK);
    await tick(20); // And closes.
  }, async ({ url, server, client }) => {
    for (let count = 0; count < 3; count++) {
      assert.equal((await client.sendRequest(egressRequest(url))).status, 200);
      await tick(80);
    }
    assert.equal(server.connections, 3);
    assert.equal(server.requests.length, 3);
  }));

Deno.test("EGRESS: a kept connection that dies under a request is replaced once", () =>
  withEndpoint(async ({ index, readRequest, write }) => {
    await readRequest();
    if (index > 0) return; // Every later connection closes without an answer.
    await write(OK);
    await readRequest(); // The second request is read, and no byte is answered.
  }, async ({ url, server, client }) => {
    assert.equal((await client.sendRequest(egressRequest(url))).status, 200);
    const failure = await egressFailure(client.sendRequest(egressRequest(url)));
    assert.equal(failure.errorClass, "connection_lost");
    assert.equal(server.connections, 2, "one new connection, then the failure");
    assert.equal(server.requests.length, 3);
  }));

Deno.test("EGRESS: a kept connection that dies within the answer is not tried again", () =>
  withEndpoint(async ({ readRequest, write }) => {
    await readRequest();
    await write(OK);
    await readRequest();
    await write("HTTP/1.1 2");
  }, async ({ url, server, client }) => {
    await client.sendRequest(egressRequest(url));
    const failure = await egressFailure(client.sendRequest(egressRequest(url)));
    assert.equal(failure.errorClass, "connection_lost");
    assert.equal(server.requests.length, 2);
  }));

Deno.test("EGRESS: an answer before the whole request was read counts", () =>
  withEndpoint(async ({ socket, write }) => {
    await socket.read(new Uint8Array(1_000));
    await write("HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\n\r\n");
    await tick(300);
  }, async ({ url, client }) => {
    const body = new Uint8Array(20_000_000);
    const { status } = await client.sendRequest(egressRequest(url, { body }));
    assert.equal(status, 413);
  }));

Deno.test("EGRESS: a port where nobody listens is connect_failed; the next address is tried", async () => {
  const server = rawServer(answerAll);
  const dialled: string[] = [];
  const client = createEgressClient({
    ports: [443],
    allowLocal: true,
    connect: ({ hostname, port }) => {
      dialled.push(hostname);
      return Deno.connect({ hostname: "127.0.0.1", port: hostname === "::1" ? port : 1 });
    },
  });
  try {
    const response = await client.sendRequest(egressRequest(`http://localhost:${server.port}/`));
    assert.equal(response.status, 200);
    assert.deepEqual(dialled, ["127.0.0.1", "::1"]);
    const failure = await egressFailure(client.sendRequest(egressRequest("http://127.0.0.1:1/")));
    assert.equal(failure.errorClass, "connect_failed");
  } finally {
    client.close();
    await server.close();
  }
});

Deno.test("EGRESS: time runs out while looking up, connecting and shaking hands too", async () => {
  const silent = rawServer(async ({ socket }) =>
    void await socket.read(new Uint8Array(1)).then(() => tick(400))
  );
  const never = new Promise<never>(() => {});
  let lateClosed = 0;
  const late = () =>
    // deno-lint-ignore house/double-cast -- the two methods that an abandoned attempt uses
    tick(250).then(() => ({ setNoDelay() {}, close: () => void lateClosed++ }) as unknown as Deno.TcpConn);
  const resolver = () => Promise.resolve([PUBLIC_ADDRESS]);
  const phases = {
    resolving: { resolver: () => never },
    connecting: { resolver, connect: late },
    securing: { resolver, connect: () => Deno.connect({ hostname: "127.0.0.1", port: silent.port }) },
  };
  try {
    const local = createEgressClient({ ports: [443], allowLocal: true, connect: late });
    const plain = egressRequest("http://127.0.0.1:1/", { timeoutMs: 100 });
    assert.equal((await egressFailure(local.sendRequest(plain))).errorClass, "timed_out");
    for (const [phase, options] of Object.entries(phases)) {
      const client = createEgressClient({ ports: [443], allowLocal: false, ...options });
      const request = egressRequest("https://hooks.example.com/", { timeoutMs: 100 });
      assert.equal((await egressFailure(client.sendRequest(request))).errorClass, "timed_out", phase);
    }
    await tick(400);
    assert.equal(lateClosed, 2, "connections that come too late are closed, with TLS and without");
  } finally {
    await silent.close();
  }
});

Deno.test("EGRESS: the certificate must be for the name, by a known authority", async () => {
  const certificate = await makeCertificate("hooks.example.com");
  const server = rawServer(answerAll, certificate);
  const options = {
    ports: [443],
    allowLocal: false,
    resolver: () => Promise.resolve([PUBLIC_ADDRESS]),
    connect: () => Deno.connect({ hostname: "127.0.0.1", port: server.port }),
  };
  const trusting = createEgressClient({ ...options, caCerts: [certificate.caCert] });
  try {
    const response = await trusting.sendRequest(egressRequest("https://hooks.example.com./"));
    assert.equal(response.status, 200);
    for (const phase of ["resolveMs", "connectMs", "tlsMs", "firstByteMs"] as const) {
      assert.equal(typeof response.timing[phase], "number", phase);
    }
    assert.match(server.requests[0]!, /^host: hooks\.example\.com\r$/m);
    await trusting.sendRequest(egressRequest("https://hooks.example.com/"));
    assert.equal(server.connections, 1);
    const wrongName = await egressFailure(trusting.sendRequest(egressRequest("https://other.example.com/")));
    assert.equal(wrongName.errorClass, "tls_failed");
    const unknown = createEgressClient(options);
    const refused = await egressFailure(unknown.sendRequest(egressRequest("https://hooks.example.com/")));
    assert.equal(refused.errorClass, "tls_failed");
    assert.equal(server.requests.length, 2, "nothing was sent to the wrong ones");
  } finally {
    trusting.close();
    await server.close();
  }
});
