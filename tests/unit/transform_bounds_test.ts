import assert from "node:assert/strict";
import fc from "fast-check";
import { TRANSFORM_LIMITS } from "../../supabase/functions/_shared/delivery/transform/limits.ts";
import { Meter } from "../../supabase/functions/_shared/expression/meter.ts";
import { TransformError } from "../../supabase/functions/_shared/delivery/transform/transform_error.ts";
import {
  checkTransformation,
  transformPayload,
} from "../../supabase/functions/_shared/delivery/transform/transform_payload.ts";

async function transformed(transformation: string, data: Record<string, unknown> = {}): Promise<unknown> {
  const payload = { type: "contact.updated", timestamp: "2026-11-21T08:33:17.770Z", data };
  return (await transformPayload({ transformation }, payload)).data;
}

async function failure(expression: string, data: Record<string, unknown> = {}): Promise<string> {
  try {
    const result = await transformed(expression, data);
    return `gave ${JSON.stringify(result).slice(0, 100)}`;
  } catch (error) {
    if (!(error instanceof TransformError)) throw error;
    return error.message;
  }
}

const hundred = Array.from({ length: 100 }, (_, index) => ({ n: index, text: "x".repeat(100) }));
const thousands = Array.from({ length: 5000 }, (_, index) => index % 7);
const emptyNests = { all: Array.from({ length: 100 }, () => Array.from({ length: 300 }, () => [])) };

