import type { calendar_v3 } from "@googleapis/calendar";
import type { drive_v3 } from "@googleapis/drive";
import type { gmail_v1 } from "@googleapis/gmail";
import { ProviderError } from "../provider_error.ts";
import type { ConnectorTest } from "../synced_connector.ts";
import { type GoogleConnection, googleGet } from "./client.ts";
import { FOLDER, getFile } from "./drive_files.ts";
import { nameOf } from "./errors.ts";
import { missingServices } from "./settings.ts";

/** Whether the grant is for all that the settings name, and all of it can be read. */
export async function testGoogle(connection: GoogleConnection): Promise<ConnectorTest> {
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
}

/**
 * Asks each service something small, and for everything the settings name.
 *
 * @returns the account's address; null when no service told it.
 * @throws {ProviderError}
 */
async function tryServices(connection: GoogleConnection): Promise<string | null> {
  let accountName: string | null = null;
  for (const service of connection.config.services) {
    if (service === "drive") accountName = await tryDrive(connection) ?? accountName;
    else if (service === "gmail") accountName = await tryGmail(connection) ?? accountName;
    else await tryCalendar(connection);
  }
  return accountName;
}

async function tryDrive(connection: GoogleConnection): Promise<string | null> {
  const parameters = { fields: "user(emailAddress)" };
  const about = await googleGet<drive_v3.Schema$About>(connection, "drive", "/about", parameters);
  const { folder_id: folderId, drive_ids: driveIds } = connection.config;
  if (folderId !== undefined) {
    const folder = await getFile(connection, folderId);
    if (folder.mimeType !== FOLDER || folder.trashed === true) {
      throw new ProviderError(
        "misconfigured",
        "folder_id is no folder, or is in the trash. Take it from a folder's address.",
      );
    }
  }
  for (const driveId of driveIds ?? []) {
    await googleGet(connection, "drive", `/drives/${encodeURIComponent(driveId)}`, { fields: "id" });
  }
  return about.user?.emailAddress ?? null;
}

async function tryGmail(connection: GoogleConnection): Promise<string | null> {
  const profile = await googleGet<gmail_v1.Schema$Profile>(connection, "gmail", "/users/me/profile", {});
  const labelIds = connection.config.gmail_label_ids;
  if (labelIds !== undefined) {
    await googleGet(connection, "gmail", "/users/me/messages", { labelIds, maxResults: 1 });
  }
  return profile.emailAddress ?? null;
}

async function tryCalendar(connection: GoogleConnection): Promise<void> {
  for (const calendar of connection.config.calendar_ids) {
    const path = `/calendars/${encodeURIComponent(calendar)}/events`;
    await googleGet<calendar_v3.Schema$Events>(connection, "calendar", path, { maxResults: 1 });
  }
}
