import * as z from "zod";
import { runSchema } from "../_shared/sync/run_answer.ts";

/** A connector as it is shown; what leads to its credentials is not. */
export const connectorAnswer = () =>
  z.strictObject({
    id: z.uuid(),
    /** null = all orgs of the workspace. */
    org_id: z.uuid().nullable(),
    type: z.string(),
    name: z.string(),
    status: z.enum(["inactive", "active", "error"]),
    /**
     * disconnected = needs a person; failing = three syncs failed in a row; degraded = one did, the last test did, or the
     * sync is overdue; unknown = never tried.
     */
    health: z.enum(["inactive", "disconnected", "failing", "degraded", "unknown", "healthy"]),
    config: z.record(z.string(), z.unknown()),
    has_secrets: z.boolean(),
    account_name: z.string().nullable(),
    sync_interval_seconds: z.number().nullable(),
    next_sync_at: z.string().nullable(),
    last_sync_at: z.string().nullable(),
    last_sync_status: z.enum(["completed", "failed", "cancelled"]).nullable(),
    last_run_id: z.uuid().nullable(),
    failures_in_a_row: z.number(),
    last_checked_at: z.string().nullable(),
    last_check_passed: z.boolean().nullable(),
    last_error: z.string().nullable(),
    created_by: z.uuid().nullable(),
    created_at: z.string(),
    updated_at: z.string(),
  });

/** What a test found. */
export const connectorTestAnswer = () =>
  z.strictObject({
    works: z.boolean(),
    /** What was found, or why not and what to do. */
    message: z.string(),
    /** Of the closed list in docs/connectors; null = it works. */
    error_class: z.string().nullable(),
    duration_ms: z.number(),
    connector: connectorAnswer(),
  });

export const runAnswer = () => runSchema;

/** A line of the log. */
export const logAnswer = () =>
  z.strictObject({
    id: z.number(),
    org_id: z.uuid().nullable(),
    connector_id: z.uuid().nullable(),
    webhook_id: z.uuid().nullable(),
    event_type: z.string(),
    status: z.enum(["success", "warning", "error"]),
    message: z.string().nullable(),
    error_code: z.string().nullable(),
    details: z.record(z.string(), z.unknown()),
    duration_ms: z.number().nullable(),
    request_id: z.string().nullable(),
    created_at: z.string(),
  });
