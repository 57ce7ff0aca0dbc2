/** Folders whose contents are yet to be looked at, because something about the folders changed. */
export type Sweep = {
  /** Folders whose contents belong to what is read, as far as they are not in the trash. */
  inside: string[];
  /** Folders whose contents do not. */
  outside: string[];
  /** Page token within the first batch; null = its first page. */
  page: string | null;
  /** How many folders that batch has: a page token is good for the same search only. */
  width: number;
};

type Common = {
  /** The settings it was made with: others need another beginning. */
  scope: string;
};

/** Everything is to be read, with the next request. */
export type Begin = Common & {
  phase: "begin";
};

/** In the middle of listing, drive by drive. */
export type Listing = Common & {
  phase: "list";
  /** Where the changes of every drive began before the first file was listed. */
  tokens: string[];
  /** The drive that is being listed. */
  feed: number;
  /** null = the first page of that drive. */
  page: string | null;
  incomplete: boolean;
  /** How often this pass began anew because a page token had ended. */
  restarts: number;
};

/** In the middle of listing a folder and those within it. */
export type Walk = Common & {
  phase: "walk";
  tokens: string[];
  /** Folders found so far, the chosen one first. */
  folders: string[];
  /** How many of them are listed. */
  done: number;
  /** Page token within the batch after those; null = its first page. */
  page: string | null;
  width: number;
  restarts: number;
};

/** Following the changes, drive by drive. */
export type Following = Common & {
  phase: "changes";
  tokens: string[];
  feed: number;
  /** Whether this is the end of a pass over everything. */
  inPass: boolean;
  incomplete: boolean;
  /** With a chosen folder: it and those within it. */
  folders: string[];
  sweep: Sweep | null;
};

/** Reading one folder beside the rest, because a run asked for it. */
export type FolderRun = Common & {
  phase: "folder";
  folder: string;
  /** Folders that are yet to be listed. */
  queue: string[];
  page: string | null;
  width: number;
  /** Where the rest goes on afterwards. */
  rest: DriveCursor;
};

/** Where reading Drive goes on. */
export type DriveCursor = Begin | Listing | Walk | Following | FolderRun;
