import { storableText } from "../json/storable_text.ts";
import type { Page, PlainJson, Source } from "../providers/source.ts";

/** What goes to `apply_sync_page`. */
export interface PagePart {
  records: Page["records"];
  deletedIds: string[];
  presentIds: string[];
  /** What makes it a checkpoint; null = a part of a page. */
  checkpoint: Pick<Page, "cursor" | "hasMore" | "completesPass"> | null;
  beginsPass: boolean;
  estimate: number | null;
  refused: number;
  errors: { stream: string; code: string; message: string }[];
}

/** What the database cannot hold in a JSON text: NUL, and half of a surrogate pair. Printed JSON shows both escaped. */
const DOUBTFUL = /\\u(?:0000|d[89a-f])/i;

/** The page as JSON text, in which every text can be stored. */
export function pageText(source: Source<unknown, unknown>, part: PagePart): string {
  const page = argumentOf(source, part);
  const text = JSON.stringify(page);
  return DOUBTFUL.test(text) ? JSON.stringify(withStorableTexts(page)) : text;
}

function argumentOf(source: Source<unknown, unknown>, part: PagePart): { [name: string]: PlainJson } {
  return {
    stream: source.stream,
    table: source.table,
    entity_type: source.entityType,
    records: part.records.map(({ externalId, values }) => ({ external_id: externalId, values })),
    deleted_ids: part.deletedIds,
    present_ids: part.presentIds,
    begins_pass: part.beginsPass,
    estimate: part.estimate,
    refused: part.refused,
    errors: part.errors,
    ...(part.checkpoint && {
      cursor: part.checkpoint.cursor,
      has_more: part.checkpoint.hasMore,
      completes_pass: part.checkpoint.completesPass ?? false,
    }),
  };
}

function withStorableTexts(value: PlainJson): PlainJson {
  if (typeof value === "string") return storableText(value);
  if (Array.isArray(value)) return value.map(withStorableTexts);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [storableText(key), withStorableTexts(inner)]),
  );
}
