import assert from "node:assert/strict";
import { readOptions } from "../../bench/measure/options.ts";
import { median, quantile, range } from "../../bench/measure/statistics.ts";
import { inTurn } from "../../bench/measure/turns.ts";

Deno.test("BENCH: subjects take turns, and each repetition begins with another one", () => {
  const turns = [...inTurn(["a", "b", "c"], 3)].map(({ subject, repetition }) => `${repetition}${subject}`);
  assert.deepEqual(turns, ["0a", "0b", "0c", "1b", "1c", "1a", "2c", "2a", "2b"]);
});

Deno.test("BENCH: a median does not depend on the order, and one outlier does not move it", () => {
  assert.equal(median([900, 1, 2]), 2);
  assert.equal(quantile([5, 4, 3, 2, 1, 6, 7, 8, 9, 10], 0.9), 10);
  assert.equal(range([3, 1, 2]), "1–3");
});

Deno.test("BENCH: options are read with and without the separator, and a wrong number is refused", () => {
  assert.deepEqual(readOptions(["--", "--peers", "../peers"], 3), {
    quick: false,
    repetitions: 3,
    peers: "../peers",
  });
  assert.deepEqual(readOptions(["--quick"], 3), { quick: true, repetitions: 1, peers: null });
  assert.throws(() => readOptions(["--repetitions", "0"], 3), /whole number from 1 on/);
});
