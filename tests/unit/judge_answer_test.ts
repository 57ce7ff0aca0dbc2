import assert from "node:assert/strict";
import fc from "fast-check";
import type { ErrorClass } from "../../supabase/functions/_shared/delivery/error_class.ts";
import {
  judgeAnswer,
  retryAfterFailureMs,
  retryDelayMs,
  type RetrySettings,
} from "../../supabase/functions/_shared/delivery/judge_answer.ts";

const NOW_MS = Date.parse("2026-11-21T10:00:00Z");
const lowest = () => 0;
const highest = () => 1 - 2 ** -53;

/** The shortest and the longest wait that chance allows. */
function bounds(waitMs: (random: () => number) => number): [number, number] {
  return [waitMs(lowest), waitMs(highest)];
}

/** Failures so far to the bounds of the wait, in milliseconds. */
const DEFAULT_WAITS: [failures: number, bounds: [number, number]][] = [
  [1, [5_000, 9_999]],
  [2, [10_000, 19_999]],
  [3, [20_000, 39_999]],
  [4, [40_000, 79_999]],
  [5, [80_000, 159_999]],
  [6, [160_000, 319_999]],
  [7, [320_000, 639_999]],
  [8, [640_000, 1_279_999]],
  [9, [1_280_000, 2_559_999]],
  [10, [1_800_000, 3_599_999]],
  [20, [1_800_000, 3_599_999]],
  [1_000_000, [1_800_000, 3_599_999]],
];

for (const [failures, expected] of DEFAULT_WAITS) {
  Deno.test(`retryDelayMs() by default waits ${expected.join(" to ")} ms after ${failures} failures`, () => {
    assert.deepEqual(bounds((random) => retryDelayMs({ failures, random })), expected);
    assert.deepEqual(
      bounds((random) => retryDelayMs({ failures, random, scheduleSeconds: [] })),
      expected,
      "a schedule without waits is none",
    );
    assert.deepEqual(bounds((random) => retryDelayMs({ failures, random, scheduleSeconds: null })), expected);
  });
}

Deno.test("retryDelayMs() follows a schedule: never early, at most a tenth late, the last wait repeats", () => {
  const scheduleSeconds = [5, 300, 1800, 7200];
  const waits = [1, 2, 3, 4, 5, 100].map((failures) =>
    bounds((random) => retryDelayMs({ failures, scheduleSeconds, random }))
  );
  assert.deepEqual(waits, [
    [5_000, 5_499],
    [300_000, 329_999],
    [1_800_000, 1_979_999],
    ...Array(3).fill([7_200_000, 7_919_999]),
  ]);
});

Deno.test("retryDelayMs() gives an overloaded endpoint at least a minute, spread by half a minute", () => {
  const slow = (retry: RetrySettings) => bounds((random) => retryDelayMs({ ...retry, random }, true));
  assert.deepEqual(slow({ failures: 1 }), [60_000, 89_999]);
  assert.deepEqual(slow({ failures: 1, scheduleSeconds: [1] }), [60_000, 89_999], "a schedule too");
  assert.deepEqual(slow({ failures: 1, scheduleSeconds: [60] }), [60_000, 65_999], "long enough already");
  assert.deepEqual(slow({ failures: 5 }), [80_000, 159_999]);
});

Deno.test("retryDelayMs() stays within its bounds for every chance and any schedule", () => {
  const schedule = fc.array(fc.integer({ min: 1, max: 86_400 }), { minLength: 1, maxLength: 20 });
  const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(
    fc.property(schedule, fc.integer({ min: 1, max: 50 }), chance, (scheduleSeconds, failures, drawn) => {
      const waitMs = retryDelayMs({ failures, scheduleSeconds, random: () => drawn });
      const askedMs = (scheduleSeconds[failures - 1] ?? scheduleSeconds.at(-1)!) * 1000;
      assert.ok(Number.isInteger(waitMs) && waitMs >= askedMs && waitMs < askedMs * 1.1, `${waitMs}`);
    }),
  );
});

/** What comes of a failure without an answer: the bounds of the first wait. */
const WITHOUT_ANSWER: Partial<Record<ErrorClass, [number, number]>> = {
  url_refused: [5_000, 9_999],
  address_refused: [5_000, 9_999],
  dns_failed: [5_000, 9_999],
  connect_failed: [5_000, 9_999],
  tls_failed: [5_000, 9_999],
  protocol_error: [5_000, 9_999],
  connection_lost: [5_000, 9_999],
  internal: [5_000, 9_999],
  timed_out: [60_000, 89_999],
};

for (const [errorClass, expected] of Object.entries(WITHOUT_ANSWER)) {
  Deno.test(`retryAfterFailureMs() waits ${expected.join(" to ")} ms after the first ${errorClass}`, () => {
    assert.deepEqual(
      bounds((random) => retryAfterFailureMs(errorClass as ErrorClass, { failures: 1, random })),
      expected,
    );
  });
}

