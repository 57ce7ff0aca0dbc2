import "../_shared/guardrails.ts";
import { googleWorkspace } from "../_shared/providers/google_workspace/sources.ts";
import { syncFunction } from "../_shared/syncs/sync_function.ts";

/** Gmail: messages of a mailbox, without their text. */
export default syncFunction({
  name: "gmail-sync",
  summary: "Reads messages of a Gmail mailbox, without their text",
  connectors: [googleWorkspace],
  fields: {},
  wish: () => ({ streams: ["gmail_messages"], parameters: {} }),
  exampleFields: { sync_mode: "incremental" },
});
