import { z } from "zod";

/** What an integration can subscribe to. */
export const SCOPES = [
  "readiness",
  "uplift",
  "editions",
  "executive_reports",
  "adoption",
  "lifecycle",
] as const;

/** Parts of Guardian that are scored. A closed list: free text could carry a name. */
export const DIMENSIONS = [
  "core",
  "ai_intelligence",
  "qa_chaos",
  "network_intelligence",
  "governance",
  "meta",
] as const;

export const READINESS_BANDS = ["baseline", "emerging", "operational", "advanced"] as const;

/** A percentage: integer 0 to 100. */
export const scoreSchema = z.number().int().min(0).max(100);

/** An instant of this era in UTC with milliseconds, and nothing else. */
export const instantSchema = z.string().regex(/^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  .refine((text) => !Number.isNaN(Date.parse(text)));
