/**
 * A UUID of version 7 (RFC 9562 section 5.7): milliseconds since 1970, then 74 bits of chance. Rows with such keys stand
 * at the end of an index, where the page is at hand; private.time_ordered_id makes the same in the database.
 */
export function timeOrderedId(nowMs: number): string {
  const time = nowMs.toString(16).padStart(12, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}-7${crypto.randomUUID().slice(15)}`;
}
