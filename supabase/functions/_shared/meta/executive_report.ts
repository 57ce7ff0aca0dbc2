import * as z from "zod";
import { countSchema, daySchema, EXECUTIVE_REPORT_TYPES, instantSchema, scoreSchema } from "./vocabulary.ts";

/** `data` of executive_report_created. Score null: it reports none; updated_at null: the report is new. */
export const executiveReportDataSchema = z.strictObject({
  report_type: z.enum(EXECUTIVE_REPORT_TYPES),
  period_start_on: daySchema,
  period_end_on: daySchema,
  overall_score: scoreSchema.nullable(),
  highlights_count: countSchema,
  risks_count: countSchema,
  created_at: instantSchema,
  updated_at: instantSchema.nullable(),
});

/** An executive report as the outside may see it: that it exists, about when, and its counts; not a word of it. Picks; never passes through. */
export function mapExecutiveReport(
  report: Record<string, unknown>,
): z.infer<typeof executiveReportDataSchema> {
  return executiveReportDataSchema.parse({
    report_type: report.report_type,
    period_start_on: report.period_start_on,
    period_end_on: report.period_end_on,
    overall_score: report.overall_score,
    highlights_count: report.highlights_count,
    risks_count: report.risks_count,
    created_at: report.created_at,
    updated_at: report.updated_at,
  });
}
