import assert from "node:assert/strict";
import type { WebhookPayload } from "../../supabase/functions/_shared/delivery/contract.ts";
import {
  checkTransformation,
  transformPayload,
  transformSettingsSchema,
} from "../../supabase/functions/_shared/delivery/transform/transform_payload.ts";

const payload = (data: Record<string, unknown>): WebhookPayload => ({
  type: "contact.updated",
  timestamp: "2026-11-21T08:33:17.770Z",
  data,
});

/** What the expression makes of the data. */
async function transformed(transformation: string, data: Record<string, unknown> = {}): Promise<unknown> {
  return (await transformPayload({ transformation }, payload(data))).data;
}

async function mapped(field_mappings: unknown[], data: Record<string, unknown>): Promise<unknown> {
  const settings = transformSettingsSchema.parse({ field_mappings });
  return (await transformPayload(settings, payload(data))).data;
}

Deno.test("TRANSFORM: without settings the payload is what it was", async () => {
  const given = payload({ a: 1 });
  for (const settings of [{}, { field_mappings: null, transformation: null }, { field_mappings: [] }]) {
    assert.equal(await transformPayload(settings, given), given);
  }
});

Deno.test("TRANSFORM: field mappings add, remove, rename and keep, in their order", async () => {
  const data = { name: "Ada", address: { city: "London", zip: "N1" }, "a.b": 1, tags: [1] };
  const before = structuredClone(data);
  assert.deepEqual(await mapped([{ op: "add", path: "x.y", value: { z: [1] } }], { x: { w: 0 } }), {
    x: { w: 0, y: { z: [1] } },
  });
  assert.deepEqual(
    await mapped([
      { op: "rename", from: "address.city", to: "town" },
      { op: "remove", path: "address" },
      { op: "remove", path: String.raw`a\.b` },
      { op: "remove", path: "not.there" },
      { op: "rename", from: "not.there", to: "name" },
    ], data),
    { name: "Ada", tags: [1], town: "London" },
  );
  assert.deepEqual(await mapped([{ op: "rename", from: "name", to: "name.first" }], data), {
    ...data,
    name: { first: "Ada" },
  });
  assert.deepEqual(
    await mapped([{ op: "keep", paths: ["address.zip", "name", "none", "tags.0"] }], data),
    { address: { zip: "N1" }, name: "Ada" },
  );
  assert.deepEqual(
    await mapped([{ op: "keep", paths: ["address.zip", "address"] }], data),
    { address: data.address },
  );
  assert.deepEqual(data, before);
});

Deno.test("TRANSFORM: a field mapping does not replace what stands in its way", async () => {
  for (const there of ["text", [1], null, 5]) {
    await assert.rejects(mapped([{ op: "add", path: "a.b", value: 1 }], { a: there }), {
      name: "TransformError",
      message: "The field mapping to a.b meets something that is not an object on its way.",
    });
  }
});

Deno.test("TRANSFORM: settings that could not work are refused", () => {
  const deep = (levels: number): unknown => levels === 0 ? 1 : [deep(levels - 1)];
  const bad: unknown[] = [
    { op: "copy", path: "a" },
    { op: "remove" },
    { op: "remove", path: "a", value: 1 },
    { op: "remove", path: "" },
    { op: "remove", path: "a..b" },
    { op: "add", path: "__proto__.x", value: 1 },
    { op: "add", path: "a.constructor.prototype", value: 1 },
    { op: "add", path: "a" },
    { op: "add", path: "a", value: "x".repeat(4097) },
    { op: "add", path: "a", value: deep(9) },
    { op: "keep", paths: [] },
    { op: "keep", paths: Array(51).fill("a") },
    { op: "rename", from: "a", to: "a".repeat(201) },
  ];
  for (const mapping of bad) {
    assert.ok(
      !transformSettingsSchema.safeParse({ field_mappings: [mapping] }).success,
      JSON.stringify(mapping),
    );
  }
  const remove = { op: "remove", path: "a" };
  assert.ok(transformSettingsSchema.safeParse({ field_mappings: Array(50).fill(remove) }).success);
  assert.ok(!transformSettingsSchema.safeParse({ field_mappings: Array(51).fill(remove) }).success);
  assert.ok(!transformSettingsSchema.safeParse({ transformation: "1".repeat(8193) }).success);
});

Deno.test("TRANSFORM: an expression sees type, timestamp and data, and gives the new data", async () => {
  const data = {
    first: "Ada",
    last: "Lovelace",
    items: [{ sku: "a", price: 2, qty: 3 }, { sku: "b", price: 5, qty: 1 }],
    at: "2026-11-21T10:00:00",
  };
  const expression = `(
    $line := function($item) { { "sku": $item.sku, "sum": $item.price * $item.qty } };
    {
      "event": type, "when": timestamp,
      "name": data.first & " " & data.last,
      "lines": data.items.$line($),
      "total": $sum(data.items.(price * qty)),
      "skus": $join(data.items^(>price).sku, "/"),
      "email": data.email ?? "none",
      "millis": $toMillis(data.at),
      "short": $map(data.items.sku, $uppercase),
      "padded": $pad("7", -3, "0"),
      "half": $substring(?, 0, 2)(data.last),
      "rest": data ~> |$|{}, ["items", "at"]|
    }
  )`;
  assert.equal(await checkTransformation(expression), null);
  const result = await transformPayload({ transformation: expression }, payload(data));
  assert.deepEqual(result, {
    type: "contact.updated",
    timestamp: "2026-11-21T08:33:17.770Z",
    data: {
      event: "contact.updated",
      when: "2026-11-21T08:33:17.770Z",
      name: "Ada Lovelace",
      lines: [{ sku: "a", sum: 6 }, { sku: "b", sum: 5 }],
      total: 11,
      skus: "b/a",
      email: "none",
      millis: 1795255200000,
      short: ["A", "B"],
      padded: "007",
      half: "Lo",
      rest: { first: "Ada", last: "Lovelace" },
    },
  });
});

