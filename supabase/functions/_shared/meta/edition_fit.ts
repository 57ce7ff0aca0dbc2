import * as z from "zod";
import { EDITION_FIT_STATUSES, EDITIONS, instantSchema, scoreSchema } from "./vocabulary.ts";

/** `data` of edition_fit_computed. Score 0 to 100. */
export const editionFitDataSchema = z.strictObject({
  edition_key: z.enum(EDITIONS),
  fit_score: scoreSchema,
  fit_status: z.enum(EDITION_FIT_STATUSES),
  computed_at: instantSchema,
});

/** An edition fit as the outside may see it: the edition's key, never the label a tenant gave it. Picks; never passes through. */
export function mapEditionFit(fit: Record<string, unknown>): z.infer<typeof editionFitDataSchema> {
  return editionFitDataSchema.parse({
    edition_key: fit.edition_key,
    fit_score: fit.fit_score,
    fit_status: fit.fit_status,
    computed_at: fit.computed_at,
  });
}
