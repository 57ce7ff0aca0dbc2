import assert from "node:assert/strict";
import fc from "fast-check";
import { RestCollection } from "../../simulators/rest/collection.ts";
import type { RestPaging } from "../../simulators/rest/listing.ts";
import { startRest } from "../../simulators/rest/rest.ts";
import { compileExpression } from "../../supabase/functions/_shared/expression/expression.ts";
import { follow, namePath } from "../../supabase/functions/_shared/expression/name_path.ts";
import { plainResult } from "../../supabase/functions/_shared/expression/plain_result.ts";
import { withExactNumbers } from "../../supabase/functions/_shared/json/exact.ts";
import { parseExact } from "../../supabase/functions/_shared/json/exact_plain.ts";
import { parseLossless, stringifyLossless } from "../../supabase/functions/_shared/json/lossless.ts";
import { api as apiConnectors } from "../../supabase/functions/_shared/providers/api/sources.ts";
import { instantMs } from "../../supabase/functions/_shared/providers/api/instants.ts";
import { externalIdOf } from "../../supabase/functions/_shared/providers/api/read_record.ts";
import vectors from "../vectors/exact_numbers.json" with { type: "json" };
import { providerFailure, readResource, restConnection } from "../support/rest_connection.ts";

async function answered(body: string, resource: Record<string, unknown>) {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, () => new Response(body));
  const connection = restConnection({
    base_url: `http://127.0.0.1:${server.addr.port}`,
    resources: { things: { path: "things", records: "$", ...resource } },
  });
  try {
    const read = await readResource(connection, "things").catch((error) => error);
    const test = await apiConnectors.test(connection).then(
      ({ message }) => message,
      (error) => error.message,
    );
    if (read instanceof Error) throw read;
    return { ...read, test: test as string };
  } finally {
    connection.close();
    await server.shutdown();
  }
}

Deno.test("API: numbers are kept digit by digit, mapped or not", async () => {
  const body =
    `[{"id": 9007199254740993, "price": 0.10, "big": 123456789012345678901234567890, "exp": 1e3, "zero": 1.0,
    "small": 42, "negative": -9007199254740991, "list": [0.3, {"deep": 1.50}], "text": "1.0"}]`;
  const { records } = await answered(body, {});
  assert.deepEqual(records.get("things/9007199254740993"), {
    record_id: "9007199254740993",
    data: {
      ...{
        id: "9007199254740993",
        price: "0.10",
        big: "123456789012345678901234567890",
        exp: "1e3",
        zero: "1.0",
      },
      ...{ small: 42, negative: -9007199254740991, list: ["0.3", { deep: "1.50" }], text: "1.0" },
    },
    provider_updated_at: null,
  });
  const mapped = await answered(body, {
    fields: { price: "price", third: "1 / 3", large: "2 * 1e20", list: "list" },
  });
  assert.deepEqual(mapped.records.get("things/9007199254740993")!.data, {
    price: "0.10",
    third: "0.3333333333333333",
    large: "200000000000000000000",
    list: ["0.3", { deep: "1.50" }],
  });
});

Deno.test("API: what is parsed quickly is what is parsed slowly", () => {
  const slowly = (json: string) => JSON.parse(stringifyLossless(withExactNumbers(parseLossless(json))));
  for (const { json } of vectors) {
    assert.deepEqual(parseExact(json), slowly(json), json);
    assert.ok(exactNumbersIn(JSON.stringify(parseExact(`[${json}]`))), json);
  }
  fc.assert(fc.property(fc.json(), fc.double({ noNaN: true, noDefaultInfinity: true }), (json, number) => {
    // Reading digits one by one, the package takes this name for the prototype, and drops it.
    fc.pre(!json.includes("__proto__"));
    const text = `[${json}, ${number}]`;
    assert.ok(exactNumbersIn(JSON.stringify(parseExact(text))), text);
    assert.deepEqual(JSON.stringify(parseExact(text)), JSON.stringify(slowly(text)), text);
  }));
  assert.throws(() => parseExact('{"a": 1, "a": 2}'), SyntaxError);
  assert.throws(() => parseExact('{"a": 1.5, "a": 2}'), SyntaxError);
});

/** Whether a printed value has whole numbers up to 2^53-1 only. */
function exactNumbersIn(text: string): boolean {
  const numbers = text.replaceAll(/"(?:[^"\\]|\\.)*"/g, '""').match(/-?\d[\d.eE+-]*/g) ?? [];
  return numbers.every((number) => /^-?\d+$/.test(number) && Number.isSafeInteger(Number(number)));
}

