import { EgressError } from "./egress_error.ts";
import { headerShapeProblem } from "./header_rules.ts";

/** The first part of an answer. */
export interface ResponseHead {
  status: number;
  /** HTTP/1.1, as opposed to HTTP/1.0. */
  persistent: boolean;
  headers: [name: string, value: string][];
}

/** How the end of a body is found. */
export type BodyFraming = { by: "nothing" } | { by: "length"; bytes: number } | { by: "chunks" } | {
  by: "close";
};

/** `HTTP/1.1 200 OK`; the reason may be missing. */
export function parseStatusLine(line: string): { status: number; persistent: boolean } {
  const match = /^HTTP\/1\.([01]) ([1-5]\d\d)(?: [^\r\n\0]*)?$/.exec(line);
  if (!match) throw protocolError("The endpoint's answer does not begin like HTTP/1.1.");
  return { status: Number(match[2]), persistent: match[1] === "1" };
}

/** One header line. Lines that continue the one before, and spaces before the colon, are read differently by different
 * programs; that is how answers are smuggled, so they are refused. */
export function parseHeaderLine(line: string): [name: string, value: string] {
  const colon = line.indexOf(":");
  const name = line.slice(0, Math.max(colon, 0));
  const value = line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, "");
  if (headerShapeProblem(name) !== null || /[\r\n\0]/.test(value)) {
    throw protocolError("The endpoint's answer has a malformed header.");
  }
  return [name.toLowerCase(), value];
}

/**
 * Where the body ends, RFC 9112 section 6.3, without the leniencies: a length beside chunks, two different lengths and
 * codings other than `chunked` are refused, because guessing there lets one answer run into the next.
 */
export function bodyFraming({ status, persistent, headers }: ResponseHead): BodyFraming {
  const codings = valuesOf(headers, "transfer-encoding");
  const lengths = valuesOf(headers, "content-length");
  if (codings.length > 0) {
    if (!persistent || lengths.length > 0 || codings.length > 1 || codings[0]!.toLowerCase() !== "chunked") {
      throw protocolError("The endpoint's answer says in conflicting ways how long it is.");
    }
  }
  const [length] = lengths;
  if (lengths.some((other) => other !== length) || (length !== undefined && !/^\d{1,15}$/.test(length))) {
    throw protocolError("The endpoint's answer says in conflicting ways how long it is.");
  }
  if (status === 204 || status === 304) return { by: "nothing" };
  if (codings.length > 0) return { by: "chunks" };
  return length === undefined ? { by: "close" } : { by: "length", bytes: Number(length) };
}

/** Whether the other side will answer another request on this connection. */
export function staysOpen({ persistent, headers }: ResponseHead): boolean {
  return persistent && !valuesOf(headers, "connection").some((value) => value.toLowerCase() === "close");
}

/** The size at the beginning of a chunk; what follows a semicolon is ignored. */
export function parseChunkSize(line: string): number {
  const match = /^([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n\0]*)?$/.exec(line);
  if (!match) throw protocolError("The endpoint's answer has a malformed chunk.");
  return parseInt(match[1]!, 16);
}

/** A failure of the answer's form. */
export function protocolError(message: string): EgressError {
  return new EgressError("protocol_error", message);
}

/** Every element of a list header, over all its lines. */
function valuesOf(headers: ResponseHead["headers"], wanted: string): string[] {
  const values: string[] = [];
  for (const [name, value] of headers) {
    if (name === wanted) values.push(...value.split(",").map((part) => part.trim()));
  }
  return values;
}