const HOSTILE: [string, string, RegExp, Record<string, unknown>?][] = [
  ["endless tail recursion", "($f := function($x){ $f($x + 1) }; {'a': $f(0)})", /more than 20000 steps/],
  ["endless recursion", "($f := function($x){ 1 + $f($x) }; {'a': $f(0)})", /more than 1500 levels|steps/],
  ["recursion in parallel", "($f := function(){ {'a': $f(), 'b': $f()} }; $f())", /levels|steps/],
  ["a combinator", "(function($x){ $x($x) })(function($x){ $x($x) })", /steps|levels/],
  ["a large range", "{'a': [1..10000000]}", /more than 10000 items/],
  ["a huge range", "{'a': [0..9007199254740991]}", /more than 10000 items/],
  ["a range that counts nowhere", "{'a': [1e308..1e308]}", /too large a one/],
  [
    "a range of a sequence that counts nowhere",
    "{'a': [$map([1], function(){ 9007199254740992 })..9007199254740992]}",
    /too large a one/,
  ],
  ["ranges of ranges", "{'a': [1..5000].[1..5000]}", /items|steps|more data|too large/],
  ["a cross product", "{'a': data.n@$x.$$.data.n@$y.($x * $y)}", /more than 10000 items/, {
    n: thousands.slice(0, 300),
  }],
  [
    "doubled texts",
    "($f := function($s, $n){ $n = 0 ? $s : $f($s & $s, $n - 1) }; {'a': $f('xx', 60)})",
    /longer than/,
  ],
  [
    "doubled arrays",
    "($f := function($s, $n){ $n = 0 ? $s : $f($append($s, $s), $n - 1) }; {'a': $f([1,2], 60)})",
    /items/,
  ],
  [
    "shared parts",
    "($f := function($s, $n){ $n = 0 ? $s : $f({'a': $s, 'b': $s}, $n - 1) }; $f({}, 31))",
    /too large/,
  ],
  [
    "shared arrays",
    "($f := function($s, $n){ $n = 0 ? $s : $f([[$s, $s]], $n - 1) }; {'a': $f([], 60)})",
    /too large|levels|more data/,
  ],
  ["depth", "($f := function($s, $n){ $n = 0 ? $s : $f({'a': $s}, $n - 1) }; $f({}, 200))", /deeper than 32/],
  ["a wide pad", "{'a': $pad('x', 1000000000)}", /longer than/],
  ["a pad of texts", "{'a': $pad('x', -100000, data.t)}", /longer than/, { t: "y".repeat(1000) }],
  ["a join of separators", "{'a': $join(['a','b','c','d'], data.t)}", /longer than/, {
    t: "y".repeat(100_000),
  }],
  ["a replacing", "{'a': $replace(data.t, 'y', data.t)}", /longer than/, { t: "y".repeat(1000) }],
  ["a splitting", "{'a': $map([1..5000], function(){ $split(data.t, '') })}", /more data|too large/, {
    t: "y".repeat(9000),
  }],
  ["all with all", "{'a': $distinct(data.n ~> $map(function($v, $i){ {'i': $i} }))}", /more data/, {
    n: thousands.slice(0, 2000),
  }],
  ["sorting many", "{'a': $sort(data.n)}", /more data/, { n: thousands }],
  ["ordering many", "{'a': data.n^($)}", /steps/, { n: thousands }],
  ["sorting by a native", "{'a': $sort(data.n, $append)}", /./, { n: thousands.slice(0, 1000) }],
  [
    "a map of maps",
    "{'a': $map(data.h, function($x){ $map(data.h, function($y){ $map(data.h, function(){ 1 }) }) })}",
    /steps|more data/,
    {
      h: hundred,
    },
  ],
  ["natives on natives", "{'a': $reduce([1..9000], $append)}", /more data/],
  ["walking what is empty", "{'a': $map([1..3000], function(){ data.** })}", /more data|steps/, emptyNests],
  ["names in nests", "{'a': $map([1..3000], function(){ data.all.x })}", /more data|steps/, emptyNests],
  ["comparing copies", "{'a': $map([1..3000], function(){ data = data })}", /more data/, {
    h: hundred,
    n: thousands,
  }],
  ["texts of objects", "{'a': $map([1..3000], function(){ $length($string(data)) })}", /more data/, {
    h: hundred,
  }],
  ["a cycle", "($o := data ~> |$|{'self': $}|; {'a': $string($o)})", /too large|deeper than/, { x: 1 }],
  ["a growing update", "{'a': data ~> |h|{'x': $$}|}", /too large|deeper|steps|more data/, { h: hundred }],
  [
    "a promise that is none",
    "($f := function($g){ {'then': $g} }; $f(function($a, $b){ 1 }))",
    /function into an object/,
  ],
  [
    "a promise by merging",
    "($f := function($g){ $merge([{'then': $g}]) }; $f(function($a, $b){ 1 }))",
    /function into an object/,
  ],
  ["the inside of a function", "{'a': $map([$sum], $spread)}", /function|wrong kind|Something/],
  [
    "deep frames",
    "($n := function($g, $i){ $i = 0 ? $g : $n(function($x){ 1 + $g($x) }, $i - 1) }; {'a': $n($abs, 1000)(1)})",
    /levels|steps|memory/,
  ],
  [
    "a promise in a sequence",
    "($f := function($g){ {'then': $map([1], function(){ $g })} }; $f(function($a, $b){ 1 }))",
    /function into an object/,
  ],
  [
    "a promise by grouping",
    "($f := function($g){ 'then'{$: $g} }; $f(function($a, $b){ 1 }))",
    /function into an object/,
  ],
  ["an exponent of zero", "{'a': $formatNumber(0, '0.0e0')}", /exponent/],
  ["an empty separator", "{'a': $formatNumber(1, '0', {'grouping-separator': ''})}", /no options/],
  ["a wide picture", "{'a': $fromMillis(0, '[Y,1000000000]')}", /two digits/],
  ["a time beyond", "{'a': $fromMillis(1e300, '[Y]')}", /no calendar/],
  ["a long picture", "{'a': $formatNumber(1, data.p)}", /at most 64/, { p: "0".repeat(65) }],
  ["a long numeral", "{'a': $formatInteger(1000000000, 'I')}", /at most 10000/],
  ["a picture read", "{'a': $toMillis('1', '[D][D][D][D]')}", /ISO 8601 only/],
  ["nothing to zip", "{'a': $zip()}", /wrong kind|at least one/],
  ["infinity", "{'a': 1 / 0}", /JSON does not have/],
  ["no number", "{'a': 0 / 0}", /JSON does not have/],
  ["a pattern of ours", "{'a': $contains('a', function($s){ $s })}", /take texts/],
  ["a function for a text", "{'a': $replace('a', 'a', $uppercase)}", /take texts/],
  ["data that is a function", "{'a': data.f}", /_jsonata_lambda/, {
    f: { _jsonata_lambda: true, thunk: true, body: {}, environment: {} },
  }],
  ["made of marks", "{'a': {'_jsonata_lambda': true}}", /D1013/],
];

for (const [name, expression, message, data] of HOSTILE) {
  Deno.test(`TRANSFORM: ${name} ends in a TransformError`, async () => {
    assert.match(await failure(expression, data), message);
    // What it left behind does not reach the next one.
    assert.deepEqual(await transformed("{'fine': $sum([1, 2])}"), { fine: 3 });
  });
}

