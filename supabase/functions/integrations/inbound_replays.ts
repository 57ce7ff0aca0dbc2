import * as z from "zod";
import { hubClient } from "../_shared/db/clients.ts";
import type { Json } from "../_shared/db/store.ts";
import { tenantDb } from "../_shared/db/tenant_db.ts";
import { unwrap } from "../_shared/db/unwrap.ts";
import { instantSchema } from "../_shared/deliveries/log_query.ts";
import { replayJobRoutes, replayJobSchema } from "../_shared/deliveries/replay_jobs.ts";
import { route } from "../_shared/http/route.ts";
import { narrowing } from "./dead_letters.ts";
import { inboundReplayAnswer, inboundReplayPreviewAnswer } from "./webhook_answers.ts";

const replaySchema = z.strictObject({
  ...narrowing,
  from: instantSchema,
  to: instantSchema,
  status: z.enum(["dead", "done", "any"]).default("dead"),
  preview: z.boolean().default(false),
}).refine(({ from, to }) => Date.parse(from) < Date.parse(to), { path: ["to"], message: "lies after from" })
  .refine(({ status, webhook_id }) => status === "dead" || webhook_id !== undefined, {
    path: ["webhook_id"],
    message: "is needed, unless only what is dead is replayed",
  });

/** A job in the words of webhooks: the table it shares with deliveries speaks of integrations. */
function present(job: unknown) {
  const { mode: _, integration_id: webhookId, ...rest } = replayJobSchema.parse(job);
  return { ...rest, webhook_id: webhookId };
}

/** Inbound events sent through their consumers again, in bulk: after a fix, or over a time span. */
export const inboundReplayRoutes = [
  route({
    method: "POST",
    path: "/replays",
    summary:
      "Sends inbound events through their consumers again that meet a filter, as a job; with preview it only counts",
    auth: "user",
    permission: "deliveries.replay",
    body: replaySchema,
    response: { status: 202, schema: inboundReplayAnswer, preview: inboundReplayPreviewAnswer },
    errors: ["NOT_FOUND", "CONFLICT"],
    examples: [
      {
        name: "dead_after_a_fix",
        body: {
          from: "2026-11-20T00:00:00Z",
          to: "2026-11-21T00:00:00Z",
          consumer: "crm",
          error_code: "VALIDATION_FAILED",
        },
      },
      {
        name: "a_span_of_a_webhook",
        body: {
          webhook_id: "a2000000-0000-4000-8000-000000000001",
          from: "2026-11-20T00:00:00Z",
          to: "2026-11-21T00:00:00Z",
          status: "any",
        },
        stands_for: { "/webhook_id": "webhook_id" },
      },
      {
        name: "count_only",
        body: { from: "2026-11-20T00:00:00Z", to: "2026-11-21T00:00:00Z", preview: true },
      },
    ],
    handler: async ({ access, body }) => {
      const { preview, status, ...filter } = body;
      const answer = unwrap(
        await tenantDb(access.tenantId, hubClient()).rpc("create_inbound_replay", {
          p_org_id: access.orgId as string,
          p_filter: { ...filter, status: status === "any" ? undefined : status } as Json,
          p_preview: preview,
          p_actor: access.userId,
        }),
      );
      return preview ? Response.json(answer) : Response.json(present(answer), { status: 202 });
    },
  }),
  ...replayJobRoutes({ kind: "inbound", param: "inbound_replay_id", answer: inboundReplayAnswer, present }),
];
