import type { Store } from "../db/store.ts";
import { StoreDataError } from "../db/store_data_error.ts";
import { storableText } from "../json/storable_text.ts";
import type { Page, Source } from "../providers/source.ts";
import { type PagePart, pageText } from "./page_text.ts";

/** A slice's hold on its run, as every function of the database takes it that works on the run. */
export type Lease = { p_run_id: string; p_lease_token: string; p_lease_ms: number };

/** What became of a page. */
export interface StoredPage {
  /** lost = another slice holds the run; cancelled = somebody wants it to end. Nothing was stored then. */
  outcome: "applied" | "lost" | "cancelled";
  pass_state: "open" | "sweeping" | "closed";
  is_stream_done: boolean;
}

const MAX_WARNINGS = 5;

/**
 * Stores a page with its events and its checkpoint. A record that the database refuses does not hold up the others: the
 * page is stored in parts until the record stands alone, and then counted as refused.
 */
export async function storePage(
  store: Pick<Store, "call">,
  lease: Lease,
  source: Source<unknown, unknown>,
  page: Page,
  beginsPass: boolean,
): Promise<StoredPage> {
  const { cursor, hasMore, completesPass, deletedIds, presentIds = [], estimate = null } = page;
  const warnings = page.warnings ?? [];
  const whole: PagePart = {
    ...{ records: page.records, deletedIds, presentIds, estimate, beginsPass },
    checkpoint: { cursor, hasMore, completesPass },
    refused: 0,
    errors: warnings.slice(0, MAX_WARNINGS).map((message) => ({
      stream: source.stream,
      code: "input_refused",
      message,
    })),
  };
  const apply = (part: PagePart) =>
    store.call<StoredPage>("apply_sync_page", { ...lease, p_page: pageText(source, part) });
  try {
    return await apply(whole);
  } catch (error) {
    if (!(error instanceof StoreDataError) || page.records.length === 0) throw error;
    return await storeInParts(source.stream, whole, apply);
  }
}

/** Halves the records until what is refused stands alone; the checkpoint comes last, with the count of those. */
async function storeInParts(
  stream: string,
  whole: PagePart,
  apply: (part: PagePart) => Promise<StoredPage>,
): Promise<StoredPage> {
  const refused: { externalId: string; reason: string }[] = [];
  let { beginsPass } = whole;
  let last: StoredPage | null = null;
  const store = async (records: Page["records"]): Promise<boolean> => {
    if (records.length === 0) return true;
    const part = {
      ...whole,
      records,
      deletedIds: [],
      presentIds: [],
      checkpoint: null,
      errors: [],
      beginsPass,
    };
    try {
      last = await apply(part);
      beginsPass = false;
      return last.outcome === "applied";
    } catch (error) {
      if (!(error instanceof StoreDataError)) throw error;
      if (records.length === 1) {
        refused.push({ externalId: records[0]!.externalId, reason: error.sqlState });
        return true;
      }
      const middle = Math.ceil(records.length / 2);
      return await store(records.slice(0, middle)) && await store(records.slice(middle));
    }
  };
  if (!await store(whole.records) && last) return last;
  return await apply({
    ...whole,
    records: [],
    // They are there, whatever they hold: what cannot be stored must not be taken for deleted.
    presentIds: [...whole.presentIds, ...refused.map(({ externalId }) => storableText(externalId))],
    beginsPass,
    refused: refused.length,
    errors: [
      ...whole.errors,
      ...refused.slice(0, MAX_WARNINGS).map(({ externalId, reason }) => ({
        stream,
        code: "input_refused",
        message: `The record ${externalId} holds a value that cannot be stored (${reason}).`,
      })),
    ],
  });
}
