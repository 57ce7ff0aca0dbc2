import * as z from "zod";
import { DIMENSIONS, instantSchema, scoreSchema, UPLIFT_PLAN_STATUSES } from "./vocabulary.ts";

/** `data` of uplift_plan_created. Dimension null: all of Guardian; updated_at null: the plan is new. */
export const upliftPlanDataSchema = z.strictObject({
  status: z.enum(UPLIFT_PLAN_STATUSES),
  dimension: z.enum(DIMENSIONS).nullable(),
  target_score: scoreSchema.nullable(),
  created_at: instantSchema,
  updated_at: instantSchema.nullable(),
});

/** An uplift plan as the outside may see it: what it aims at and how it stands, not its title. Picks; never passes through. */
export function mapUpliftPlan(plan: Record<string, unknown>): z.infer<typeof upliftPlanDataSchema> {
  return upliftPlanDataSchema.parse({
    status: plan.status,
    dimension: plan.dimension,
    target_score: plan.target_score,
    created_at: plan.created_at,
    updated_at: plan.updated_at,
  });
}
