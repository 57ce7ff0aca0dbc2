import * as z from "zod";
import { hubClient } from "../db/clients.ts";
import { tenantDb } from "../db/tenant_db.ts";
import { unwrap } from "../db/unwrap.ts";
import { InterlockError } from "../errors/interlock_error.ts";
import type { UserAccess } from "../http/access.ts";
import { pageQuerySchema } from "../http/keyset.ts";
import { newestFirst } from "../http/newest_first.ts";
import { type AnyRoute, route } from "../http/route.ts";

const COLUMNS =
  "id, mode, integration_id, filter, state, total, total_is_exact, done, examined, position, last_error, created_by, created_at, finished_at";

const positionSchema = z.object({ at: z.string() }).nullable();

/** A job as the database answers it, of whatever kind. */
export const replayJobSchema = z.looseObject({
  id: z.string(),
  mode: z.string(),
  integration_id: z.string().nullable(),
  reached_at: z.string().nullable(),
});

/** What the routes of jobs need to know of their kind. */
export interface ReplayJobKind {
  kind: "guardian_meta" | "event" | "inbound";
  /** Name of the path parameter. */
  param: string;
  answer: () => z.ZodType;
  /** The job in the words of its kind; it fits `replayJobSchema`. */
  present(job: unknown): unknown;
}

function jobOf<Row extends { position: unknown }>({ position, ...row }: Row) {
  return { ...row, reached_at: positionSchema.parse(position)?.at ?? null };
}

async function visibleJob(kind: ReplayJobKind, access: UserAccess, replayId: string) {
  const row = unwrap(
    await access.db.from("delivery_replays").select(COLUMNS).eq("kind", kind.kind).eq("id", replayId)
      .maybeSingle(),
  );
  if (row === null) throw new InterlockError("NOT_FOUND", "This replay does not exist.");
  return jobOf(row);
}

/** Replays in bulk of one kind: listed, watched, called off. */
export function replayJobRoutes(kind: ReplayJobKind): AnyRoute[] {
  const { param, answer } = kind;
  return [
    route({
      method: "GET",
      path: "/replays",
      summary: "Lists replays in bulk, newest first",
      auth: "user",
      permission: "deliveries.read",
      query: pageQuerySchema,
      response: { status: 200, form: "list", schema: answer },
      examples: [{ name: "all", needs: [param] }],
      handler: async ({ access, query }) => {
        const select = access.db.from("delivery_replays").select(COLUMNS).eq("kind", kind.kind);
        const { rows, next_cursor } = await newestFirst(select, query);
        return Response.json({
          data: rows.map((row) => kind.present(jobOf(row))),
          next_cursor,
        });
      },
    }),
    route({
      method: "GET",
      path: `/replays/:${param}`,
      summary: "Tells how far a replay is",
      auth: "user",
      permission: "deliveries.read",
      uuidParams: [param],
      response: { status: 200, schema: answer },
      examples: [{ name: "one" }],
      handler: async ({ access, params }) =>
        Response.json(kind.present(await visibleJob(kind, access, params[param]!))),
    }),
    route({
      method: "POST",
      path: `/replays/:${param}/cancel`,
      summary: "Stops a replay; what it has queued goes out, and one that has ended stays what it is",
      auth: "user",
      permission: "deliveries.replay",
      uuidParams: [param],
      response: { status: 200, schema: answer },
      examples: [{ name: "one" }],
      handler: async ({ access, params }) => {
        const { id } = await visibleJob(kind, access, params[param]!);
        const cancelled = unwrap(
          await tenantDb(access.tenantId, hubClient()).rpc("cancel_delivery_replay", {
            p_replay_id: id,
            p_actor: access.userId,
          }),
        );
        return Response.json(kind.present(cancelled));
      },
    }),
  ];
}
