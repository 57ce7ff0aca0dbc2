import { answered, invalidParameter, notFound } from "./answers.ts";
import type { Change } from "./change_log.ts";
import { type DriveQuery, parseQuery } from "./drive_query.ts";
import { type DriveItem, DriveStore, FOLDER } from "./drive_store.ts";
import { fieldMask } from "./field_mask.ts";
import { openToken, Parameters, sealToken, searchMark } from "./parameters.ts";

const MAX_PAGE = 1000;

const FIELDS = new Set(
  ("kind nextPageToken newStartPageToken startPageToken incompleteSearch files changes file user drive fileId driveId " +
    "changeType time removed type id name mimeType parents size md5Checksum version createdTime modifiedTime trashed " +
    "explicitlyTrashed webViewLink owners emailAddress displayName permissionId me").split(" "),
);
const LIST = ["q", "fields", "pageSize", "pageToken", "orderBy", "corpora", "driveId", "spaces"];
const ALL_DRIVES = ["includeItemsFromAllDrives", "supportsAllDrives"];
const CHANGES = [
  ...["pageToken", "pageSize", "fields", "driveId", "spaces"],
  ...["includeRemoved", "includeCorpusRemovals", "restrictToMyDrive"],
];

interface ListToken {
  /** Of the next file. */
  position: number;
  /** The search it belongs to. */
  search: string;
  epoch: number;
}

/** Google Drive, version 3, as far as reading goes. */
export class DriveApi {
  readonly store = new DriveStore();
  /** What files.list says with `corpora=allDrives`. */
  incompleteSearch = false;
  /** Called before every page, so that a test can edit between any two. */
  beforePage: () => void = () => {};
  #epoch = 0;

  constructor(readonly user: { emailAddress: string; displayName: string }) {}

  /** Page tokens of listings that were given out so far are refused from now on. */
  expirePageTokens(): void {
    this.#epoch++;
  }

  /** Answers a GET below /drive/v3. */
  answer(path: string, query: URLSearchParams): Response {
    const [, id] = /^\/(?:files|drives)\/([^/]+)$/.exec(path) ?? [];
    if (path === "/files") return this.#files(query);
    if (path === "/changes/startPageToken") return this.#startPageToken(query);
    if (path === "/changes") return this.#changes(query);
    if (path === "/about") return this.#about(query);
    if (id !== undefined && path.startsWith("/files/")) return this.#file(decodeURIComponent(id), query);
    if (id !== undefined) return this.#drive(decodeURIComponent(id), query);
    throw notFound("Not Found");
  }

