import * as z from "zod";
import { countSchema, instantSchema, LIFECYCLE_RUN_TYPES } from "./vocabulary.ts";

/** `data` of lifecycle_run_completed. Counts of rows. */
export const lifecycleRunDataSchema = z.strictObject({
  run_type: z.enum(LIFECYCLE_RUN_TYPES),
  items_scanned: countSchema,
  items_archived: countSchema,
  items_deleted: countSchema,
  started_at: instantSchema,
  completed_at: instantSchema,
});

/** A completed lifecycle run as the outside may see it: what kind, how many, from when to when. Picks; never passes through. */
export function mapLifecycleRun(run: Record<string, unknown>): z.infer<typeof lifecycleRunDataSchema> {
  return lifecycleRunDataSchema.parse({
    run_type: run.run_type,
    items_scanned: run.items_scanned,
    items_archived: run.items_archived,
    items_deleted: run.items_deleted,
    started_at: run.started_at,
    completed_at: run.completed_at,
  });
}
