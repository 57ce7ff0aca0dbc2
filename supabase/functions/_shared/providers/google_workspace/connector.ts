import { defineConnector } from "../connector_definition.ts";
import { googleConfig, googleGrant } from "./settings.ts";

/** Google Drive, Gmail and Google Calendar of one account, which a person connects by consent. */
export const googleWorkspace = defineConnector({
  type: "google_workspace",
  config: googleConfig,
  secrets: googleGrant,
  grant: "only",
  example: {
    config: {
      services: ["drive", "gmail"],
      folder_id: "1AbCdEfGhIjKlMnOpQrStUvWxYz012345",
      gmail_label_ids: ["INBOX"],
    },
    secrets: {
      access_token: "ya29.example-access",
      refresh_token: "1//0example-refresh",
      expires_at: "2026-11-22T10:00:00.000Z",
      scope:
        "https://www.googleapis.com/auth/drive.metadata.readonly https://www.googleapis.com/auth/gmail.readonly",
      token_type: "Bearer",
    },
  },
  functionName: "google-drive-sync",
});
