import { syncedConnector } from "../synced_connector.ts";
import { slackConnector } from "./connector.ts";
import { conversationsSource } from "./conversations_source.ts";
import { messagesSource } from "./messages_source.ts";
import type { SlackConfig, SlackSecrets } from "./settings.ts";
import { testSlack } from "./trial.ts";

/** Channels first: messages are read from those the app is in. */
export const slack = syncedConnector<SlackConfig, SlackSecrets>(slackConnector, {
  test: testSlack,
  sources: () => [conversationsSource, messagesSource],
});
