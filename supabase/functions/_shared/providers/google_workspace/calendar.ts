import type { calendar_v3 } from "@googleapis/calendar";
import { ProviderError } from "../provider_error.ts";
import type { Page, Source } from "../source.ts";
import { orAnew } from "./anew.ts";
import { recordsOf } from "./calendar_events.ts";
import { type GoogleConnection, googleGet, listed } from "./client.ts";
import type { GoogleConfig, GoogleGrant } from "./settings.ts";

/** The most that Calendar gives is 2500; these are larger than files. */
export const PAGE_SIZE = 1000;

/** Where each calendar goes on; null = it is yet to be listed. */
type Tokens = (string | null)[];

type CalendarCursor = {
  /** "replay" asks once more for what changed while the calendars were listed. */
  phase: "list" | "replay" | "changes";
  scope: string;
  /** Sync tokens, in the order of the settings. */
  tokens: Tokens;
  /** The calendar that is being read. */
  at: number;
  /** Page token within it; null = its first page. */
  page: string | null;
  /** How often this pass began anew because a page token had ended. */
  restarts: number;
};

/**
 * Events of the chosen calendars. A series is one event with its rule, beside what differs from it. A pass lists calendar
 * by calendar, then asks with the new sync tokens for what changed meanwhile.
 */
export const calendarEvents: Source<GoogleConfig, GoogleGrant> = {
  stream: "calendar_events",
  table: "google_calendar_events",
  entityType: "calendar_event",
  functionName: "google-calendar-sync",
  async read({ connection, cursor: given }) {
    const scope = connection.config.calendar_ids.join(" ");
    const cursor = given as CalendarCursor | null;
    if (cursor === null) {
      return await begin(connection, scope);
    }
    if (cursor.scope !== scope) {
      throw new ProviderError(
        "cursor_expired",
        "The settings name other calendars than before; everything is read anew.",
      );
    }
    if (cursor.phase !== "list") return await step(connection, cursor);
    return await orAnew(
      "Google Calendar",
      cursor.restarts,
      () => step(connection, cursor),
      (restarts) => begin(connection, scope, restarts),
    );
  },
};

/** The first step of a pass. */
async function begin(connection: GoogleConnection, scope: string, restarts = 0): Promise<Page> {
  const tokens = connection.config.calendar_ids.map(() => null);
  const first: CalendarCursor = { phase: "list", scope, tokens, at: 0, page: null, restarts };
  return { ...await step(connection, first), beginsPass: true };
}

/** One page of one calendar. */
async function step(connection: GoogleConnection, cursor: CalendarCursor): Promise<Page> {
  const calendars = connection.config.calendar_ids;
  const calendar = calendars[cursor.at]!;
  const answer = await eventsPage(connection, calendar, cursor);
  const page = await recordsOf(calendar, listed("calendar", answer.items));
  if (answer.nextPageToken) {
    return { ...page, cursor: { ...cursor, page: answer.nextPageToken }, hasMore: true };
  }
  const token = answer.nextSyncToken;
  if (!token) {
    throw new ProviderError("malformed_answer", "Google Calendar gave no checkpoint with its last page.");
  }
  const tokens = cursor.tokens.with(cursor.at, token);
  const next: CalendarCursor = { ...cursor, tokens, at: cursor.at + 1, page: null };
  if (next.at < calendars.length) return { ...page, cursor: next, hasMore: true };
  if (cursor.phase === "list") return { ...page, cursor: { ...next, phase: "replay", at: 0 }, hasMore: true };
  const isPass = cursor.phase === "replay" ? { completesPass: true } : {};
  return { ...page, cursor: { ...next, phase: "changes", at: 0 }, hasMore: false, ...isPass };
}

async function eventsPage(
  connection: GoogleConnection,
  calendar: string,
  cursor: CalendarCursor,
): Promise<calendar_v3.Schema$Events> {
  const syncToken = cursor.phase === "list" ? null : cursor.tokens[cursor.at];
  // Parameters must be the same from the first page to the last change; the tokens alone differ.
  const parameters: Omit<calendar_v3.Params$Resource$Events$List, "calendarId"> = {
    ...{ maxResults: PAGE_SIZE, singleEvents: false },
    ...syncToken && { syncToken },
    ...cursor.page !== null && { pageToken: cursor.page },
  };
  const path = `/calendars/${encodeURIComponent(calendar)}/events`;
  return await googleGet(connection, "calendar", path, parameters);
}
