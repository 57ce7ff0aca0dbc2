import { REPLAY_WINDOW_MS } from "./webhook_scheme.ts";

/**
 * Whether a timestamp, as sent, lies within the window around now, in the past or the future. Only plain digits count:
 * no sign, fraction, exponent or space, which `Number` would take.
 */
export function isTimely(
  text: string,
  nowMs: number,
  { unit = "s", windowMs = REPLAY_WINDOW_MS }: { unit?: "s" | "ms"; windowMs?: number } = {},
): boolean {
  if (!/^\d{1,15}$/.test(text)) return false;
  return Math.abs(nowMs - Number(text) * (unit === "s" ? 1000 : 1)) <= windowMs;
}

/** Whole seconds since 1970, as most providers write a timestamp. */
export function epochSeconds(nowMs: number): string {
  return String(Math.floor(nowMs / 1000));
}
