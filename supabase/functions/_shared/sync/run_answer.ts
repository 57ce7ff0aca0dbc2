import * as z from "zod";

const counts = z.object({
  created: z.number(),
  updated: z.number(),
  deleted: z.number(),
  unchanged: z.number(),
  /** Records that could not be stored; errors says why. */
  refused: z.number(),
});

/** A run as the database and the API show it. */
export const runSchema = z.object({
  run_id: z.string(),
  connector_id: z.string(),
  status: z.enum(["queued", "running", "waiting", "completed", "failed", "cancelled"]),
  mode: z.enum(["full", "incremental"]),
  trigger: z.enum(["user", "service", "schedule"]),
  parameters: z.record(z.string(), z.unknown()),
  streams: z.array(z.string()).nullable(),
  streams_done: z.array(z.string()),
  counts,
  /** Pages and records read so far; estimate = records in the end, null = the provider does not say. */
  progress: z.object({ pages: z.number(), records: z.number(), estimate: z.number().nullable() }),
  slices: z.number(),
  /** The last 20 things that went wrong. */
  errors: z.array(z.object({
    at: z.string(),
    stream: z.string().nullish(),
    code: z.string(),
    message: z.string(),
  })),
  error_class: z.string().nullable(),
  error: z.string().nullable(),
  next_slice_at: z.string().nullable(),
  cancel_requested_at: z.string().nullable(),
  requested_by: z.string().nullable(),
  created_at: z.string(),
  started_at: z.string().nullable(),
  heartbeat_at: z.string().nullable(),
  finished_at: z.string().nullable(),
  duration_ms: z.number().nullable(),
});

export type SyncRun = z.infer<typeof runSchema>;

/** Whether nothing more will come of a run. */
export const hasEnded = (run: SyncRun): boolean => run.finished_at !== null;
