import { unwrap } from "../_shared/db/unwrap.ts";
import { InterlockError } from "../_shared/guardrails.ts";
import { route } from "../_shared/http/route.ts";
import {
  answerSeries,
  SERIES_EXAMPLES,
  seriesQuerySchema,
  statisticsSeriesAnswer,
} from "../_shared/subscriptions/statistics.ts";

export const statisticsRoutes = [
  route({
    method: "GET",
    path: "/:subscription_id/statistics",
    summary: "Tells by hour or day what became of a subscription's deliveries, and how fast",
    auth: "user",
    permission: "integrations.read",
    uuidParams: ["subscription_id"],
    query: seriesQuerySchema,
    response: { status: 200, schema: statisticsSeriesAnswer },
    examples: SERIES_EXAMPLES,
    handler: async ({ access, params, query }) => {
      const subscriptionId = params.subscription_id!;
      const found = unwrap(
        await access.db.from("event_subscriptions").select("id").eq("id", subscriptionId).maybeSingle(),
      );
      if (found === null) throw new InterlockError("NOT_FOUND", "This subscription does not exist.");
      return await answerSeries(access, subscriptionId, query);
    },
  }),
  route({
    method: "GET",
    path: "/statistics",
    summary: "Tells by hour or day what became of all deliveries of the tenant, of both kinds, and how fast",
    auth: "user",
    permission: "integrations.read",
    query: seriesQuerySchema,
    response: { status: 200, schema: statisticsSeriesAnswer },
    examples: SERIES_EXAMPLES,
    handler: async ({ access, query }) => await answerSeries(access, null, query),
  }),
];
