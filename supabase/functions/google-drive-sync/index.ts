import * as z from "zod";
import "../_shared/guardrails.ts";
import { googleWorkspace } from "../_shared/providers/google_workspace/sources.ts";
import { syncFunction } from "../_shared/syncs/sync_function.ts";

/** Google Drive: files and folders, all that the connector's settings name or one folder of them. */
export default syncFunction({
  name: "google-drive-sync",
  summary: "Reads files and folders of a Google Drive, or one folder of it",
  connectors: [googleWorkspace],
  fields: {
    /** Reads this folder with all within it, and nothing else; it must lie in what the connector reads. Deletes nothing. */
    folder_id: z.string().regex(/^[A-Za-z0-9_-]{1,190}$/).optional(),
  },
  wish: ({ folder_id }) => ({
    streams: ["drive_files"],
    parameters: { ...folder_id !== undefined && { folder_id } },
  }),
  exampleFields: { sync_mode: "incremental" },
});
