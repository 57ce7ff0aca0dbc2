import { defineConnector } from "../connector_definition.ts";
import { ProviderError } from "../provider_error.ts";
import { nameOf } from "./errors.ts";
import { googleConfig, googleGrant, missingServices } from "./settings.ts";
import { tryServices } from "./trial.ts";

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
  async test(connection) {
    const { scope } = await connection.secrets();
    const missing = missingServices(connection.config, scope);
    if (missing.length > 0) {
      throw new ProviderError(
        "permission_missing",
        `The grant does not include ${
          missing.map(nameOf).join(" and ")
        }. Connect the account again and tick every box.`,
      );
    }
    const accountName = await tryServices(connection);
    const services = connection.config.services.map(nameOf).join(", ");
    return { message: `Connected to Google; this can be read: ${services}.`, accountName };
  },
});
