import * as z from "zod";
import { DIMENSIONS, instantSchema, READINESS_BANDS, scoreSchema } from "./vocabulary.ts";

/** `data` of readiness_updated. Scores 0 to 100; a dimension that is missing was not computed. */
export const readinessDataSchema = z.strictObject({
  overall_score: scoreSchema,
  band: z.enum(READINESS_BANDS),
  dimension_scores: z.partialRecord(z.enum(DIMENSIONS), scoreSchema),
  computed_at: instantSchema,
});

/** A readiness snapshot as the outside may see it: scores, a band and an instant. Picks; never passes through. */
export function mapReadiness(snapshot: Record<string, unknown>): z.infer<typeof readinessDataSchema> {
  return readinessDataSchema.parse({
    overall_score: snapshot.overall_score,
    band: snapshot.band,
    dimension_scores: snapshot.dimension_scores,
    computed_at: snapshot.computed_at,
  });
}
