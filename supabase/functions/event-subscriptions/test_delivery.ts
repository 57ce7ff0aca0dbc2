import { route } from "../_shared/http/route.ts";
import { sendTest, testAnswer, testSchema } from "../_shared/subscriptions/test_delivery.ts";
import { eventKind } from "./event_kind.ts";

export const testRoutes = [
  route({
    method: "POST",
    path: "/test",
    summary: "Sends a test event the real way and answers what the endpoint said",
    auth: "user",
    permission: "integrations.manage",
    body: testSchema,
    response: { status: 200, schema: testAnswer },
    examples: [{
      name: "test",
      body: { integration_id: "a5000000-0000-4000-8000-000000000001" },
      stands_for: { "/integration_id": "subscription_id" },
    }],
    handler: ({ access, body }) => sendTest(eventKind, access, body.integration_id),
  }),
];
