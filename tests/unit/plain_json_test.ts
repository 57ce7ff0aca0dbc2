import assert from "node:assert/strict";
import fc from "fast-check";
import { parseLossless } from "../../supabase/functions/_shared/json/lossless.ts";
import { parsePlain } from "../../supabase/functions/_shared/json/plain.ts";

const takes = (parse: (text: string) => unknown, text: string) => {
  try {
    parse(text);
    return true;
  } catch (error) {
    assert.ok(error instanceof SyntaxError, String(error));
    return false;
  }
};

Deno.test("parsePlain: takes what parseLossless takes, and reads it as the engine does", () => {
  const key = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.constantFrom('a"b', "\\", '\\"', ":", "__proto__", "toString", "1", ""),
  );
  const value = fc.letrec((tie) => ({
    json: fc.oneof(
      { maxDepth: 4 },
      fc.oneof(key, fc.double({ noNaN: true, noDefaultInfinity: true }), fc.boolean(), fc.constant(null)),
      fc.array(tie("json")),
      fc.dictionary(key, tie("json")),
    ),
  })).json;
  fc.assert(
    fc.property(value, fc.constantFrom(0, 2, "\t", "\r\n"), (json, space) => {
      const text = JSON.stringify(json, null, space === "\r\n" ? undefined : space);
      assert.deepEqual(parsePlain(text), JSON.parse(text));
    }),
    { numRuns: 500 },
  );
});

Deno.test("parsePlain: two values with one key are refused when they differ, as deep as they stand", () => {
  for (
    const [text, isTaken] of [
      ['{"a":1,"a":1}', true],
      ['{"a":1,"a":2}', false],
      ['{"a":1,"a":1.0}', false],
      ['[{"x":{"a" : "\\\\", "a"\n:"\\""}}]', false],
      ['{"\\u0061":1,"a":2}', false],
      ['{"a\\"":1,"a\\\\":2,"a":":"}', true],
      ['{"a":"b\\":\\"c"}', true],
      ['{"__proto__":1,"__proto__":2}', false],
      ['{"a":[{"b":1},{"b":2}]}', true],
    ] as const
  ) {
    assert.equal(takes(parsePlain, text), isTaken, text);
    assert.equal(takes(parseLossless, text), isTaken, `parseLossless ${text}`);
  }
});

Deno.test("parsePlain: what is no JSON, or too deep, is a syntax error", () => {
  for (const text of ["", "{", '{"a"', '"a', "NaN", "{}{}", "01", '{"a":1,}', `${"[".repeat(200_000)}1`]) {
    assert.equal(takes(parsePlain, text), false, text.slice(0, 20));
  }
  assert.equal(takes(parsePlain, `${"[".repeat(1e6)}1${"]".repeat(1e6)}`), false);
  assert.equal(takes(parsePlain, `${'{"a":'.repeat(100)}1${"}".repeat(100)}`), true);
});
