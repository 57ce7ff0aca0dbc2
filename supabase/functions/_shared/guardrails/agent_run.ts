import * as z from "zod";
import type { HubClient } from "../db/clients.ts";
import { unwrap } from "../db/unwrap.ts";
import { createLogger, errorFields, type Logger } from "../log.ts";

/** A scheduled job that must not run twice at once. */
export interface AgentJob {
  /** Name of the job, for example "log-retention". */
  agent: string;
  /** Tenant it works for; null = the platform. */
  tenantId: string | null;
  /** A run silent for longer than this is taken over. Milliseconds. */
  staleAfterMs: number;
}

const startSchema = z.object({ run_id: z.string().nullable(), started: z.boolean() });

/**
 * Runs a job under guard: recorded in agent_runs, refused while a recent run is active, its run_id on every log line.
 *
 * @returns started false when another run is active; nothing was done then.
 * @throws whatever the work throws, after the run was recorded as failed.
 */
export async function runAgentJob(
  job: AgentJob,
  work: (run: { runId: string; log: Logger }) => Promise<Record<string, number>>,
  client?: HubClient,
): Promise<{ started: boolean; runId: string | null; summary?: Record<string, number> }> {
  const supabase = client ?? (await import("../db/clients.ts")).hubClient();
  const { run_id: runId } = startSchema.parse(unwrap(
    await supabase.rpc("start_agent_run", {
      p_agent: job.agent,
      p_tenant_id: job.tenantId as string,
      p_stale_after_ms: job.staleAfterMs,
    }),
  ));
  if (runId === null) return { started: false, runId: null };
  const log = createLogger(job.agent).with({ run_id: runId, tenant_id: job.tenantId });
  const finish = async (
    status: "completed" | "failed",
    summary: Record<string, number>,
    error: string | null,
  ) =>
    unwrap(
      await supabase.rpc("finish_agent_run", {
        p_run_id: runId,
        p_status: status,
        p_summary: summary,
        p_error: error as string,
      }),
    );
  try {
    const summary = await work({ runId, log });
    await finish("completed", summary, null);
    return { started: true, runId, summary };
  } catch (error) {
    log.error("run failed", errorFields(error));
    await finish("failed", {}, error instanceof Error ? error.message : "The run failed");
    throw error;
  }
}
