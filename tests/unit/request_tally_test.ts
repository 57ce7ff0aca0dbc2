import assert from "node:assert/strict";
import type { Json, Store } from "../../supabase/functions/_shared/db/store.ts";
import { RequestTally } from "../../supabase/functions/_shared/inbound/request_tally.ts";

/** A database that keeps what it is given, unless it is away. */
class FakeStore implements Pick<Store, "call"> {
  readonly calls: Json[] = [];
  isAway = false;

  call<T>(functionName: string, args: Record<string, Json>): Promise<T> {
    assert.equal(functionName, "count_webhook_requests");
    if (this.isAway) return Promise.reject(new Error("away"));
    this.calls.push(args.p_counts!);
    return Promise.resolve(null as T);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 1));
}

Deno.test("TALLY: a flood of refusals is one call with one row per webhook", async () => {
  const store = new FakeStore();
  const tally = new RequestTally(store, 5);
  for (let nth = 0; nth < 5000; nth++) tally.count("one", "refused");
  tally.count("two", "duplicates", 7);
  tally.count("two", "filtered", 0);
  tally.count("one", "limited", 2);
  await until(() => store.calls.length > 0);
  assert.deepEqual(store.calls, [[
    { webhook_id: "one", refused: 5000, limited: 2 },
    { webhook_id: "two", duplicates: 7 },
  ]]);
  tally.count("two", "filtered");
  await until(() => store.calls.length > 1);
  assert.deepEqual(
    store.calls[1],
    [{ webhook_id: "two", filtered: 1 }],
    "what was handed over is not counted again",
  );
});

Deno.test("TALLY: what the database does not take is kept, and memory has a bound", async () => {
  const store = new FakeStore();
  const tally = new RequestTally(store, 1);
  store.isAway = true;
  for (let nth = 0; nth < 3000; nth++) tally.count(`webhook-${nth}`, "refused");
  await new Promise((resolve) => setTimeout(resolve, 20));
  tally.count("webhook-0", "refused", 2);
  await new Promise((resolve) => setTimeout(resolve, 20));
  store.isAway = false;
  await tally.flush();
  const rows = store.calls.flat() as { webhook_id: string; refused: number }[];
  assert.equal(rows.length, 1000);
  assert.deepEqual(rows.find((row) => row.webhook_id === "webhook-0"), {
    webhook_id: "webhook-0",
    refused: 3,
  });
});
