import * as z from "zod";
import { DIMENSIONS, instantSchema, UPLIFT_TASK_PRIORITIES, UPLIFT_TASK_STATUSES } from "./vocabulary.ts";

/** `data` of uplift_task_updated. Dimension null: not said; completed_at null: not done; updated_at null: the task is new. */
export const upliftTaskDataSchema = z.strictObject({
  status: z.enum(UPLIFT_TASK_STATUSES),
  priority: z.enum(UPLIFT_TASK_PRIORITIES),
  dimension: z.enum(DIMENSIONS).nullable(),
  completed_at: instantSchema.nullable(),
  created_at: instantSchema,
  updated_at: instantSchema.nullable(),
});

/** An uplift task as the outside may see it: how it stands, not what is to be done nor by whom. Picks; never passes through. */
export function mapUpliftTask(task: Record<string, unknown>): z.infer<typeof upliftTaskDataSchema> {
  return upliftTaskDataSchema.parse({
    status: task.status,
    priority: task.priority,
    dimension: task.dimension,
    completed_at: task.completed_at,
    created_at: task.created_at,
    updated_at: task.updated_at,
  });
}
