import { JsonText } from "./json_text.ts";

const nested = (depth: number, open: string, close: string) =>
  new JsonText(`${open.repeat(depth)}${close.repeat(depth)}`);

/** Values that stand where another one belongs, by name. */
export const HOSTILE_VALUES: Record<string, unknown> = {
  null: null,
  true: true,
  zero: 0,
  negative: -1,
  fraction: 0.5,
  "2^53": new JsonText("9007199254740993"),
  "2^63": new JsonText("9223372036854775808"),
  "1e308": new JsonText("1e308"),
  "1e999": new JsonText("1e999"),
  "-1e999": new JsonText("-1e999"),
  "tiny": new JsonText("1e-999"),
  "minus zero": new JsonText("-0"),
  "400 digits": new JsonText("9".repeat(400)),
  "empty text": "",
  space: " ",
  number_as_text: "1",
  NUL: new JsonText('"a\\u0000b"'),
  "raw NUL": new JsonText('"a\u0000b"'),
  "control characters": new JsonText('"\\u0001\\u001b[31m\\u007f"'),
  "high surrogate alone": new JsonText('"a\\ud800b"'),
  "low surrogate alone": new JsonText('"a\\udc00b"'),
  "surrogates swapped": new JsonText('"\\udc00\\ud800"'),
  "right to left": "\u202e\u2066abc\u2069",
  "not characters": "\ufffe\uffff\ufdd0",
  BOM: "\ufefftext",
  "combining marks": "e" + "\u0301".repeat(2000),
  "100,000 letters": "x".repeat(100_000),
  "900,000 letters": "x".repeat(900_000),
  "300 emojis": "\u{1f600}".repeat(300),
  uuid: "3f0c9a52-6f1e-4c58-9d0b-7a3d5e2b8c41",
  "uuid of zeros": "00000000-0000-0000-0000-000000000000",
  quotes: `'"\`; drop table tenants; --`,
  filter: "x),or(id.gt.0",
  template: "${7*7}{{7*7}}%s%n",
  path: "../../../../etc/passwd",
  url: "http://[::1]:99999/%zz",
  "year 275760": "275760-09-13T00:00:00.001Z",
  "empty list": [],
  "empty object": {},
  "list of null": [null],
  "10,000 elements": Array.from({ length: 10_000 }, () => 1),
  // In brackets: without them it would set the prototype of this object.
  ["__proto__"]: new JsonText('{"__proto__":{"polluted":true},"constructor":{"prototype":{}}}'),
  "toString": { toString: "x", valueOf: 1, then: 1 },
  "10,000 lists deep": nested(10_000, "[", "]"),
  "10,000 objects deep": new JsonText(`${'{"a":'.repeat(10_000)}1${"}".repeat(10_000)}`),
  "1,000 lists deep": nested(1000, "[", "]"),
};

const utf8 = (text: string) => new TextEncoder().encode(text);

