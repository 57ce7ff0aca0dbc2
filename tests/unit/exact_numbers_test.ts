import assert from "node:assert/strict";
import fc from "fast-check";
import { numbersAreExact, withExactNumbers } from "../../supabase/functions/_shared/json/exact.ts";
import { parseLossless, stringifyLossless } from "../../supabase/functions/_shared/json/lossless.ts";
import vectors from "../vectors/exact_numbers.json" with { type: "json" };

for (const { json, exact } of vectors) {
  Deno.test(`numbersAreExact() says ${exact} to ${json}`, () => {
    assert.equal(numbersAreExact(parseLossless(json)), exact);
  });
}

Deno.test("withExactNumbers() makes any number text exact and keeps its digits", () => {
  fc.assert(fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
    const text = JSON.stringify({ a: value });
    const written = /:(.*)}/.exec(text)![1]!;
    const exact = withExactNumbers(parseLossless(text));
    assert.ok(numbersAreExact(exact));
    assert.ok([`{"a":${written}}`, `{"a":"${written}"}`].includes(stringifyLossless(exact)));
  }));
});

Deno.test("parseLossless() round-trips every JSON text byte for byte of its numbers", () => {
  const text = '{"a":2.10,"b":1e400,"c":-0,"d":9007199254740993}';
  assert.equal(stringifyLossless(parseLossless(text)), text);
});

Deno.test("parseLossless() throws SyntaxError on nesting that no stack holds", () => {
  assert.throws(() => parseLossless("[".repeat(200_000)), SyntaxError);
});
