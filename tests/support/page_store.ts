import assert from "node:assert/strict";
import type { Connection } from "../../supabase/functions/_shared/providers/connection.ts";
import type { Cursor, Page, Source } from "../../supabase/functions/_shared/providers/source.ts";

/**
 * What a source's pages add up to by the rules of source.ts, in memory: so that a test can try a source thousands of times.
 * The engine with its database keeps the same rules, and tests/contract holds it to them.
 */
export class PageStore {
  readonly records = new Map<string, Record<string, unknown>>();
  readonly warnings: string[] = [];
  /** Records that were new or had changed. */
  written = 0;
  #unseen: Set<string> | null = null;

  /** @param cursor - what the page was asked with. */
  apply(page: Page, cursor: Cursor | null): void {
    if (page.beginsPass || cursor === null) this.#unseen = new Set(this.records.keys());
    for (const { externalId, values } of page.records) {
      if (JSON.stringify(this.records.get(externalId)) !== JSON.stringify(values)) this.written++;
      this.records.set(externalId, values);
      this.#unseen?.delete(externalId);
    }
    for (const id of page.presentIds ?? []) this.#unseen?.delete(id);
    for (const id of page.deletedIds) this.records.delete(id);
    this.warnings.push(...page.warnings ?? []);
    if (!page.completesPass) return;
    assert.ok(this.#unseen, "what completes a pass has begun one");
    for (const id of this.#unseen) this.records.delete(id);
    this.#unseen = null;
  }

  /** As after pages of a pass that are not looked at here: nothing of what is held is missing in it. */
  resumePass(): void {
    this.#unseen = new Set();
  }

  copy(): PageStore {
    const copy = new PageStore();
    for (const [id, values] of this.records) copy.records.set(id, values);
    copy.#unseen = this.#unseen && new Set(this.#unseen);
    return copy;
  }
}

/** Options of {@link readToEnd}. */
export interface Reading<Config, Secrets> {
  source: Source<Config, Secrets>;
  connection: Connection<Config, Secrets>;
  store: PageStore;
  cursor: Cursor | null;
  /** Called after every page, with the cursor it left. */
  onPage?: (cursor: Cursor, page: Page) => void;
}

/** Reads to the end, page by page; cursors go through JSON as they would on their way to the database. */
export async function readToEnd<Config, Secrets>(reading: Reading<Config, Secrets>): Promise<Cursor> {
  const { source, connection, store, onPage } = reading;
  let { cursor } = reading;
  for (let pages = 0; pages < 10_000; pages++) {
    const storedCount = () => Promise.resolve(store.records.size);
    const page = await source.read({ connection, cursor, parameters: {}, storedCount });
    store.apply(page, cursor);
    const saved: Cursor = JSON.parse(JSON.stringify(page.cursor));
    onPage?.(saved, page);
    if (!page.hasMore) return saved;
    cursor = saved;
  }
  assert.fail("The source does not come to an end");
}
