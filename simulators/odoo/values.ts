/** A value as the database holds it: instants in microseconds since 1970, a many2one as an id; null = none. */
export type Stored = string | number | boolean | null;

/** A value as the API tells it. None is false; a many2one is [id, name]; an instant is a text in UTC, to the second. */
export type Told = string | number | boolean | [number, string] | number[] | Told[] | {
  [name: string]: Told;
};

/** A record of any model. */
export interface Row {
  id: number;
  create_date: number;
  write_date: number;
  [field: string]: Stored;
}

/** Microseconds as the API writes an instant: the fraction is cut off, not rounded. */
export function toldInstant(micros: number): string {
  return new Date(Math.floor(micros / 1000)).toISOString().slice(0, 19).replace("T", " ");
}

/** An instant of a domain in microseconds; undefined when it is none. A date alone is its midnight. */
export function microsOf(text: unknown): number | undefined {
  const match = typeof text === "string"
    ? /^(\d{4}-\d{2}-\d{2})(?:[ T](\d{2}:\d{2}:\d{2})(?:\.(\d{1,6}))?)?$/.exec(text)
    : null;
  if (!match) return undefined;
  const ms = Date.parse(`${match[1]}T${match[2] ?? "00:00:00"}Z`);
  return Number.isNaN(ms) ? undefined : ms * 1000 + Number((match[3] ?? "").padEnd(6, "0"));
}
