import assert from "node:assert/strict";
import {
  compileFilter,
  filterSchema,
} from "../../supabase/functions/_shared/delivery/filter/compile_filter.ts";
import {
  eventTypeCandidates,
  eventTypePatternsSchema,
  matchesEventType,
} from "../../supabase/functions/_shared/delivery/filter/event_type_patterns.ts";

/** What the schema says about a filter: the first message and where, or null when it is fine. */
function objection(filter: unknown): { message: string; at: string } | null {
  const parsed = filterSchema.safeParse(filter);
  if (parsed.success) return null;
  return { message: parsed.error.issues[0]!.message, at: parsed.error.issues[0]!.path.join("/") };
}

Deno.test("FILTER: every part of the language is accepted", () => {
  for (
    const filter of [
      {},
      { entity_type: "contact" },
      { "payload.amount": { $gte: 100, $lt: 1000 }, entity_type: { $in: ["contact", "deal"] } },
      {
        $or: [{ "payload.a": null }, {
          $and: [{ "payload.b": true }, { $not: { "payload.c": { $exists: true } } }],
        }],
      },
      { "payload.name": { $not: { $startsWith: "test" } }, "payload.mail": { $contains: "@example." } },
      { "payload.x": { $ne: 1, $nin: [2, 3], $eq: 4, $gt: "a", $lte: "z" }, "metadata.source": "hubspot" },
      { [String.raw`payload.a\.b.c\\d`]: "x" },
    ]
  ) {
    assert.equal(objection(filter), null, JSON.stringify(filter));
  }
});

Deno.test("FILTER: what is not in the language is refused where it stands, with a way out", () => {
  const deep = (levels: number): Record<string, unknown> =>
    levels === 0 ? { id: "x" } : { $not: deep(levels - 1) };
  const cases: [unknown, string, RegExp][] = [
    [{ amount: 1 }, "amount", /begins with a field of the event: .*payload\.<name>/],
    [{ "toString": 1 }, "toString", /begins with a field/],
    [{ "entity_type.x": 1 }, "entity_type.x", /entity_type has no fields/],
    [{ "metadata.secret": 1 }, "metadata.secret", /metadata has the fields trace_id/],
    [{ "payload..a": 1 }, "payload..a", /joined by single dots/],
    [{ [String.raw`payload.a\b`]: 1 }, String.raw`payload.a\b`, /backslash/],
    [{ "payload.__proto__.x": 1 }, "payload.__proto__.x", /reserved/],
    [{ [`payload.${"a".repeat(200)}`]: 1 }, `payload.${"a".repeat(200)}`, /at most 200 characters/],
    [{ [`payload${".a".repeat(10)}`]: 1 }, `payload${".a".repeat(10)}`, /at most 10 names/],
    [{ "payload.a\0": 1 }, "payload.a\0", /NUL/],
    [{ "payload.a": "\ud800" }, "payload.a", /surrogate/],
    [{ "payload.a": [1] }, "payload.a", /a text, a number, true, false or null/],
    [{ "payload.a": {} }, "payload.a", /takes a value or operators/],
    [{ "payload.a": { b: 1 } }, "payload.a/b", /path with dots/],
    [{ "payload.a": { $regex: ".*" } }, "payload.a/$regex", /no operator "\$regex"; there are \$eq/],
    [{ "payload.a": { $gt: true } }, "payload.a/$gt", /a number or a text/],
    [{ "payload.a": { $in: [] } }, "payload.a/$in", /at least one value/],
    [{ "payload.a": { $in: [{}] } }, "payload.a/$in/0", /a text, a number/],
    [{ "payload.a": { $exists: 1 } }, "payload.a/$exists", /true or false/],
    [{ "payload.a": { $contains: "" } }, "payload.a/$contains", /at least one character/],
    [{ "payload.a": "x".repeat(501) }, "payload.a", /at most 500 characters/],
    [{ "payload.a": { $in: Array(101).fill(1) } }, "payload.a/$in/100", /at most 100 conditions/],
    [{ $nor: [] }, "$nor", /\$and, \$or and \$not/],
    [{ $or: [] }, "$or", /at least one filter/],
    [{ $or: [1] }, "$or/0", /an object of paths/],
    [deep(6), Array(6).fill("$not").join("/"), /at most 5 deep/],
  ];
  for (const [filter, at, message] of cases) {
    const found = objection(filter);
    assert.ok(found, `accepted: ${JSON.stringify(filter)}`);
    assert.equal(found.at, at);
    assert.match(found.message, message);
    assert.throws(() => compileFilter(filter), { name: "FilterError" });
  }
  assert.equal(objection(deep(5)), null);
});

Deno.test("FILTER: keys and values stand in quotes, whatever is in them", () => {
  assert.equal(compileFilter({}), "true");
  assert.equal(
    compileFilter({ 'payload.$"x': { $gte: -1.5 } }),
    String.raw`exists($ ? (@."payload"."$\"x" >= -1.5))`,
  );
  assert.equal(
    compileFilter({ "payload.a": { $ne: '") || true || (@.a == "' } }),
    String.raw`!(exists($ ? (@."payload"."a" == "\") || true || (@.a == \"")))`,
  );
  assert.equal(
    compileFilter({ "payload.a": { $contains: ".*" } }),
    `exists($ ? (@."payload"."a" like_regex ".*" flag "q"))`,
  );
});

Deno.test("PATTERN: a type, a family and everything", () => {
  assert.deepEqual(eventTypeCandidates("a.b.c"), ["a.b.c", "a.b.*", "a.*", "*"]);
  assert.deepEqual(eventTypeCandidates("contact.created"), ["contact.created", "contact.*", "*"]);
  const cases: [string, string, boolean][] = [
    ["contact.created", "contact.created", true],
    ["contact.created", "contact.created.late", false],
    ["contact.*", "contact.created", true],
    ["contact.*", "contact.created.late", true],
    ["contact.created.*", "contact.created", false],
    ["contact.*", "contacts.created", false],
    ["*", "contact.created", true],
  ];
  for (const [pattern, type, matches] of cases) {
    assert.equal(matchesEventType(["other.type", pattern], type), matches, `${pattern} ${type}`);
  }
});

Deno.test("PATTERN: what is not a pattern is refused", () => {
  for (const good of [["*"], ["a.b"], ["a.*", "a.b.*", "a_1.b_2.c"]]) {
    assert.ok(eventTypePatternsSchema.safeParse(good).success, String(good));
  }
  const tooMany = Array.from({ length: 51 }, (_, index) => `a.b${index}`);
  for (
    const bad of [
      [],
      [""],
      ["a"],
      ["*.created"],
      ["a.*.b"],
      ["a.**"],
      ["A.b"],
      ["a."],
      ["a%.b"],
      ["*", "*"],
      tooMany,
      [
        `a.${"b".repeat(99)}`,
      ],
    ]
  ) {
    assert.ok(!eventTypePatternsSchema.safeParse(bad).success, String(bad));
  }
});
