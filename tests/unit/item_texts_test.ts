import assert from "node:assert/strict";
import fc from "fast-check";
import { itemTexts } from "../../supabase/functions/_shared/json/item_texts.ts";

Deno.test("itemTexts() gives the items of any array as they were written", () => {
  const spaces = fc.stringMatching(/^[ \t\r\n]{0,3}$/);
  const item = fc.tuple(spaces, fc.jsonValue(), fc.constantFrom(0, 2), spaces);
  fc.assert(fc.property(fc.array(item), spaces, spaces, (items, before, after) => {
    const texts = items.map(([, value, indent]) => JSON.stringify(value, null, indent));
    const padded = items.map(([left, , , right], index) => left + texts[index] + right);
    const text = `${before}[${padded.join(",") || after}]${after}`;
    assert.deepEqual(itemTexts(text), texts);
  }));
});

const AS_WRITTEN = [
  `"a,]\\"[{"`,
  String.raw`"\\"`,
  String.raw`"\ud800\u00e9"`,
  "12345678901234567890.1E-400",
  `{"b": [1 ,2], "a":{} , "b2":"}"}`,
  "[".repeat(100_000) + "]".repeat(100_000),
];

Deno.test("itemTexts() touches no digit, escape or space within an item, however deep it is", () => {
  assert.deepEqual(itemTexts(`[${AS_WRITTEN.join(" , ")}]`), AS_WRITTEN);
  assert.deepEqual(itemTexts(" [ ] "), []);
});
