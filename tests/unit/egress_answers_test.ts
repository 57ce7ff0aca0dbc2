import assert from "node:assert/strict";
import { answering, egressFailure, egressRequest, withEndpoint } from "../support/egress.ts";

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";

/** Answers that are fine, by the bytes of the answer: status and body as they must be read. */
const GOOD: Record<string, { parts: string[]; status?: number; body: string }> = {
  "a length": { parts: ["HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"], body: "hello" },
  "no reason": { parts: ["HTTP/1.1 200\r\ncontent-length: 2\r\n\r\nok"], body: "ok" },
  "byte by byte": { parts: [..."HTTP/1.1 200 OK\r\na: b\r\ncontent-length: 2\r\n\r\nok"], body: "ok" },
  "no length, ended by closing": { parts: ["HTTP/1.1 200 OK\r\n\r\nto the end"], body: "to the end" },
  "HTTP/1.0": { parts: ["HTTP/1.0 200 OK\r\n\r\nold"], body: "old" },
  "an equal length twice": {
    parts: ["HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 2\r\n\r\nok"],
    body: "ok",
  },
  "204 with a length": {
    parts: ["HTTP/1.1 204 No Content\r\ncontent-length: 7\r\n\r\n"],
    status: 204,
    body: "",
  },
  "interim answers before": {
    parts: [
      "HTTP/1.1 100 Continue\r\n\r\n",
      "HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\nHTTP/1.1 201 Created\r\ncontent-length: 1\r\n\r\nx",
    ],
    status: 201,
    body: "x",
  },
  "chunks with extensions and trailers": {
    parts: [chunked, "5;a=b\r\nhel", 'lo\r\n1 ; q="x"\r\n!\r\n00000A\r\n0123456789\r\n0\r\nx-sum: 1\r\n\r\n'],
    body: "hello!0123456789",
  },
  "many small chunks": {
    parts: [chunked, "1\r\na\r\n".repeat(40_000), "0\r\n\r\n"],
    body: "a".repeat(40_000),
  },
};

for (const [name, { parts, status, body }] of Object.entries(GOOD)) {
  Deno.test(`EGRESS: an answer with ${name} is read`, () =>
    withEndpoint(answering(...parts), async ({ url, client }) => {
      const response = await client.sendRequest(egressRequest(url));
      assert.equal(response.status, status ?? 200);
      assert.equal(text(response.body), body);
      assert.equal(response.truncated, false);
    }));
}

/** Answers that two programs could read in two ways, or that never end. */
const BAD: Record<string, string[]> = {
  "no HTTP at all": ["SSH-2.0-OpenSSH_9.2\r\n"],
  "another version": ["HTTP/2 200 OK\r\n\r\n"],
  "a status of two digits": ["HTTP/1.1 20 OK\r\n\r\n"],
  "a status beyond 599": ["HTTP/1.1 600 X\r\n\r\n"],
  "a changed protocol": ["HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n"],
  "lines that end with LF": ["HTTP/1.1 200 OK\ncontent-length: 0\n\n"],
  "a lone CR in a header": ["HTTP/1.1 200 OK\r\na: b\rc: d\r\n\r\n"],
  "a header without colon": ["HTTP/1.1 200 OK\r\nnonsense\r\n\r\n"],
  "a space before the colon": ["HTTP/1.1 200 OK\r\ncontent-length : 2\r\n\r\nok"],
  "a header without name": ["HTTP/1.1 200 OK\r\n: x\r\n\r\n"],
  "a continued header": ["HTTP/1.1 200 OK\r\na: b\r\n c\r\n\r\n"],
  "two lengths": ["HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nok!"],
  "two lengths in a list": ["HTTP/1.1 200 OK\r\ncontent-length: 2, 3\r\n\r\nok!"],
  "a length in hexadecimal": ["HTTP/1.1 200 OK\r\ncontent-length: 0x2\r\n\r\nok"],
  "a negative length": ["HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n"],
  "a signed length": ["HTTP/1.1 200 OK\r\ncontent-length: +2\r\n\r\nok"],
  "an endless length": ["HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999\r\n\r\n"],
  "an empty length": ["HTTP/1.1 200 OK\r\ncontent-length:\r\n\r\nok"],
  "a length beside chunks": [
    "HTTP/1.1 200 OK\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
  ],
  "an unknown coding": ["HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n"],
  "chunks twice": [
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
  ],
  "chunks in HTTP/1.0": ["HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"],
  "a chunk size that is no number": [chunked, "zz\r\n\r\n"],
  "a negative chunk size": [chunked, "-5\r\nhello\r\n0\r\n\r\n"],
  "a chunk size with 0x": [chunked, "0x5\r\nhello\r\n0\r\n\r\n"],
  "a huge chunk size": [chunked, "fffffffff\r\n"],
  "a chunk longer than it says": [chunked, "2\r\nhello\r\n0\r\n\r\n"],
  "a malformed trailer": [chunked, "0\r\nnonsense\r\n\r\n"],
  "too many headers": ["HTTP/1.1 200 OK\r\n", "a: b\r\n".repeat(300), "\r\n"],
  "too long a header": ["HTTP/1.1 200 OK\r\na: ", "x".repeat(70_000), "\r\n\r\n"],
  "too long a chunk extension": [chunked, "5;", "x".repeat(70_000), "\r\nhello\r\n0\r\n\r\n"],
  "too many chunk extensions": [chunked, `1;${"x".repeat(1_000)}\r\na\r\n`.repeat(70)],
  "too many interim answers": ["HTTP/1.1 103 Early Hints\r\na: b\r\n\r\n".repeat(4_000)],
};

