import assert from "node:assert/strict";
import { parseHttpDate } from "../../supabase/functions/_shared/retry/http_date.ts";
import { retryAfterMs } from "../../supabase/functions/_shared/retry/retry_after.ts";

const NOW_MS = Date.parse("2026-11-21T10:00:00Z");
const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

/** Retry-After to the wait it asks for; null = nothing readable. */
const WAITS: [retryAfter: string | string[], waitMs: number | null][] = [
  ["0", 0],
  ["120", 120_000],
  [" 5 ", 5000],
  ["007", 7000],
  ["2026", 2_026_000],
  ["86400", DAY_MS],
  ["86401", DAY_MS],
  ["999999999", DAY_MS],
  ["9".repeat(400), DAY_MS],
  ["Sat, 21 Nov 2026 10:02:00 GMT", 120_000],
  ["Saturday, 21-Nov-26 10:02:00 GMT", 120_000],
  ["Sat Nov 21 10:02:00 2026", 120_000],
  ["Sun Nov  1 10:02:00 2026", 0],
  ["Sat, 21 Nov 2026 09:00:00 GMT", 0],
  ["Thu, 01 Jan 1970 00:00:00 GMT", 0],
  ["Sun, 22 Nov 2026 10:00:00 GMT", DAY_MS],
  ["Sun, 21 Nov 2027 10:00:00 GMT", DAY_MS],
  ["Fri, 31 Dec 9999 23:59:59 GMT", DAY_MS],
  [["60", "120"], 120_000],
  [["120", "60"], 120_000],
  [["60", "Sat, 21 Nov 2026 10:05:00 GMT"], 300_000],
  [["Sat, 21 Nov 2026 10:05:00 GMT", "Sat, 21 Nov 2026 10:04:00 GMT"], 300_000],
  [["Saturday, 21-Nov-26 10:05:00 GMT", "7"], 300_000],
  [["soon", "60"], 60_000],
  [["60", "soon"], 60_000],
  [["soon", "later"], null],
  [[], null],
  ["", null],
  ["-1", null],
  ["+1", null],
  ["1.5", null],
  ["1e3", null],
  ["0x10", null],
  ["12 s", null],
  ["soon", null],
  ["Later 5", null],
  ["null", null],
  ["2026-11-21T10:02:00Z", null],
  ["Sat, 21 Nov 2026 10:02:00", null],
  ["Sat, 21 Nov 2026 10:02:00 PST", null],
  ["Sat, 21 Nov 2026 10:02:00 +0100", null],
  ["Sat, 21 Nov 2026 24:02:00 GMT", null],
  ["Sat, 21 Nov 2026 10:60:00 GMT", null],
  ["Sat, 31 Feb 2026 10:02:00 GMT", null],
  ["Sat, 21 Nop 2026 10:02:00 GMT", null],
  ["x".repeat(60_000), null],
  ["1".repeat(30_000) + ",".repeat(30_000), DAY_MS],
];

for (const [lines, waitMs] of WAITS) {
  const shown = JSON.stringify(lines);
  Deno.test(`retryAfterMs() reads ${shown.length > 80 ? `${shown.slice(0, 80)}...` : shown} as ${waitMs}`, () => {
    const headers = new Headers([lines].flat().map((line) => ["retry-after", line]));
    assert.equal(retryAfterMs(headers, NOW_MS), waitMs);
  });
}

/** The endpoint's `Date` header to the wait that "10:02:00" asks for, when our clock says 10:00:00. */
const CLOCKS: [what: string, date: string | null, waitMs: number][] = [
  ["no clock of its own", null, 120_000],
  ["our clock", "Sat, 21 Nov 2026 10:00:00 GMT", 120_000],
  ["a clock a minute ahead", "Sat, 21 Nov 2026 10:01:00 GMT", 60_000],
  ["a clock an hour behind", "Sat, 21 Nov 2026 09:02:00 GMT", HOUR_MS],
  ["a clock that is past the date", "Sat, 21 Nov 2026 11:00:00 GMT", 0],
  ["a clock of another year", "Sat, 21 Nov 2020 10:01:00 GMT", 120_000],
  ["a clock that says nonsense", "yesterday", 120_000],
];

for (const [what, date, waitMs] of CLOCKS) {
  Deno.test(`retryAfterMs() of an endpoint with ${what} is ${waitMs}`, () => {
    const headers = new Headers({ "retry-after": "Sat, 21 Nov 2026 10:02:00 GMT" });
    if (date !== null) headers.set("date", date);
    assert.equal(retryAfterMs(headers, NOW_MS), waitMs);
  });
}

for (const [what, skewMs] of [["an hour behind", -HOUR_MS], ["an hour ahead", HOUR_MS]] as const) {
  Deno.test(`retryAfterMs() of an endpoint with a clock moves no wait where ours is ${what}`, () => {
    const dated = { date: "Sat, 21 Nov 2026 10:00:00 GMT", "retry-after": "Sat, 21 Nov 2026 10:02:00 GMT" };
    assert.equal(retryAfterMs(new Headers(dated), NOW_MS + skewMs), 120_000);
    assert.equal(retryAfterMs(new Headers({ "retry-after": "120" }), NOW_MS + skewMs), 120_000);
    // Only without the endpoint's clock does ours count, and then the wait is wrong by what ours is.
    const undated = new Headers({ "retry-after": "Sat, 21 Nov 2026 10:02:00 GMT" });
    assert.equal(retryAfterMs(undated, NOW_MS + skewMs), Math.max(0, 120_000 - skewMs));
  });
}

Deno.test("parseHttpDate() takes a year of two digits for the nearest that is at most 50 years ahead", () => {
  const yearOf = (digits: string) =>
    new Date(parseHttpDate(`Saturday, 21-Nov-${digits} 10:02:00 GMT`, NOW_MS)!).getUTCFullYear();
  assert.deepEqual(["26", "76", "77", "99"].map(yearOf), [2026, 2076, 1977, 1999]);
});

Deno.test("parseHttpDate() takes a leap second for the one before it", () => {
  assert.equal(
    parseHttpDate("Sat, 31 Dec 2016 23:59:60 GMT", NOW_MS),
    Date.parse("2016-12-31T23:59:59Z"),
  );
});
