import "../_shared/guardrails.ts";
import { slack } from "../_shared/providers/slack/sources.ts";
import { syncFunction } from "../_shared/syncs/sync_function.ts";

/** Slack: channels, and what is said in those the app is in. */
export default syncFunction({
  name: "slack-sync",
  summary: "Reads channels of a Slack workspace and what is said in them",
  connectors: [slack],
  fields: {},
  wish: () => ({ streams: null, parameters: {} }),
  exampleFields: { sync_mode: "incremental" },
});
