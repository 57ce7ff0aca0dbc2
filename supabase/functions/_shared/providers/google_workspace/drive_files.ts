import type { drive_v3 } from "@googleapis/drive";
import { ProviderError } from "../provider_error.ts";
import type { SourceRecord } from "../source.ts";
import { type GoogleConnection, googleGet, identified, listed, required, shortened } from "./client.ts";
import type { GoogleConfig } from "./settings.ts";

export const FOLDER = "application/vnd.google-apps.folder";

/** The most that Drive gives at once. */
export const PAGE_SIZE = 1000;

/** Folders that one request asks about: egress takes addresses of 2048 characters, page token included. */
export const FOLDERS_AT_ONCE = 15;

const FILE_FIELDS =
  "id,name,mimeType,parents,driveId,size,md5Checksum,createdTime,modifiedTime,trashed,webViewLink," +
  "owners(emailAddress,displayName)";
const ALL_DRIVES = { includeItemsFromAllDrives: true, supportsAllDrives: true };

/** A file as Drive shows it. */
export type DriveFile = drive_v3.Schema$File & { id: string };

/** The shared drives that are read one by one; [null] = everything the account sees, in one. */
export function feedsOf(config: GoogleConfig): (string | null)[] {
  return config.drive_ids ?? [null];
}

/** Where the changes from now on begin. */
export async function startPageToken(connection: GoogleConnection, driveId: string | null): Promise<string> {
  const parameters: drive_v3.Params$Resource$Changes$Getstartpagetoken = {
    ...driveId !== null && { driveId },
    ...{ supportsAllDrives: true, fields: "startPageToken" },
  };
  const answer = await googleGet<drive_v3.Schema$StartPageToken>(
    connection,
    "drive",
    "/changes/startPageToken",
    parameters,
  );
  return required("drive", answer.startPageToken);
}

/** A page of files. */
export interface FilePage {
  files: DriveFile[];
  next: string | null;
  /** Drive did not look everywhere: what is missing may exist. */
  incomplete: boolean;
}

/** A page of the files of one shared drive, or of everything, that are not in the trash. */
export async function listFiles(
  connection: GoogleConnection,
  driveId: string | null,
  page: string | null,
): Promise<FilePage> {
  return await filePage(connection, driveId, "trashed = false", page);
}

/**
 * A page of what lies directly in some folders, be it in the trash or not. Drive refuses the whole search when it does not
 * show one of them any more; that one is left out then, and the changes tell of it.
 */
export async function listChildren(
  connection: GoogleConnection,
  folders: string[],
  page: string | null,
): Promise<FilePage> {
  try {
    return await filePage(connection, null, inParents(folders), page);
  } catch (error) {
    if (!(error instanceof ProviderError) || error.providerCode !== "notFound") throw error;
  }
  const there: string[] = [];
  for (const id of folders) if (await isThere(connection, id)) there.push(id);
  if (there.length === 0) return { files: [], next: null, incomplete: false };
  try {
    return await filePage(connection, null, inParents(there), page);
  } catch (error) {
    // The page token was of the search with all of them.
    if (!(error instanceof ProviderError) || error.errorClass !== "cursor_expired") throw error;
    return await filePage(connection, null, inParents(there), null);
  }
}

function inParents(folders: string[]): string {
  return folders.map((id) => `'${id.replace(/[\\']/g, "\\$&")}' in parents`).join(" or ");
}

async function isThere(connection: GoogleConnection, id: string): Promise<boolean> {
  try {
    await getFile(connection, id);
    return true;
  } catch (error) {
    if (error instanceof ProviderError && error.providerCode === "notFound") return false;
    throw error;
  }
}

