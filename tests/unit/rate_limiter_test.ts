import assert from "node:assert/strict";
import fc from "fast-check";
import { RateLimiter } from "../../supabase/functions/_shared/inbound/rate_limiter.ts";

function withClock() {
  const clock = { now: 1_000_000, nowMs: () => clock.now, sleep: () => Promise.resolve() };
  return { clock, limiter: new RateLimiter(clock) };
}

Deno.test("RateLimiter lets a second's worth through at once, then says when the next may come", () => {
  const { clock, limiter } = withClock();
  for (let nth = 0; nth < 10; nth++) assert.equal(limiter.take("a", 10), 0);
  assert.equal(limiter.take("a", 10), 100);
  assert.equal(limiter.take("b", 10), 0, "others are not asked to wait");
  clock.now += 100;
  assert.equal(limiter.take("a", 10), 0);
  assert.equal(limiter.take("a", 10), 100);
  clock.now += 60_000;
  for (let nth = 0; nth < 10; nth++) assert.equal(limiter.take("a", 10), 0);
  assert.ok(limiter.take("a", 10) > 0, "silence saves up no more than a second");
});

Deno.test("RateLimiter never lets more through than the rate and one burst, and what it says comes true", () => {
  fc.assert(fc.property(
    fc.integer({ min: 1, max: 50 }),
    fc.array(fc.integer({ min: 0, max: 300 }), { minLength: 1, maxLength: 300 }),
    (perSecond, pausesMs) => {
      const { clock, limiter } = withClock();
      const startedMs = clock.now;
      let passed = 0;
      for (const pauseMs of pausesMs) {
        clock.now += pauseMs;
        const waitMs = limiter.take("a", perSecond);
        if (waitMs > 0) {
          clock.now += waitMs;
          assert.equal(limiter.take("a", perSecond), 0, "after the wait there is one");
        }
        passed++;
      }
      assert.ok(passed <= perSecond + (clock.now - startedMs) * perSecond / 1000 + 1e-6);
    },
  ));
});

Deno.test("RateLimiter: a clock that is set back takes nothing away and gives nothing", () => {
  const { clock, limiter } = withClock();
  for (let nth = 0; nth < 5; nth++) limiter.take("a", 5);
  clock.now -= 3_600_000;
  assert.equal(limiter.take("a", 5), 200);
  clock.now += 200;
  assert.equal(limiter.take("a", 5), 0);
});
