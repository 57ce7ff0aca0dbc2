import assert from "node:assert/strict";
import type { Json, Store } from "../../supabase/functions/_shared/db/store.ts";
import { AccountCache } from "../../supabase/functions/_shared/inbound/account_cache.ts";
import { UnknownAccountTally } from "../../supabase/functions/_shared/inbound/unknown_account_tally.ts";

/** A database that knows some accounts and keeps what it is asked. */
function fakeStore(known: Record<string, number>) {
  const asked: string[][] = [];
  const row = (version: number) => ({
    ...{ webhook_id: "w", tenant_id: "t", version, event_types: ["*"], rate_limit_per_second: null },
  });
  const store: Store = {
    parallelCalls: 1,
    call<T>(_: string, args: Record<string, Json>): Promise<T> {
      const ids = args.p_account_ids as string[];
      asked.push(ids);
      const found = ids.filter((id) => id in known).map((id) => [id, row(known[id]!)]);
      return Promise.resolve(Object.fromEntries(found) as T);
    },
    callWithBytes: () => Promise.reject(new Error("not asked for")),
    close: () => Promise.resolve(),
  };
  return { store, asked };
}

Deno.test("ACCOUNTS: all of a request are asked for at once, and those that are known no more for 5 s", async () => {
  let nowMs = 1_000_000;
  const { store, asked } = fakeStore({ one: 1, two: 1 });
  const cache = new AccountCache(store, { nowMs: () => nowMs, sleep: () => Promise.resolve() });
  const resolve = async (...ids: string[]) => [...(await cache.resolve("hubspot", ids)).keys()].sort();
  assert.deepEqual(await resolve("one", "two", "one", "nobody"), ["one", "two"]);
  assert.deepEqual(await resolve("one", "two"), ["one", "two"]);
  assert.deepEqual(await resolve("one", "nobody"), ["one"]);
  nowMs += 5000;
  assert.deepEqual(await resolve("one"), ["one"]);
  assert.deepEqual(
    [...(await cache.resolve("slack", ["one"])).keys()],
    ["one"],
    "another provider's account",
  );
  assert.deepEqual(asked, [["one", "two", "nobody"], ["nobody"], ["one"], ["one"]]);
});

Deno.test("ACCOUNTS: what is read again replaces what is remembered, and forgets who is gone", async () => {
  const known: Record<string, number> = { one: 1 };
  const { store } = fakeStore(known);
  const cache = new AccountCache(store, { nowMs: () => 1_000_000, sleep: () => Promise.resolve() });
  const version = async () => (await cache.resolve("hubspot", ["one"])).get("one")?.version;
  assert.equal(await version(), 1);
  known.one = 2;
  assert.equal(await version(), 1);
  assert.equal((await cache.refresh("hubspot", "one"))?.version, 2);
  assert.equal(await version(), 2);
  delete known.one;
  assert.equal(await cache.refresh("hubspot", "one"), null);
  assert.equal(await version(), undefined);
});

Deno.test("ACCOUNTS: unknown ones are handed over in one call of a thousand at most, none of them lost", async () => {
  const calls: { account_id: string; requests: number; elements: number }[][] = [];
  let isAway = true;
  const store: Store = {
    parallelCalls: 1,
    call<T>(_: string, args: Record<string, Json>): Promise<T> {
      if (isAway) return Promise.reject(new Error("away"));
      calls.push(args.p_counts as typeof calls[0]);
      return Promise.resolve(null as T);
    },
    callWithBytes: () => Promise.reject(new Error("not asked for")),
    close: () => Promise.resolve(),
  };
  const tally = new UnknownAccountTally(store, 20);
  for (let nth = 0; nth < 3000; nth++) tally.count("hubspot", `account-${nth}`, 2);
  tally.count("hubspot", "account-0", 5);
  await tally.flush();
  isAway = false;
  while (calls.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  const [rows] = calls;
  assert.ok(rows!.length <= 1000, String(rows!.length));
  assert.equal(rows!.reduce((sum, { requests }) => sum + requests, 0), 3001);
  assert.equal(rows!.reduce((sum, { elements }) => sum + elements, 0), 6005);
  assert.deepEqual({ ...rows!.find(({ account_id }) => account_id === "account-0") }, {
    ...{ provider: "hubspot", account_id: "account-0", requests: 2, elements: 7 },
  });
});
