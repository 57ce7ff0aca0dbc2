import { z } from "zod";
import { hubClient } from "../db/clients.ts";
import type { Json } from "../db/store.ts";
import { tenantDb } from "../db/tenant_db.ts";
import { unwrap } from "../db/unwrap.ts";
import { InterlockError } from "../errors/interlock_error.ts";
import type { UserAccess } from "../http/access.ts";
import { decodeCursor, encodeCursor, pageQuerySchema } from "../http/keyset.ts";
import { type AnyRoute, route } from "../http/route.ts";
import type { DeliveryKind } from "./delivery_kind.ts";
import { instantSchema, narrowing } from "./log_query.ts";
import { previewAnswer, replayAnswer } from "./replay_answers.ts";

const replaySchema = z.strictObject({
  ...narrowing,
  from: instantSchema,
  to: instantSchema,
  status: z.enum(["discarded", "delivered", "any"]).default("discarded"),
  preview: z.boolean().default(false),
}).refine(({ from, to }) => Date.parse(from) < Date.parse(to), { path: ["to"], message: "lies after from" });

const recoverSchema = z.strictObject({ since: instantSchema, preview: z.boolean().default(false) });

const COLUMNS =
  "id, mode, integration_id, filter, state, total, total_is_exact, done, examined, position, last_error, created_by, created_at, finished_at";
const positionSchema = z.object({ at: z.string() }).nullable();

function replayResource<Row extends { position: unknown }>({ position, ...row }: Row) {
  return { ...row, reached_at: positionSchema.parse(position)?.at ?? null };
}

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

async function visibleReplay(kind: DeliveryKind, access: UserAccess, replayId: string) {
  const row = unwrap(
    await access.db.from("delivery_replays").select(COLUMNS).eq("kind", kind.kind).eq("id", replayId)
      .maybeSingle(),
  );
  if (row === null) throw new InterlockError("NOT_FOUND", "This replay does not exist.");
  return replayResource(row);
}

/** Replays in bulk: asked for, watched, called off. */
export function replayRoutes(kind: DeliveryKind): AnyRoute[] {
  return [...askingRoutes(kind), ...watchingRoutes(kind)];
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

function watchingRoutes(kind: DeliveryKind): AnyRoute[] {
  const { replay } = kind.names;
  return [
    route({
      method: "GET",
      path: "/replays",
      summary: "Lists replays in bulk, newest first",
      auth: "user",
      permission: "deliveries.read",
      query: pageQuerySchema,
      response: { status: 200, form: "list", schema: replayAnswer },
      examples: [{ name: "all", needs: [replay] }],
      handler: async ({ access, query }) => {
        let select = access.db.from("delivery_replays").select(COLUMNS).eq("kind", kind.kind);
        const after = decodeCursor(query.cursor);
        if (after) {
          select = select.or(`created_at.lt.${after.at},and(created_at.eq.${after.at},id.gt.${after.id})`);
        }
        const rows = unwrap(
          await select.order("created_at", { ascending: false }).order("id").limit(query.limit),
        );
        return Response.json({
          data: rows.map(replayResource),
          next_cursor: encodeCursor(rows, query.limit, (row) => ({ at: row.created_at, id: row.id })),
        });
      },
    }),
    route({
      method: "GET",
      path: `/replays/:${replay}`,
      summary: "Tells how far a replay is",
      auth: "user",
      permission: "deliveries.read",
      uuidParams: [replay],
      response: { status: 200, schema: replayAnswer },
      examples: [{ name: "one" }],
      handler: async ({ access, params }) =>
        Response.json(await visibleReplay(kind, access, params[replay]!)),
    }),
    route({
      method: "POST",
      path: `/replays/:${replay}/cancel`,
      summary: "Stops a replay; what it has queued goes out, and one that has ended stays what it is",
      auth: "user",
      permission: "deliveries.replay",
      uuidParams: [replay],
      response: { status: 200, schema: replayAnswer },
      examples: [{ name: "one" }],
      handler: async ({ access, params }) => {
        const { id } = await visibleReplay(kind, access, params[replay]!);
        const cancelled = unwrap(
          await tenantDb(access.tenantId, hubClient()).rpc("cancel_delivery_replay", {
            p_replay_id: id,
            p_actor: access.userId,
          }),
        );
        return Response.json(cancelled);
      },
    }),
  ];
}