Deno.test("API: names and dots find what JSONata finds", async () => {
  const names = fc.array(fc.constantFrom("a", "b", "_c1", "constructor", "and"), {
    minLength: 1,
    maxLength: 3,
  });
  const value = fc.letrec((tie) => ({
    any: fc.oneof(
      { maxDepth: 3 },
      fc.constantFrom(null, 1, "x", true, "", 0),
      fc.array(tie("any"), { maxLength: 2 }),
      fc.dictionary(fc.constantFrom("a", "b", "_c1"), tie("any")),
    ),
  })).any;
  await fc.assert(
    fc.asyncProperty(names, value, async (path, made) => {
      const input = JSON.parse(JSON.stringify(made));
      const text = path.join(".");
      const followed = namePath(text) && follow(namePath(text)!, input);
      if (!followed) return;
      const expected = plainResult(await (await compileExpression(text)).evaluate(input));
      assert.deepEqual(followed.found, expected, `${text} of ${JSON.stringify(input)}`);
    }),
    { numRuns: 500 },
  );
  assert.equal(namePath("a.b[0]"), null);
  assert.equal(namePath("null"), null);
});

Deno.test("API: what is wrong with one record stops no other one, and counts as seen where it is known", async () => {
  const secret = "personal-value";
  const body = JSON.stringify([
    { id: "a", name: "fine" },
    { name: secret },
    secret,
    { id: "b", name: { of: secret } },
    { id: "c", name: secret.repeat(20_000) },
    { id: true, name: secret },
    { id: "a", name: "later" },
  ]);
  const { records, pages, warnings, test } = await answered(body, {
    fields: { name: "$uppercase(name)" },
    deletions: "full_pass",
  });
  assert.deepEqual([...records.keys()], ["things/a"]);
  assert.deepEqual(records.get("things/a")!.data, { name: "LATER" });
  assert.deepEqual(pages[0]!.presentIds, ["things/b", "things/c"]);
  assert.equal(pages[0]!.completesPass, false);
  assert.match(warnings.join("\n"), /has no text or whole number at id/);
  assert.match(warnings.join("\n"), /cannot be mapped: .*wrong kind/);
  assert.match(warnings.join("\n"), /is larger than 262144 characters/);
  assert.match(warnings.join("\n"), /nothing is taken for deleted/);
  assert.ok(!warnings.join().includes(secret));
  assert.match(test, /first page of things has 7 records/);
});

Deno.test("API: identifiers of resources stay apart, whatever their length, and fit the hub", async () => {
  assert.equal(await externalIdOf("things", "17"), "things/17");
  const long = "x".repeat(1000);
  const [one, other] = [await externalIdOf("things", `${long}1`), await externalIdOf("things", `${long}2`)];
  assert.notEqual(one, other);
  for (const id of [one, other]) assert.ok([...id].length === 200 && id.startsWith("things/xxx"), id);
  assert.equal([...await externalIdOf("r".repeat(50), "😀".repeat(500))].length, 200);
  const { records } = await answered('[{"id":"a\\u0000\\ud800b","text":"\\u0000"}]', {});
  assert.deepEqual([...records.keys()], ["things/a\ufffd\ufffdb"]);
  assert.deepEqual((records.get("things/a\ufffd\ufffdb")!.data as { text: string }).text, "\ufffd");
});

Deno.test("API: lists are lists, wherever the answer has them", async () => {
  const cases: [string, string, number | RegExp][] = [
    ['{"a":{"b":[{"id":1}]}}', "a.b", 1],
    ['{"a":[]}', "a", 0],
    ['{"a":null}', "a", 0],
    ['{"a":{"id":1}}', "a", 1],
    ['{"a":[{"id":1,"on":true},{"id":2}]}', "a[on]", 1],
    ['{"a":[{"id":1}]}', "[a[on]]", 0],
    ['{"a":[{"id":1}]}', "a[on]", /has no list at records/],
    ['{"error":"no"}', "a", /has no list at records/],
    ['{"a":"text"}', "a", /has no list at records/],
    ['{"a":[]}', "a[", /expression of the resource things fails/],
    ['{"a":[]}', "$eval('a')", /cannot be used/],
    [`[${Array(5001).fill('{"id":1}').join()}]`, "$", /5001 records .* smaller pages/],
  ];
  for (const [body, records, expected] of cases) {
    const read = answered(body, { records });
    if (typeof expected === "number") assert.equal((await read).records.size, expected, records);
    else assert.match((await providerFailure(read)).message, expected);
  }
});

