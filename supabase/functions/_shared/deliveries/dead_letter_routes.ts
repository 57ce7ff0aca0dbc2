import * as z from "zod";
import { InterlockError } from "../errors/interlock_error.ts";
import { type AnyRoute, route } from "../http/route.ts";
import { deadLetterAnswer, replayedAnswer } from "./delivery_answers.ts";
import type { DeliveryKind } from "./delivery_kind.ts";
import { logPage, type LogRow, visibleDeliveries } from "./log_page.ts";
import { deadLetterQuerySchema, decodeLogCursor } from "./log_query.ts";
import { replayDeliveries } from "./replay_deliveries.ts";

const redriveSchema = z.strictObject({ delivery_ids: z.array(z.uuid()).min(1).max(100) });

const deadLetter = (row: LogRow) => ({
  id: row.id,
  integration_id: row.integration_id,
  event_id: row.event_id,
  event_type: row.event_type,
  error_class: row.last_error_class,
  reason: row.last_error,
  last_status_code: row.last_status_code,
  attempt_count: row.attempt_count,
  replays: row.replays,
  created_at: row.created_at,
  discarded_at: row.finished_at,
});

/** What was given up, and sending it again. */
export function deadLetterRoutes(kind: DeliveryKind): AnyRoute[] {
  return [
    route({
      method: "GET",
      path: "/dead-letters",
      summary: "Lists deliveries that were given up and why, the latest first",
      auth: "user",
      permission: "deliveries.read",
      query: deadLetterQuerySchema,
      response: { status: 200, form: "list", schema: deadLetterAnswer },
      examples: [{ name: "all", needs: [kind.names.delivery] }],
      handler: async ({ access, query }) => {
        const after = decodeLogCursor(query.cursor, "discarded");
        const filter = { integration_id: query.integration_id, status: "discarded" };
        const page = await logPage(kind, access, filter, query.limit, after);
        return Response.json({
          data: page.rows.filter((row) => row.status === "discarded").map(deadLetter),
          next_cursor: page.nextCursor,
        });
      },
    }),
    route({
      method: "POST",
      path: "/dead-letters/redrive",
      summary: "Sends deliveries again that were given up; others of the list stay as they are",
      auth: "user",
      permission: "deliveries.replay",
      body: redriveSchema,
      response: { status: 202, schema: replayedAnswer },
      examples: [{
        name: "one",
        body: { delivery_ids: ["a6000000-0000-4000-8000-000000000001"] },
        stands_for: { "/delivery_ids/0": kind.names.delivery },
      }],
      handler: async ({ access, body }) => {
        const visible = await visibleDeliveries(kind, access, body.delivery_ids);
        if (visible.length === 0) throw new InterlockError("NOT_FOUND", "None of these deliveries exists.");
        const dead = visible.filter((row) => row.status === "discarded" && row.event_type !== "test");
        const replayed = dead.length === 0 ? 0 : await replayDeliveries(access, dead.map((row) => row.id));
        return Response.json({ replayed }, { status: 202 });
      },
    }),
  ];
}
