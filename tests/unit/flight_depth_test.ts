import assert from "node:assert/strict";
import { FlightDepth } from "../../supabase/functions/_shared/inbound/flight_depth.ts";

/** The depth after calls that each waited and worked so long. */
function depthAfter(waitMs: number, workMs: number, maxDepth = 8): number {
  const depth = new FlightDepth(maxDepth);
  for (let call = 0; call < 50; call++) depth.observe(waitMs + workMs, workMs);
  return depth.current;
}

Deno.test("FlightDepth: one call where the database works longer than it waits", () => {
  assert.equal(new FlightDepth(8).current, 1, "before anything is known");
  assert.equal(depthAfter(0.4, 0.6), 1);
  assert.equal(depthAfter(3, 5), 1);
});

Deno.test("FlightDepth: one more for every call that fits into the wait, up to the connections", () => {
  assert.equal(depthAfter(2.4, 0.9), 3);
  assert.equal(depthAfter(2.4, 0.5), 5);
  assert.equal(depthAfter(40, 1), 8);
  assert.equal(depthAfter(40, 1, 1), 1);
});

Deno.test("FlightDepth: waits of a busy moment change nothing, those of a slower disk do, and it finds back", () => {
  const depth = new FlightDepth(8);
  for (let call = 0; call < 100; call++) depth.observe(call % 10 === 0 ? 0.9 : 20, 0.5);
  assert.equal(depth.current, 1);
  for (let call = 0; call < 32; call++) depth.observe(3, 0.5);
  assert.equal(depth.current, 6);
  depth.observe(0.9, 0.5);
  assert.equal(depth.current, 1);
});

Deno.test("FlightDepth: a clock that stands still is no reason to divide by zero", () => {
  assert.equal(depthAfter(1, 0), 1);
});