for (const [name, parts] of Object.entries(BAD)) {
  Deno.test(`EGRESS: an answer with ${name} is a protocol_error`, () =>
    withEndpoint(answering(...parts), async ({ url, client }) => {
      const failure = await egressFailure(client.sendRequest(egressRequest(url)));
      assert.equal(failure.errorClass, "protocol_error", failure.message);
    }));
}

/** Answers that break off. */
const CUT: Record<string, string[]> = {
  "before anything": [],
  "in the headers": ["HTTP/1.1 200 OK\r\ncontent-le"],
  "in the body": ["HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello"],
  "between chunks": [chunked, "5\r\nhello\r\n"],
};

for (const [name, parts] of Object.entries(CUT)) {
  Deno.test(`EGRESS: an answer that ends ${name} is connection_lost`, () =>
    withEndpoint(answering(...parts), async ({ url, server, client }) => {
      const failure = await egressFailure(client.sendRequest(egressRequest(url)));
      assert.equal(failure.errorClass, "connection_lost", failure.message);
      assert.equal(server.connections, 1, "a new connection is not tried again");
    }));
}

Deno.test("EGRESS: a reset connection is connection_lost", () =>
  // Closing with bytes that were not read makes the kernel send a reset.
  withEndpoint(({ socket }) => socket.read(new Uint8Array(1)).then(() => {}), async ({ url, client }) => {
    const failure = await egressFailure(
      client.sendRequest(egressRequest(url, { body: new Uint8Array(5_000_000) })),
    );
    assert.equal(failure.errorClass, "connection_lost");
  }));

Deno.test("EGRESS: a redirect is an answer like any other and nothing calls its target", () =>
  withEndpoint(async ({ index, readRequest, write }) => {
    const request = await readRequest();
    const port = /^host: \S+:(\d+)\r$/m.exec(request ?? "")?.[1];
    await write(
      `HTTP/1.1 307 Moved\r\nlocation: http://127.0.0.1:${port}/elsewhere\r\ncontent-length: 0\r\n\r\n`,
    );
    assert.equal(index, 0);
  }, async ({ url, server, client }) => {
    const response = await client.sendRequest(egressRequest(url));
    assert.equal(response.status, 307);
    assert.match(response.headers.get("location")!, /elsewhere$/);
    assert.equal(server.requests.length, 1);
  }));

Deno.test("EGRESS: a huge body is read up to the limit and the connection dropped", async () => {
  let written = 0;
  const piece = "x".repeat(65_536);
  for (const head of ["content-length: 99999999999", "transfer-encoding: chunked", "x: ended by closing"]) {
    await withEndpoint(async ({ readRequest, write }) => {
      await readRequest();
      await write(`HTTP/1.1 200 OK\r\n${head}\r\n\r\n`);
      for (written = 0; written < 200e6; written += piece.length) {
        await write(head.startsWith("transfer") ? `10000\r\n${piece}\r\n` : piece);
      }
    }, async ({ url, client }) => {
      const response = await client.sendRequest(egressRequest(url, { maxResponseBytes: 100_000 }));
      assert.equal(response.body.length, 100_000);
      assert.equal(response.truncated, true);
    });
    assert.ok(written < 100e6, `${head}: ${written} bytes were taken`);
  }
});

Deno.test("EGRESS: a body of exactly the limit is whole", () =>
  withEndpoint(answering(`${chunked}5\r\nhello\r\n0\r\n\r\n`), async ({ url, client }) => {
    const response = await client.sendRequest(egressRequest(url, { maxResponseBytes: 5 }));
    assert.equal(text(response.body), "hello");
    assert.equal(response.truncated, false);
  }));

/** Endpoints that take their time: what they do before they say nothing more, or say it for ever. */
const SLOW: Record<string, { say: string; drip: string }> = {
  "accepts and says nothing": { say: "", drip: "" },
  "sends headers for ever": { say: "HTTP/1.1 200 OK\r\n", drip: "x" },
  "sends a body for ever": { say: "HTTP/1.1 200 OK\r\ncontent-length: 60000\r\n\r\n", drip: "y" },
  "sends chunks for ever": { say: chunked, drip: "1\r\nz\r\n" },
  "sends interim answers for ever": { say: "", drip: "HTTP/1.1 103 Early Hints\r\n\r\n" },
};

for (const [name, { say, drip }] of Object.entries(SLOW)) {
  Deno.test(`EGRESS: an endpoint that ${name} is timed_out and the connection ended`, async () => {
    let ended: (value: string) => void;
    const end = new Promise<string>((resolve) => ended = resolve);
    await withEndpoint(async ({ readRequest, write, socket }) => {
      await readRequest();
      await write(say);
      const closed = socket.read(new Uint8Array(1)).then(() => ended("closed"), () => ended("reset"));
      for (let count = 0; drip !== "" && count < 500; count++) {
        await write(drip);
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      await closed;
    }, async ({ url, client }) => {
      const failure = await egressFailure(client.sendRequest(egressRequest(url, { timeoutMs: 150 })));
      assert.equal(failure.errorClass, "timed_out");
      assert.ok(failure.timing.totalMs >= 140, `after ${failure.timing.totalMs} ms`);
      assert.notEqual(await end, undefined);
    });
  });
}