/** Status and Retry-After to the class and the bounds of the first wait. */
const ANSWERS: [status: number, retryAfter: string | null, errorClass: string, bounds: [number, number]][] = [
  [300, null, "redirected", [5_000, 9_999]],
  [301, null, "redirected", [5_000, 9_999]],
  [304, null, "redirected", [5_000, 9_999]],
  [307, "600", "redirected", [5_000, 9_999]],
  [400, null, "client_error", [5_000, 9_999]],
  [401, null, "client_error", [5_000, 9_999]],
  [404, "600", "client_error", [5_000, 9_999]],
  [408, null, "client_error", [5_000, 9_999]],
  [410, null, "gone", [5_000, 9_999]],
  [499, null, "client_error", [5_000, 9_999]],
  [500, null, "server_error", [5_000, 9_999]],
  [500, "600", "server_error", [5_000, 9_999]],
  [599, null, "server_error", [5_000, 9_999]],
  [429, null, "rate_limited", [60_000, 89_999]],
  [429, "soon", "rate_limited", [60_000, 89_999]],
  [429, "-5", "rate_limited", [60_000, 89_999]],
  [429, "1.5", "rate_limited", [60_000, 89_999]],
  [429, "0", "rate_limited", [1_000, 1_000]],
  [429, "30", "rate_limited", [30_000, 30_000]],
  [429, "600", "rate_limited", [600_000, 600_000]],
  [429, "99999999", "rate_limited", [86_400_000, 86_400_000]],
  [429, "Sat, 21 Nov 2026 10:00:30 GMT", "rate_limited", [30_000, 30_000]],
  [429, "Sat, 21 Nov 2026 09:00:00 GMT", "rate_limited", [1_000, 1_000]],
  [429, "Sun, 21 Nov 2027 10:00:00 GMT", "rate_limited", [86_400_000, 86_400_000]],
  [503, null, "server_error", [5_000, 9_999]],
  [503, "soon", "server_error", [5_000, 9_999]],
  [503, "0", "server_error", [1_000, 1_000]],
  [503, "30", "server_error", [30_000, 30_000]],
  [503, "600", "server_error", [600_000, 600_000]],
  [503, "Sat, 21 Nov 2026 10:10:00 GMT", "server_error", [600_000, 600_000]],
  [503, "Sat, 21 Nov 2026 09:00:00 GMT", "server_error", [1_000, 1_000]],
  [503, "60, 120", "server_error", [120_000, 120_000]],
  [502, null, "server_error", [60_000, 89_999]],
  [502, "5", "server_error", [60_000, 89_999]],
  [504, null, "server_error", [60_000, 89_999]],
];

for (const [status, retryAfter, errorClass, expected] of ANSWERS) {
  const said = retryAfter === null ? "" : ` with Retry-After ${JSON.stringify(retryAfter)}`;
  Deno.test(`judgeAnswer() takes ${status}${said} for ${errorClass} and waits ${expected.join(" to ")} ms`, () => {
    const headers = new Headers(retryAfter === null ? {} : { "retry-after": retryAfter });
    const judge = (random: () => number) =>
      judgeAnswer({ status, headers }, { failures: 1, nowMs: NOW_MS, random });
    assert.deepEqual([judge(lowest).outcome, judge(lowest).errorClass], ["failed", errorClass]);
    assert.deepEqual(bounds((random) => judge(random).retryInMs!), expected);
    assert.equal(judge(lowest).disableReason, status === 410 ? "gone" : null);
  });
}

Deno.test("judgeAnswer() takes every 2xx for delivered, and nothing else", () => {
  for (let status = 200; status < 600; status++) {
    const { outcome, retryInMs } = judgeAnswer({ status, headers: new Headers() }, { failures: 1 });
    assert.equal(outcome, status < 300 ? "delivered" : "failed", String(status));
    assert.equal(retryInMs === null, status < 300, String(status));
  }
});

Deno.test("judgeAnswer() obeys Retry-After whatever schedule the integration has", () => {
  const retry = { failures: 2, scheduleSeconds: [5, 900], nowMs: NOW_MS, random: lowest };
  const waitMs = (status: number, retryAfter?: string) =>
    judgeAnswer({ status, headers: new Headers(retryAfter ? { "retry-after": retryAfter } : {}) }, retry)
      .retryInMs;
  assert.equal(waitMs(500), 900_000);
  assert.equal(waitMs(429), 900_000, "longer than a minute already");
  assert.equal(waitMs(429, "30"), 30_000);
  assert.equal(waitMs(503, "3600"), 3_600_000);
});