/** Bodies that are no JSON, or hardly. Made from the body that would be right. */
export const HOSTILE_BODIES: Record<string, (right: string) => Uint8Array> = {
  empty: () => new Uint8Array(),
  "cut off": (right) => utf8(right.slice(0, -1)),
  "something after": (right) => utf8(`${right}}`),
  "twice": (right) => utf8(right + right),
  "BOM first": (right) => Uint8Array.of(0xef, 0xbb, 0xbf, ...utf8(right)),
  "UTF-16": (right) =>
    Uint8Array.from(right, (character) => character.charCodeAt(0)).reduce<Uint8Array>(
      (bytes, byte, index) => {
        bytes[2 + 2 * index] = byte;
        return bytes;
      },
      Uint8Array.of(0xff, 0xfe, ...new Uint8Array(2 * right.length)),
    ),
  "broken UTF-8 at the end": (right) => Uint8Array.of(...utf8(right), 0xc3),
  "broken UTF-8 in a text": (right) => withBytes(right, [0xff, 0xfe]),
  "overlong UTF-8": (right) => withBytes(right, [0xc0, 0xaf]),
  "UTF-8 of a surrogate": (right) => withBytes(right, [0xed, 0xa0, 0x80]),
  "NUL bytes": () => new Uint8Array(64),
  "NUL after": (right) => Uint8Array.of(...utf8(right), 0),
  "single quotes": (right) => utf8(right.replaceAll('"', "'")),
  comments: (right) => utf8(`/* x */ ${right}`),
  NaN: () => utf8("NaN"),
  "a form": () => utf8("provider=generic_hmac&name=x"),
  xml: () => utf8("<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>"),
  gzip: () =>
    Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0xab, 0xae, 5, 0, 0x43, 0xbf, 0xa6, 0xa3, 2, 0, 0, 0),
  "10,000 open brackets": () => utf8("[".repeat(10_000)),
  "10,000 lists deep": () => utf8("[".repeat(10_000) + "]".repeat(10_000)),
  "100,000 lists deep": () => utf8("[".repeat(100_000) + "]".repeat(100_000)),
  "just below 1 MiB": (right) => padded(right, 1024 * 1024),
  "just above 1 MiB": (right) => padded(right, 1024 * 1024 + 1),
  "3 MiB": (right) => padded(right, 3 * 1024 * 1024),
};

function withBytes(right: string, bytes: number[]): Uint8Array {
  const quote = right.indexOf('"') + 1;
  return Uint8Array.of(...utf8(right.slice(0, quote)), ...bytes, ...utf8(right.slice(quote)));
}

function padded(right: string, length: number): Uint8Array {
  const bytes = new Uint8Array(length).fill(0x20);
  bytes.set(utf8(right));
  return bytes;
}

const segment = (value: unknown) => btoa(JSON.stringify(value)).replaceAll("=", "");

/** Header values, Latin-1. */
export const HOSTILE_HEADERS: Record<string, string> = {
  empty: "",
  letter: "x",
  null: "null",
  uuid: "3f0c9a52-6f1e-4c58-9d0b-7a3d5e2b8c41",
  "uuid in capitals and braces": "{3F0C9A52-6F1E-4C58-9D0B-7A3D5E2B8C41}",
  "uuid of zeros": "00000000-0000-0000-0000-000000000000",
  "half a uuid": "3f0c9a52-6f1e",
  list: "a, b, c",
  quotes: `'";--`,
  percent: "%00%0d%0a%zz",
  "Latin-1": "\u00e9\u00ff\u0080",
  "UTF-8 bytes": "\u00f0\u009f\u0098\u0080",
  tab: "a\tb",
  json: '{"a":1}',
  number: "9".repeat(100),
  "8,000 letters": "x".repeat(8000),
  "60,000 letters": "x".repeat(60_000),
  "Bearer alone": "Bearer",
  "Bearer nothing": "Bearer .. ",
  "token without algorithm": `Bearer ${segment({ alg: "none", typ: "JWT" })}.${
    segment({ sub: "a1000000-0000-4000-8000-000000000001", role: "service_role", exp: 9999999999 })
  }.`,
  "token of a foreign key": `Bearer ${segment({ alg: "ES256", kid: "../x" })}.${
    segment({ role: "authenticated" })
  }.${"A".repeat(86)}`,
  "key of nobody": "sb_secret_00000000000000000000",
};

/** Headers that are exchanged, added and doubled on every route. */
export const HEADER_NAMES = [
  "authorization",
  "apikey",
  "x-workspace-id",
  "x-org-id",
  "x-request-id",
  "content-type",
  "x-signature",
  "origin",
  "x-forwarded-for",
  "cookie",
];

