import assert from "node:assert/strict";
import { issueCertificate, makeAuthority, selfSignedCertificate } from "../support/certificate.ts";
import {
  assertOutcome,
  type HostileEndpoint,
  IMPATIENT,
  openHostileScene,
  type Outcome,
} from "../support/hostile_endpoints.ts";
import type { RawConnection } from "../support/raw_server.ts";
import { stack, stackTest } from "../support/stack.ts";

const HOUR_MS = 3_600_000;
const OK = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
const origin = "https://localhost";
const refused: Outcome = { statusCode: null, errorClass: "tls_failed" };

async function answerAll({ readRequest, write }: RawConnection): Promise<void> {
  while (await readRequest() !== null) await write(OK);
}

/** Bytes written as soon as somebody connects, without waiting for a greeting. */
const blurting = (text: string) => async ({ write, socket }: RawConnection) => {
  await write(text);
  while (await socket.read(new Uint8Array(1024)) !== null);
};

const issue = (hostname: string, from = -HOUR_MS, until = HOUR_MS) =>
  issueCertificate(stack.certificateAuthority, hostname, {
    validFromMs: Date.now() + from,
    validUntilMs: Date.now() + until,
  });

stackTest(
  "endpoints with bad certificates or the wrong protocol: refused before a byte of the event is sent",
  async () => {
    const endpoints: Record<string, HostileEndpoint & { then: Outcome }> = {
      "a good certificate": {
        ...{ origin, script: answerAll, certificate: await issue("localhost") },
        then: { statusCode: 200, errorClass: null, excerpt: "ok" },
      },
      "a self-signed certificate": {
        ...{ origin, script: answerAll, certificate: await selfSignedCertificate("localhost") },
        then: refused,
      },
      "a certificate of an unknown authority": {
        ...{
          origin,
          script: answerAll,
          certificate: await issueCertificate(await makeAuthority(), "localhost"),
        },
        then: refused,
      },
      "an expired certificate": {
        ...{ origin, script: answerAll, certificate: await issue("localhost", -2 * HOUR_MS, -HOUR_MS) },
        then: refused,
      },
      "a certificate that is not valid yet": {
        ...{ origin, script: answerAll, certificate: await issue("localhost", HOUR_MS, 2 * HOUR_MS) },
        then: refused,
      },
      "a certificate for another host": {
        ...{ origin, script: answerAll, certificate: await issue("hooks.example.com") },
        then: refused,
      },
      "a certificate for a part of the name": {
        ...{ origin, script: answerAll, certificate: await issue("host") },
        then: refused,
      },
      "plain HTTP where TLS is due": { origin, script: blurting(OK), then: refused },
      "an alert instead of a greeting": {
        origin,
        script: blurting("\x15\x03\x01\x00\x02\x02\x28"),
        then: refused,
      },
      "a hang-up in the handshake": {
        ...{ origin, script: async ({ socket }) => void await socket.read(new Uint8Array(1024)) },
        then: refused,
      },
      "silence in the handshake": {
        ...{ origin, script: blurting(""), config: IMPATIENT },
        then: { statusCode: null, errorClass: "timed_out" },
      },
      "TLS where plain HTTP is due": {
        ...{ origin: "http://localhost", script: answerAll, certificate: await issue("localhost") },
        then: { statusCode: null, errorClass: "connection_lost" },
      },
    };
    const scene = await openHostileScene(endpoints);
    try {
      const attempts = await scene.deliver();
      for (const [name, { then }] of Object.entries(endpoints)) {
        assertOutcome(name, attempts[name]!, then);
        assert.equal(scene.servers[name]!.requests.length, then.errorClass === null ? 1 : 0, name);
        assert.equal(scene.servers[name]!.connections, 1, name);
      }
    } finally {
      await scene.close();
    }
  },
);
