import * as z from "zod";
import { hubClient } from "../_shared/db/clients.ts";
import { hubStore } from "../_shared/db/store.ts";
import { tenantDb } from "../_shared/db/tenant_db.ts";
import { unwrap } from "../_shared/db/unwrap.ts";
import { InterlockError } from "../_shared/guardrails.ts";
import { decodeCursor, type ListedPage, pageAnswer, pageQuerySchema } from "../_shared/http/keyset.ts";
import { newestFirst } from "../_shared/http/newest_first.ts";
import { route } from "../_shared/http/route.ts";
import { logAnswer, runAnswer } from "./connector_answers.ts";

const runsSchema = pageQuerySchema.extend({
  connector_id: z.uuid().optional(),
  status: z.enum(["queued", "running", "waiting", "completed", "failed", "cancelled"]).optional(),
});

const logsSchema = pageQuerySchema.extend({
  connector_id: z.uuid().optional(),
  webhook_id: z.uuid().optional(),
  status: z.enum(["success", "warning", "error"]).optional(),
  /** Exact, or a beginning with * behind it: sync.* */
  event_type: z.string().max(100).regex(/^[a-z_.]+\*?$/).optional(),
});

/** Runs of syncs, and the log of what the hub did. */
export const syncRunRoutes = [
  route({
    method: "GET",
    path: "/runs",
    summary: "Lists syncs with counts and progress, newest first",
    auth: "user",
    permission: "connectors.read",
    org: "required",
    query: runsSchema,
    response: { status: 200, form: "list", schema: runAnswer },
    examples: [{ name: "all" }, { name: "those_that_failed", query: { status: "failed" } }],
    handler: async ({ access, query }) => {
      const after = decodeCursor(query.cursor);
      const listed = await hubStore().call<ListedPage>("list_sync_runs", {
        p_tenant_id: access.tenantId,
        p_org_id: access.orgId,
        p_connector_id: query.connector_id ?? null,
        p_status: query.status ?? null,
        p_after_at: after?.at ?? null,
        p_after_id: after?.id ?? null,
        p_limit: query.limit,
      });
      return Response.json(pageAnswer(listed));
    },
  }),
  route({
    method: "GET",
    path: "/runs/:run_id",
    summary: "Shows one sync: counts, progress, errors",
    auth: "user",
    permission: "connectors.read",
    org: "required",
    uuidParams: ["run_id"],
    response: { status: 200, schema: runAnswer },
    examples: [{ name: "one" }],
    handler: async ({ access, params }) => {
      const seen = unwrap(
        await access.db.from("sync_runs").select("id").eq("id", params.run_id!).maybeSingle(),
      );
      if (seen === null) throw new InterlockError("NOT_FOUND", "This run does not exist.");
      return Response.json(
        unwrap(
          await tenantDb(access.tenantId, hubClient()).rpc("get_sync_run", { p_run_id: params.run_id! }),
        ),
      );
    },
  }),
  route({
    method: "POST",
    path: "/runs/:run_id/cancel",
    summary: "Ends a sync: at once, or with the page it is at; what was stored stays",
    auth: "user",
    permission: "connectors.sync",
    org: "required",
    uuidParams: ["run_id"],
    response: { status: 200, schema: runAnswer },
    errors: ["CONFLICT"],
    examples: [{ name: "one", path_stands_for: { run_id: "waiting_run_id" } }],
    handler: async ({ access, params }) =>
      Response.json(
        unwrap(
          await tenantDb(access.tenantId, hubClient()).rpc("cancel_sync_run", {
            p_org_id: access.orgId as string,
            p_run_id: params.run_id!,
            p_actor: access.userId,
          }),
        ),
      ),
  }),
  route({
    method: "GET",
    path: "/logs",
    summary: "Lists what the hub did: syncs, tests, changes of connectors and webhooks, newest first",
    auth: "user",
    permission: "integrations.read",
    query: logsSchema,
    response: { status: 200, form: "list", schema: logAnswer },
    examples: [{ name: "all" }, { name: "failed_syncs", query: { event_type: "sync.*", status: "error" } }],
    handler: async ({ access, query }) => {
      let select = access.db.from("integration_logs").select(
        "id, org_id, connector_id, webhook_id, event_type, status, message, error_code, details, duration_ms, request_id, created_at",
      );
      if (query.connector_id) select = select.eq("connector_id", query.connector_id);
      if (query.webhook_id) select = select.eq("webhook_id", query.webhook_id);
      if (query.status) select = select.eq("status", query.status);
      if (query.event_type?.endsWith("*")) {
        select = select.like("event_type", `${query.event_type.slice(0, -1).replaceAll("_", "\\_")}%`);
      } else if (query.event_type) select = select.eq("event_type", query.event_type);
      const { rows, next_cursor } = await newestFirst(select, query, "numbered");
      return Response.json({ data: rows, next_cursor });
    },
  }),
];