Deno.test("API: an expression that cannot be used shows in the test of the connector", async () => {
  const { test } = await answered("[]", { fields: { name: "$now()" } });
  assert.match(test, /^The expression fields\.name of the resource things: \$now cannot be used/);
});

Deno.test("API: instants are read in the forms that APIs write", () => {
  const at = Date.parse("2026-11-21T08:33:17Z");
  const same = [
    "2026-11-21T08:33:17Z",
    "2026-11-21T10:33:17+02:00",
    "2026-11-21T03:03:17-0530",
    "2026-11-21 08:33:17",
  ];
  for (
    const text of [...same, "2026-11-21T09:33:17+01", at, at / 1000, String(at / 1000), `${at / 1000}.000`]
  ) {
    assert.equal(instantMs(text), at, String(text));
  }
  assert.equal(instantMs("2026-11-21T08:33:17.123456Z"), at + 123);
  assert.equal(instantMs("2026-11-21"), Date.parse("2026-11-21T00:00:00Z"));
  for (const none of ["yesterday", "", null, undefined, {}, "2026-13-41T00:00:00Z", "-5", "1e400"]) {
    assert.equal(instantMs(none), null, String(none));
  }
});

for (const format of ["iso", "epoch_s", "epoch_ms"] as const) {
  Deno.test(`API: only what changed is asked for, in ${format}, and nothing that changed meanwhile is missed`, async () => {
    const things = new RestCollection(true);
    for (let index = 0; index < 6; index++) things.create();
    const paging: RestPaging = { kind: "cursor", maxSize: 2, sinceFormat: format };
    const api = startRest({ paging, collections: { things } });
    const connection = restConnection({
      base_url: api.url,
      resources: {
        things: {
          ...{ path: "things", records: "data", updated_at: "updated_at", deletions: { deleted: "deleted" } },
          pagination: { kind: "cursor", next: "paging.next", parameter: "after" },
          incremental: { parameter: "updated_since", format, lookback_s: 0 },
        },
      },
    });
    // While the second page is read, what was on the first one changes, and then something on the third.
    api.faults.plan(3, {
      kind: "answer",
      response: () => {
        things.edit("1", { name: '"Meanwhile"' });
        things.edit("6", { name: '"After it"' });
        return new Response("", { status: 503 });
      },
    });
    let cursor = null;
    let held = new Map<string, Record<string, unknown>>();
    for (let tries = 0; tries < 3; tries++) {
      const source = apiConnectors.sources(connection.config)[0]!;
      try {
        while (true) {
          const page = await source.read({
            connection,
            cursor,
            parameters: {},
            storedCount: () => Promise.resolve(0),
          });
          for (const { externalId, values } of page.records) held.set(externalId, values);
          cursor = page.cursor;
          if (!page.hasMore) break;
        }
        break;
      } catch {
        // The next try goes on from the last page.
      }
    }
    assert.equal((held.get("things/1")!.data as { name: string }).name, "Record 1");
    things.remove("2");
    const changes = await readResource(connection, "things", { cursor, held });
    held = changes.records;
    assert.equal((held.get("things/1")!.data as { name: string }).name, "Meanwhile");
    assert.equal((held.get("things/6")!.data as { name: string }).name, "After it");
    assert.deepEqual([...held.keys()].sort(), ["1", "3", "4", "5", "6"].map((id) => `things/${id}`));
    assert.ok(changes.pages.every(({ beginsPass, completesPass }) => !beginsPass && !completesPass));
    assert.ok(api.asked.at(-1)!.url.searchParams.has("updated_since"));
    connection.close();
    await api.stop();
  });
}

Deno.test("API: a list that ends before the total it names deletes nothing", async () => {
  const resource = { records: "items", total: "total", deletions: "full_pass" };
  const cut = await answered('{"items":[{"id":1},{"id":2}],"total":10000}', resource);
  assert.deepEqual([cut.pages[0]!.completesPass, cut.pages[0]!.estimate], [false, 10000]);
  assert.match(cut.warnings.join(), /nothing is taken for deleted/);
  const whole = await answered('{"items":[{"id":1},{"id":2}],"total":2}', resource);
  assert.deepEqual([whole.pages[0]!.completesPass, whole.warnings], [true, []]);
});
