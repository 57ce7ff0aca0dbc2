import { ProviderError } from "../provider_error.ts";
import type { Following, Sweep } from "./drive_cursor.ts";
import { type ChangePage, type DriveFile, FOLDER, recordOf } from "./drive_files.ts";
import type { Page, SourceRecord } from "../source.ts";

/** More folders than this do not fit into a checkpoint. */
export const MAX_FOLDERS = 2000;

/** What a page of Drive means for what is stored. */
export interface Sorted {
  records: SourceRecord[];
  deletedIds: string[];
}

/**
 * What some changes mean, beyond the files they name. Drive tells of a folder that was moved, put into the trash or taken
 * out of it, and need not tell of what lies in it: so its contents are looked through.
 */
export interface Judged extends Sorted {
  folders: string[];
  sweep: Sweep | null;
}

/**
 * Judges a page of changes.
 *
 * @param root - the folder that is read with all within it; undefined = everything.
 * @returns null when only a new listing can tell what is there now.
 * @throws {ProviderError} misconfigured, when the chosen folder is gone.
 */
export function judgeChanges(
  root: string | undefined,
  cursor: Pick<Following, "folders" | "sweep">,
  changes: ChangePage,
): Judged | null {
  if (root !== undefined) checkRoot(root, changes);
  const folders = new Set(cursor.folders);
  if (changes.drivesChanged || changes.removed.some((id) => folders.has(id))) return null;
  const { inside, outside } = { inside: [] as string[], outside: [] as string[] };
  const kept = new Map<string, DriveFile>();
  const gone = new Set(changes.removed);
  for (const file of changes.files.filter(({ id }) => id !== root)) {
    const belongs = file.trashed !== true && (root === undefined || liesIn(file, folders));
    if (belongs) kept.set(file.id, file);
    else gone.add(file.id);
    if (file.mimeType !== FOLDER) continue;
    if (root === undefined || (belongs && !folders.has(file.id))) inside.push(file.id);
    else if (!belongs && folders.has(file.id)) outside.push(file.id);
    if (root !== undefined) belongs ? folders.add(file.id) : folders.delete(file.id);
  }
  const sweep = sweepOf([...cursor.sweep?.inside ?? [], ...inside], [
    ...cursor.sweep?.outside ?? [],
    ...outside,
  ]);
  if (isTooMuch(folders.size, sweep)) return overflow(root, folders.size);
  const deletedIds = [...gone].filter((id) => !kept.has(id));
  return { records: [...kept.values()].map(recordOf), deletedIds, folders: [...folders], sweep };
}

/**
 * Judges a page of what lies in some folders.
 *
 * @returns null when there are too many folders to look through; a new listing is cheaper then.
 */
export function judgeChildren(
  root: string | undefined,
  cursor: Pick<Following, "folders"> & { sweep: Sweep },
  batch: { folders: string[]; isInside: boolean },
  found: { files: DriveFile[]; next: string | null },
): Judged | null {
  const folders = new Set(cursor.folders);
  const { inside, outside } = rest(cursor.sweep, batch, found.next === null);
  const { records, deletedIds }: Sorted = { records: [], deletedIds: [] };
  for (const file of found.files.filter(({ id }) => id !== root)) {
    const belongs = batch.isInside && file.trashed !== true;
    if (belongs) records.push(recordOf(file));
    else deletedIds.push(file.id);
    if (file.mimeType !== FOLDER) continue;
    (root === undefined || belongs ? inside : outside).push(file.id);
    if (root !== undefined) belongs ? folders.add(file.id) : folders.delete(file.id);
  }
  const sweep = sweepOf(inside, outside, found.next, batch.folders.length);
  if (isTooMuch(folders.size, sweep)) return overflow(root, folders.size);
  return { records, deletedIds, folders: [...folders], sweep };
}

/** What a page says in the engine's words. */
export function pageOf(judged: Sorted): Pick<Page, "records" | "deletedIds"> {
  return { records: judged.records, deletedIds: judged.deletedIds };
}

function liesIn(file: DriveFile, folders: ReadonlySet<string>): boolean {
  return file.parents?.some((parent) => folders.has(parent)) ?? false;
}

/** @throws {ProviderError} when the chosen folder itself is in the trash, deleted, or not shared any more. */
function checkRoot(root: string, changes: ChangePage): void {
  if (changes.removed.includes(root)) throw rootIsGone();
  if (changes.files.some(({ id, trashed }) => id === root && trashed === true)) throw rootIsGone();
}

/** The error of a chosen folder that cannot be read any more. What was stored of it stays until somebody decides. */
export function rootIsGone(): ProviderError {
  return new ProviderError(
    "misconfigured",
    "The chosen folder is in the trash, deleted, or not shared with this account any more. Restore it or choose another.",
  );
}

function rest(sweep: Sweep, batch: { folders: string[]; isInside: boolean }, isDone: boolean) {
  const without = (ids: string[]) => ids.slice(batch.folders.length);
  return {
    inside: batch.isInside && isDone ? without(sweep.inside) : [...sweep.inside],
    outside: !batch.isInside && isDone ? without(sweep.outside) : [...sweep.outside],
  };
}

function sweepOf(inside: string[], outside: string[], page: string | null = null, width = 0): Sweep | null {
  return inside.length + outside.length === 0 ? null : { inside, outside, page, width };
}

function isTooMuch(folders: number, sweep: Sweep | null): boolean {
  return folders + (sweep?.inside.length ?? 0) + (sweep?.outside.length ?? 0) > MAX_FOLDERS;
}

/** Without a chosen folder, or with room for its folders, a new listing does it; otherwise nothing would. */
function overflow(root: string | undefined, folders: number): null {
  if (root !== undefined && folders > MAX_FOLDERS) throw tooManyFolders();
  return null;
}

export function tooManyFolders(): ProviderError {
  return new ProviderError(
    "misconfigured",
    `The chosen folder has more than ${MAX_FOLDERS} folders within it. Choose a smaller one, or leave it out to read the whole Drive.`,
  );
}
