import assert from "node:assert/strict";
import { Deadlines } from "../../supabase/functions/_shared/guardrails/egress/deadlines.ts";

const pause = (durationMs: number) => new Promise((resolve) => setTimeout(resolve, durationMs));

Deno.test("DEADLINES: each is told of once, never early, and the others of its tick with it", async () => {
  const deadlines = new Deadlines();
  const startedMs = performance.now();
  const lateMs: number[] = [];
  for (let one = 0; one < 3; one++) deadlines.after(30, () => lateMs.push(performance.now() - startedMs));
  while (lateMs.length < 3) await pause(5);
  await pause(60);
  assert.equal(lateMs.length, 3);
  assert.ok(lateMs.every((ms) => ms >= 29), String(lateMs));
});

Deno.test("DEADLINES: one that is taken back is not told of, the others are, and no timer stays behind", async () => {
  const deadlines = new Deadlines();
  const told: string[] = [];
  const takeBack = deadlines.after(20, () => told.push("taken back"));
  deadlines.after(20, () => told.push("kept"));
  deadlines.after(60_000, () => told.push("far"))();
  takeBack();
  while (told.length === 0) await pause(5);
  await pause(40);
  takeBack();
  assert.deepEqual(told, ["kept"]);
});

Deno.test("DEADLINES: a tick that emptied and was begun again keeps its new deadlines", async () => {
  const deadlines = new Deadlines();
  const told: string[] = [];
  const first = deadlines.after(40, () => told.push("first"));
  first();
  deadlines.after(40, () => told.push("second"));
  first();
  while (told.length === 0) await pause(5);
  assert.deepEqual(told, ["second"]);
});
