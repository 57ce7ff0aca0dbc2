/** An event, with what the simulator alone knows of it. */
export interface CalendarEvent {
  id: string;
  summary: string;
  isCancelled: boolean;
  /** An instant with its offset, or a day for an event that lasts all day. */
  start: string;
  end: string;
  location?: string;
  recurrence?: string[];
  updated: string;
  position: number;
}

/** What a new event is; left out = a meeting of half an hour. */
export type NewEvent = Partial<Pick<CalendarEvent, "summary" | "start" | "end" | "location" | "recurrence">>;

const FIRST_INSTANT_MS = Date.parse("2026-11-20T08:00:00Z");

/** One calendar: its events, and in which order they changed. */
export class CalendarStore {
  readonly events = new Map<string, CalendarEvent>();
  readonly order: CalendarEvent[] = [];
  /** Identifiers in order of change; of one event only the last place counts. */
  readonly changes: string[] = [];
  readonly latest = new Map<string, number>();

  create(given: NewEvent = {}): CalendarEvent {
    const position = this.order.length;
    const event: CalendarEvent = {
      id: crypto.randomUUID().replaceAll("-", "").slice(0, 26),
      summary: `Meeting ${position}`,
      isCancelled: false,
      start: "2026-11-22T09:00:00+03:00",
      end: "2026-11-22T09:30:00+03:00",
      ...given,
      ...{ updated: "", position },
    };
    this.events.set(event.id, event);
    this.order.push(event);
    this.#changed(event);
    return event;
  }

  rename(id: string, summary: string): void {
    const event = this.#event(id);
    event.summary = summary;
    this.#changed(event);
  }

  cancel(id: string): void {
    const event = this.#event(id);
    event.isCancelled = true;
    this.#changed(event);
  }

  #event(id: string): CalendarEvent {
    const event = this.events.get(id);
    if (!event) throw new Error(`There is no event ${id}`);
    return event;
  }

  #changed(event: CalendarEvent): void {
    event.updated = new Date(FIRST_INSTANT_MS + this.changes.length * 1000).toISOString();
    this.latest.set(event.id, this.changes.length);
    this.changes.push(event.id);
  }
}
