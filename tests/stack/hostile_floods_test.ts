import assert from "node:assert/strict";
import { assertOutcome, openHostileScene, type Outcome } from "../support/hostile_endpoints.ts";
import type { RawConnection } from "../support/raw_server.ts";
import { stackTest } from "../support/stack.ts";

const GIGABYTE = 1e9;
/** Far more than the kernel holds for both ends of a connection, far less than was on offer. */
const MOST_BYTES = 64e6;
const KEPT = "x".repeat(1024);

const OK = "HTTP/1.1 200 OK\r\n";
const CHUNKED = `${OK}transfer-encoding: chunked\r\n\r\n`;
const malformed: Outcome = { statusCode: null, errorClass: "protocol_error" };
const delivered: Outcome = { statusCode: 200, errorClass: null, excerpt: KEPT };

/** How each begins, what it then repeats until a gigabyte is sent, and what comes of it. */
const FLOODS: Record<string, { said: string; piece: string; then: Outcome }> = {
  "a body with a length": { said: `${OK}content-length: ${GIGABYTE}\r\n\r\n`, piece: "x", then: delivered },
  "a body without a length": { said: `${OK}\r\n`, piece: "x", then: delivered },
  "a body in one chunk": { said: `${CHUNKED}3b9aca00\r\n`, piece: "x", then: delivered },
  "a body in small chunks": { said: CHUNKED, piece: "1\r\nx\r\n", then: delivered },
  "a body with an error": {
    said: "HTTP/1.1 500 No\r\n\r\n",
    piece: "x",
    then: { statusCode: 500, errorClass: "server_error", excerpt: KEPT },
  },
  "a body with a redirect": {
    said: "HTTP/1.1 302 Found\r\nlocation: /\r\n\r\n",
    piece: "x",
    then: { statusCode: 302, errorClass: "redirected", excerpt: KEPT },
  },
  "a status line": { said: "HTTP/1.1 200 ", piece: "x", then: malformed },
  "headers": { said: OK, piece: "a: b\r\n", then: malformed },
  "one header": { said: `${OK}a: `, piece: "x", then: malformed },
  "interim answers": { said: "", piece: "HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n", then: malformed },
  "chunk extensions": { said: `${CHUNKED}1;`, piece: "x", then: malformed },
  "trailers": { said: `${CHUNKED}0\r\n`, piece: "a: b\r\n", then: malformed },
  "zero bytes": { said: "", piece: "\0", then: malformed },
  "empty lines": { said: "", piece: "\r\n", then: malformed },
};

stackTest(
  "endpoints that send a gigabyte: next to nothing of it is taken, and a well one gets its own",
  async () => {
    const sentBytes: Record<string, number> = {};
    const endpoints = Object.fromEntries(
      Object.entries(FLOODS).map(([name, { said, piece }]) => {
        const bytes = new TextEncoder().encode(piece.repeat(Math.ceil(65_536 / piece.length)));
        const script = async ({ readRequest, write }: RawConnection) => {
          await readRequest();
          await write(said);
          for (sentBytes[name] = 0; sentBytes[name] < GIGABYTE; sentBytes[name] += bytes.length) {
            await write(bytes);
          }
        };
        // So that what ends them is the bytes, not the time, whatever else the machine does.
        return [name, { script, config: { timeout_ms: 20_000 } }];
      }),
    );
    const scene = await openHostileScene(endpoints);
    try {
      const attempts = await scene.deliver();
      for (const [name, { then }] of Object.entries(FLOODS)) {
        assertOutcome(name, attempts[name]!, then);
        assert.equal(scene.servers[name]!.connections, 1, name);
        assert.ok(sentBytes[name]! < MOST_BYTES, `${name}: ${sentBytes[name]} bytes were taken`);
      }
    } finally {
      await scene.close();
    }
  },
);
