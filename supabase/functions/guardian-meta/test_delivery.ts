import { route } from "../_shared/http/route.ts";
import { sendTest, testAnswer, testSchema } from "../_shared/subscriptions/test_delivery.ts";
import { guardianKind } from "./guardian_kind.ts";

export const testRoutes = [
  route({
    method: "POST",
    path: "/integrations/test",
    summary: "Sends a test event the real way and answers what the endpoint said",
    auth: "user",
    permission: "integrations.manage",
    body: testSchema,
    response: { status: 200, schema: testAnswer },
    examples: [{
      name: "test",
      body: { integration_id: "a4000000-0000-4000-8000-000000000001" },
      stands_for: { "/integration_id": "integration_id" },
    }],
    handler: ({ access, body }) => sendTest(guardianKind, access, body.integration_id),
  }),
];
