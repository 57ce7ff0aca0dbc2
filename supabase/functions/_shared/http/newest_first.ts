import { type QueryResult, unwrap } from "../db/unwrap.ts";
import { decodeCursor, encodePosition, numberedIdSchema } from "./keyset.ts";

/** A query of rows with `created_at` and `id`, as the clients of the database build them. */
interface Listing extends PromiseLike<QueryResult> {
  or(filter: string): this;
  order(column: "created_at" | "id", options: { ascending: boolean }): this;
  limit(rows: number): this;
}

type RowsOf<Query extends Listing> = ReturnType<typeof unwrap<Awaited<Query>>>;

/**
 * A page of rows, the newest first; among those of one instant uuids ascend, so that every row has its place.
 *
 * @param ids - "numbered" = they are numbers that grow, and the largest comes first.
 * @throws {InterlockError} VALIDATION_FAILED for a cursor that is none of ours, and as `unwrap` does.
 */
export async function newestFirst<Query extends Listing>(
  select: Query,
  { cursor, limit }: { cursor?: string; limit: number },
  ids: "uuids" | "numbered" = "uuids",
): Promise<{ rows: RowsOf<Query>; next_cursor: string | null }> {
  const ascending = ids === "uuids";
  const after = decodeCursor(cursor, ascending ? undefined : numberedIdSchema);
  if (after) {
    const beyond = `id.${ascending ? "gt" : "lt"}.${after.id}`;
    select = select.or(`created_at.lt.${after.at},and(created_at.eq.${after.at},${beyond})`);
  }
  const page = select.order("created_at", { ascending: false }).order("id", { ascending }).limit(limit);
  const rows = unwrap(await page);
  const last = (rows as { created_at: string; id: string | number }[])[limit - 1];
  return { rows, next_cursor: encodePosition(last ? { at: last.created_at, id: String(last.id) } : null) };
}
