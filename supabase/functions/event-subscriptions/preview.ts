import { route } from "../_shared/http/route.ts";
import { preview, previewAnswer, previewSchema } from "../_shared/subscriptions/preview.ts";
import { eventKind } from "./event_kind.ts";

export const previewRoutes = [
  route({
    method: "POST",
    path: "/preview",
    summary: "Shows what a given event would send, or why it would not, without sending",
    auth: "user",
    permission: "integrations.manage",
    body: previewSchema,
    response: { status: 200, schema: previewAnswer },
    examples: [{
      name: "a_sample",
      body: {
        integration_id: "a5000000-0000-4000-8000-000000000001",
        sample: {
          event_type: "contact.created",
          payload: { first_name: "Ada", country: "DE" },
        },
      },
      stands_for: { "/integration_id": "subscription_id" },
    }],
    handler: ({ access, body }) => preview(eventKind, access, body),
  }),
];
