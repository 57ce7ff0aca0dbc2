import { EgressError } from "./egress_error.ts";
import { headerShapeProblem, isFraming } from "./header_rules.ts";
import type { Target } from "./target.ts";

/** What goes over the wire, apart from where. */
export interface RequestContent {
  method: string;
  headers: Record<string, string>;
  body?: Uint8Array<ArrayBuffer>;
}

const USER_AGENT = "Interlock/1";
/** Nearly every head is such; other letters of Latin-1 are one byte each on the wire, which no encoder does. */
// deno-lint-ignore no-control-regex
const ASCII = /^[\x00-\x7f]*$/;
const encoder = new TextEncoder();

/**
 * The request as bytes, in one piece so that a small one is one packet.
 *
 * Framing headers are written here and may not be given. Compression is not asked for: an answer is kept only to be
 * looked at, and unpacking would turn a small answer into a huge one.
 *
 * @throws {EgressError} protocol_error for a header that would break the message; it was then saved without
 *   `headerProblem()`.
 */
export function requestBytes(
  target: Target,
  { method, headers, body }: RequestContent,
): Uint8Array<ArrayBuffer> {
  let head =
    `${method} ${target.path} HTTP/1.1\r\nhost: ${target.authority}\r\naccept-encoding: identity\r\n`;
  let hasUserAgent = false;
  for (const [name, value] of Object.entries(headers)) {
    const problem = headerShapeProblem(name, value) ??
      (isFraming(name) ? `The header ${name} is set by the client itself.` : null);
    if (problem !== null) throw new EgressError("protocol_error", problem);
    hasUserAgent ||= name.toLowerCase() === "user-agent";
    head += `${name}: ${value}\r\n`;
  }
  if (!hasUserAgent) head += `user-agent: ${USER_AGENT}\r\n`;
  if (body !== undefined || method !== "GET") head += `content-length: ${body?.length ?? 0}\r\n`;
  head += "\r\n";
  const bytes = new Uint8Array(head.length + (body?.length ?? 0));
  if (ASCII.test(head)) encoder.encodeInto(head, bytes);
  else for (let index = 0; index < head.length; index++) bytes[index] = head.charCodeAt(index);
  if (body !== undefined) bytes.set(body, head.length);
  return bytes;
}
