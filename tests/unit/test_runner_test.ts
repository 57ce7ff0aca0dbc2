import assert from "node:assert/strict";
import { FileBlocks } from "../runner/file_blocks.ts";
import { added, readOutcome } from "../runner/outcome.ts";

const PRINTED = `running 2 tests from ./tests/unit/one_test.ts
ONE: good ... ok (3ms)
ONE: bad ... FAILED (1s)
./tests/unit/two_test.ts (uncaught error)
running 1 test from ./tests/stack/three_test.ts
THREE: worse ... \u001b[31mFAILED\u001b[0m (2m1s)

 FAILURES

ONE: bad => ./tests/support/stack.ts:40:8

FAILED | 7 passed | 3 failed (2m5s)
`;

Deno.test("TEST-RUN: a failure names its test and its file, and a file that breaks off names itself", () => {
  assert.deepEqual(readOutcome(PRINTED, false), {
    passed: 7,
    failed: 3,
    failures: [
      "ONE: bad => ./tests/unit/one_test.ts",
      "./tests/unit/two_test.ts (uncaught error)",
      "THREE: worse => ./tests/stack/three_test.ts",
    ],
    files: ["./tests/unit/one_test.ts", "./tests/unit/two_test.ts", "./tests/stack/three_test.ts"],
  });
});

Deno.test("TEST-RUN: without a count, with a skipped test or with a bad end it is no success", () => {
  assert.throws(
    () => readOutcome("running 2 tests from ./tests/unit/one_test.ts\n", true),
    /without a count/,
  );
  assert.throws(() => readOutcome("ok | 7 passed | 0 failed | 1 ignored (2s)\n", true), /skipped/);
  assert.equal(readOutcome("ok | 7 passed | 0 failed (2s)\n", true).failed, 0);
  assert.equal(readOutcome("ok | 7 passed | 0 failed (2s)\n", false).failed, 1);
});

Deno.test("TEST-RUN: lanes come to the sum of their counts and to all of their failures", () => {
  const one = readOutcome(PRINTED, false);
  const other = readOutcome("ok | 5 passed | 0 failed (2s)\n", true);
  assert.deepEqual(added([other, one]), { ...one, passed: 12 });
});

Deno.test("TEST-RUN: beside another lane, output comes a whole file at a time, however it was cut up", () => {
  const shown: string[] = [];
  const blocks = new FileBlocks((text) => shown.push(text));
  for (const character of PRINTED) blocks.add(character);
  const third = PRINTED.indexOf("running 1 test");
  assert.deepEqual(shown, [PRINTED.slice(0, third)]);
  blocks.end();
  assert.deepEqual(shown, [PRINTED.slice(0, third), PRINTED.slice(third)]);
});

Deno.test("TEST-RUN: a file that takes long comes in parts under its name, with the test that is running", async () => {
  const shown: string[] = [];
  const blocks = new FileBlocks((text) => shown.push(text), 20);
  blocks.add("running 2 tests from ./tests/stack/slow_test.ts\nSLOW: one ... ok (1ms)\nSLOW: two ... ");
  while (shown.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  blocks.add("ok (9s)\n");
  blocks.end();
  assert.deepEqual(shown, [
    "running 2 tests from ./tests/stack/slow_test.ts\nSLOW: one ... ok (1ms)\nSLOW: two ... (still running)\n",
    "running 2 tests from ./tests/stack/slow_test.ts\nSLOW: two ... ok (9s)\n",
  ]);
});
