import { type AnyRoute, route } from "../http/route.ts";
import { answerSeries, SERIES_EXAMPLES, seriesQuerySchema, statisticsSeriesAnswer } from "./statistics.ts";
import type { SubscriptionKind } from "./subscription_kind.ts";

/** How a function names what its statistics are of. */
interface StatisticsWords {
  /** Path of one subscription, up to its id. */
  under: string;
  idParam: string;
  summaryOfOne: string;
  summaryOfAll: string;
}

/** Statistics by hour or day, of one subscription of this kind and of the whole tenant. */
export function statisticsRoutes(kind: SubscriptionKind, words: StatisticsWords): AnyRoute[] {
  return [
    route({
      method: "GET",
      path: `${words.under}/:${words.idParam}/statistics`,
      summary: words.summaryOfOne,
      auth: "user",
      permission: "integrations.read",
      uuidParams: [words.idParam],
      query: seriesQuerySchema,
      response: { status: 200, schema: statisticsSeriesAnswer },
      examples: SERIES_EXAMPLES,
      handler: async ({ access, params, query }) => {
        const id = params[words.idParam]!;
        await kind.assertExists(access.db, id);
        return await answerSeries(access, id, query);
      },
    }),
    route({
      method: "GET",
      path: "/statistics",
      summary: words.summaryOfAll,
      auth: "user",
      permission: "integrations.read",
      query: seriesQuerySchema,
      response: { status: 200, schema: statisticsSeriesAnswer },
      examples: SERIES_EXAMPLES,
      handler: ({ access, query }) => answerSeries(access, null, query),
    }),
  ];
}