async function filePage(
  connection: GoogleConnection,
  driveId: string | null,
  q: string,
  page: string | null,
): Promise<FilePage> {
  const parameters: drive_v3.Params$Resource$Files$List = {
    ...{
      q,
      pageSize: PAGE_SIZE,
      spaces: "drive",
      fields: `nextPageToken,incompleteSearch,files(${FILE_FIELDS})`,
    },
    ...driveId === null ? { corpora: "allDrives" } : { corpora: "drive", driveId },
    ...page !== null && { pageToken: page },
    ...ALL_DRIVES,
  };
  const answer = await googleGet<drive_v3.Schema$FileList>(connection, "drive", "/files", parameters);
  const files = listed("drive", required("drive", answer.files)).map(fileOf);
  return { files, next: answer.nextPageToken ?? null, incomplete: answer.incompleteSearch === true };
}

/** A page of changes: files as they are now, identifiers of what is gone, and whether shared drives came or went. */
export interface ChangePage {
  files: DriveFile[];
  removed: string[];
  drivesChanged: boolean;
  next: string;
  /** Whether there are no more changes now. */
  isLast: boolean;
}

export async function listChanges(
  connection: GoogleConnection,
  driveId: string | null,
  pageToken: string,
): Promise<ChangePage> {
  const parameters: drive_v3.Params$Resource$Changes$List = {
    ...{ pageToken, pageSize: PAGE_SIZE, spaces: "drive", includeRemoved: true, restrictToMyDrive: false },
    ...driveId !== null && { driveId },
    ...ALL_DRIVES,
    fields: `nextPageToken,newStartPageToken,changes(changeType,removed,fileId,driveId,file(${FILE_FIELDS}))`,
  };
  const answer = await googleGet<drive_v3.Schema$ChangeList>(connection, "drive", "/changes", parameters);
  const changes = listed("drive", required("drive", answer.changes));
  const ofFiles = changes.filter(({ changeType }) => changeType !== "drive");
  return {
    files: ofFiles.filter(({ removed }) => removed !== true).map(({ file }) =>
      fileOf(required("drive", file))
    ),
    removed: ofFiles.filter(({ removed }) => removed === true).map(({ fileId }) =>
      identified("drive", fileId)
    ),
    drivesChanged: ofFiles.length < changes.length,
    next: required("drive", answer.nextPageToken ?? answer.newStartPageToken),
    isLast: answer.nextPageToken === undefined || answer.nextPageToken === null,
  };
}

/** One file by its identifier. @throws {ProviderError} misconfigured with the code notFound */
export async function getFile(connection: GoogleConnection, id: string): Promise<DriveFile> {
  const parameters: Omit<drive_v3.Params$Resource$Files$Get, "fileId"> = {
    ...{ supportsAllDrives: true, fields: "id,name,mimeType,parents,driveId,trashed" },
  };
  const path = `/files/${encodeURIComponent(id)}`;
  return fileOf(await googleGet<drive_v3.Schema$File>(connection, "drive", path, parameters));
}

/** Identifiers of the folders among some files. */
export function foldersAmong(files: DriveFile[]): string[] {
  return files.filter(({ mimeType }) => mimeType === FOLDER).map(({ id }) => id);
}

function fileOf(file: drive_v3.Schema$File): DriveFile {
  return { ...file, id: identified("drive", file.id) };
}

/** A file as a row of google_drive_files. */
export function recordOf(file: DriveFile): SourceRecord {
  const owner = file.owners?.[0];
  return {
    externalId: file.id,
    values: {
      name: shortened(file.name, 2000),
      mime_type: shortened(file.mimeType, 200),
      parent_id: shortened(file.parents?.[0], 200),
      drive_id: shortened(file.driveId, 200),
      size_bytes: wholeNumber(file.size),
      md5_checksum: shortened(file.md5Checksum, 100),
      file_created_at: file.createdTime ?? null,
      file_modified_at: file.modifiedTime ?? null,
      web_view_link: shortened(file.webViewLink, 2000),
      owner_email: shortened(owner?.emailAddress, 320),
      owner_name: shortened(owner?.displayName, 500),
    },
  };
}

/** A whole number of 64 bits, which Google writes as a string; null when there is none. */
function wholeNumber(text: string | null | undefined): string | null {
  return typeof text === "string" && /^\d{1,18}$/.test(text) ? text : null;
}
