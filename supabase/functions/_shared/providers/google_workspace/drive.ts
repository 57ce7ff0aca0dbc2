import { ProviderError } from "../provider_error.ts";
import type { Cursor, Page, Source } from "../source.ts";
import { orAnew, orFirstPage } from "./anew.ts";
import type { GoogleConnection } from "./client.ts";
import type { DriveCursor, Following, Listing, Sweep, Walk } from "./drive_cursor.ts";
import {
  feedsOf,
  FOLDER,
  FOLDERS_AT_ONCE,
  foldersAmong,
  getFile,
  listChanges,
  listChildren,
  listFiles,
  recordOf,
  startPageToken,
} from "./drive_files.ts";
import { readFolder } from "./drive_folder_run.ts";
import {
  judgeChanges,
  judgeChildren,
  MAX_FOLDERS,
  pageOf,
  rootIsGone,
  tooManyFolders,
} from "./drive_membership.ts";
import type { GoogleConfig, GoogleGrant } from "./settings.ts";

/**
 * Files and folders of a Drive. A pass takes the token of the changes first, lists, and then replays what changed while it
 * listed; after that the changes are enough. With a chosen folder it lists folder by folder, and the changes, which know
 * no folders, are held against the folders that were found.
 */
export const driveFiles: Source<GoogleConfig, GoogleGrant> = {
  stream: "drive_files",
  table: "google_drive_files",
  entityType: "drive_file",
  functionName: "google-drive-sync",
  async read({ connection, cursor: given, parameters }) {
    const scope = scopeOf(connection.config);
    const cursor = given as DriveCursor | null;
    if (cursor !== null && cursor.scope !== scope) {
      throw new ProviderError(
        "cursor_expired",
        "The settings name other files than before; everything is read anew.",
      );
    }
    const folder = parameters.folder_id;
    if (typeof folder === "string" && folder !== connection.config.folder_id) {
      return await readFolder(connection, folder, cursor ?? { phase: "begin", scope });
    }
    return await readOn(connection, cursor?.phase === "folder" ? cursor.rest : cursor, scope);
  },
};

/** Which files the settings name. */
function scopeOf(config: GoogleConfig): string {
  if (config.folder_id !== undefined) return `folder ${config.folder_id}`;
  return config.drive_ids === undefined ? "all" : `drives ${[...config.drive_ids].sort().join(" ")}`;
}

async function readOn(
  connection: GoogleConnection,
  cursor: DriveCursor | null,
  scope: string,
): Promise<Page> {
  const anew = (restarts: number) => begin(connection, scope, restarts);
  switch (cursor?.phase) {
    case "list":
      return await orAnew("Google Drive", cursor.restarts, () => list(connection, cursor), anew);
    case "walk":
      return await orAnew("Google Drive", cursor.restarts, () => walk(connection, cursor), anew);
    case "changes":
      // The tokens of the changes do not end.
      return await follow(connection, cursor);
    default:
      return await begin(connection, scope);
  }
}

/** The first step of a pass: where the changes begin, and only then the first page. */
async function begin(connection: GoogleConnection, scope: string, restarts = 0): Promise<Page> {
  const root = connection.config.folder_id;
  const tokens: string[] = [];
  for (const driveId of feedsOf(connection.config)) tokens.push(await startPageToken(connection, driveId));
  if (root !== undefined) {
    await checkFolder(connection, root);
    const first: Walk = {
      phase: "walk",
      scope,
      tokens,
      folders: [root],
      done: 0,
      page: null,
      width: 0,
      restarts,
    };
    return { ...await walk(connection, first), beginsPass: true };
  }
  const first: Listing = { phase: "list", scope, tokens, feed: 0, page: null, incomplete: false, restarts };
  return { ...await list(connection, first), beginsPass: true };
}

async function checkFolder(connection: GoogleConnection, root: string): Promise<void> {
  const folder = await getFile(connection, root);
  if (folder.mimeType !== FOLDER) {
    throw new ProviderError(
      "misconfigured",
      "The chosen folder is a file. Take the identifier from a folder's address.",
    );
  }
  if (folder.trashed === true) throw rootIsGone();
}

