import { parseHttpDate } from "./http_date.ts";

/** Longest wait that an endpoint may ask for. */
const MAX_WAIT_MS = 24 * 60 * 60_000;
/** An endpoint whose clock says something further from ours than this has none worth asking. */
const MAX_CLOCK_DIFFERENCE_MS = 24 * 60 * 60_000;

/** Where one header line ends and the next begins: `Headers` joins them with the comma that a date has in it as well. */
const BETWEEN_LINES = /,(?!\s*\d\d[ -][A-Z])/;

/**
 * The wait that Retry-After asks for, in milliseconds, cut to a day; null when it says nothing readable. Both forms of
 * RFC 9110 section 10.2.3: whole seconds, or an HTTP date. Of several headers the longest wait counts: each of them says
 * "not before".
 *
 * A date is held against the endpoint's own clock, its `Date` header: both sides of the difference then come from the
 * same clock, and neither ours nor theirs needs to be right.
 *
 * @param nowMs - our clock, for an answer without a usable `Date`.
 */
export function retryAfterMs(headers: Headers, nowMs: number): number | null {
  const text = headers.get("retry-after")?.trim() ?? "";
  const waitsMs = text.split(BETWEEN_LINES)
    .map((line) => waitOf(line.trim(), headers, nowMs))
    .filter((waitMs) => waitMs !== null);
  return waitsMs.length === 0 ? null : Math.min(Math.max(0, ...waitsMs), MAX_WAIT_MS);
}

function waitOf(text: string, headers: Headers, nowMs: number): number | null {
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  const atMs = parseHttpDate(text, nowMs);
  return atMs === null ? null : atMs - endpointNowMs(headers, nowMs);
}

function endpointNowMs(headers: Headers, nowMs: number): number {
  const theirMs = parseHttpDate(headers.get("date")?.trim() ?? "", nowMs);
  return theirMs !== null && Math.abs(theirMs - nowMs) <= MAX_CLOCK_DIFFERENCE_MS ? theirMs : nowMs;
}