Deno.test("TRANSFORM: copies of the parser are refused before it makes them", async () => {
  const nested = (operator: string, levels: number): string =>
    levels === 0 ? "data.a" : `(${nested(operator, levels - 1)} ${operator} 1)`;
  // Each hides from a naive count what a parser reads.
  const disguises = (text: string) => [
    text,
    `{"a": ${text}}`,
    `a" & ${text} & b"`,
    `(x[]/"/; ${text}; "/")`,
    `"\\"" & ${text}`,
    `/* " */ ${text}`,
    `1"'" & ${text}`,
    `[${text}, ${text}]`,
    '`"` & ' + text,
  ];
  for (const operator of ["?:", "??"]) {
    for (const text of disguises(nested(operator, 40))) {
      assert.match(await checkTransformation(text) ?? "accepted", /too many \?: or \?\?/, text);
    }
  }
  const fields = Array.from({ length: 60 }, (_, index) => `"f${index}": data.f${index} ?? "none"`);
  assert.equal(await checkTransformation(`{${fields.join(", ")}}`), null);
  assert.equal(await checkTransformation("data.a ?: data.b ?: data.c ?? data.d ?: data.e ?? {}"), null);
  assert.equal(await checkTransformation(nested("??", 6)), null);
});

Deno.test("TRANSFORM: a transform copies by our own function, which its text does not name", async () => {
  // JSONata's own goes through text, and keeps 15 digits of a fraction.
  const data = { a: 0.30000000000000004 };
  assert.deepEqual(await transformed("data ~> |$|{'x': 1}|", data), { ...data, x: 1 });
});

Deno.test("TRANSFORM: prototypes stay out of reach", async () => {
  const hostile = JSON.parse('{"__proto__": {"polluted": 1}, "constructor": {"prototype": {"polluted": 1}}}');
  for (
    const expression of [
      "{'__proto__': {'polluted': 1}, 'a': 1}",
      "data ~> |$|{'__proto__': {'polluted': 1}}|",
      "data ~> |__proto__|{'polluted': 1}|",
      "data ~> |constructor.prototype|{'polluted': 1}|",
      "$merge([data, {'__proto__': {'polluted': 1}}])",
      "data",
      "{'a': data.constructor.prototype, 'b': data.toString, 'c': $lookup(data, 'hasOwnProperty')}",
      "{'a': data.list.constructor, 'b': 'x'.constructor, 'c': $sum.constructor}",
    ]
  ) {
    const result = await transformed(expression, hostile).catch((error) => error);
    assert.ok(result instanceof TransformError || typeof result === "object", expression);
    assert.equal(({} as Record<string, unknown>).polluted, undefined, expression);
    assert.equal(Object.prototype, Object.getPrototypeOf(result instanceof Error ? {} : result), expression);
  }
  assert.deepEqual(await transformed("{'b': data.toString, 'c': $keys(data)}", { a: 1 }), { c: "a" });
});

Deno.test("TRANSFORM: the same event gives the same bytes", async () => {
  const expression =
    "{'at': $fromMillis($toMillis(data.at)), 'local': $toMillis('2026-11-21T10:00:00'), 'all': data.*}";
  const data = { at: "2026-11-21T08:33:17.770Z", b: [3, 1], c: { d: null } };
  const first = JSON.stringify(await transformed(expression, data));
  await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(JSON.stringify(await transformed(expression, data)), first);
  assert.match(first, /"local":1795255200000/);
});

Deno.test("TRANSFORM: an event that is changed while it is transformed is not", async () => {
  const data = { list: [], nested: { a: 1 } };
  await transformed("{'a': data.list{'x': 1}, 'b': data ~> |nested|{'a': 2}|}", data);
  assert.deepEqual(data, { list: [], nested: { a: 1 } });
});

Deno.test("TRANSFORM: transformations side by side do not mix", async () => {
  const expressions = Array.from(
    { length: 40 },
    (_, index) =>
      index % 4 === 0
        ? "{'a': $error('no'), 'b': ($f := function(){ $f() }; $f())}"
        : `{'a': $sum([1..${index}]), 'n': data.n}`,
  );
  const results = await Promise.allSettled(
    expressions.map((expression, n) => transformed(expression, { n })),
  );
  results.forEach((result, n) => {
    if (n % 4 === 0) assert.ok(result.status === "rejected" && result.reason instanceof TransformError);
    else assert.deepEqual(result, { status: "fulfilled", value: { a: n * (n + 1) / 2, n } });
  });
});

