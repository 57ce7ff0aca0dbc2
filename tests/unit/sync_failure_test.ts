import assert from "node:assert/strict";
import { ProviderError } from "../../supabase/functions/_shared/providers/provider_error.ts";
import { judgeFailure } from "../../supabase/functions/_shared/sync/failure.ts";
import { MAX_FAILURES } from "../../supabase/functions/_shared/sync/slice_limits.ts";

const failure = (errorClass: ConstructorParameters<typeof ProviderError>[0], retryAfterMs?: number) =>
  new ProviderError(errorClass, "It says no.", { retryAfterMs });

Deno.test("SYNC-FAILURE: being asked to wait is obeyed to a day, and counts as no failure", () => {
  const judged = judgeFailure(failure("rate_limited", 90_000), MAX_FAILURES);
  assert.deepEqual([judged.kind, judged.is_failure, judged.wait_ms], ["wait", false, 90_000]);
  assert.equal(judgeFailure(failure("rate_limited", 0), 0).wait_ms, 1000);
  assert.equal(judgeFailure(failure("rate_limited"), 0).wait_ms, 30_000);
  assert.equal(judgeFailure(failure("rate_limited", 9e9), 0).wait_ms, 86_400_000);
});

Deno.test("SYNC-FAILURE: what may pass is tried again with growing waits, and given up in the end", () => {
  for (const errorClass of ["transient", "malformed_answer"] as const) {
    for (let before = 0; before < MAX_FAILURES - 1; before++) {
      const judged = judgeFailure(failure(errorClass), before);
      assert.deepEqual([judged.kind, judged.is_failure], ["wait", true]);
      assert.ok(judged.wait_ms >= 1000 && judged.wait_ms <= Math.max(1000, 10_000 * 2 ** before));
    }
    assert.equal(judgeFailure(failure(errorClass), MAX_FAILURES - 1).kind, "failed");
  }
  assert.ok(judgeFailure(failure("transient", 600_000), 0).wait_ms >= 600_000);
});

Deno.test("SYNC-FAILURE: what needs a person ends the run at once, in the provider's words", () => {
  for (
    const errorClass of ["reconnect_needed", "permission_missing", "misconfigured", "input_refused"] as const
  ) {
    const judged = judgeFailure(failure(errorClass), 0);
    assert.deepEqual([judged.kind, judged.error_class, judged.error], ["failed", errorClass, "It says no."]);
  }
});

Deno.test("SYNC-FAILURE: a fault of ours is told without its text", () => {
  const judged = judgeFailure(new TypeError("token xoxb-1 is undefined"), 0);
  assert.deepEqual([judged.kind, judged.error_class], ["wait", "internal"]);
  assert.ok(!judged.error.includes("xoxb"));
  assert.equal(judgeFailure(new TypeError("again"), MAX_FAILURES - 1).kind, "failed");
});
