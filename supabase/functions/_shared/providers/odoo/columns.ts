import type { PlainJson, SourceRecord } from "../source.ts";
import { msOf } from "./marks.ts";
import { malformed } from "./transport.ts";

/** How a field becomes the value of a column. Odoo says false for what is missing, whatever the type. */
export type Read = (value: PlainJson) => PlainJson;

/** Text of at most 1,000 characters. */
export const text: Read = (value) =>
  typeof value === "string" && value.trim() !== "" ? value.slice(0, 1000) : null;

/** The id of what a many2one points to; its name is another record's and changes without this one. */
export const reference: Read = (value) =>
  Array.isArray(value) && typeof value[0] === "number" ? String(value[0]) : null;

export const flag: Read = (value) => value === true;

/** An instant as ISO 8601. */
export const instant: Read = (value) => {
  const ms = msOf(value);
  return ms === undefined ? null : new Date(ms).toISOString();
};

/** What is read of a model: a column, its field and how to read it. */
export type Columns = Record<string, [field: string, read: Read]>;

/** Fields to ask for. */
export function fieldsIn(columns: Columns): string[] {
  return ["id", ...Object.values(columns).map(([field]) => field)];
}

/**
 * Records of an answer to search_read.
 *
 * @throws {ProviderError} malformed_answer
 */
export function recordsOf(value: PlainJson, columns: Columns): SourceRecord[] {
  return rowsOf(value).map((row) => ({
    externalId: String(row.id),
    values: Object.fromEntries(
      Object.entries(columns).map(([column, [field, read]]) => [column, read(row[field] ?? false)]),
    ),
  }));
}

/** A record as search_read tells it. */
export type Row = { id: number; [field: string]: PlainJson };

/**
 * The rows of an answer to search_read.
 *
 * @throws {ProviderError} malformed_answer
 */
export function rowsOf(value: PlainJson): Row[] {
  if (!Array.isArray(value)) throw malformed();
  return value.map((row) => {
    const isRow = typeof row === "object" && row !== null && !Array.isArray(row);
    if (!isRow || !Number.isSafeInteger(row.id)) throw malformed();
    return row as Row;
  });
}
