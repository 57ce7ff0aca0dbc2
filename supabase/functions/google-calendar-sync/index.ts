import "../_shared/guardrails.ts";
import { googleWorkspace } from "../_shared/providers/google_workspace/sources.ts";
import { syncFunction } from "../_shared/syncs/sync_function.ts";

/** Google Calendar: events of the calendars that the connector's settings name. */
export default syncFunction({
  name: "google-calendar-sync",
  summary: "Reads events of Google calendars",
  connectors: [googleWorkspace],
  fields: {},
  wish: () => ({ streams: ["calendar_events"], parameters: {} }),
  exampleFields: { sync_mode: "incremental" },
});