async function list(connection: GoogleConnection, cursor: Listing): Promise<Page> {
  const feeds = feedsOf(connection.config);
  const found = await listFiles(connection, feeds[cursor.feed]!, cursor.page);
  const incomplete = cursor.incomplete || found.incomplete;
  const feed = found.next === null ? cursor.feed + 1 : cursor.feed;
  const page = { records: found.files.map(recordOf), deletedIds: [], hasMore: true };
  if (feed < feeds.length) return { ...page, cursor: { ...cursor, feed, page: found.next, incomplete } };
  const { scope, tokens } = cursor;
  const following: Following = {
    ...{ phase: "changes", scope, tokens, feed: 0, inPass: true, incomplete, folders: [], sweep: null },
  };
  return { ...page, cursor: following };
}

/** Lists the next folders of those found so far; folders in them are found on the way. */
async function walk(connection: GoogleConnection, cursor: Walk): Promise<Page> {
  const width = cursor.page === null ? FOLDERS_AT_ONCE : cursor.width;
  const batch = cursor.folders.slice(cursor.done, cursor.done + width);
  const found = await listChildren(connection, batch, cursor.page);
  const files = found.files.filter(({ trashed }) => trashed !== true);
  const folders = [...new Set([...cursor.folders, ...foldersAmong(files)])];
  if (folders.length > MAX_FOLDERS) throw tooManyFolders();
  const done = found.next === null ? cursor.done + batch.length : cursor.done;
  const page = { records: files.map(recordOf), deletedIds: [], hasMore: true };
  if (done < folders.length) {
    const next: Walk = { ...cursor, folders, done, page: found.next, width: batch.length };
    return { ...page, cursor: next };
  }
  const { scope, tokens } = cursor;
  const following: Following = {
    ...{ phase: "changes", scope, tokens, feed: 0, inPass: true, incomplete: false, folders, sweep: null },
  };
  return { ...page, cursor: following };
}

/** One page of changes, or of the contents of folders that changed. */
async function follow(connection: GoogleConnection, cursor: Following): Promise<Page> {
  if (cursor.sweep !== null) return await sweep(connection, { ...cursor, sweep: cursor.sweep });
  const root = connection.config.folder_id;
  const feeds = feedsOf(connection.config);
  const changes = await listChanges(connection, feeds[cursor.feed]!, cursor.tokens[cursor.feed]!);
  const judged = judgeChanges(root, cursor, changes);
  if (judged === null) return startOver(cursor.scope);
  const tokens = cursor.tokens.with(cursor.feed, changes.next);
  const feed = changes.isLast ? cursor.feed + 1 : cursor.feed;
  const next: Following = { ...cursor, tokens, feed, folders: judged.folders, sweep: judged.sweep };
  return await finished(connection, next, pageOf(judged));
}

async function sweep(connection: GoogleConnection, cursor: Following & { sweep: Sweep }): Promise<Page> {
  const isInside = cursor.sweep.inside.length > 0;
  const width = cursor.sweep.page === null ? FOLDERS_AT_ONCE : cursor.sweep.width;
  const folders = (isInside ? cursor.sweep.inside : cursor.sweep.outside).slice(0, width);
  const found = await orFirstPage(cursor.sweep.page, (token) => listChildren(connection, folders, token));
  const judged = judgeChildren(connection.config.folder_id, cursor, { folders, isInside }, found);
  if (judged === null) return startOver(cursor.scope);
  const next: Following = { ...cursor, folders: judged.folders, sweep: judged.sweep };
  return await finished(connection, next, pageOf(judged));
}

/** The page with what comes after it: more, or the end of this run. */
async function finished(
  connection: GoogleConnection,
  next: Following,
  page: Pick<Page, "records" | "deletedIds">,
): Promise<Page> {
  const isLastFeed = next.feed >= feedsOf(connection.config).length;
  if (next.sweep !== null || !isLastFeed) return { ...page, cursor: next, hasMore: true };
  const root = connection.config.folder_id;
  // A folder above the chosen one may have gone to the trash, of which the changes of the chosen one say nothing.
  if (root !== undefined && (await getFile(connection, root)).trashed === true) throw rootIsGone();
  const cursor: Following = { ...next, feed: 0, inPass: false, incomplete: false };
  if (!next.inPass) return { ...page, cursor, hasMore: false };
  if (!next.incomplete) return { ...page, cursor, hasMore: false, completesPass: true };
  const warning = "Google Drive did not search everywhere; what is missing was kept.";
  return { ...page, cursor, hasMore: false, warnings: [warning] };
}

/** What changed can only be told by listing everything again. */
function startOver(scope: string): Page {
  const cursor: Cursor = { phase: "begin", scope };
  return { records: [], deletedIds: [], cursor, hasMore: true };
}
