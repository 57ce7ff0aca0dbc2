import assert from "node:assert/strict";
import { answering } from "../support/egress.ts";
import {
  assertOutcome,
  type HostileEndpoint,
  openHostileScene,
  type Outcome,
} from "../support/hostile_endpoints.ts";
import type { RawConnection } from "../support/raw_server.ts";
import { stackTest } from "../support/stack.ts";

const OK = "HTTP/1.1 200 OK\r\n";
const chunked = `${OK}transfer-encoding: chunked\r\n\r\n`;
const lost: Outcome = { statusCode: null, errorClass: "connection_lost" };
const malformed: Outcome = { statusCode: null, errorClass: "protocol_error" };
const delivered = (excerpt?: string | RegExp): Outcome => ({ statusCode: 200, errorClass: null, excerpt });

/** Bytes as a string that {@link RawConnection} writes one by one. */
const raw = (...bytes: number[]) => String.fromCharCode(...bytes);
const utf8 = (text: string) => raw(...new TextEncoder().encode(text));

async function gzipped(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const packed = new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"));
  let text = "";
  for await (const part of packed) for (const byte of part) text += String.fromCharCode(byte);
  return text;
}

const bomb = await gzipped(new Uint8Array(50_000_000));

/** What endpoints answer, and what comes of it. */
const ANSWERS: Record<string, { parts: string[]; then: Outcome }> = {
  "nothing and closes": { parts: [], then: lost },
  "half a status line and closes": { parts: ["HTTP/1.1 20"], then: lost },
  "half its headers and closes": { parts: [`${OK}content-le`], then: lost },
  "half its body and closes": { parts: [`${OK}content-length: 10\r\n\r\nhello`], then: lost },
  "some chunks and closes": { parts: [chunked, "5\r\nhello\r\n"], then: lost },
  "a length and less than that": { parts: [`${OK}content-length: 99\r\n\r\nok`], then: lost },
  "a length and more than that": { parts: [`${OK}content-length: 2\r\n\r\nokay`], then: delivered("ok") },
  "a length beside chunks": {
    parts: [`${OK}content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`],
    then: malformed,
  },
  "two lengths": { parts: [`${OK}content-length: 2\r\ncontent-length: 4\r\n\r\nokay`], then: malformed },
  "a length that is no number": { parts: [`${OK}content-length: two\r\n\r\nok`], then: malformed },
  "a chunk that lies": { parts: [chunked, "2\r\nokay\r\n0\r\n\r\n"], then: malformed },
  "HTTP/0.9": { parts: ["<html>all good</html>"], then: lost },
  "HTTP/0.9 and a line": { parts: ["<html>all good</html>\r\n"], then: malformed },
  "HTTP/2": { parts: ["HTTP/2 200 OK\r\n\r\n"], then: malformed },
  "frames of HTTP/2": { parts: [raw(0, 0, 18, 4, 0, 0, 0, 0, 0, 13, 10)], then: malformed },
  "SSH": { parts: ["SSH-2.0-OpenSSH_9.2p1\r\n"], then: malformed },
  "ICY": { parts: ["ICY 200 OK\r\n\r\n"], then: malformed },
  "a status of 99": { parts: ["HTTP/1.1 99 Low\r\n\r\n"], then: malformed },
  "a status of 600": { parts: ["HTTP/1.1 600 High\r\n\r\n"], then: malformed },
  "a status that is no number": { parts: ["HTTP/1.1 OK\r\n\r\n"], then: malformed },
  "another protocol": { parts: ["HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n"], then: malformed },
  "a header without name": { parts: [`${OK}: x\r\n\r\n`], then: malformed },
  "headers with control characters": {
    parts: [`${OK}x-a: \x01\x7f\xff\r\ncontent-length: 2\r\n\r\nok`],
    then: delivered("ok"),
  },
  "no body": { parts: [`${OK}content-length: 0\r\n\r\n`], then: delivered() },
  "bytes that are no text": {
    parts: [`${OK}\r\n${raw(...Array(256).keys())}`],
    then: delivered(/^\ufffd{9}\t\n.*ABC.*\ufffd$/s),
  },
  "zero bytes": { parts: [`${OK}\r\n${"\0".repeat(5000)}`], then: delivered("\ufffd".repeat(1024)) },
  "half a letter": { parts: [`${OK}\r\ncaf\xc3`], then: delivered("caf\ufffd") },
  "half a surrogate": { parts: [`${OK}\r\n${raw(0xed, 0xa0, 0x80)}`], then: delivered("\ufffd\ufffd\ufffd") },
  "an excerpt that ends within a letter": {
    parts: [`${OK}\r\n${utf8(`.${"é".repeat(600)}`)}`],
    then: delivered(`.${"é".repeat(511)}\ufffd`),
  },
  "UTF-16": {
    parts: [`${OK}\r\n${raw(0xff, 0xfe, 0x6f, 0, 0x6b, 0)}`],
    then: delivered("\ufffd\ufffdo\ufffdk\ufffd"),
  },
  "escapes for a terminal": {
    parts: [`${OK}\r\n\x1b[2J${utf8("\u009b2J")}ok`],
    then: delivered("\ufffd[2J\ufffd2Jok"),
  },
  "text for a spreadsheet, a page and a log": {
    parts: [`${OK}\r\n=1+1<script>\r\n{"level":"error"}`],
    then: delivered('=1+1<script>\r\n{"level":"error"}'),
  },
  "a gzip body": {
    parts: [`${OK}content-encoding: gzip\r\n\r\n`, await gzipped(new Uint8Array(100))],
    then: delivered(/^\ufffd.{10,}/s),
  },
  "a gzip bomb": {
    parts: [`${OK}content-encoding: gzip\r\ncontent-length: ${bomb.length}\r\n\r\n`, bomb],
    then: delivered(/^\ufffd.{500,1023}$/s),
  },
  "an error in a good body": {
    parts: [`HTTP/1.1 500 OK\r\n\r\n{"success":true}`],
    then: { statusCode: 500, errorClass: "server_error", excerpt: '{"success":true}' },
  },
  "good news in the headers": {
    parts: ["HTTP/1.1 404 OK\r\nx-status: 200\r\ncontent-length: 0\r\n\r\n"],
    then: { statusCode: 404, errorClass: "client_error" },
  },
};

/** Closes with bytes unread, which the kernel makes a reset of. */
const resetting = async ({ socket }: RawConnection) => void await socket.read(new Uint8Array(1));

stackTest(
  "endpoints that answer nonsense: each has its outcome, and a well one is not disturbed",
  async () => {
    const endpoints: Record<string, HostileEndpoint> = {
      "resets the connection": { script: resetting },
      // Port 1 of loopback: nobody listens there.
      "is not there": { script: resetting, config: { webhook_url: "http://127.0.0.1:1/" } },
    };
    for (const [name, { parts }] of Object.entries(ANSWERS)) {
      endpoints[name] = {
        script: answering(...parts),
      };
    }
    const scene = await openHostileScene(endpoints);
    try {
      const attempts = await scene.deliver();
      for (const [name, { then }] of Object.entries(ANSWERS)) assertOutcome(name, attempts[name]!, then);
      assertOutcome("resets the connection", attempts["resets the connection"]!, lost);
      assertOutcome("is not there", attempts["is not there"]!, {
        statusCode: null,
        errorClass: "connect_failed",
      });
      for (const [name, server] of Object.entries(scene.servers)) {
        assert.equal(server.connections, name === "is not there" ? 0 : 1, name);
      }
    } finally {
      await scene.close();
    }
  },
);
