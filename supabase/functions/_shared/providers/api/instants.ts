/** Numbers above this are milliseconds since 1970, below it seconds: as seconds it is the year 5138. */
const FIRST_MILLISECONDS = 1e11;
const ISO = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)\s*(Z|[+-]\d\d(?::?\d\d)?)?)?$/i;

/**
 * The instant that an API writes, in milliseconds since 1970: ISO 8601 (without a zone it is UTC, without a time midnight),
 * or seconds or milliseconds since 1970. Null when it is neither.
 */
export function instantMs(value: unknown): number | null {
  if (typeof value !== "string" && typeof value !== "number") return null;
  const text = String(value).trim();
  if (/^\d{1,15}(\.\d+)?$/.test(text)) {
    const at = Number(text);
    return inRange(Math.floor(at >= FIRST_MILLISECONDS ? at : at * 1000));
  }
  const [, day, time = "00:00", zone = "Z"] = ISO.exec(text) ?? [];
  if (day === undefined) return null;
  const offset = zone.toUpperCase() === "Z"
    ? "Z"
    : `${zone.replace(":", "")}00`.replace(/^(...)(..).*/, "$1:$2");
  return inRange(Date.parse(`${day}T${time}${offset}`));
}

/** Years that Postgres and ISO 8601 write with four digits. */
function inRange(atMs: number): number | null {
  return atMs >= -62_135_596_800_000 && atMs < 253_402_300_800_000 ? atMs : null;
}
