import assert from "node:assert/strict";
import { StoreDataError } from "../../supabase/functions/_shared/db/store_data_error.ts";
import type { Store } from "../../supabase/functions/_shared/db/store.ts";
import type { Page, Source } from "../../supabase/functions/_shared/providers/source.ts";
import { storePage } from "../../supabase/functions/_shared/sync/store_page.ts";

const source: Source<unknown, unknown> = {
  stream: "things",
  table: "things",
  entityType: "thing",
  functionName: "thing-sync",
  read: () => Promise.reject(new TypeError("Nobody reads it here")),
};
const lease = { p_run_id: "run", p_lease_token: "token", p_lease_ms: 90_000 };

const pageOf = (names: string[], more: Partial<Page> = {}): Page => ({
  records: names.map((name) => ({ externalId: name, values: { name } })),
  deletedIds: ["gone"],
  cursor: { page: 2 },
  hasMore: true,
  ...more,
});

interface Sent {
  records: { external_id: string; values: { name: string } }[];
  deleted_ids: string[];
  begins_pass: boolean;
  cursor?: unknown;
  refused: number;
  errors: { code: string; message: string }[];
}

/** A database that refuses what some records say, as a whole call, and keeps the rest. */
function choosyStore(refuses: (name: string) => boolean): { store: Pick<Store, "call">; sent: Sent[] } {
  const sent: Sent[] = [];
  const call = (_name: string, args: Record<string, unknown>) => {
    const page = JSON.parse(args.p_page as string) as Sent;
    if (page.records.some(({ values }) => refuses(values.name))) {
      return Promise.reject(new StoreDataError("22007", "invalid"));
    }
    sent.push(page);
    return Promise.resolve({ outcome: "applied", pass_state: "open", is_stream_done: false });
  };
  return { store: { call: call as Store["call"] }, sent };
}

Deno.test("SYNC-PAGE: a page is stored by one call, its checkpoint with it", async () => {
  const { store, sent } = choosyStore(() => false);
  await storePage(store, lease, source, pageOf(["a", "b"]), true);
  assert.equal(sent.length, 1);
  assert.deepEqual(sent[0]!.cursor, { page: 2 });
  assert.equal(sent[0]!.begins_pass, true);
});

Deno.test("SYNC-PAGE: what is refused stands alone in the end, and the checkpoint comes after all the others", async () => {
  const names = Array.from({ length: 37 }, (_, index) => `n${index}`);
  const bad = new Set(["n0", "n17", "n36"]);
  const { store, sent } = choosyStore((name) => bad.has(name));
  await storePage(store, lease, source, pageOf(names), true);
  const stored = sent.flatMap(({ records }) => records.map((record) => record.external_id));
  assert.deepEqual(stored, names.filter((name) => !bad.has(name)));
  const last = sent.at(-1)!;
  assert.deepEqual([last.cursor, last.refused, last.deleted_ids], [{ page: 2 }, 3, ["gone"]]);
  assert.deepEqual(last.errors.map(({ code }) => code), Array(3).fill("input_refused"));
  assert.ok(last.errors[0]!.message.includes("n0"));
  for (const part of sent.slice(0, -1)) assert.ok(part.cursor === undefined && part.deleted_ids.length === 0);
  assert.deepEqual(sent.filter((part) => part.begins_pass).length, 1, "a pass begins once");
});

Deno.test("SYNC-PAGE: a page of which everything is refused still moves on", async () => {
  const { store, sent } = choosyStore(() => true);
  await storePage(store, lease, source, pageOf(["a"]), true);
  assert.deepEqual(sent.map(({ refused, begins_pass }) => [refused, begins_pass]), [[1, true]]);
});

Deno.test("SYNC-PAGE: what the database cannot hold is replaced in texts", async () => {
  const { store, sent } = choosyStore(() => false);
  const page = pageOf([`half \ud800 and nul \0 but \\u0000 as written`]);
  await storePage(store, lease, source, page, false);
  await storePage(store, lease, source, { ...page, deletedIds: ["gone\0"] }, false);
  assert.deepEqual(sent[1]!.deleted_ids, ["gone\ufffd"]);
  assert.equal(sent[0]!.records[0]!.values.name, "half \ufffd and nul \ufffd but \\u0000 as written");
});
