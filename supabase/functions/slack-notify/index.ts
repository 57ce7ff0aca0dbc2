import * as z from "zod";
import { PROVIDER_CODES } from "../_shared/connectors/provider_failure.ts";
import "../_shared/guardrails.ts";
import { callerOf } from "../_shared/http/access.ts";
import { createFunction } from "../_shared/http/create_function.ts";
import { route } from "../_shared/http/route.ts";
import { messageSchema } from "./message.ts";
import { notify } from "./notify.ts";

const bodySchema = z.strictObject({
  connector_id: z.uuid(),
  message: messageSchema,
  /** For machines: whose connector it is. */
  tenant_id: z.uuid().optional(),
});

const answerSchema = () =>
  z.strictObject({
    connector_id: z.uuid(),
    /** incoming_webhook: Slack says no more than that it took the message. */
    sent_by: z.enum(["bot_token", "incoming_webhook"]),
    channel: z.string().nullable(),
    /** Names the message in its channel; thread_ts of an answer to it. */
    ts: z.string().nullable(),
  });

/** Posts messages to Slack for people and machines. */
export default createFunction({
  name: "slack-notify",
  routes: [
    route({
      method: "POST",
      path: "/",
      summary: "Posts a message to Slack at once; answers where it stands",
      auth: "user_or_service",
      permission: "connectors.sync",
      body: bodySchema,
      response: { status: 200, schema: answerSchema },
      errors: ["CONNECTOR_INACTIVE", ...PROVIDER_CODES],
      examples: [
        {
          name: "text",
          body: {
            connector_id: "c0000000-0000-4000-8000-000000000002",
            message: { text: "Sync failed: 3 records were rejected" },
          },
          stands_for: { "/connector_id": "slack_connector_id" },
        },
        {
          name: "blocks",
          body: {
            connector_id: "c0000000-0000-4000-8000-000000000002",
            message: {
              text: "Sync failed",
              blocks: [{ type: "section", text: { type: "mrkdwn", text: "*Sync failed*" } }],
              attachments: [{ color: "#d00", text: "3 records rejected", fallback: "3 records rejected" }],
            },
          },
          stands_for: { "/connector_id": "slack_connector_id" },
        },
      ],
      handler: async ({ access, body, requestId, log }) => {
        const caller = callerOf(access, body);
        const wish = { caller, connectorId: body.connector_id, message: body.message, requestId };
        return Response.json(await notify(wish, log.with({ tenant_id: caller.tenantId })));
      },
    }),
  ],
});