Deno.test("TRANSFORM: mappings come first, then the expression", async () => {
  const settings = transformSettingsSchema.parse({
    field_mappings: [{ op: "rename", from: "a", to: "b" }],
    transformation: `{ "sum": data.b + 1, "a": $exists(data.a) }`,
  });
  assert.deepEqual((await transformPayload(settings, payload({ a: 1 }))).data, { sum: 2, a: false });
});

Deno.test("TRANSFORM: what is not an object is an error of the delivery", async () => {
  for (
    const expression of ["1", '"x"', "data.none", "[1]", "null", "$sum", "function($x){$x}", "[$sum]", "true"]
  ) {
    await assert.rejects(
      transformed(expression),
      { name: "TransformError", errorClass: "transform_failed" },
      expression,
    );
  }
});

Deno.test("TRANSFORM: a failure says what and where, never a value of the payload", async () => {
  const secret = "s3cret@example.com";
  const data = { mail: secret, [secret]: 1, list: [secret] };
  const cases: [string, RegExp][] = [
    ["{ 'a': data.mail + 1 }", /not a number is calculated with \(T2001, at character \d+\)\.$/],
    ["{ 'a': $number(data.mail) }", /cannot be read as a number/],
    ["{ 'a': -data.mail }", /not a number is negated/],
    ["{ 'a': data.mail < 1 }", /different kinds are compared/],
    ["{ data.mail: 1, data.mail: 2 }", /Two fields/],
    ["{ 'a': $error(data.mail) }", /ends itself with \$error/],
    ["{ 'a': $assert(false, data.mail) }", /\$assert/],
    ["{ 'a': $toMillis(data.mail) }", /not an ISO 8601 time/],
    ["{ 'a': $decodeUrl('%' & data.mail) }", /fails \(D3140/],
    ["{ 'a': data.mail() }", /not a function is called/],
    ["{ 'a': $sum(data.list) }", /wrong kind/],
    ["{ 'a': $formatNumber(1, data.mail & 'e') }", /exponent/],
    ["{ 'a': $fromMillis(1, '[' & data.mail) }", /fails/],
    ["data.list^(data)", /./],
  ];
  for (const [expression, message] of cases) {
    await assert.rejects(transformed(expression, data), (error: Error) => {
      assert.equal(error.name, "TransformError", String(error.stack));
      assert.match(error.message, message, expression);
      assert.ok(!error.message.includes("s3cret"), error.message);
      return true;
    });
  }
});

Deno.test("TRANSFORM: an expression is checked before it is saved", async () => {
  const cases: [string, RegExp][] = [
    ["{ 'a': }", /near line 1, column \d+\.$/],
    ["{\n  'a': (1\n}", /Expected.*near line 3, column 2\.$/],
    ["$eval('1')", /\$eval cannot be used.*run a text/],
    ["{ 'n': $now() }", /\$now cannot be used.*same bytes/],
    ["$millis()", /\$millis/],
    ["$map([1], $random)", /\$random/],
    ["$shuffle(data.x)", /\$shuffle/],
    ["$match(data.x, data.y)", /\$match/],
    ["$parseInteger('1', '0')", /\$parseInteger/],
    ["$replace(data.x, /(a+)+$/, '')", /Regular expressions cannot be used/],
    ["function($x)<x+x+x+:x>{ $x }", /signature/],
    ["($f)@$then.x", /\$then/],
    ["1".repeat(8193), /at most 8192 characters/],
    [`${"(".repeat(3000)}1${")".repeat(3000)}`, /nested/],
    [`[${Array(2000).fill("a.b").join()}]`, /more than 4000 parts/],
    [Array(200).fill("a").join("&"), /nested deeper than 150/],
  ];
  for (const [expression, message] of cases) {
    assert.match(await checkTransformation(expression) ?? "accepted", message, expression.slice(0, 80));
    await assert.rejects(transformed(expression), { name: "TransformError" }, expression.slice(0, 80));
  }
  assert.equal(await checkTransformation("{ 'a': data.a ? 'x/y' : data.b[0] / 2 }"), null);
});

Deno.test("TRANSFORM: sizes are bounded on the way in and out", async () => {
  const large = payload({ text: "x".repeat(262_144) });
  await assert.rejects(transformPayload({ transformation: "data" }, large), /larger than 262144 bytes/);
  await assert.rejects(
    mapped(Array.from({ length: 50 }, (_, i) => ({ op: "add", path: `a${i}`, value: "x".repeat(4000) })), {
      b: "x".repeat(100_000),
    }),
    /transformed payload is larger/,
  );
  const nested = (levels: number): Record<string, unknown> => levels === 0 ? {} : { a: nested(levels - 1) };
  await assert.rejects(transformed("data", nested(33)), /nested deeper than 32/);
  assert.deepEqual(await transformed("data", nested(30)), nested(30));
});
