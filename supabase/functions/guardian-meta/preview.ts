import { route } from "../_shared/http/route.ts";
import { preview, previewAnswer, previewSchema } from "../_shared/subscriptions/preview.ts";
import { guardianKind } from "./guardian_kind.ts";

export const previewRoutes = [
  route({
    method: "POST",
    path: "/integrations/preview",
    summary: "Shows what a given event would send, or why it would not, without sending",
    auth: "user",
    permission: "integrations.manage",
    body: previewSchema,
    response: { status: 200, schema: previewAnswer },
    examples: [{
      name: "a_sample",
      body: {
        integration_id: "a4000000-0000-4000-8000-000000000001",
        sample: {
          event_type: "readiness_updated",
          payload: {
            overall_score: 72,
            band: "operational",
            dimension_scores: {},
            computed_at: "2026-11-21T08:33:17.770Z",
          },
        },
      },
      stands_for: { "/integration_id": "integration_id" },
    }],
    handler: ({ access, body }) => preview(guardianKind, access, body),
  }),
];