Deno.test("TRANSFORM: the wall is the last line, and who met a limit stays stopped", () => {
  let nowMs = 0;
  const meter = new Meter(TRANSFORM_LIMITS, () => nowMs);
  meter.step();
  nowMs = TRANSFORM_LIMITS.wallMs + 1;
  assert.throws(() => meter.step(), { name: "ExpressionError", message: /longer than 1000 ms/ });
  nowMs = 0;
  assert.throws(() => meter.step(), { message: /longer than 1000 ms/ });
  assert.throws(() => meter.spend(1), { message: /longer than 1000 ms/ });
});

const NAMES = ["data", "a", "type", "$", "$$", "$x", "$f", "`b c`", "*", "**", "%", "then", "constructor"];
const FUNCTIONS = [
  ..."sum count string substring length pad contains replace split join formatNumber formatInteger number power map zip"
    .split(" "),
  ..."filter single reduce sift keys lookup append spread merge reverse each sort distinct toMillis fromMillis clone"
    .split(" "),
];

/** Expressions that mostly parse: built from the grammar rather than from characters. */
const expressionText = fc.letrec<{ expression: string }>((tie) => {
  const inner = tie("expression");
  return {
    expression: fc.oneof(
      { depthSize: "small", maxDepth: 5 },
      fc.oneof(
        fc.constantFrom(...NAMES),
        fc.integer({ min: -3, max: 100_000 }).map(String),
        fc.constantFrom(
          "'x'",
          "''",
          "'[Y]'",
          "'#,##0.00'",
          "'w'",
          "'I'",
          "true",
          "null",
          "[]",
          "{}",
          "1e308",
          "-1e308",
          "1e15",
          "9007199254740993",
          "1e-9",
          "-0",
        ),
      ),
      fc.tuple(
        inner,
        fc.constantFrom(".", "+", "*", "/", "&", "=", "<", "in", "and", "~>", "??", "?:", "^", ".."),
        inner,
      )
        .map((parts) => parts.join(" ")),
      fc.tuple(inner, inner).map(([left, right]) => `${left}[${right}]`),
      fc.tuple(inner, inner).map(([left, right]) => `{'k': ${left}, $string(${right}): ${right}}`),
      fc.tuple(inner, inner).map(([left, right]) => `[${left}..${right}]`),
      fc.tuple(inner, inner).map(([left, right]) => `(${left}; ${right})`),
      fc.tuple(inner, inner).map(([left, right]) => `(${left})^(>${right})`),
      fc.tuple(inner, inner).map(([left, right]) => `(${left})@$x#$i.(${right})`),
      fc.tuple(inner, inner).map(([left, right]) => `(${left} ~> |${right}|{'z': ${left}}, ['a']|)`),
      fc.tuple(inner, inner, inner).map(([a, b, c]) => `(${a} ? ${b} : ${c})`),
      inner.map((body) => `($f := function($x){ ${body} }; $f($f))`),
      inner.map((body) => `function($x, $y){ ${body} }`),
      fc.tuple(fc.constantFrom(...FUNCTIONS), fc.array(inner, { maxLength: 3 })).map(([name, args]) =>
        `$${name}(${args.join(", ")})`
      ),
      fc.tuple(fc.constantFrom(...FUNCTIONS), fc.constantFrom(...FUNCTIONS), inner).map((
        [name, other, arg],
      ) => `$${name}(${arg}, $${other})`),
    ),
  };
}).expression;

Deno.test("TRANSFORM: any expression and any payload give an object or a TransformError", async () => {
  const tally = { object: 0, failed: 0 };
  await fc.assert(
    fc.asyncProperty(
      fc.oneof({ weight: 4, arbitrary: expressionText }, {
        weight: 2,
        arbitrary: expressionText.map((text) => `{'r': ${text}}`),
      }, { weight: 1, arbitrary: fc.string({ maxLength: 60 }) }),
      fc.dictionary(fc.string({ maxLength: 5 }), fc.jsonValue({ maxDepth: 4 }), { maxKeys: 5 }),
      async (expression, data) => {
        const before = JSON.stringify(data);
        try {
          const result = await transformed(expression, data as Record<string, unknown>);
          assert.ok(typeof result === "object" && result !== null && !Array.isArray(result));
          tally.object++;
        } catch (error) {
          assert.ok(
            error instanceof TransformError,
            `${expression}: ${error instanceof Error ? error.stack : error}`,
          );
          assert.equal(error.errorClass, "transform_failed");
          tally.failed++;
        }
        assert.equal(JSON.stringify(data), before, expression);
      },
    ),
    { numRuns: Number(Deno.env.get("FUZZ_RUNS") ?? 1500), endOnFailure: true },
  );
  // A property that only ever sees one outcome shows nothing.
  assert.ok(tally.object > 100 && tally.failed > 100, JSON.stringify(tally));
});
