import assert from "node:assert/strict";
import fc from "fast-check";
import { sql, stackTest } from "../support/stack.ts";

const LARGEST = 2 ** 31 - 1;

/** Durations as they come: many short ones, some at the edges of doublings, a few of days. */
const durationMs = fc.oneof(
  fc.integer({ min: 0, max: 40 }),
  fc.integer({ min: 0, max: 20_000 }),
  fc.integer({ min: 0, max: LARGEST }),
  fc.tuple(fc.integer({ min: 4, max: 30 }), fc.integer({ min: -1, max: 1 })).map(([n, off]) => 2 ** n + off),
);

/** The value that a share of all lie at or below: nearest rank, counted in whole hundredths. */
function exactPercentile(values: number[], hundredths: number): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.ceil(sorted.length * hundredths / 100) - 1] ?? null;
}

stackTest(
  "LATENCY: buckets are in order, hold what they stand for, and are never wider than they say",
  async () => {
    const rows = await sql`
    select b as bucket, private.latency_of_bucket(b) as ms, private.latency_bucket(private.latency_of_bucket(b)) as again
    from generate_series(0, 231) as b order by b`;
    assert.deepEqual(rows.map((row) => row.again), rows.map((row) => row.bucket));
    assert.deepEqual(rows.slice(0, 16).map((row) => row.ms), Array.from({ length: 16 }, (_, ms) => ms));
    for (const [index, row] of rows.entries()) {
      if (index > 0) assert.ok(row.ms > rows[index - 1]!.ms, `bucket ${index}`);
    }
    const [ends] = await sql`
    select private.latency_bucket(${LARGEST}) as last, private.latency_bucket(-5) as negative`;
    assert.deepEqual({ ...ends }, { last: 231, negative: 0 });
  },
);

stackTest("LATENCY: percentiles of a histogram are within a sixteenth of the exact ones", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(durationMs, { maxLength: 200 }), async (values) => {
      const [row] = await sql`
        select private.histogram_percentile(h, 0.5) as p50, private.histogram_percentile(h, 0.95) as p95,
          private.histogram_percentile(h, 1) as p100, (select coalesce(sum(n), 0)::int from unnest(h) n) as total
        from private.latency_histogram(${values}::integer[]) as h`;
      assert.equal(row!.total, values.length);
      for (const [name, hundredths] of [["p50", 50], ["p95", 95], ["p100", 100]] as const) {
        const exact = exactPercentile(values, hundredths);
        if (exact === null) assert.equal(row![name], null);
        else if (exact < 16) assert.equal(row![name], exact);
        else assert.ok(Math.abs(row![name] - exact) <= exact / 16, `${name}: ${row![name]} for ${exact}`);
      }
    }),
    { numRuns: 200 },
  );
});

stackTest("LATENCY: histograms add up in any order and number", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(durationMs, { maxLength: 30 }), { maxLength: 6 }), async (parts) => {
      const json = JSON.stringify(parts);
      const [row] = await sql`
        select (
          select private.sum_histograms(private.latency_histogram(array(select v::integer from jsonb_array_elements_text(p) v)))
          from jsonb_array_elements(${json}::text::jsonb) as p
        ) as one_by_one,
        private.latency_histogram(${parts.flat()}::integer[]) as at_once`;
      assert.deepEqual(row!.one_by_one, row!.at_once);
    }),
    { numRuns: 100 },
  );
});
