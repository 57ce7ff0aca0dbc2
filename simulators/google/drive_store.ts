import { ChangeLog } from "./change_log.ts";

export const FOLDER = "application/vnd.google-apps.folder";

/** A file or folder, with what the simulator alone knows of it. */
export interface DriveItem {
  id: string;
  name: string;
  mimeType: string;
  parents: string[];
  driveId?: string;
  /** null = a file of Google's own kinds, or a folder: those have no size. */
  sizeBytes: number | null;
  version: number;
  createdTime: string;
  modifiedTime: string;
  /** Itself or with a folder above it. */
  trashed: boolean;
  explicitlyTrashed: boolean;
  /** false = it is not shared with the account any more. */
  isShared: boolean;
  /** Order of creation. */
  position: number;
}

/** A shared drive. */
export interface SharedDrive {
  id: string;
  name: string;
  isMember: boolean;
}

/** What a new file is; left out = a spreadsheet in the account's own drive. */
export interface NewItem {
  name?: string;
  mimeType?: string;
  parent?: string;
  sizeBytes?: number;
}

const FIRST_INSTANT_MS = Date.parse("2026-11-20T08:00:00Z");

/**
 * One account's Drive: its files and folders, shared drives, and what changed. Trash takes along what lies in a folder, and
 * tells of the folder only; what is deleted or no longer shared is told file by file.
 */
export class DriveStore {
  readonly rootId = newId("0A");
  /** By order of creation; a hole is a file that was deleted. */
  readonly order: (DriveItem | undefined)[] = [];
  readonly items = new Map<string, DriveItem>();
  readonly drives = new Map<string, SharedDrive>();
  readonly log = new ChangeLog();
  readonly #logs = new Map<string, ChangeLog>();
  readonly #children = new Map<string, Set<DriveItem>>();
  #instants = 0;

  /** The change log of a shared drive. */
  logOf(driveId: string): ChangeLog | undefined {
    return this.#logs.get(driveId);
  }

  /** What lies in a folder. */
  childrenOf(id: string): ReadonlySet<DriveItem> {
    return this.#children.get(id) ?? new Set();
  }

  /** Whether the account sees it. */
  sees(item: DriveItem): boolean {
    return item.isShared && (item.driveId === undefined || this.drives.get(item.driveId)?.isMember === true);
  }

  /** Folders it lies in that the account sees; a file may be shared without its folder. */
  visibleParents(item: DriveItem): string[] {
    return item.parents.filter((id) => this.seesFolder(id));
  }

  seesFolder(id: string): boolean {
    const folder = this.items.get(id);
    if (folder !== undefined) return this.sees(folder);
    return id === this.rootId || this.drives.get(id)?.isMember === true;
  }

  createFile(given: NewItem = {}): DriveItem {
    const parent = given.parent ?? this.rootId;
    const driveId = this.drives.has(parent) ? parent : this.items.get(parent)?.driveId;
    const now = this.#now();
    const position = this.order.length;
    const item: DriveItem = {
      id: newId("1"),
      name: given.name ?? `File ${position}`,
      mimeType: given.mimeType ?? "application/vnd.google-apps.spreadsheet",
      parents: [parent],
      ...driveId === undefined ? {} : { driveId },
      sizeBytes: given.sizeBytes ?? null,
      version: 1,
      ...{ createdTime: now, modifiedTime: now },
      trashed: this.items.get(parent)?.trashed ?? false,
      ...{ explicitlyTrashed: false, isShared: true, position },
    };
    this.order.push(item);
    this.items.set(item.id, item);
    this.#hang(item, parent);
    this.#told(item);
    return item;
  }

  createFolder(name: string, parent?: string): DriveItem {
    return this.createFile({ name, mimeType: FOLDER, ...parent === undefined ? {} : { parent } });
  }

  rename(id: string, name: string): void {
    const item = this.#item(id);
    item.name = name;
    this.#changed(item);
  }

