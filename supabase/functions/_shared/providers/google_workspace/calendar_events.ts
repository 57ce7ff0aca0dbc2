import type { calendar_v3 } from "@googleapis/calendar";
import type { PlainJson, SourceRecord } from "../source.ts";
import { malformed, shortened } from "./client.ts";

const MAX_ID_CHARS = 200;

/** Events of a page: those that take place, and identifiers of those that were cancelled. */
export async function recordsOf(
  calendar: string,
  items: calendar_v3.Schema$Event[],
): Promise<{ records: SourceRecord[]; deletedIds: string[] }> {
  const [records, deletedIds]: [SourceRecord[], string[]] = [[], []];
  for (const event of items) {
    if (!event.id) throw malformed("calendar");
    const externalId = await externalIdOf(calendar, event.id);
    if (event.status === "cancelled") deletedIds.push(externalId);
    else records.push({ externalId, values: valuesOf(calendar, event) });
  }
  return { records, deletedIds };
}

/**
 * An event's identifier within a connector: guests' calendars have the same event under the same identifier. Google allows
 * up to 1024 characters; what is too long for the hub is hashed.
 */
export async function externalIdOf(calendar: string, id: string): Promise<string> {
  const whole = `${calendar}/${id}`;
  if (whole.length <= MAX_ID_CHARS) return whole;
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(whole));
  const hex = [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return `sha256:${hex}`;
}

/** An event as a row of google_calendar_events. Guests and the description stay at Google. */
function valuesOf(calendar: string, event: calendar_v3.Schema$Event): { [column: string]: PlainJson } {
  return {
    calendar_id: calendar,
    event_id: shortened(event.id, 1024),
    status: shortened(event.status, 50),
    summary: shortened(event.summary, 2000),
    location: shortened(event.location, 2000),
    is_all_day: event.start?.date !== undefined && event.start.date !== null,
    starts_at: event.start?.dateTime ?? null,
    ends_at: event.end?.dateTime ?? null,
    start_date: event.start?.date ?? null,
    end_date: event.end?.date ?? null,
    time_zone: shortened(event.start?.timeZone, 100),
    organizer_email: shortened(event.organizer?.email, 320),
    recurrence: event.recurrence ?? null,
    recurring_event_id: shortened(event.recurringEventId, 1024),
    ical_uid: shortened(event.iCalUID, 1024),
    web_link: shortened(event.htmlLink, 2000),
    event_updated_at: event.updated ?? null,
  };
}
