import { isAddress } from "./address.ts";
import { EgressError } from "./egress_error.ts";

/** What may be called. */
export interface EgressPolicy {
  /** Ports of the internet that may be called. */
  ports: readonly number[];
  /** A developer's machine: loopback may be called too, with any port and without TLS. */
  allowLocal: boolean;
}

/** A URL that may be called if its addresses may. */
export interface Target {
  /** Without brackets and without a dot at the end: for DNS, SNI and the certificate. */
  hostname: string;
  port: number;
  secure: boolean;
  /** The Host header. */
  authority: string;
  /** Path and query. */
  path: string;
  /** Only loopback will do: the URL is plain http or names a port that the internet is not called on. */
  onlyLoopback: boolean;
}

const MAX_URL_CHARS = 2048;
const NAME = /^(?=.{1,253}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** Last labels that never lead to the internet: special by RFC 6761, 6762, 7686, 8375, 9476, or private by custom. */
const PRIVATE_ENDINGS =
  /(^|\.)(localhost|localdomain|local|internal|intranet|private|corp|home|lan|arpa|onion|test|invalid|alt)$/;

/**
 * Reads a URL into what a request needs, or refuses it. Addresses behind a name are not looked at here.
 *
 * `URL` folds decimal, octal, hexadecimal, short and circled forms of IPv4 into four decimals, but leaves a trailing
 * dot and embedded IPv6 forms, and silently drops tabs, line breaks and backslashes, so those are refused as text.
 *
 * @throws {EgressError} url_refused
 */
export function readTarget(text: string, policy: EgressPolicy): Target {
  const url = parse(text);
  const hostname = url.hostname.replace(/^\[|\]$/g, "").replace(/\.$/, "");
  const local = policy.allowLocal && (isAddress(hostname) || isLocalhost(hostname));
  if (!local && url.protocol !== "https:") throw refused("The URL must begin with https://.");
  if (!isAddress(hostname) && !local && (!NAME.test(hostname) || PRIVATE_ENDINGS.test(hostname))) {
    throw refused("The URL must name a host on the internet, such as hooks.example.com.");
  }
  const secure = url.protocol === "https:";
  const port = url.port === "" ? (secure ? 443 : 80) : Number(url.port);
  const listed = secure && policy.ports.includes(port);
  if (!local && !listed) throw refused(`The URL must use one of these ports: ${policy.ports.join(", ")}.`);
  return {
    hostname,
    port,
    secure,
    authority: url.port === "" ? hostOf(hostname) : `${hostOf(hostname)}:${url.port}`,
    path: url.pathname + url.search,
    onlyLoopback: !listed || isLocalhost(hostname),
  };
}

/** `localhost` and what stands below it; they mean loopback and are never asked of DNS. */
export function isLocalhost(hostname: string): boolean {
  return hostname === "localhost" || hostname.endsWith(".localhost");
}

function parse(text: string): URL {
  if (text.length > MAX_URL_CHARS) throw refused(`The URL must have at most ${MAX_URL_CHARS} characters.`);
  // deno-lint-ignore no-control-regex -- these are what URL drops or turns around
  if (/[\s\x00-\x1f\x7f\\]/.test(text)) {
    throw refused("The URL must not have spaces, line breaks or backslashes.");
  }
  let url: URL;
  try {
    url = new URL(text);
  } catch (error) {
    throw refused("The URL is not valid; write it like https://hooks.example.com/path.", error);
  }
  if (url.protocol !== "https:" && url.protocol !== "http:") {
    throw refused("The URL must begin with https://.");
  }
  if (url.username !== "" || url.password !== "" || /^[a-z]+:\/\/[^/?#]*@/i.test(text)) {
    throw refused("The URL must not have a user name or password; put credentials into a header.");
  }
  return url;
}

const hostOf = (hostname: string) => hostname.includes(":") ? `[${hostname}]` : hostname;

const refused = (message: string, cause?: unknown) =>
  new EgressError("url_refused", message, undefined, cause);
