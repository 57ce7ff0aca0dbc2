import assert from "node:assert/strict";
import fc from "fast-check";
import { compileFilter } from "../../supabase/functions/_shared/delivery/filter/compile_filter.ts";
import { eventTypeCandidates } from "../../supabase/functions/_shared/delivery/filter/event_type_patterns.ts";
import { sql, stackTest } from "../support/stack.ts";
import { matchesByHand } from "../support/filter_reference.ts";

type Json = Record<string, unknown>;

/** What the database says about each pair of event and filter. */
async function decide(pairs: [Json, Json][]): Promise<(boolean | null)[]> {
  const events = pairs.map(([event]) => JSON.stringify(event));
  const paths = pairs.map(([, filter]) => compileFilter(filter));
  const rows = await sql<{ matched: boolean | null }[]>`
    select jsonb_path_match(p.event::jsonb, p.path::jsonpath, '{}', true) as matched
    from unnest(${events}::text[], ${paths}::text[]) with ordinality p (event, path, place)
    order by p.place`;
  return rows.map((row) => row.matched);
}

const envelope = (payload: Json): Json => ({
  ...{
    id: "e1",
    event_type: "contact.updated",
    entity_type: "contact",
    entity_id: "7",
    tenant_id: "t",
    org_id: null,
  },
  payload,
  metadata: { trace_id: "r", source: "hubspot", actor: null, timestamp: "2026-11-21T08:33:17.770Z" },
});

stackTest("FILTER: a condition means what the documentation says", async () => {
  const event = envelope({
    amount: 100,
    name: "Ada",
    vip: true,
    nothing: null,
    tags: ["new", "paid"],
    empty: [],
    items: [{ sku: "a", qty: 1 }, { sku: "b", qty: 5 }],
    nested: [[1, [2]]],
    price: 0.1,
    "with.dot": 1,
    'q"$\\': "x",
    "ключ": "значение",
  });
  const cases: [Json, boolean][] = [
    [{}, true],
    [{ $or: [{ id: "no" }, {}] }, true],
    [{ entity_type: "contact", "metadata.source": "hubspot" }, true],
    [{ entity_type: "contact", "metadata.source": "else" }, false],
    [{ "payload.amount": 100 }, true],
    [{ "payload.amount": "100" }, false],
    [{ "payload.amount": { $gte: 100, $lt: 101 } }, true],
    [{ "payload.amount": { $gt: 100 } }, false],
    [{ "payload.price": 0.1 }, true],
    [{ "payload.name": { $gte: 1 } }, false],
    [{ "payload.name": { $gte: "Aa", $lt: "B" } }, true],
    [{ "metadata.timestamp": { $gte: "2026-11-21" } }, true],
    [{ "payload.nothing": null, org_id: null }, true],
    [{ "payload.missing": null }, false],
    [{ "payload.missing": { $ne: 1 } }, true],
    [{ "payload.missing": { $exists: false } }, true],
    [{ "payload.nothing": { $exists: true } }, true],
    [{ "payload.name": { $ne: 1 } }, true],
    [{ $not: { "payload.name": { $gt: 1 } } }, true],
    [{ "payload.name": { $not: { $startsWith: "A" } } }, false],
    [{ "payload.name": { $startsWith: "Ad" } }, true],
    [{ "payload.name": { $contains: "d" } }, true],
    [{ "payload.name": { $contains: "." } }, false],
    [{ "payload.amount": { $contains: "1" } }, false],
    [{ "payload.tags": "paid" }, true],
    [{ "payload.tags": { $ne: "paid" } }, false],
    [{ "payload.tags": { $nin: ["x", "y"] } }, true],
    [{ "payload.empty": { $exists: true } }, true],
    [{ "payload.empty": { $ne: "x" } }, true],
    [{ "payload.items.sku": "b" }, true],
    [{ "payload.items.sku": "a", "payload.items.qty": { $gt: 4 } }, true],
    [{ "payload.items.none": { $exists: true } }, false],
    [{ "payload.nested": 1 }, false],
    [{ [String.raw`payload.with\.dot`]: 1 }, true],
    [{ "payload.with.dot": 1 }, false],
    [{ [String.raw`payload.q"$\\`]: "x" }, true],
    [{ "payload.ключ": { $startsWith: "знач" } }, true],
    [{ $or: [{ "payload.amount": { $gt: "x" } }, { "payload.vip": true }] }, true],
    [{ $and: [{ "payload.amount": { $in: [1, 100] } }, { $not: { "payload.vip": false } }] }, true],
  ];
  const decided = await decide(cases.map(([filter]) => [event, filter]));
  cases.forEach(([filter, matches], index) => {
    assert.equal(decided[index], matches, JSON.stringify(filter));
    assert.equal(matchesByHand(filter, event), matches, `by hand: ${JSON.stringify(filter)}`);
  });
});

