import * as z from "zod";
import { usableConnector } from "../_shared/connectors/connector_row.ts";
import { hubClient } from "../_shared/db/clients.ts";
import { hubStore } from "../_shared/db/store.ts";
import { tenantDb } from "../_shared/db/tenant_db.ts";
import { unwrap } from "../_shared/db/unwrap.ts";
import { route } from "../_shared/http/route.ts";
import { runSchema, type SyncRun } from "../_shared/sync/run_answer.ts";
import { startSync } from "../_shared/sync/start_sync.ts";
import { connectorTestAnswer, runAnswer } from "./connector_answers.ts";
import { tried } from "./connector_trial.ts";

const POLL_MS = 200;

const syncSchema = z.strictObject({
  sync_mode: z.enum(["incremental", "full"]).default("incremental"),
  /** Only these streams; left out = all that the settings name. */
  streams: z.array(z.string().min(1).max(100)).min(1).max(50).optional(),
  /** With full: deletes what is gone even when more than half would go. */
  accept_deletions: z.boolean().default(false),
  /** How long to wait for the end before answering; the run goes on by itself either way. */
  wait_seconds: z.number().int().min(0).max(60).default(20),
});

/** Asks for the run until it has ended or the time is over. */
async function awaited(run: SyncRun, tenantId: string, waitMs: number): Promise<SyncRun> {
  const untilMs = Date.now() + waitMs;
  let current = run;
  while (current.finished_at === null && Date.now() < untilMs) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    current = runSchema.parse(
      await hubStore().call("get_sync_run", { p_tenant_id: tenantId, p_run_id: run.run_id }),
    );
  }
  return current;
}

/** What is done with a connector: tried, and synced. */
export const connectorControlRoutes = [
  route({
    method: "POST",
    path: "/connectors/:connector_id/test",
    summary: "Asks the provider whether the connector works, and says so in a sentence",
    auth: "user",
    permission: "connectors.sync",
    org: "required",
    uuidParams: ["connector_id"],
    response: { status: 200, schema: connectorTestAnswer },
    examples: [{ name: "one" }],
    handler: async ({ access, params, requestId }) => {
      const started = performance.now();
      const row = await usableConnector({
        tenantId: access.tenantId,
        connectorId: params.connector_id!,
        orgId: access.orgId,
        isInUse: false,
      });
      const found = await tried(row, requestId);
      const durationMs = Math.round(performance.now() - started);
      const connector = unwrap(
        await tenantDb(access.tenantId, hubClient()).rpc("record_connector_check", {
          p_org_id: access.orgId as string,
          p_connector_id: params.connector_id!,
          p_error_class: found.error_class as string,
          p_error: (found.error_class === null ? null : found.message) as string,
          p_account_name: found.account_name as string,
          p_duration_ms: durationMs,
          p_request_id: requestId,
          p_actor: access.userId,
        }),
      );
      return Response.json({
        works: found.error_class === null,
        message: found.message,
        error_class: found.error_class,
        duration_ms: durationMs,
        connector,
      });
    },
  }),
  route({
    method: "POST",
    path: "/connectors/:connector_id/sync",
    summary: "Starts the connector's sync; answers its summary, or how far it is when it takes longer",
    auth: "user",
    permission: "connectors.sync",
    org: "required",
    uuidParams: ["connector_id"],
    body: syncSchema,
    response: { status: 200, schema: runAnswer },
    errors: ["SYNC_RUNNING", "CONNECTOR_INACTIVE", "RECONNECT_NEEDED"],
    examples: [{
      name: "what_changed",
      params: { connector_id: "c0000000-0000-4000-8000-000000000001" },
      path_stands_for: { connector_id: "api_sync_connector_id" },
      body: { wait_seconds: 1 },
    }],
    handler: async ({ access, params, body, requestId }) => {
      const run = await startSync({
        tenantId: access.tenantId,
        orgId: access.orgId,
        userId: access.userId,
        connectorId: params.connector_id!,
        streams: body.streams ?? null,
        mode: body.sync_mode,
        parameters: body.accept_deletions ? { accept_deletions: true } : {},
        isRung: true,
        requestId,
      });
      return Response.json(await awaited(run, access.tenantId, body.wait_seconds * 1000));
    },
  }),
];
