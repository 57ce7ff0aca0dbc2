import * as z from "zod";
import { InterlockError } from "../errors/interlock_error.ts";

/** Instants that the database and JavaScript both hold. */
export const instantSchema = z.iso.datetime({ offset: true })
  .refine((text) => {
    const ms = Date.parse(text);
    return ms >= Date.UTC(2000) && ms < Date.UTC(2200);
  }, "lies between 2000 and 2200");

const page = {
  limit: z.coerce.number().int().min(1).max(100).default(50),
  cursor: z.string().max(500).optional(),
};

/** What narrows a log. Event types and error classes are names of ours. */
export const narrowing = {
  integration_id: z.uuid().optional(),
  event_type: z.string().regex(/^[a-z0-9_.]{1,100}$/, "is a name like contact.created").optional(),
  error_class: z.string().regex(/^[a-z0-9_]{1,100}$/, "is a name like connect_failed").optional(),
};

export const logQuerySchema = z.object({
  ...page,
  ...narrowing,
  status: z.enum(["pending", "failed", "delivered", "discarded"]).optional(),
  from: instantSchema.optional(),
  to: instantSchema.optional(),
});

export const deadLetterQuerySchema = z.object({ ...page, integration_id: narrowing.integration_id });

/** Where a page ended: an instant in the log and the dead letters, a place in the queue. */
const positionSchema = z.object({ at: z.string(), id: z.uuid() });
export type LogPosition = z.infer<typeof positionSchema>;

const placeSchema = z.string().regex(/^[1-9][0-9]{0,17}$/);

/**
 * Reads a cursor that a page of the same status gave out.
 *
 * @throws {InterlockError} VALIDATION_FAILED for anything else.
 */
export function decodeLogCursor(cursor: string | undefined, status: string | undefined): LogPosition | null {
  if (cursor === undefined) return null;
  try {
    const position = positionSchema.parse(JSON.parse(atob(cursor)));
    (status === "pending" || status === "failed" ? placeSchema : instantSchema).parse(position.at);
    return position;
  } catch (error) {
    throw new InterlockError(
      "VALIDATION_FAILED",
      "cursor: take it from next_cursor of the page before, and ask for the same status.",
      { cause: error },
    );
  }
}

export function encodeLogCursor(position: LogPosition | null): string | null {
  return position === null ? null : btoa(JSON.stringify(position));
}
