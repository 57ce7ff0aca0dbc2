import { defineConnector } from "../connector_definition.ts";
import { type SlackConfig, slackConfigSchema, type SlackSecrets, slackSecretsSchema } from "./settings.ts";

/** A Slack app in a workspace, or an incoming webhook, which posts to one channel and reads nothing. */
export const slackConnector = defineConnector<SlackConfig, SlackSecrets>({
  type: "slack",
  config: slackConfigSchema,
  secrets: slackSecretsSchema,
  example: {
    config: { default_channel: "#ops", channels: "joined" },
    secrets: { bot_token: "xoxb-0000000000-0000000000-nobodys" },
  },
  grant: "possible",
  functionName: "slack-sync",
});
