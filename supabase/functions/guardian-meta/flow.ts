import { route } from "../_shared/http/route.ts";
import { flowAnswer, flowSchema, setFlow } from "../_shared/subscriptions/flow.ts";
import { guardianKind } from "./guardian_kind.ts";

export const flowRoutes = [
  route({
    method: "POST",
    path: "/integrations/flow",
    summary: "Pauses, drains or opens one subscription, or all deliveries of the tenant",
    auth: "user",
    permission: "integrations.manage",
    body: flowSchema,
    response: { status: 200, schema: flowAnswer },
    examples: [{
      name: "pause",
      body: { integration_id: "a4000000-0000-4000-8000-000000000001", flow: "paused" },
      stands_for: { "/integration_id": "integration_id" },
    }],
    handler: ({ access, body }) => setFlow(guardianKind, access, body),
  }),
];
