/** RFC 9110 section 5.6.2. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** Everything else could end the header, or is not one byte. */
const FORBIDDEN_IN_VALUE = /[^\t\x20-\x7e\x80-\xff]/;

const MAX_NAME_CHARS = 100;
const MAX_VALUE_CHARS = 4096;

/** Headers that frame the message or steer the connection; set by the client alone. */
const FRAMING = new Set([
  ...["host", "connection", "keep-alive", "transfer-encoding", "content-length", "te", "trailer", "upgrade"],
  ...["expect", "accept-encoding", "http2-settings", "via", "forwarded", "max-forwards"],
]);

/** Beginnings of names that a customer may not set: they would change what is signed, sent or believed. */
const RESERVED_BEGINNINGS = ["content-", "webhook-", "svix-", "proxy-", "sec-", "x-forwarded-", ":"];

/**
 * Whether a customer may have this header on their requests. Answers the first problem as a sentence, or null.
 *
 * Names decide over framing (`content-length`, `transfer-encoding`), over the connection, over who sent it
 * (`x-forwarded-*`, `via`), and over the signature (`webhook-*`); values could end the header and begin another.
 */
export function headerProblem(name: string, value?: string): string | null {
  const lower = name.toLowerCase();
  const shape = headerShapeProblem(name, value);
  if (shape !== null) return shape;
  if (FRAMING.has(lower) || RESERVED_BEGINNINGS.some((beginning) => lower.startsWith(beginning))) {
    return `The header ${name} is set by the hub and cannot be configured.`;
  }
  return null;
}

/** What no header of ours may have either: a name that is no token, or a value that would break the message. */
export function headerShapeProblem(name: string, value?: string): string | null {
  if (name.length > MAX_NAME_CHARS || !TOKEN.test(name)) {
    return `A header's name must be 1 to ${MAX_NAME_CHARS} letters, digits or hyphens.`;
  }
  if (value === undefined) return null;
  if (value.length > MAX_VALUE_CHARS) {
    return `The value of the header ${name} must have at most ${MAX_VALUE_CHARS} characters.`;
  }
  if (FORBIDDEN_IN_VALUE.test(value)) {
    return `The value of the header ${name} must not have line breaks, control characters or letters beyond Latin-1.`;
  }
  return null;
}

/** Whether the client itself writes this header, so that a request may not bring it. */
export function isFraming(name: string): boolean {
  return FRAMING.has(name.toLowerCase());
}