/** Whole headers that say something odd about a body that is right. */
export const ODD_HEADERS: Record<string, [string, string][]> = {
  "gzip that is none": [["content-encoding", "gzip"]],
  "br that is none": [["content-encoding", "br"]],
  "unknown encoding": [["content-encoding", "x-none, gzip"]],
  "text/plain": [["content-type", "text/plain"]],
  "no such type": [["content-type", "////;;;==="]],
  "UTF-16 said": [["content-type", "application/json; charset=utf-16"]],
  multipart: [["content-type", "multipart/form-data; boundary=x"]],
  "100-continue": [["expect", "100-continue"]],
  "other expectation": [["expect", "miracles"]],
  range: [["range", "bytes=0-1"]],
  "override": [["x-http-method-override", "DELETE"]],
  "unknown hosts": [["x-forwarded-host", "evil.example"], ["x-forwarded-proto", "gopher"]],
  "prefers more": [["prefer", "count=exact, tx=rollback"], ["accept-profile", "private"]],
  "200 headers": Array.from({ length: 200 }, (_, index) => [`x-many-${index}`, "x"]),
  "websocket": [["connection", "upgrade"], ["upgrade", "websocket"], ["sec-websocket-key", "x"]],
};

/** Query strings, as written. */
export const HOSTILE_QUERY_VALUES: Record<string, string> = {
  empty: "",
  zero: "0",
  negative: "-1",
  fraction: "1.5",
  hex: "0x10",
  "1e999": "1e999",
  "2^53": "9007199254740993",
  "2^63": "9223372036854775808",
  NaN: "NaN",
  "broken escape": "%zz%",
  "broken UTF-8": "%ff%fe%c0%af",
  NUL: "%00",
  "lone surrogate": "%ed%a0%80",
  "line break": "a%0d%0ax-injected:1",
  filter: "eq.x),or(id.gt.0",
  quotes: "'%22%60;--",
  list: "1&",
  "8,000 letters": "x".repeat(8000),
  "cursor of nothing": btoa("{}"),
  "cursor of year 0": btoa(JSON.stringify({ at: "0000-01-01T00:00:00Z", id: crypto.randomUUID() })),
  "cursor of year 9999": btoa(
    JSON.stringify({ at: "9999-12-31T23:59:59.999999999Z", id: crypto.randomUUID() }),
  ),
  "cursor far east": btoa(JSON.stringify({ at: "2026-01-01T00:00:00+23:59", id: crypto.randomUUID() })),
  "cursor with digits": btoa(
    JSON.stringify({ at: `2026-01-01T00:00:00.${"1".repeat(300)}Z`, id: crypto.randomUUID() }),
  ),
  "cursor without seconds": btoa(JSON.stringify({ at: "2026-01-01T00:00Z", id: crypto.randomUUID() })),
  "cursor of texts": btoa('{"at":"now()","id":"x"}'),
};

/** What stands for a path parameter, as written. */
export const HOSTILE_SEGMENTS: Record<string, string> = {
  word: "x",
  "uuid of nobody": "3f0c9a52-6f1e-4c58-9d0b-7a3d5e2b8c41",
  "uuid in capitals": "3F0C9A52-6F1E-4C58-9D0B-7A3D5E2B8C41",
  "uuid and more": "3f0c9a52-6f1e-4c58-9d0b-7a3d5e2b8c41x",
  "uuid and line break": "3f0c9a52-6f1e-4c58-9d0b-7a3d5e2b8c41%0a",
  "half a uuid": "3f0c9a52",
  "encoded slash": "3f0c9a52%2f..%2f..",
  "encoded dots": "%2e%2e%2f%2e%2e",
  dots: "..",
  empty: "",
  NUL: "%00",
  "broken escape": "%zz",
  "broken UTF-8": "%ff%fe",
  "lone surrogate": "%ed%a0%80",
  "encoded question mark": "a%3fb=c%23d",
  semicolon: "a;b=c",
  star: "*",
  colon: ":webhook_id",
  "4,000 letters": "x".repeat(4000),
  "2,000 slashes": "/".repeat(2000),
};

/** Methods that are sent to every path. */
export const METHODS = [
  "GET",
  "POST",
  "PUT",
  "PATCH",
  "DELETE",
  "HEAD",
  "OPTIONS",
  "TRACE",
  "PROPFIND",
  "post",
  "X",
];
