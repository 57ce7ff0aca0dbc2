import assert from "node:assert/strict";
import { Drainer } from "../../supabase/functions/_shared/drain/drainer.ts";
import { createLogger } from "../../supabase/functions/_shared/log.ts";

Deno.test("a bell that comes after a drain's last look makes it look again", async () => {
  let looks = 0;
  const ending = Promise.withResolvers<void>();
  const mayEnd = Promise.withResolvers<number>();
  const lookedAgain = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  const drainer = new Drainer({
    name: "test",
    unit: "things",
    maxItems: 10,
    round: () => {
      looks++;
      if (looks > looksBefore) lookedAgain.resolve();
      return Promise.resolve(0);
    },
    settle: () => {
      if (looks > looksBefore) ended.resolve();
      ending.resolve();
      return mayEnd.promise;
    },
  });
  let looksBefore = Infinity;
  const log = createLogger("test");
  assert.equal(drainer.wake(log, "bell"), "started");
  await ending.promise;
  looksBefore = looks;
  assert.equal(drainer.wake(log, "bell"), "running");
  mayEnd.resolve(0);
  const tooLate = setTimeout(() => lookedAgain.reject(new Error("Nobody looked again")), 3000);
  await lookedAgain.promise;
  clearTimeout(tooLate);
  await ended.promise;
});
