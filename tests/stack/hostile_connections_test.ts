import assert from "node:assert/strict";
import {
  assertOutcome,
  type HostileEndpoint,
  openHostileScene,
  type Outcome,
} from "../support/hostile_endpoints.ts";
import { type RawConnection, rawServer } from "../support/raw_server.ts";
import { sql, stackTest } from "../support/stack.ts";

const OK = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
const GONE = "HTTP/1.1 410 Gone\r\ncontent-length: 0\r\n\r\n";
const tick = (durationMs: number) => new Promise((resolve) => setTimeout(resolve, durationMs));
const delivered: Outcome = { statusCode: 200, errorClass: null, excerpt: "ok" };
const lost: Outcome = { statusCode: null, errorClass: "connection_lost" };

/** Answers the first request of a connection, then does something else with the second. */
function turning(second: (connection: RawConnection) => Promise<void>) {
  return async (connection: RawConnection) => {
    await connection.readRequest();
    await connection.write(OK);
    if (connection.index === 0) return await second(connection);
    while (await connection.readRequest() !== null) await connection.write(OK);
  };
}

interface Kept extends HostileEndpoint {
  /** What comes of the second delivery; the first is always delivered. */
  then: Outcome;
  connections: number;
  /** Requests of the first and of the second delivery. */
  requests: [number, number];
}

/** Endpoints that are called twice within the time that a connection is kept. */
const KEPT: Record<string, Kept> = {
  "that keeps the connection": {
    script: async ({ readRequest, write }) => {
      while (await readRequest() !== null) await write(OK);
    },
    ...{ then: delivered, connections: 1, requests: [1, 1] },
  },
  "that sends the next answer before it is asked": {
    script: async ({ readRequest, write }) => {
      while (await readRequest() !== null) await write(OK + GONE);
    },
    ...{ then: delivered, connections: 2, requests: [1, 1] },
  },
  "that sends the next answer while nobody asks": {
    script: async ({ readRequest, write }) => {
      while (await readRequest() !== null) {
        await write(OK);
        await tick(1);
        await write(GONE);
      }
    },
    ...{ then: delivered, connections: 2, requests: [1, 1] },
  },
  "whose answer is longer than it says": {
    script: async ({ readRequest, write }) => {
      while (await readRequest() !== null) await write(`${OK}ay, and more of it`);
    },
    ...{ then: delivered, connections: 2, requests: [1, 1] },
  },
  "that hangs up between two deliveries": {
    script: turning(() => Promise.resolve()),
    ...{ then: delivered, connections: 2, requests: [1, 1] },
  },
  "that reads the second request and hangs up": {
    script: turning(({ readRequest }) => readRequest().then(() => {})),
    ...{ then: delivered, connections: 2, requests: [1, 2] },
  },
  "that hangs up on every second request": {
    script: async ({ index, readRequest, write }) => {
      await readRequest();
      if (index > 0) return;
      await write(OK);
      await readRequest();
    },
    ...{ then: lost, connections: 2, requests: [1, 2] },
  },
  "that hangs up within the second answer": {
    script: turning(async ({ readRequest, write }) => {
      await readRequest();
      await write("HTTP/1.1 2");
    }),
    ...{ then: lost, connections: 1, requests: [1, 1] },
  },
};

const webhookId = (request: string) => /^webhook-id: (.+)\r$/m.exec(request)![1];

stackTest(
  "kept connections: no delivery reads another's answer, none is lost or silently repeated",
  async () => {
    for (let attempt = 1; !await tryKeptConnections(); attempt++) {
      assert.ok(attempt < 4, "no worker kept its connections from one delivery to the next");
    }
  },
);

/** Answers false when nothing was tried, since a new worker, which has no connection yet, made the second deliveries. */
async function tryKeptConnections(): Promise<boolean> {
  const scene = await openHostileScene(KEPT);
  try {
    const first = await scene.deliver();
    for (const name of Object.keys(KEPT)) assertOutcome(name, first[name]!, delivered);
    await tick(50); // What comes unasked has come.
    const second = await scene.deliver();
    const readsTheSecond = Object.entries(KEPT).filter(([, { connections, requests }]) =>
      connections === 1 || requests[1] === 2
    );
    if (readsTheSecond.some(([name]) => scene.servers[name]!.cameOn[1] !== 0)) return false;
    for (const [name, { then, connections, requests: [once, again] }] of Object.entries(KEPT)) {
      const { requests, connections: opened } = scene.servers[name]!;
      assertOutcome(name, second[name]!, then);
      assert.equal(opened, connections, name);
      const ids = requests.map(webhookId);
      assert.deepEqual(ids.length, once + again, name);
      assert.equal(new Set(ids.slice(once)).size, 1, `${name}: what was sent again has the same id`);
      assert.equal(new Set(ids).size, 2, name);
      // A request that went out twice says so in the log.
      assert.equal(first[name]!.timing.lost_connection_ms, undefined, name);
      assert.equal(
        typeof second[name]!.timing.lost_connection_ms,
        again === 2 ? "number" : "undefined",
        name,
      );
    }
    const [disabled] = await sql`select count(*)::integer as n from public.guardian_meta_integrations
      where tenant_id = ${scene.tenant.id} and not is_enabled`;
    assert.equal(disabled!.n, 0, "no answer that was slipped in disabled anybody");
    return true;
  } finally {
    await scene.close();
  }
}

/** The first lines of answers that would lead elsewhere; {TO} is where. */
const LEADING = [
  ...[300, 301, 302, 303, 305, 307, 308].map((status) => `HTTP/1.1 ${status} X\r\nlocation: {TO}`),
  "HTTP/1.1 200 OK\r\nrefresh: 0; url={TO}",
  "HTTP/1.1 200 OK\r\nlocation: {TO}\r\ncontent-location: {TO}\r\nlink: <{TO}>; rel=preload",
  'HTTP/1.1 200 OK\r\nalt-svc: h2="127.0.0.1:{PORT}", http/1.1="127.0.0.1:{PORT}"; persist=1',
];

stackTest("redirects, to the inside or not: failures that nobody follows", async () => {
  const inside = rawServer(() => Promise.resolve());
  const targets = [
    `http://127.0.0.1:${inside.port}/`,
    `http://localhost:${inside.port}/`,
    `//127.0.0.1:${inside.port}/`,
    "http://169.254.169.254/latest/meta-data/",
    "https://10.0.0.1/",
    "file:///etc/passwd",
    "/elsewhere",
  ];
  const endpoints: Record<string, HostileEndpoint & { status: number }> = {};
  for (const [index, target] of targets.entries()) {
    for (const lines of index === 0 ? LEADING : LEADING.slice(2, 3)) {
      const head = lines.replaceAll("{TO}", target).replaceAll("{PORT}", String(inside.port));
      endpoints[head] = {
        status: Number(head.slice(9, 12)),
        script: async ({ readRequest, write }) => {
          await readRequest();
          await write(`${head}\r\ncontent-length: 0\r\n\r\n`);
        },
      };
    }
  }
  const scene = await openHostileScene(endpoints);
  try {
    const attempts = await scene.deliver();
    for (const [name, { status }] of Object.entries(endpoints)) {
      assertOutcome(name, attempts[name]!, {
        statusCode: status,
        errorClass: status === 200 ? null : "redirected",
      });
      assert.equal(scene.servers[name]!.requests.length, 1, name);
    }
    assert.equal(inside.connections, 0, "nothing inside was called");
  } finally {
    await scene.close();
    await inside.close();
  }
});
