import { answered, invalidParameter, notFound, Refusal } from "./answers.ts";
import { type CalendarEvent, CalendarStore } from "./calendar_store.ts";
import { openToken, Parameters, sealToken, searchMark } from "./parameters.ts";

const MAX_PAGE = 2500;
const KNOWN = [
  ...[
    "maxResults",
    "pageToken",
    "syncToken",
    "singleEvents",
    "showDeleted",
    "timeMin",
    "timeMax",
    "updatedMin",
  ],
  ...["orderBy", "q", "iCalUID", "privateExtendedProperty", "sharedExtendedProperty", "fields", "timeZone"],
];
/** What may not come with a sync token. */
const NOT_WITH_TOKEN = [
  ...["iCalUID", "orderBy", "privateExtendedProperty", "q", "sharedExtendedProperty"],
  ...["timeMin", "timeMax", "updatedMin"],
];

interface Token {
  kind: "page" | "changes_page" | "sync";
  /** Of the next event or change. */
  at: number;
  /** Where the sync token at the end will begin. */
  since: number;
  search: string;
  epoch: number;
}

/** Google Calendar, version 3, as far as reading events goes. */
export class CalendarApi {
  /** By name of the calendar; "primary" stands for the account's own. */
  readonly calendars = new Map<string, CalendarStore>();
  /** Called before every page, so that a test can edit between any two. */
  beforePage: () => void = () => {};
  #epoch = 0;

  constructor(readonly emailAddress: string) {
    this.calendars.set(emailAddress, new CalendarStore());
  }

  get primary(): CalendarStore {
    return this.calendars.get(this.emailAddress)!;
  }

  /** Page and sync tokens that were given out so far are too old from now on. */
  expireTokens(): void {
    this.#epoch++;
  }

  /** Answers a GET below /calendar/v3. */
  answer(path: string, query: URLSearchParams): Response {
    const [, name] = /^\/calendars\/([^/]+)\/events$/.exec(path) ?? [];
    if (name === undefined) throw notFound("Not Found");
    const decoded = decodeURIComponent(name);
    const calendar = this.calendars.get(decoded === "primary" ? this.emailAddress : decoded);
    if (!calendar) throw notFound("Not Found");
    this.beforePage();
    const parameters = new Parameters(query, KNOWN);
    return parameters.text("syncToken") === null
      ? this.#list(calendar, decoded, parameters)
      : this.#changes(calendar, decoded, parameters);
  }

  #list(calendar: CalendarStore, name: string, parameters: Parameters): Response {
    const search = searchOf(name, parameters);
    const token = this.#token(parameters.text("pageToken"), "page", search) ??
      { at: calendar.order.length - 1, since: calendar.changes.length };
    const withCancelled = parameters.flag("showDeleted", false);
    const count = parameters.count("maxResults", 250, MAX_PAGE);
    const items: CalendarEvent[] = [];
    let at = token.at;
    for (; at >= 0 && items.length < count; at--) {
      const event = calendar.order[at]!;
      if (withCancelled || !event.isCancelled) items.push(event);
    }
    const next = at < 0 ? null : { kind: "page", at, since: token.since };
    return this.#answer(items, next, token.since, search, name);
  }

  #changes(calendar: CalendarStore, name: string, parameters: Parameters): Response {
    for (const other of NOT_WITH_TOKEN) {
      if (parameters.text(other) === null) continue;
      throw invalidParameter(other, "Sync token cannot be used together with other request parameters.");
    }
    if (!parameters.flag("showDeleted", true)) {
      throw invalidParameter("showDeleted", "Deleted events cannot be excluded from an incremental sync.");
    }
    const search = searchOf(name, parameters);
    const sync = this.#token(parameters.text("syncToken"), "sync", search)!;
    const token = this.#token(parameters.text("pageToken"), "changes_page", search) ??
      { at: sync.since, since: calendar.changes.length };
    const count = parameters.count("maxResults", 250, MAX_PAGE);
    const items: CalendarEvent[] = [];
    let at = token.at;
    for (; at < token.since && items.length < count; at++) {
      const id = calendar.changes[at]!;
      if (calendar.latest.get(id) === at) items.push(calendar.events.get(id)!);
    }
    const next = at >= token.since ? null : { kind: "changes_page", at, since: token.since };
    return this.#answer(items, next, token.since, search, name);
  }

  #answer(
    items: CalendarEvent[],
    next: object | null,
    since: number,
    search: string,
    summary: string,
  ): Response {
    const common = { search, epoch: this.#epoch };
    return answered({
      ...{ kind: "calendar#events", summary, timeZone: "Asia/Riyadh", accessRole: "owner" },
      ...next === null
        ? { nextSyncToken: sealToken({ kind: "sync", at: 0, since, ...common }) }
        : { nextPageToken: sealToken({ ...next, ...common }) },
      items: items.map((event) => this.json(event)),
    });
  }

  #token(text: string | null, kind: Token["kind"], search: string): Pick<Token, "at" | "since"> | null {
    if (text === null) return null;
    const token = openToken<Token>(text);
    const location = kind === "sync" ? "syncToken" : "pageToken";
    if (token?.kind !== kind || token.search !== search) throw invalidParameter(location);
    if (token.epoch === this.#epoch) return token;
    if (kind === "page") throw invalidParameter(location);
    throw new Refusal({
      code: 410,
      message: "Sync token is no longer valid, a full sync is required.",
      ...{ domain: "calendar", reason: "fullSyncRequired", location, locationType: "parameter" },
    });
  }

  /** An event as the API shows it; of a cancelled one little more than its name. */
  json(event: CalendarEvent): Record<string, unknown> {
    const { id, summary, updated, location, recurrence } = event;
    const etag = `"${Date.parse(updated)}"`;
    if (event.isCancelled) return { kind: "calendar#event", etag, id, status: "cancelled" };
    const time = (text: string) =>
      text.length === 10 ? { date: text } : { dateTime: text, timeZone: "Asia/Riyadh" };
    return {
      ...{ kind: "calendar#event", etag, id, status: "confirmed", summary, updated },
      htmlLink: `https://www.google.com/calendar/event?eid=${id}`,
      ...location === undefined ? {} : { location },
      ...recurrence === undefined ? {} : { recurrence },
      organizer: { email: this.emailAddress, self: true },
      ...{ start: time(event.start), end: time(event.end), iCalUID: `${id}@google.com` },
    };
  }
}

/** What must be the same from the first request to the last. */
function searchOf(calendar: string, parameters: Parameters): string {
  return searchMark([calendar, parameters.flag("singleEvents", false)]);
}
