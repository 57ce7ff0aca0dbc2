import { route } from "../_shared/http/route.ts";
import { flowAnswer, flowSchema, setFlow } from "../_shared/subscriptions/flow.ts";
import { eventKind } from "./event_kind.ts";

export const flowRoutes = [
  route({
    method: "POST",
    path: "/flow",
    summary: "Pauses, drains or opens one subscription, or all deliveries of the tenant",
    auth: "user",
    permission: "integrations.manage",
    body: flowSchema,
    response: { status: 200, schema: flowAnswer },
    examples: [{
      name: "pause",
      body: { integration_id: "a5000000-0000-4000-8000-000000000001", flow: "paused" },
      stands_for: { "/integration_id": "subscription_id" },
    }],
    handler: ({ access, body }) => setFlow(eventKind, access, body),
  }),
];
