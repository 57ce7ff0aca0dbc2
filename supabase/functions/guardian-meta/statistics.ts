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
    path: "/integrations/:integration_id/statistics",
    summary: "Tells by hour or day what became of an integration's deliveries, and how fast",
    auth: "user",
    permission: "integrations.read",
    uuidParams: ["integration_id"],
    query: seriesQuerySchema,
    response: { status: 200, schema: statisticsSeriesAnswer },
    examples: SERIES_EXAMPLES,
    handler: async ({ access, params, query }) => {
      const integrationId = params.integration_id!;
      const found = unwrap(
        await access.db.from("guardian_meta_integrations").select("id").eq("id", integrationId).maybeSingle(),
      );
      if (found === null) throw new InterlockError("NOT_FOUND", "This integration does not exist.");
      return await answerSeries(access, integrationId, query);
    },
  }),
  route({
    method: "GET",
    path: "/statistics",
    summary: "Tells by hour or day what became of all deliveries of the tenant, and how fast",
    auth: "user",
    permission: "integrations.read",
    query: seriesQuerySchema,
    response: { status: 200, schema: statisticsSeriesAnswer },
    examples: SERIES_EXAMPLES,
    handler: async ({ access, query }) => await answerSeries(access, null, query),
  }),
];
