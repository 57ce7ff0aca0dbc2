import * as z from "zod";
import { InterlockError } from "../errors/interlock_error.ts";

/** Query of a list: how many, and where to go on. */
export const pageQuerySchema = z.object({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: z.string().max(500).optional(),
});

/** The last row of a page: its instant and id. */
export interface KeysetPosition {
  at: string;
  id: string;
}

/** An instant as Postgres writes it: what the format allows beyond that (year 0, a day's offset, 300 digits) it refuses. */
const atSchema = z.iso.datetime({ offset: true })
  .regex(/^(?!0000)[^.]{19}(\.[0-9]{1,6})?(Z|[+-](0[0-9]|1[0-5]):[0-9]{2})$/);

/** What a list that is not ordered by uuid has for an id: a number of the database. */
export const numberedIdSchema = z.string().regex(/^[1-9][0-9]{0,17}$/);

/**
 * Reads a cursor we gave out.
 *
 * @throws {InterlockError} VALIDATION_FAILED for anything else: its parts go into a filter.
 */
export function decodeCursor(
  cursor: string | undefined,
  idSchema: z.ZodType<string> = z.uuid(),
): KeysetPosition | null {
  if (cursor === undefined) return null;
  try {
    return z.object({ at: atSchema, id: idSchema }).parse(JSON.parse(atob(cursor)));
  } catch (error) {
    throw new InterlockError("VALIDATION_FAILED", "cursor: take it from next_cursor of the page before.", {
      cause: error,
    });
  }
}

/** The cursor for a position that the database gave. */
export function encodePosition(position: KeysetPosition | null): string | null {
  return position === null ? null : btoa(JSON.stringify({ at: position.at, id: position.id }));
}

/** A page as functions of the database give it; next = its last row, null = there is nothing further. */
export interface ListedPage<Row = unknown> {
  data: Row[];
  next: KeysetPosition | null;
}

/** A page as it is answered. */
export function pageAnswer<Row>(
  { data, next }: ListedPage<Row>,
): { data: Row[]; next_cursor: string | null } {
  return { data, next_cursor: encodePosition(next) };
}
