import { withSources } from "../synced_connector.ts";
import { slackConnector } from "./connector.ts";
import { conversationsSource } from "./conversations_source.ts";
import { messagesSource } from "./messages_source.ts";
import type { SlackConfig, SlackSecrets } from "./settings.ts";

/** Channels first: messages are read from those the app is in. */
export const slack = withSources<SlackConfig, SlackSecrets>(
  slackConnector,
  () => [conversationsSource, messagesSource],
);
