import assert from "node:assert/strict";
import fc from "fast-check";
import { addressKind } from "../../supabase/functions/_shared/guardrails/egress/address.ts";
import { headerProblem } from "../../supabase/functions/_shared/guardrails/egress/egress.ts";

Deno.test("EGRESS: headerProblem() refuses what frames, routes or signs a request", () => {
  const refused = [
    ...["Host", "Connection", "Keep-Alive", "Transfer-Encoding", "TE", "Trailer", "Upgrade", "Expect"],
    ...["Content-Length", "content-type", "CONTENT-ENCODING", "Accept-Encoding", "Via", "Forwarded"],
    ...["webhook-id", "Webhook-Signature", "webhook-anything", "svix-id", "Proxy-Authorization", "proxy-x"],
    ...["X-Forwarded-For", "Sec-Fetch-Site", "http2-settings", ":authority", "", " ", "x y", "x\r\ny", "é"],
    ...'(),/:;<=>?@[\\]{}"'.split("").map((char) => `x${char}y`),
    "x".repeat(101),
  ];
  for (const name of refused) assert.equal(typeof headerProblem(name), "string", JSON.stringify(name));
  for (const name of ["Authorization", "x-api-key", "X-Tenant", "Cookie", "User-Agent", "accept"]) {
    assert.equal(headerProblem(name, "value"), null, name);
  }
});

Deno.test("EGRESS: headerProblem() refuses values that could end the header, and nothing else", () => {
  for (const value of ["a\r\nb: c", "a\nb", "a\rb", "a\0b", "\x7f", "\x1b[0m", "☃", "Ā", "x".repeat(4097)]) {
    assert.equal(typeof headerProblem("x-key", value), "string", JSON.stringify(value));
  }
  for (const value of ["", "Bearer abc.def", "a\tb", "Zoë ÿ"]) {
    assert.equal(headerProblem("x-key", value), null);
  }
  fc.assert(fc.property(fc.string({ unit: "binary" }), (value) => {
    if (headerProblem("x-key", value) === null) new Headers({ "x-key": value });
  }));
});

Deno.test("EGRESS: headerProblem() never repeats a value, it may be a secret", () => {
  assert.doesNotMatch(headerProblem("x-key", "hunter2\n")!, /hunter2/);
});

Deno.test("EGRESS: addressKind() calls nothing public that lies inside", () => {
  const octet = fc.integer({ min: 0, max: 255 });
  const word = fc.integer({ min: 0, max: 0xffff }).map((value) => value.toString(16));
  const inside = fc.oneof(
    ...["10", "127", "0", "224", "239", "240", "255"].map((first) => fc.constant([first])),
    ...["192.168", "169.254", "172.16", "172.31", "100.64", "100.127", "198.18", "198.19"].map((first) =>
      fc.constant(first.split("."))
    ),
  );
  fc.assert(fc.property(inside, octet, octet, octet, (first, ...rest) => {
    const address = [...first, ...rest].slice(0, 4).join(".");
    assert.notEqual(addressKind(address), "public", address);
    assert.notEqual(addressKind(`::ffff:${address}`), "public", address);
    assert.notEqual(addressKind(`64:ff9b::${address}`), "public", address);
  }));
  fc.assert(fc.property(fc.array(word, { minLength: 8, maxLength: 8 }), (words) => {
    const address = words.join(":");
    if (addressKind(address) === "public") assert.match(address, /^[23][0-9a-f]{3}:/);
  }));
  for (
    const text of ["", "localhost", "127.1", "1.2.3", "1.2.3.4.5", "1.2.3.4 ", "::1%lo", "08.8.8.8", "[::1]"]
  ) {
    assert.equal(addressKind(text), "refused", text);
  }
  assert.equal(addressKind("1.1.1.1"), "public");
  assert.equal(addressKind("2606:4700::1111"), "public");
});
