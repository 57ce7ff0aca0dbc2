const TS = /^(\d{1,12})\.(\d{6})$/;

/** Whether this is a message's ts: seconds since 1970 with six digits after the point, which no double holds exactly. */
export function isTs(value: unknown): value is string {
  return typeof value === "string" && TS.test(value);
}

/** Which ts is the later one: below 0 = a, above 0 = b comes first. Compared as decimals, digit by digit. */
export function compareTs(a: string, b: string): number {
  const [left, right] = [padded(a), padded(b)];
  return left === right ? 0 : left < right ? -1 : 1;
}

/** The later of two; null stands for none. */
export function laterTs(a: string | null, b: string | null): string | null {
  if (a === null || b === null) return a ?? b;
  return compareTs(a, b) < 0 ? b : a;
}

/** The ts so many hours earlier, or the first there is. */
export function earlierTs(ts: string, hours: number): string {
  const [seconds, micros] = ts.split(".");
  return `${Math.max(0, Number(seconds) - hours * 3600)}.${micros}`;
}

/** Its instant with all six digits: `1731000000.000100` is 2024-11-07T17:20:00.000100Z. Null for what is no ts. */
export function instantOfTs(ts: unknown): string | null {
  const [, seconds, micros] = (typeof ts === "string" && TS.exec(ts)) || [];
  return seconds === undefined
    ? null
    : `${new Date(Number(seconds) * 1000).toISOString().slice(0, 19)}.${micros}Z`;
}

/** The ts of an instant, as the bound of a range. */
export function tsOfInstant(instant: string): string {
  const ms = Math.max(0, Date.parse(instant));
  return `${Math.floor(ms / 1000)}.${String(ms % 1000).padStart(3, "0")}000`;
}

function padded(ts: string): string {
  const [seconds, micros] = ts.split(".");
  return seconds!.padStart(12, "0") + (micros ?? "").padEnd(6, "0");
}
