import * as z from "zod";
import { refuseUnusable } from "../connectors/connector_row.ts";
import { hubStore } from "../db/store.ts";
import { InterlockError } from "../errors/interlock_error.ts";
import type { PlainJson } from "../providers/source.ts";
import { runSchema, type SyncRun } from "./run_answer.ts";

/** Who wants what synced. */
export interface SyncWish {
  tenantId: string;
  orgId: string | null;
  userId: string | null;
  connectorId: string;
  /** Only these kinds of connector; left out = any. */
  types?: string[];
  /** Edge function that takes the first slice; left out = the one of the connector's kind. */
  functionName?: string;
  /** null = everything the connector's settings name. */
  streams: string[] | null;
  mode: "full" | "incremental";
  parameters: { [name: string]: PlainJson };
  /** Whether the function is to be called by the database; else the caller takes the first slice. */
  isRung: boolean;
  requestId: string;
}

const startedSchema = z.object({
  outcome: z.enum(["started", "running", "inactive", "error"]),
  run: runSchema.optional(),
  error: z.string().nullish(),
});

/**
 * Starts a sync.
 *
 * @throws {InterlockError} NOT_FOUND, FORBIDDEN, CONNECTOR_INACTIVE, RECONNECT_NEEDED, VALIDATION_FAILED (nothing to
 * sync), and SYNC_RUNNING with `details.run_id` when one goes on already.
 */
export async function startSync(wish: SyncWish): Promise<SyncRun> {
  const started = startedSchema.parse(
    await hubStore().call("start_sync_run", {
      p_tenant_id: wish.tenantId,
      p_org_id: wish.orgId,
      p_connector_id: wish.connectorId,
      p_types: wish.types ?? null,
      p_function_name: wish.functionName ?? null,
      p_streams: wish.streams,
      p_mode: wish.mode,
      p_parameters: JSON.stringify(wish.parameters),
      p_trigger: wish.userId === null ? "service" : "user",
      p_is_rung: wish.isRung,
      p_trace_id: wish.requestId,
      p_actor: wish.userId,
    }),
  );
  if (started.outcome === "running") {
    throw new InterlockError("SYNC_RUNNING", "This connector is being synced already.", {
      details: { run_id: started.run?.run_id },
      retryAfterMs: 10_000,
    });
  }
  refuseUnusable(started.outcome === "started" ? "active" : started.outcome, started.error ?? null);
  return started.run!;
}
