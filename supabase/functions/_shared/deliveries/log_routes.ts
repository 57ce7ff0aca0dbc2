import { InterlockError } from "../errors/interlock_error.ts";
import { type AnyRoute, route } from "../http/route.ts";
import { deliveryAnswer, deliveryDetailAnswer, replayedAnswer } from "./delivery_answers.ts";
import { deliveryDetail } from "./delivery_detail.ts";
import type { DeliveryKind } from "./delivery_kind.ts";
import { deliveryResource, logPage, visibleDeliveries } from "./log_page.ts";
import { decodeLogCursor, logQuerySchema } from "./log_query.ts";
import { replayDeliveries } from "./replay_deliveries.ts";

/** Lists deliveries, shows one, sends one again. */
export function logRoutes(kind: DeliveryKind): AnyRoute[] {
  const { names } = kind;
  return [
    route({
      method: "GET",
      path: "/deliveries",
      summary: "Lists deliveries, newest first, and says where each one stands",
      auth: "user",
      permission: "deliveries.read",
      query: logQuerySchema,
      response: { status: 200, form: "list", schema: deliveryAnswer },
      examples: [
        { name: "all", needs: [names.delivery] },
        { name: "given_up", query: { status: "discarded", limit: 20 }, needs: [names.delivery] },
      ],
      handler: async ({ access, query }) => {
        const { limit, cursor, ...filter } = query;
        const page = await logPage(kind, access, filter, limit, decodeLogCursor(cursor, query.status));
        return Response.json({
          data: page.rows.map((row) => deliveryResource(row, page.states[row.id])),
          next_cursor: page.nextCursor,
        });
      },
    }),
    route({
      method: "GET",
      path: `/deliveries/:${names.delivery}`,
      summary: "Shows a delivery with every attempt, its body, its event and what its lane does",
      auth: "user",
      permission: "deliveries.read",
      uuidParams: [names.delivery],
      response: { status: 200, schema: deliveryDetailAnswer },
      examples: [{ name: "one" }],
      handler: async ({ access, params }) =>
        Response.json(await deliveryDetail(kind, access, params[names.delivery]!)),
    }),
    route({
      method: "POST",
      path: `/deliveries/:${names.delivery}/replay`,
      summary: "Sends a finished delivery again, with the same webhook-id and the same bytes",
      auth: "user",
      permission: "deliveries.replay",
      uuidParams: [names.delivery],
      response: { status: 202, schema: replayedAnswer },
      errors: ["CONFLICT"],
      examples: [{ name: "one" }],
      handler: async ({ access, params }) => {
        const [row] = await visibleDeliveries(kind, access, [params[names.delivery]!]);
        if (!row) throw new InterlockError("NOT_FOUND", "This delivery does not exist.");
        if (row.event_type === "test") {
          throw new InterlockError("CONFLICT", "A test is not sent again; ask for a new one.");
        }
        const replayed = await replayDeliveries(access, [row.id]);
        if (replayed === 0) {
          throw new InterlockError("CONFLICT", "This delivery is still open: it goes out by itself.");
        }
        return Response.json({ replayed }, { status: 202 });
      },
    }),
  ];
}
