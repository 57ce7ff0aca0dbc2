import * as z from "zod";

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

export const UPLIFT_PLAN_STATUSES = ["draft", "active", "completed", "archived"] as const;

export const UPLIFT_TASK_STATUSES = ["todo", "in_progress", "blocked", "done"] as const;

export const UPLIFT_TASK_PRIORITIES = ["low", "medium", "high", "critical"] as const;

export const EDITIONS = ["guardian_core", "guardian_pro", "guardian_elite"] as const;

export const EDITION_FIT_STATUSES = ["not_started", "emerging", "aligned", "outgrown"] as const;

export const EXECUTIVE_REPORT_TYPES = ["monthly", "quarterly", "annual", "ad_hoc"] as const;

export const ADOPTION_STATUSES = ["inactive", "light", "regular", "power"] as const;

export const LIFECYCLE_RUN_TYPES = ["retention", "compaction", "archival"] as const;

/** A percentage: integer 0 to 100. */
export const scoreSchema = z.number().int().min(0).max(100);

/** How many. At most seven digits: a telephone number or an address written as an integer has more. */
export const countSchema = z.number().int().min(0).max(9_999_999);

/** A day of this era, and nothing else. */
export const daySchema = z.string().regex(/^20\d\d-\d\d-\d\d$/).refine(isDay);

/** An instant of this era in UTC with milliseconds, and nothing else. */
export const instantSchema = z.string().regex(/^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  .refine((text) => !Number.isNaN(Date.parse(text)));

/** Date.parse turns 31 April into 1 May; a day is one only if it stays what was written. */
function isDay(text: string): boolean {
  const parsedMs = Date.parse(`${text}T00:00:00.000Z`);
  return !Number.isNaN(parsedMs) && new Date(parsedMs).toISOString().startsWith(text);
}