stackTest("FILTER: nothing in a filter becomes a part of the predicate", async () => {
  const hostile = [
    '"',
    '\\"',
    '") || true || ("',
    '"))) || (1 == 1',
    "'; drop table public.tenants; --",
    "$",
    "@",
    "$x",
    "**",
    "*",
    "a[*]",
    "last",
    '" flag "i',
    "\\Q.*\\E",
    "***:.*",
    "(?i)x",
    "/* */",
    "\b\f\n\r\t\v\u0001\u001f\u007f\u0085",
    "\u2028\u2029\ufeff\uffff",
    "😀👩‍👩‍👧",
    "\\u0041",
    "\\x41",
    "$varname",
    ".type()",
    "like_regex",
    "${1}",
    "%s",
  ];
  const escaped = (name: string) => name.replaceAll("\\", "\\\\").replaceAll(".", "\\.");
  const pairs: [Json, Json][] = [];
  const expected: boolean[] = [];
  const expectMatch = (event: Json, filter: Json, matches: boolean) => {
    pairs.push([event, filter]);
    expected.push(matches);
  };
  for (const text of hostile) {
    const other = envelope({ field: "other", other: 1 });
    expectMatch(envelope({ field: text }), { "payload.field": text }, true);
    expectMatch(other, { "payload.field": text }, false);
    expectMatch(envelope({ [text]: 1 }), { [`payload.${escaped(text)}`]: 1 }, true);
    expectMatch(other, { [`payload.${escaped(text)}`]: { $exists: true } }, false);
    expectMatch(envelope({ field: `<${text}>` }), { "payload.field": { $contains: text } }, true);
    expectMatch(other, { "payload.field": { $contains: text } }, false);
    expectMatch(envelope({ field: `${text}!` }), { "payload.field": { $startsWith: text } }, true);
    expectMatch(other, { "payload.field": { $startsWith: text } }, false);
  }
  const decided = await decide(pairs);
  pairs.forEach(([, filter], index) => assert.equal(decided[index], expected[index], JSON.stringify(filter)));
});

stackTest(
  "FILTER: the database and a naive evaluator agree on any filter and event, and never say unknown",
  async () => {
    const name = fc.constantFrom("a", "b", "c.d", '"', "$x", "é");
    const value = fc.oneof(
      fc.constantFrom<string | number | boolean | null>(
        "",
        "a",
        "ab",
        "B",
        "é",
        "😀",
        "\uffff",
        0,
        1,
        -1,
        1.5,
        true,
        false,
        null,
      ),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.string({ unit: "grapheme", maxLength: 5 }).filter((text) => !text.includes("\0")),
    );
    const payload = fc.letrec((tie) => ({
      node: fc.oneof(
        { depthSize: "small", withCrossShrink: true },
        value,
        fc.array(tie("node"), { maxLength: 3 }),
        fc.dictionary(name, tie("node"), { maxKeys: 4 }),
      ),
    })).node;
    const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) =>
      ["payload", ...names.map((part) => part.replaceAll(".", "\\."))].join(".")
    );
    const comparable = value.filter((item) => typeof item === "number" || typeof item === "string");
    const text = fc.constantFrom("a", "b", ".", "é", "😀", "ab");
    const values = fc.array(value, { minLength: 1, maxLength: 3 });
    const operator = fc.oneof(
      fc.tuple(fc.constantFrom("$eq", "$ne"), value),
      fc.tuple(fc.constantFrom("$gt", "$gte", "$lt", "$lte"), comparable),
      fc.tuple(fc.constantFrom("$in", "$nin"), values),
      fc.tuple(fc.constantFrom("$startsWith", "$contains"), text),
      fc.tuple(fc.constant("$exists"), fc.boolean()),
    );
    const operators = fc.array(operator, { minLength: 1, maxLength: 2 }).map((pairs) =>
      Object.fromEntries<unknown>(pairs)
    );
    const conditions = fc.oneof(value, operators, operators.map((given) => ({ $not: given })));
    const filter = fc.letrec<{ filter: Json }>((tie) => ({
      filter: fc.oneof(
        { depthSize: "small", maxDepth: 3 },
        fc.dictionary(path, conditions, { maxKeys: 3 }),
        fc.record({ $or: fc.array(tie("filter"), { minLength: 1, maxLength: 3 }) }),
        fc.record({ $and: fc.array(tie("filter"), { minLength: 1, maxLength: 3 }) }),
        fc.record({ $not: tie("filter") }),
      ),
    })).filter;
    const event = fc.dictionary(name, payload, { maxKeys: 4 }).map(envelope);
    const tally = { true: 0, false: 0 };
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(event, filter), { minLength: 50, maxLength: 100 }),
        async (pairs) => {
          const decided = await decide(pairs);
          pairs.forEach(([given, wanted], index) => {
            const byHand = matchesByHand(wanted, given);
            assert.equal(decided[index], byHand, `${JSON.stringify(wanted)} on ${JSON.stringify(given)}`);
            tally[`${byHand}`]++;
          });
        },
      ),
      // The message names the pair that differs; shrinking a hundred of them would not tell more.
      { numRuns: 40, endOnFailure: true },
    );
    // A property that only ever sees one answer shows nothing.
    assert.ok(tally.true > 200 && tally.false > 200, JSON.stringify(tally));
  },
);

stackTest("PATTERN: the SQL candidates are those of the code", async () => {
  await sql.begin(async (transaction) => {
    await transaction.unsafe(`
      create function pg_temp.event_type_candidates(p_event_type text)
      returns text[] language sql immutable parallel safe return (
        select array_agg(
            case when n.length = cardinality(s.names) then p_event_type
              else array_to_string(s.names[1:n.length] || '*'::text, '.') end
            order by n.length desc)
        from (select string_to_array(p_event_type, '.') as names) s, generate_series(0, cardinality(s.names)) n (length)
      )`);
    for (const type of ["contact.created", "a.b.c", "a_1.b.c.d.e", "test"]) {
      const [row] = await transaction<
        { found: string[] }[]
      >`select pg_temp.event_type_candidates(${type}) as found`;
      assert.deepEqual(row!.found, eventTypeCandidates(type));
    }
  });
});
