import { ProviderError } from "../provider_error.ts";
import type { Page } from "../source.ts";
import { orFirstPage } from "./anew.ts";
import type { GoogleConnection } from "./client.ts";
import type { DriveCursor, FolderRun } from "./drive_cursor.ts";
import {
  type DriveFile,
  FOLDER,
  FOLDERS_AT_ONCE,
  foldersAmong,
  getFile,
  listChildren,
  recordOf,
} from "./drive_files.ts";
import { MAX_FOLDERS, tooManyFolders } from "./drive_membership.ts";

/** Folders above one another that are followed upwards; Drive allows 100. */
const MAX_DEPTH = 100;

/**
 * Reads one folder with all within it, beside the rest: what is in it gets fresh, nothing is deleted, and afterwards the
 * rest goes on where it was.
 *
 * @throws {ProviderError} misconfigured when the connector's settings do not reach the folder.
 */
export async function readFolder(
  connection: GoogleConnection,
  folder: string,
  cursor: DriveCursor,
): Promise<Page> {
  const own = cursor.phase === "folder" ? cursor : null;
  if (own?.folder === folder) return await readOn(connection, own);
  await checkReach(connection, folder);
  const rest = own?.rest ?? cursor;
  const queue = [folder];
  return await readOn(connection, {
    phase: "folder",
    scope: cursor.scope,
    folder,
    queue,
    page: null,
    width: 0,
    rest: rest,
  });
}

async function readOn(connection: GoogleConnection, run: FolderRun): Promise<Page> {
  const batch = run.queue.slice(0, run.page === null ? FOLDERS_AT_ONCE : run.width);
  // A page token that ended costs the batch only.
  const found = await orFirstPage(run.page, (token) => listChildren(connection, batch, token));
  const files = found.files.filter(({ trashed }) => trashed !== true);
  const later = found.next === null ? run.queue.slice(batch.length) : run.queue;
  const queue = [...new Set([...later, ...foldersAmong(files)])];
  if (queue.length > MAX_FOLDERS) throw tooManyFolders();
  const page = { records: files.map(recordOf), deletedIds: [] };
  if (queue.length > 0) {
    return { ...page, cursor: { ...run, queue, page: found.next, width: batch.length }, hasMore: true };
  }
  return { ...page, cursor: run.rest, hasMore: false };
}

async function checkReach(connection: GoogleConnection, id: string): Promise<void> {
  const { folder_id: root, drive_ids: drives } = connection.config;
  const folder = await getFile(connection, id);
  if (folder.mimeType !== FOLDER || folder.trashed === true) {
    throw new ProviderError(
      "misconfigured",
      "The folder of this run is in the trash, or no folder. Name another.",
    );
  }
  if (drives !== undefined && !drives.includes(folder.driveId ?? "")) throw outOfReach();
  if (root !== undefined && !await isBelow(connection, folder, root)) throw outOfReach();
}

async function isBelow(connection: GoogleConnection, folder: DriveFile, root: string): Promise<boolean> {
  let above = folder.parents?.[0];
  for (let depth = 0; depth < MAX_DEPTH && above !== undefined; depth++) {
    if (above === root) return true;
    above = (await getFile(connection, above)).parents?.[0];
  }
  return false;
}

function outOfReach(): ProviderError {
  return new ProviderError(
    "misconfigured",
    "The folder of this run lies outside of what the connector reads. Name one within, or change the connector's settings.",
  );
}
