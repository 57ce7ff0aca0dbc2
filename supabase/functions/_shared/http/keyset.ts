import { z } from "zod";
import { InterlockError } from "../errors/interlock_error.ts";

/** Query of a list: how many, and where to go on. */
export const pageQuerySchema = z.object({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: z.string().max(500).optional(),
});

const cursorSchema = z.object({
  at: z.iso.datetime({ offset: true }),
  id: z.uuid(),
});

/** The last row of a page: its instant and id. */
export type KeysetPosition = z.infer<typeof cursorSchema>;

/**
 * Reads a cursor we gave out.
 *
 * @throws {InterlockError} VALIDATION_FAILED for anything else: its parts go into a filter.
 */
export function decodeCursor(cursor: string | undefined): KeysetPosition | null {
  if (cursor === undefined) return null;
  try {
    return cursorSchema.parse(JSON.parse(atob(cursor)));
  } catch (error) {
    throw new InterlockError("VALIDATION_FAILED", "cursor: take it from next_cursor of the page before.", {
      cause: error,
    });
  }
}

/** The cursor after a page; null when the page was not full. */
export function encodeCursor<Row>(
  rows: Row[],
  limit: number,
  positionOf: (row: Row) => KeysetPosition,
): string | null {
  const last = rows.at(-1);
  return rows.length < limit || last === undefined ? null : btoa(JSON.stringify(positionOf(last)));
}
