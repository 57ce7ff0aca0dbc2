/**
 * The guarded way out: every request to an address that a customer chose goes through here. docs/guardrails.md has
 * the rules, docs/adr/0006-egress.md how they are kept.
 *
 * @module
 */
import { environment } from "../../env.ts";
import { createEgressClient, type EgressClient } from "./egress_client.ts";
import type { EgressTiming } from "./egress_error.ts";

export { EgressError, type EgressErrorClass, type EgressTiming } from "./egress_error.ts";
export { headerProblem } from "./header_rules.ts";

/** One request to the outside. */
export interface EgressRequest {
  url: string;
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Without those that frame the message; see `headerProblem()` for what customers may set. */
  headers: Record<string, string>;
  body?: Uint8Array<ArrayBuffer>;
  /** For everything together, from the name's lookup to the last byte of the answer. */
  timeoutMs: number;
  /** Of the body; the rest is not read. */
  maxResponseBytes: number;
}

/** The answer, whatever its status. */
export interface EgressResponse {
  status: number;
  headers: Headers;
  body: Uint8Array<ArrayBuffer>;
  /** More came than `maxResponseBytes`. */
  truncated: boolean;
  timing: EgressTiming;
}

let client: EgressClient | undefined;

/**
 * Sends a request to a public address. Redirects are not followed: a 3xx is an answer like any other.
 *
 * Repeat: may reach the endpoint twice when a kept connection dies in between; give every request a stable id.
 *
 * @throws {EgressError} with the class of what went wrong and the time each phase took.
 */
export async function sendRequest(request: EgressRequest): Promise<EgressResponse> {
  return await processClient().sendRequest(request);
}

/**
 * Checks a URL that is about to be saved: shape, scheme, port, credentials, and every address that DNS gives now.
 * It is a courtesy to whoever types it; what protects is the same check before every request.
 *
 * @throws {EgressError} url_refused, address_refused or dns_failed
 */
export async function checkUrl(url: string): Promise<void> {
  await processClient().checkUrl(url);
}

/** Ends the connections that wait for a next request. */
export function closeIdleConnections(): void {
  client?.close();
}

function processClient(): EgressClient {
  if (client) return client;
  const { INTERLOCK_EGRESS_PORTS, INTERLOCK_EGRESS_ALLOW_LOCAL } = environment();
  client = createEgressClient({ ports: INTERLOCK_EGRESS_PORTS, allowLocal: INTERLOCK_EGRESS_ALLOW_LOCAL });
  return client;
}
