import assert from "node:assert/strict";
import { DatabaseClock } from "../../supabase/functions/_shared/delivery/database_clock.ts";

/** The database's clock says this when ours says 0. */
const DATABASE_MS = 1_800_000_000_000;

Deno.test("CLOCK: an answer that is late moves nothing", () => {
  const clock = new DatabaseClock();
  assert.equal(clock.localMs(DATABASE_MS + 101, 100, 103), 100);
  assert.equal(clock.localMs(DATABASE_MS + 201, 200, 900), 200);
  assert.equal(clock.localMs(DATABASE_MS + 1001, 1000, 1002), 1000);
});

Deno.test("CLOCK: a question that is late is told apart from one that was quick", () => {
  const clock = new DatabaseClock();
  assert.equal(clock.localMs(DATABASE_MS + 300, 100, 310), 100, "nothing better is known yet");
  assert.equal(clock.localMs(DATABASE_MS + 402, 400, 410), 400);
  assert.equal(clock.localMs(DATABASE_MS + 900, 500, 910), 898);
});

Deno.test("CLOCK: moments of the database keep their distance or gain some, whatever delays the calls", () => {
  for (let round = 0; round < 200; round++) {
    const clock = new DatabaseClock();
    let last: { databaseMs: number; localMs: number } | undefined;
    for (let call = 0, nowMs = 0; call < 50; call++) {
      const askedAtMs = nowMs;
      const databaseMs = DATABASE_MS + askedAtMs + Math.floor(Math.random() * 200);
      const answeredAtMs = databaseMs - DATABASE_MS + Math.floor(Math.random() * 200);
      const localMs = clock.localMs(databaseMs, askedAtMs, answeredAtMs);
      if (last) assert.ok(localMs - last.localMs >= databaseMs - last.databaseMs);
      last = { databaseMs, localMs };
      nowMs = answeredAtMs + 1;
    }
  }
});

Deno.test("CLOCK: a database whose clock is set is followed", () => {
  const clock = new DatabaseClock();
  clock.localMs(DATABASE_MS, 0, 1);
  assert.equal(clock.localMs(DATABASE_MS + 3_600_010, 10, 12), 12, "an hour on: not later than the answer");
  assert.equal(clock.localMs(DATABASE_MS - 3_600_000, 20, 22), 20, "an hour back");
});
