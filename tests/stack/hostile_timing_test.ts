import assert from "node:assert/strict";
import {
  assertOutcome,
  type HostileEndpoint,
  IMPATIENT,
  openHostileScene,
  type Outcome,
} from "../support/hostile_endpoints.ts";
import type { RawConnection } from "../support/raw_server.ts";
import { stackTest } from "../support/stack.ts";

const chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
const tick = (durationMs: number) => new Promise((resolve) => setTimeout(resolve, durationMs));

/** Reads the request, says something, and then one more byte each second for as long as somebody listens. */
function dripping(said: string, drip: string): (connection: RawConnection) => Promise<void> {
  return async ({ readRequest, write }) => {
    await readRequest();
    await write(said);
    for (let index = 0;; index++) {
      await write(drip[index % drip.length]!);
      await tick(1000);
    }
  };
}

/** Stays until the hub hangs up. */
async function untilClosed({ socket }: RawConnection): Promise<void> {
  const buffer = new Uint8Array(1024);
  while (await socket.read(buffer) !== null);
}

const ENDPOINTS: Record<string, HostileEndpoint & { then: Outcome }> = {
  "that never answers": {
    script: untilClosed,
    then: { statusCode: null, errorClass: "timed_out" },
  },
  "that accepts and never reads": {
    script: () => tick(2000).then(() => {}),
    then: { statusCode: null, errorClass: "timed_out" },
  },
  "whose headers come at 1 byte/s": {
    script: dripping("", "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"),
    then: { statusCode: null, errorClass: "timed_out" },
  },
  "whose body comes at 1 byte/s": {
    script: dripping("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n", "x"),
    then: { statusCode: null, errorClass: "timed_out" },
  },
  "whose chunks come at 1 byte/s": {
    script: dripping(chunked, "1\r\nx\r\n"),
    then: { statusCode: null, errorClass: "timed_out" },
  },
  "whose interim answers come at 1 byte/s": {
    script: dripping("HTTP/1.1 103 Early Hints\r\n\r\n", "HTTP/1.1 103 Early Hints\r\n\r\n"),
    then: { statusCode: null, errorClass: "timed_out" },
  },
  "that answers but does not end the body": {
    script: async (connection) => {
      await connection.readRequest();
      await connection.write("HTTP/1.1 200 OK\r\n\r\nall good");
      await untilClosed(connection);
    },
    then: { statusCode: null, errorClass: "timed_out" },
  },
  "that promises more than it sends": {
    script: async (connection) => {
      await connection.readRequest();
      await connection.write("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nall good");
      await untilClosed(connection);
    },
    then: { statusCode: null, errorClass: "timed_out" },
  },
  "that is slow, but quick enough": {
    script: async ({ readRequest, write }) => {
      await readRequest();
      for (const part of ["HTTP/1.1 20", "0 OK\r\ncontent-", "length: 2\r\n\r\no", "k"]) {
        await tick(100);
        await write(part);
      }
    },
    then: { statusCode: 200, errorClass: null, excerpt: "ok" },
  },
};

stackTest("endpoints that take their time: each has its outcome, and a well one waits for none", async () => {
  const scene = await openHostileScene(
    Object.fromEntries(
      Object.entries(ENDPOINTS).map(([name, endpoint]) => [
        name,
        { ...endpoint, config: endpoint.then.errorClass === null ? {} : IMPATIENT },
      ]),
    ),
  );
  try {
    const attempts = await scene.deliver();
    const wellArrivedAtMs = Date.parse(scene.wellArrivals()[0]!.receivedAt);
    for (const [name, { then }] of Object.entries(ENDPOINTS)) {
      const attempt = attempts[name]!;
      assertOutcome(name, attempt, then);
      assert.equal(scene.servers[name]!.connections, 1, `${name}: one attempt is one connection`);
      if (then.errorClass !== null) {
        assert.ok(wellArrivedAtMs < attempt.endedAtMs, `${name}: nobody waited for it`);
        assert.ok(attempt.durationMs >= 990, `${name}: it had its time, ${attempt.durationMs} ms`);
      }
    }
  } finally {
    await scene.close();
  }
});
