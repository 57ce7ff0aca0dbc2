import * as z from "zod";
import { ADOPTION_STATUSES, DIMENSIONS, instantSchema, scoreSchema } from "./vocabulary.ts";

/** `data` of adoption_scores_computed. Scores 0 to 100; a dimension that is missing was not computed. */
export const adoptionScoresDataSchema = z.strictObject({
  overall_score: scoreSchema,
  overall_status: z.enum(ADOPTION_STATUSES),
  dimensions: z.partialRecord(
    z.enum(DIMENSIONS),
    z.strictObject({ score: scoreSchema, status: z.enum(ADOPTION_STATUSES) }),
  ),
  computed_at: instantSchema,
});

/** Adoption scores as the outside may see them: how much of each part is used, not by whom. Picks; never passes through. */
export function mapAdoptionScores(scores: Record<string, unknown>): z.infer<typeof adoptionScoresDataSchema> {
  return adoptionScoresDataSchema.parse({
    overall_score: scores.overall_score,
    overall_status: scores.overall_status,
    dimensions: scores.dimensions,
    computed_at: scores.computed_at,
  });
}
