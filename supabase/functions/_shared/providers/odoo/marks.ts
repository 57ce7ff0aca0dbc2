/**
 * Late commits: what a transaction writes carries the instant at which it began, so that it may appear behind what was
 * read already. Longer than Odoo lets a request run (limit_time_real is 2 minutes) and clocks differ.
 */
export const LOOKBACK_MS = 10 * 60_000;

/** An instant as Odoo writes it, in UTC, to the second. */
export type OdooInstant = string;

const FIRST: OdooInstant = "1970-01-01 00:00:00";

/** Milliseconds of an instant as Odoo writes it; undefined when it is none. */
export function msOf(instant: unknown): number | undefined {
  if (typeof instant !== "string" || !/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/.test(instant)) return undefined;
  const ms = Date.parse(`${instant.replace(" ", "T")}Z`);
  return Number.isNaN(ms) ? undefined : ms;
}

/** As Odoo writes an instant. */
export function instantOf(ms: number): OdooInstant {
  return new Date(ms).toISOString().slice(0, 19).replace("T", " ");
}

/**
 * From which write_date on the next run reads, when this one read everything there was.
 *
 * Odoo keeps microseconds and tells whole seconds, so that the newest record's second may hold more to come: with a clock
 * of the server at hand, everything from before the lookback is settled, and what has been quiet for longer is not read
 * again and again, however many records share its instant. Without a clock, the newest second is read again.
 *
 * @param newest - the newest write_date when the run began; null = there was no record.
 * @param servedAtMs - the server's clock then.
 */
export function nextMark(newest: OdooInstant | null, servedAtMs: number | null): OdooInstant {
  const newestMs = newest === null ? undefined : msOf(newest);
  if (newestMs === undefined) return servedAtMs === null ? FIRST : instantOf(servedAtMs - LOOKBACK_MS);
  if (servedAtMs === null) return instantOf(newestMs - LOOKBACK_MS);
  return instantOf(Math.min(newestMs + 1000, servedAtMs - LOOKBACK_MS));
}

/** The second after an instant: what is written from then on was written after it. */
export function secondAfter(newest: OdooInstant | null): OdooInstant {
  const ms = newest === null ? undefined : msOf(newest);
  return ms === undefined ? FIRST : instantOf(ms + 1000);
}
