import type { Cursor } from "../source.ts";
import { isTs } from "./timestamps.ts";

/** How far reading messages has come. One round visits every channel once; the first one is a pass over everything. */
export interface MessagesPlace {
  /** "list" = looking for channels, "read" = reading those of the queue. */
  step: "list" | "read";
  /** Slack's own cursor within the step; null = from its beginning. */
  page: string | null;
  /** Channel -> the latest ts up to which it is read. */
  read: Record<string, string>;
  /** Channels of this round that were found so far, or are still to be read; while reading the first is the current one. */
  queue: string[];
  /** Latest ts of the current channel that came in this round; null = none yet. */
  newest: string | null;
  /** Whether this round is a pass. */
  isPass: boolean;
  /** How often the current channel was begun anew because Slack forgot its cursor. */
  restarts: number;
}

/** The place a saved cursor says; without one, the beginning of a pass. */
export function placeOf(cursor: Cursor | null): MessagesPlace {
  const read = typeof cursor?.read === "object" && cursor.read !== null && !Array.isArray(cursor.read)
    ? Object.fromEntries(
      Object.entries(cursor.read).filter((entry): entry is [string, string] => isTs(entry[1])),
    )
    : {};
  return {
    step: cursor?.step === "read" ? "read" : "list",
    page: typeof cursor?.page === "string" ? cursor.page : null,
    read,
    queue: Array.isArray(cursor?.queue) ? cursor.queue.map(String) : [],
    newest: isTs(cursor?.newest) ? cursor.newest : null,
    isPass: cursor === null || cursor.is_pass === true,
    restarts: typeof cursor?.restarts === "number" ? cursor.restarts : 0,
  };
}

/** The cursor that says this place. */
export function cursorOf(place: MessagesPlace): Cursor {
  const { step, page, read, queue, newest, isPass, restarts } = place;
  return { step, page, read, queue, newest, is_pass: isPass, restarts };
}

/** Where a round begins that is no pass. */
export function nextRound({ read }: MessagesPlace): MessagesPlace {
  return { step: "list", page: null, read, queue: [], newest: null, isPass: false, restarts: 0 };
}
