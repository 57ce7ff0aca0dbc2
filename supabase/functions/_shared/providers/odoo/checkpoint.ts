import * as z from "zod";
import { ProviderError } from "../provider_error.ts";
import type { Cursor } from "../source.ts";
import { learntSchema } from "./learnt.ts";

const mark = z.string().regex(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/);

const last = z.int().min(0);

/** From where a run goes on. */
const marks = z.object({
  /** From which write_date on records are read. */
  records: mark,
  /** The same of what holds part of them; null = it is not read. */
  versions: mark.nullable(),
  /** How many records were still missing when everything had been read: what cannot be stored is not looked for again. */
  absent: last,
});
export type Marks = z.infer<typeof marks>;

/** What holds in every phase of a run. */
const run = {
  /** Where the next run begins, found out when this one began. */
  next: marks,
  /** What is created from here on was created after this run began. */
  fresh: mark,
  /** What the run knows of the server; left out = nothing yet, or not any more. */
  learnt: learntSchema.optional(),
};

const schema = z.discriminatedUnion("phase", [
  /** Everything, by id. */
  z.object({ phase: z.literal("all"), last, ...run }),
  /** What was written since `since`, by id. */
  z.object({ phase: z.literal("changes"), last, since: marks, ...run }),
  /** Records part of which was written since, by the id of that part. */
  z.object({ phase: z.literal("versions"), last, since: marks, ...run }),
  /** Changes are read; whether something vanished is not known yet. */
  z.object({ phase: z.literal("check"), ...run }),
  /** Which ids there are. */
  z.object({ phase: z.literal("ids"), last, ...run }),
  z.object({ phase: z.literal("done"), ...run }),
]);

/** Where a run stands. */
export type Checkpoint = z.infer<typeof schema>;

/** Of one phase. */
export type At<Phase extends Checkpoint["phase"]> = Extract<Checkpoint, { phase: Phase }>;

/**
 * A saved cursor.
 *
 * @param place - where is read now; a cursor that names another place says nothing here.
 * @throws {ProviderError} cursor_expired when it is of another form or place.
 */
export function checkpointOf(cursor: Cursor, place: string): Checkpoint {
  if (cursor.place !== undefined && cursor.place !== place) {
    throw new ProviderError(
      "cursor_expired",
      "The settings name another Odoo than before; everything is read anew.",
    );
  }
  const result = schema.safeParse(cursor);
  if (result.success) return result.data;
  throw new ProviderError(
    "cursor_expired",
    "The checkpoint is of a form that is not read any more; all is read anew.",
  );
}
