import * as z from "zod";
import type { Cursor } from "../source.ts";
import { ProviderError } from "../provider_error.ts";
import type { PageState } from "./paging.ts";

/** Most pages of one run; a cursor that never ends is met before, by its pages coming again. */
const MAX_PAGES = 100_000;
/** An API may answer a page that has nothing for us; a hundred of them in a row go nowhere. */
const MAX_EMPTY_PAGES = 100;

const pageSchema: z.ZodType<PageState> = z.discriminatedUnion("at", [
  z.strictObject({ at: z.literal("first") }),
  z.strictObject({ at: z.literal("cursor"), token: z.union([z.string(), z.number()]) }),
  z.strictObject({ at: z.literal("link"), url: z.string() }),
  z.strictObject({ at: z.literal("page"), number: z.int() }),
  z.strictObject({ at: z.literal("offset"), skip: z.int() }),
]);

const progressSchema = z.strictObject({
  /** Settings the run was begun with: with others everything is read anew. */
  settings: z.string(),
  /** The next page; null = the run is over, the next one begins at the first. */
  page: pageSchema.nullable(),
  /** A pass over everything, as opposed to what changed. */
  full: z.boolean(),
  /** Milliseconds since 1970: changes are asked for from here on; null = everything. */
  since_ms: z.int().nullable(),
  /** The newest change that finished runs have seen, but never after they began; null = none known. */
  newest_ms: z.int().nullable(),
  /** The same for this run, as far as it is. */
  seen_ms: z.int().nullable(),
  /** When this run began, by the API's clock; null = it has not. */
  began_ms: z.int().nullable(),
  pages: z.int(),
  records: z.int(),
  empty_pages: z.int(),
  /** The most that the API said it has in all; null = it says nothing. */
  total: z.int().nullable(),
  /** Everything so far was read and understood, so that what is missing may count as deleted. */
  whole: z.boolean(),
  /** The first page, as a hash of what was on it; null = nothing was. */
  first: z.string().nullable(),
  /** The page before, and an earlier one, as hashes of what was on them: by them pages are known that come again. */
  last: z.string().nullable(),
  mark: z.string().nullable(),
  mark_page: z.int(),
});

/** Where a stream stands. */
export type Progress = z.output<typeof progressSchema>;

/** A stream of which nothing was read with these settings. */
export function newProgress(settings: string): Progress {
  return {
    ...{ settings, page: null, full: true, since_ms: null, newest_ms: null, seen_ms: null, began_ms: null },
    ...{
      pages: 0,
      records: 0,
      empty_pages: 0,
      total: null,
      whole: true,
      first: null,
      last: null,
      mark: null,
      mark_page: 0,
    },
  };
}

/** A saved cursor; null for none, and for one of other settings. */
export function readProgress(cursor: Cursor | null, settings: string): Progress | null {
  if (cursor === null) return null;
  const parsed = progressSchema.safeParse(cursor);
  return parsed.success && parsed.data.settings === settings ? parsed.data : null;
}

/** The beginning of a run after one that ended: over what changed where that can be asked, else over everything. */
export function nextRun(done: Progress, lookbackMs: number | null): Progress {
  const fresh = { ...newProgress(done.settings), page: { at: "first" as const } };
  if (lookbackMs === null || done.newest_ms === null) return fresh;
  return {
    ...fresh,
    full: false,
    newest_ms: done.newest_ms,
    since_ms: Math.max(0, done.newest_ms - lookbackMs),
  };
}

/** What a page adds. */
export interface PageFacts {
  next: PageState | null;
  records: number;
  /** Hash of what was on it; null = nothing was. */
  content: string | null;
  newestMs: number | null;
  atMs: number;
  total: number | null;
  whole: boolean;
}

/**
 * Where the stream stands after a page.
 *
 * @throws {ProviderError} malformed_answer when pages come again, misconfigured when they do not end.
 */
export function advanced(progress: Progress, facts: PageFacts): Progress {
  const pages = progress.pages + 1;
  const began_ms = progress.began_ms ?? facts.atMs;
  const seen_ms = larger(progress.seen_ms, facts.newestMs);
  const empty_pages = facts.content === null ? progress.empty_pages + 1 : 0;
  if (facts.next !== null) refuseEndless(progress, facts, pages, empty_pages);
  else if (isRepetition(progress, facts)) throw repeated();
  // What is added comes later, or moves others to where they are read twice; only what goes lets one be missed.
  const total = larger(progress.total, facts.total);
  const shrank = facts.total !== null && facts.total < (progress.total ?? 0);
  const next = {
    ...progress,
    ...{ page: facts.next, began_ms, seen_ms, pages, empty_pages, total },
    records: progress.records + facts.records,
    whole: progress.whole && facts.whole && !shrank,
    first: progress.pages === 0 ? facts.content : progress.first,
    last: facts.content ?? progress.last,
  };
  // Brent's way to find a circle with one mark: it moves on whenever the way since has doubled.
  if (pages >= progress.mark_page * 2) Object.assign(next, { mark: facts.content, mark_page: pages });
  if (facts.next !== null) return next;
  // A change that came while the pages were read may be on a page that was read before it.
  const newest_ms = larger(progress.newest_ms, seen_ms === null ? null : Math.min(seen_ms, began_ms));
  const counted = next.total === null || next.records >= next.total;
  return { ...next, newest_ms, whole: next.whole && counted };
}

function refuseEndless(progress: Progress, facts: PageFacts, pages: number, emptyPages: number): void {
  const isSamePage = JSON.stringify(facts.next) === JSON.stringify(progress.page);
  if (isSamePage || isRepetition(progress, facts)) throw repeated();
  if (emptyPages >= MAX_EMPTY_PAGES) {
    throw new ProviderError(
      "misconfigured",
      `The API gives ${MAX_EMPTY_PAGES} pages in a row without a record and always names a next one; check records and more.`,
    );
  }
  if (pages >= MAX_PAGES) {
    throw new ProviderError(
      "misconfigured",
      `The API names a next page after ${MAX_PAGES} pages; ask for larger pages, or for less by query.`,
    );
  }
}

function isRepetition({ last, mark }: Progress, { content }: PageFacts): boolean {
  return content !== null && (content === last || content === mark);
}

function repeated(): ProviderError {
  return new ProviderError(
    "malformed_answer",
    "The API gives the same page again instead of the next one; check the parameter of pagination.",
  );
}

/** The larger one; null where there is none. */
function larger(one: number | null, other: number | null): number | null {
  return one === null || other === null ? one ?? other : Math.max(one, other);
}
