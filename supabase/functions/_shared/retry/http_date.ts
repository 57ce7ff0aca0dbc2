const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const DAY = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*";
const TIME = "(?<hour>\\d\\d):(?<minute>\\d\\d):(?<second>\\d\\d)";

/** The three forms of RFC 9110 section 5.6.7: today's, that of RFC 850, and that of C's asctime(). */
const FORMS = [
  new RegExp(`^${DAY}, (?<day>\\d\\d) (?<month>[A-Z][a-z]{2}) (?<year>\\d{4}) ${TIME} (?:GMT|UTC)$`),
  new RegExp(`^${DAY}, (?<day>\\d\\d)-(?<month>[A-Z][a-z]{2})-(?<year>\\d\\d) ${TIME} (?:GMT|UTC)$`),
  new RegExp(`^${DAY} (?<month>[A-Z][a-z]{2}) (?<day>[ \\d]\\d) ${TIME} (?<year>\\d{4})$`),
];

/**
 * The instant of an HTTP date, in milliseconds; null when the text is none.
 *
 * Not `Date.parse`: it takes the last form for local time, so that a wait would move with the time zone of the machine,
 * and reads nearly any word before a number as a date.
 *
 * @param nowMs - decides the century of a year of two digits: never more than 50 years ahead.
 */
export function parseHttpDate(text: string, nowMs: number): number | null {
  const parts = FORMS.map((form) => form.exec(text)?.groups).find((groups) => groups !== undefined);
  if (!parts) return null;
  const month = MONTHS.indexOf(parts.month!);
  const [day, hour, minute, second] = [parts.day, parts.hour, parts.minute, parts.second].map(Number) as Time;
  if (month < 0 || hour > 23 || minute > 59 || second > 60) return null;
  const leapless = Math.min(second, 59);
  const at = new Date(Date.UTC(fullYear(parts.year!, nowMs), month, day, hour, minute, leapless));
  // Date.UTC carries over what is out of range: the 31st of February would be in March.
  return at.getUTCDate() === day ? at.getTime() : null;
}

type Time = [day: number, hour: number, minute: number, second: number];

function fullYear(digits: string, nowMs: number): number {
  if (digits.length === 4) return Number(digits);
  const thisYear = new Date(nowMs).getUTCFullYear();
  const year = thisYear - thisYear % 100 + Number(digits);
  return year > thisYear + 50 ? year - 100 : year;
}