  /** Into another folder, or another drive; what lies in a folder goes along without being told of. */
  move(id: string, parent: string): void {
    const item = this.#item(id);
    for (
      let above: string | undefined = parent;
      above !== undefined;
      above = this.items.get(above)?.parents[0]
    ) {
      if (above === id) throw new Error("A folder cannot move into itself");
    }
    for (const old of item.parents) this.#children.get(old)?.delete(item);
    item.parents = [parent];
    this.#hang(item, parent);
    const driveId = this.drives.has(parent) ? parent : this.items.get(parent)?.driveId;
    if (driveId !== item.driveId) this.#moveToDrive(item, driveId);
    this.#inheritTrash(item);
    this.#changed(item);
  }

  trash(id: string): void {
    const item = this.#item(id);
    item.explicitlyTrashed = true;
    this.#inheritTrash(item);
    this.#changed(item);
  }

  untrash(id: string): void {
    const item = this.#item(id);
    item.explicitlyTrashed = false;
    this.#inheritTrash(item);
    this.#changed(item);
  }

  /** For good, with everything in it. */
  delete(id: string): void {
    for (const item of this.#subtree(this.#item(id))) {
      this.items.delete(item.id);
      this.order[item.position] = undefined;
      for (const parent of item.parents) this.#children.get(parent)?.delete(item);
      this.#told(item);
    }
  }

  /** Its owner takes the account's access away, or gives it back; a folder with everything in it. */
  share(id: string, isShared: boolean): void {
    for (const item of this.#subtree(this.#item(id))) {
      item.isShared = isShared;
      this.#told(item);
    }
  }

  createDrive(name: string): SharedDrive {
    const drive = { id: newId("0A"), name, isMember: true };
    this.drives.set(drive.id, drive);
    this.#logs.set(drive.id, new ChangeLog());
    this.log.add("drive", drive.id, this.#now());
    return drive;
  }

  /** The account leaves a shared drive or joins it; its files are not told one by one. */
  setMember(driveId: string, isMember: boolean): void {
    this.drives.get(driveId)!.isMember = isMember;
    this.log.add("drive", driveId, this.#now());
  }

  #item(id: string): DriveItem {
    const item = this.items.get(id);
    if (!item) throw new Error(`There is no file ${id}`);
    return item;
  }

  #hang(item: DriveItem, parent: string): void {
    if (!this.#children.has(parent)) this.#children.set(parent, new Set());
    this.#children.get(parent)!.add(item);
  }

  #changed(item: DriveItem): void {
    item.version++;
    item.modifiedTime = this.#now();
    this.#told(item);
  }

  #told(item: DriveItem): void {
    const now = this.#now();
    this.log.add("file", item.id, now);
    if (item.driveId !== undefined) this.#logs.get(item.driveId)?.add("file", item.id, now);
  }

  #moveToDrive(top: DriveItem, driveId: string | undefined): void {
    for (const item of this.#subtree(top)) {
      this.#told(item);
      if (driveId === undefined) delete item.driveId;
      else item.driveId = driveId;
      this.#told(item);
    }
  }

  #inheritTrash(top: DriveItem): void {
    for (const item of this.#subtree(top)) {
      const above = item.parents.some((parent) => this.items.get(parent)?.trashed === true);
      const isTrashed = item.explicitlyTrashed || above;
      const standsAlone = item !== top && item.trashed !== isTrashed &&
        this.visibleParents(item).length === 0;
      item.trashed = isTrashed;
      // Shared without its folder: nothing above it that the account sees could tell of it.
      if (standsAlone) this.#told(item);
    }
  }

  /** It and everything below it, from above to below. */
  #subtree(top: DriveItem): DriveItem[] {
    const found = [top];
    for (let at = 0; at < found.length; at++) found.push(...this.childrenOf(found[at]!.id));
    return found;
  }

  #now(): string {
    return new Date(FIRST_INSTANT_MS + this.#instants++ * 1000).toISOString();
  }
}

function newId(beginning: string): string {
  return `${beginning}${crypto.randomUUID().replaceAll("-", "")}`;
}
