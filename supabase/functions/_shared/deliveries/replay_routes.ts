import * as z from "zod";
import { hubClient } from "../db/clients.ts";
import type { Json } from "../db/store.ts";
import { tenantDb } from "../db/tenant_db.ts";
import { unwrap } from "../db/unwrap.ts";
import type { UserAccess } from "../http/access.ts";
import { type AnyRoute, route } from "../http/route.ts";
import type { DeliveryKind } from "./delivery_kind.ts";
import { instantSchema, narrowing } from "./log_query.ts";
import { previewAnswer, replayAnswer } from "./replay_answers.ts";
import { replayJobRoutes } from "./replay_jobs.ts";

const replaySchema = z.strictObject({
  ...narrowing,
  from: instantSchema,
  to: instantSchema,
  status: z.enum(["discarded", "delivered", "any"]).default("discarded"),
  preview: z.boolean().default(false),
}).refine(({ from, to }) => Date.parse(from) < Date.parse(to), { path: ["to"], message: "lies after from" });

const recoverSchema = z.strictObject({ since: instantSchema, preview: z.boolean().default(false) });

/** Counts, or makes the job and answers it with its first slice done. */
async function startReplay(
  kind: DeliveryKind,
  access: UserAccess,
  mode: "replay" | "recover",
  filter: Record<string, string | undefined>,
  preview: boolean,
): Promise<Response> {
  const answer = unwrap(
    await tenantDb(access.tenantId, hubClient()).rpc("create_delivery_replay", {
      p_org_id: access.orgId as string,
      p_kind: kind.kind,
      p_mode: mode,
      p_filter: filter as Json,
      p_preview: preview,
      p_actor: access.userId,
    }),
  );
  return Response.json(answer, { status: preview ? 200 : 202 });
}

/** Replays in bulk: asked for, watched, called off. */
export function replayRoutes(kind: DeliveryKind): AnyRoute[] {
  const jobs = {
    kind: kind.kind,
    param: kind.names.replay,
    answer: replayAnswer,
    present: (job: unknown) => job,
  };
  return [...askingRoutes(kind), ...replayJobRoutes(jobs)];
}

function askingRoutes(kind: DeliveryKind): AnyRoute[] {
  const { subscription } = kind.names;
  return [
    route({
      method: "POST",
      path: "/replays",
      summary: "Sends all deliveries again that meet a filter, as a job; with preview it only counts them",
      auth: "user",
      permission: "deliveries.replay",
      body: replaySchema,
      response: { status: 202, schema: replayAnswer, preview: previewAnswer },
      errors: ["NOT_FOUND", "CONFLICT"],
      examples: [{
        name: "given_up_that_day",
        body: {
          integration_id: "a4000000-0000-4000-8000-000000000001",
          from: "2026-11-20T00:00:00Z",
          to: "2026-11-21T00:00:00Z",
          error_class: "server_error",
        },
        stands_for: { "/integration_id": subscription },
      }, {
        name: "count_only",
        body: { from: "2026-11-20T00:00:00Z", to: "2026-11-21T00:00:00Z", status: "any", preview: true },
      }],
      handler: async ({ access, body }) => {
        const { preview, status, ...filter } = body;
        const narrowed = { ...filter, status: status === "any" ? undefined : status };
        return await startReplay(kind, access, "replay", narrowed, preview);
      },
    }),
    route({
      method: "POST",
      path: `${kind.subscriptionPath}/recover`,
      summary:
        "Sends what a subscription was not given since an instant: what was given up, and what was never queued",
      auth: "user",
      permission: "deliveries.replay",
      uuidParams: [subscription],
      body: recoverSchema,
      response: { status: 202, schema: replayAnswer, preview: previewAnswer },
      errors: ["CONFLICT"],
      examples: [
        { name: "since_midnight", body: { since: "2026-11-21T00:00:00Z" } },
        { name: "count_only", body: { since: "2026-11-21T00:00:00Z", preview: true } },
      ],
      handler: async ({ access, params, body }) => {
        const filter = { integration_id: params[subscription]!, from: body.since };
        return await startReplay(kind, access, "recover", filter, body.preview);
      },
    }),
  ];
}