  #about(query: URLSearchParams): Response {
    const fields = new Parameters(query, ["fields"]).text("fields");
    if (fields === null) {
      throw invalidParameter("fields", "The 'fields' parameter is required for this method.", "required");
    }
    const user = { kind: "drive#user", ...this.user, me: true };
    return answered(fieldMask(fields, FIELDS)({ kind: "drive#about", user }));
  }

  #file(id: string, query: URLSearchParams): Response {
    const parameters = new Parameters(query, ["fields", ...ALL_DRIVES]);
    const item = this.store.items.get(id);
    const isRoot = id === "root" || id === this.store.rootId;
    const asked = parameters.flag("supportsAllDrives", false);
    const drive = asked ? this.store.drives.get(id) : undefined;
    const keep = fieldMask(parameters.text("fields") ?? "kind,id,name,mimeType", FIELDS);
    if (isRoot || drive?.isMember) {
      const name = drive?.name ?? "My Drive";
      const driveId = drive && { driveId: drive.id };
      const folder = {
        kind: "drive#file",
        id: drive?.id ?? this.store.rootId,
        name,
        mimeType: FOLDER,
        ...driveId,
      };
      return answered(keep({ ...folder, trashed: false }));
    }
    if (!item || !this.store.sees(item) || (item.driveId !== undefined && !asked)) {
      throw notFound(`File not found: ${id}.`);
    }
    return answered(keep(this.json(item)));
  }

  #drive(id: string, query: URLSearchParams): Response {
    const keep = fieldMask(new Parameters(query, ["fields"]).text("fields") ?? "kind,id,name", FIELDS);
    const drive = this.#memberDrive(id);
    return answered(keep({ kind: "drive#drive", id: drive.id, name: drive.name }));
  }

  #files(query: URLSearchParams): Response {
    this.beforePage();
    const parameters = new Parameters(query, [...LIST, ...ALL_DRIVES]);
    const corpora = parameters.text("corpora") ?? "user";
    const driveId = this.#driveId(parameters, corpora);
    const search = parseQuery(parameters.text("q"));
    const allDrives = parameters.flag("includeItemsFromAllDrives", false);
    const matches = (item: DriveItem) =>
      this.store.sees(item) && search.matches(item) &&
      (driveId !== null
        ? item.driveId === driveId
        : item.driveId === undefined || (corpora === "allDrives" && allDrives));
    const token = this.#listToken(parameters);
    const count = parameters.count("pageSize", 100, MAX_PAGE);
    const { items, next } = this.#page(search, matches, token.position, count);
    const keep = fieldMask(
      parameters.text("fields") ?? "nextPageToken,kind,incompleteSearch,files(kind,id,name,mimeType)",
      FIELDS,
    );
    return answered(keep({
      kind: "drive#fileList",
      incompleteSearch: this.incompleteSearch && corpora === "allDrives",
      ...next === null ? {} : { nextPageToken: sealToken({ ...token, position: next }) },
      files: items.map((item) => this.json(item)),
    }));
  }

  /** The newest first: what is created while somebody pages is missed by the listing. */
  #page(search: DriveQuery, matches: (item: DriveItem) => boolean, from: number, count: number) {
    const items: DriveItem[] = [];
    if (search.parents === null) {
      let at = Math.min(from, this.store.order.length - 1);
      for (; at >= 0 && items.length < count; at--) {
        const item = this.store.order[at];
        if (item && matches(item)) items.push(item);
      }
      return { items, next: at < 0 ? null : at };
    }
    for (const id of search.parents) if (!this.store.seesFolder(id)) throw notFound("File not found: .");
    const found = [...search.parents].flatMap((id) => [...this.store.childrenOf(id)])
      .filter((item) => item.position <= from && matches(item))
      .sort((one, other) => other.position - one.position);
    return { items: found.slice(0, count), next: found[count]?.position ?? null };
  }

  #listToken(parameters: Parameters): ListToken {
    const named = ["q", "corpora", "driveId", "orderBy", "spaces"].map((name) => parameters.text(name));
    const search = searchMark(named);
    const text = parameters.text("pageToken");
    if (text === null) return { position: Number.MAX_SAFE_INTEGER, search, epoch: this.#epoch };
    const token = openToken<ListToken>(text);
    if (token?.search !== search || token.epoch !== this.#epoch) throw invalidParameter("pageToken");
    return token;
  }

  #startPageToken(query: URLSearchParams): Response {
    const parameters = new Parameters(query, ["fields", "driveId", "supportsAllDrives"]);
    const driveId = parameters.text("driveId");
    if (driveId !== null && !parameters.flag("supportsAllDrives", false)) {
      throw notFound(`Shared drive not found: ${driveId}`);
    }
    const log = driveId === null ? this.store.log : this.store.logOf(this.#memberDrive(driveId).id)!;
    const keep = fieldMask(parameters.text("fields") ?? "*", FIELDS);
    return answered(keep({ kind: "drive#startPageToken", startPageToken: String(log.next) }));
  }

  #changes(query: URLSearchParams): Response {
    this.beforePage();
    const parameters = new Parameters(query, [...CHANGES, ...ALL_DRIVES]);
    const driveId = this.#driveId(parameters, parameters.text("driveId") === null ? "user" : "drive");
    const log = driveId === null ? this.store.log : this.store.logOf(driveId)!;
    const number = Number(parameters.text("pageToken") ?? "");
    if (!log.knows(number)) throw invalidParameter("pageToken");
    const count = parameters.count("pageSize", 100, MAX_PAGE);
    const allDrives = parameters.flag("includeItemsFromAllDrives", false) &&
      !parameters.flag("restrictToMyDrive", false);
    const includeRemoved = parameters.flag("includeRemoved", true);
    const { changes, next } = log.from(
      number,
      count,
      (change) => this.#tells(change, driveId, allDrives, includeRemoved),
    );
    const keep = fieldMask(parameters.text("fields") ?? "*", FIELDS);
    return answered(keep({
      kind: "drive#changeList",
      ...next < log.next ? { nextPageToken: String(next) } : { newStartPageToken: String(next) },
      changes: changes.map((change) => this.#changeJson(change, driveId)),
    }));
  }

  #tells(change: Change, driveId: string | null, allDrives: boolean, includeRemoved: boolean): boolean {
    if (change.kind === "drive") return allDrives;
    const item = this.#seen(change.id, driveId);
    if (item === undefined) return includeRemoved;
    return allDrives || item.driveId === undefined;
  }

  #seen(id: string, driveId: string | null): DriveItem | undefined {
    const item = this.store.items.get(id);
    const isInside = driveId === null || item?.driveId === driveId;
    return item && isInside && this.store.sees(item) ? item : undefined;
  }

  #changeJson(change: Change, driveId: string | null): Record<string, unknown> {
    const { kind: changeType, id, time } = change;
    if (changeType === "drive") {
      const drive = this.store.drives.get(id)!;
      const state = drive.isMember ? { drive: { kind: "drive#drive", id, name: drive.name } } : {};
      return { kind: "drive#change", changeType, time, removed: !drive.isMember, driveId: id, ...state };
    }
    const item = this.#seen(id, driveId);
    const file = item ? { file: this.json(item) } : {};
    return { kind: "drive#change", changeType, time, removed: item === undefined, fileId: id, ...file };
  }

  #driveId(parameters: Parameters, corpora: string): string | null {
    if (!["user", "drive", "allDrives", "domain"].includes(corpora)) throw invalidParameter("corpora");
    const driveId = parameters.text("driveId");
    if ((driveId !== null) !== (corpora === "drive")) {
      throw invalidParameter(
        "driveId",
        "The driveId parameter must be specified if and only if corpora is set to drive.",
      );
    }
    if (driveId === null && corpora !== "allDrives") return null;
    for (const name of ALL_DRIVES) {
      if (!parameters.flag(name, false)) throw invalidParameter(name, `The ${name} parameter must be true.`);
    }
    return driveId === null ? null : this.#memberDrive(driveId).id;
  }

  #memberDrive(id: string) {
    const drive = this.store.drives.get(id);
    if (!drive?.isMember) throw notFound(`Shared drive not found: ${id}`);
    return drive;
  }

  /** A file as the API shows it: numbers of 64 bits are strings, Google's own kinds have no size. */
  json(item: DriveItem): Record<string, unknown> {
    const { id, name, mimeType, driveId, createdTime, modifiedTime, trashed, explicitlyTrashed } = item;
    const parents = this.store.visibleParents(item);
    const size = item.sizeBytes === null
      ? {}
      : { size: String(item.sizeBytes), md5Checksum: "9e107d9d372bb6826bd81d3542a419d6" };
    return {
      ...{ kind: "drive#file", id, name, mimeType },
      ...parents.length > 0 && { parents },
      ...driveId === undefined ? { owners: [{ kind: "drive#user", ...this.user }] } : { driveId },
      ...size,
      ...{ version: String(item.version), createdTime, modifiedTime, trashed, explicitlyTrashed },
      webViewLink: `https://drive.google.com/file/d/${id}/view`,
    };
  }
}
