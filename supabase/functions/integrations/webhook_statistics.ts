import { hubClient } from "../_shared/db/clients.ts";
import { tenantDb } from "../_shared/db/tenant_db.ts";
import { unwrap } from "../_shared/db/unwrap.ts";
import { route } from "../_shared/http/route.ts";
import { SERIES_EXAMPLES, seriesQuerySchema, spanOf } from "../_shared/subscriptions/statistics.ts";
import { requireWebhook } from "./receipts.ts";
import { webhookStatisticsAnswer } from "./webhook_answers.ts";

export const webhookStatisticsRoutes = [
  route({
    method: "GET",
    path: "/webhooks/:webhook_id/statistics",
    summary: "Counts what came through a webhook by hour or day, and what of it is not done",
    auth: "user",
    permission: "webhooks.read",
    org: "required",
    uuidParams: ["webhook_id"],
    query: seriesQuerySchema,
    response: { status: 200, schema: webhookStatisticsAnswer },
    examples: SERIES_EXAMPLES,
    handler: async ({ access, params, query }) => {
      await requireWebhook(access, params.webhook_id!);
      return Response.json(unwrap(
        await tenantDb(access.tenantId, hubClient()).rpc("webhook_statistics_series", {
          p_webhook_id: params.webhook_id!,
          ...spanOf(query),
        }),
      ));
    },
  }),
];
