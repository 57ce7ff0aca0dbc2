import type {
  EgressRequest,
  EgressResponse,
} from "../../supabase/functions/_shared/guardrails/egress/egress.ts";
import {
  createEgressClient,
  type EgressClient,
  type EgressClientOptions,
} from "../../supabase/functions/_shared/guardrails/egress/egress_client.ts";
import { EgressError } from "../../supabase/functions/_shared/guardrails/egress/egress_error.ts";
import { type RawConnection, type RawServer, rawServer } from "./raw_server.ts";

/** An address of the internet; tests that "dial" it bring a connect of their own. */
export const PUBLIC_ADDRESS = "93.184.216.34";

/** A request with what a test does not care about filled in. */
export function egressRequest(url: string, changes: Partial<EgressRequest> = {}): EgressRequest {
  return { url, method: "POST", headers: {}, timeoutMs: 5_000, maxResponseBytes: 65_536, ...changes };
}

/** The error of a request that must fail. */
export async function egressFailure(result: Promise<EgressResponse | void>): Promise<EgressError> {
  try {
    const response = await result;
    throw new Error(`Nothing was refused${response ? `: ${response.status}` : ""}`);
  } catch (error) {
    if (error instanceof EgressError) return error;
    throw error;
  }
}

/** Runs with a scripted endpoint on loopback and a client that may call it; both are closed afterwards. */
export async function withEndpoint(
  script: (connection: RawConnection) => Promise<void>,
  use: (endpoint: { url: string; server: RawServer; client: EgressClient }) => Promise<void>,
  options: Partial<EgressClientOptions> = {},
): Promise<void> {
  const server = rawServer(script);
  const client = createEgressClient({ ports: [443], allowLocal: true, ...options });
  try {
    await use({ url: `http://127.0.0.1:${server.port}/hook`, server, client });
  } finally {
    client.close();
    await server.close();
  }
}

/** Answers one request with these bytes and closes. */
export function answering(...parts: string[]): (connection: RawConnection) => Promise<void> {
  return async ({ readRequest, write }) => {
    await readRequest();
    for (const part of parts) await write(part);
  };
}
