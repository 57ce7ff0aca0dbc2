import { EgressError, type EgressResponse, sendRequest } from "../guardrails/egress/egress.ts";
import type { Logger } from "../log.ts";
import type { Connection, ProviderRequest } from "../providers/connection.ts";
import type { AnyConnector } from "../providers/connector_definition.ts";
import { ProviderError } from "../providers/provider_error.ts";
import { validSecrets } from "./access_tokens.ts";
import type { ConnectorRow } from "./connector_row.ts";

const TIMEOUT_MS = 30_000;
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;

/** A connector that is open, and what using it has cost. */
export interface OpenConnector {
  connection: Connection;
  /** Requests made and bytes of their answers so far. */
  readonly traffic: { requests: number; receivedBytes: number };
}

/**
 * Makes a stored connector usable: settings checked by its definition, credentials fetched when they are first needed.
 *
 * @throws {ProviderError} misconfigured when its settings are not right any more.
 */
export function openConnector(definition: AnyConnector, row: ConnectorRow, log: Logger): OpenConnector {
  const config = definition.config().safeParse(row.config);
  if (!config.success) {
    const [issue] = config.error.issues;
    throw new ProviderError(
      "misconfigured",
      `The connector's settings are not right: ${issue?.path.join(".") || "config"}: ${issue?.message}.`,
    );
  }
  const traffic = { requests: 0, receivedBytes: 0 };
  const connection: Connection = {
    tenantId: row.tenantId,
    connectorId: row.connectorId,
    config: config.data,
    secrets: liveSecrets(row, definition, log),
    send: async (request) => {
      traffic.requests++;
      const answer = await sendGuarded(request);
      traffic.receivedBytes += answer.body.length;
      return answer;
    },
    log,
  };
  return { connection, traffic };
}

/** Fetches credentials when they are first needed, and others when the provider refuses them. */
function liveSecrets(row: ConnectorRow, definition: AnyConnector, log: Logger): Connection["secrets"] {
  let known: { stored: unknown; secrets: unknown } | undefined;
  return async (refused) => {
    // What was refused may have been replaced already, for another request beside it.
    if (known && refused !== known.secrets) return known.secrets;
    if (row.secretRef === null && refused !== undefined) {
      throw new ProviderError("reconnect_needed", "The provider asks for credentials, and none are stored.");
    }
    const stored = row.secretRef === null
      ? {}
      : await validSecrets({ ...row, secretRef: row.secretRef }, { refused: known?.stored, log });
    known = { stored, secrets: parsedSecrets(definition, stored) };
    return known.secrets;
  };
}

/**
 * Credentials as they are stored, checked by the connector's definition. What needs none parses `{}`.
 *
 * @throws {ProviderError} reconnect_needed when they are not the ones that this connector needs.
 */
function parsedSecrets(definition: AnyConnector, stored: unknown): unknown {
  const parsed = definition.secrets().safeParse(stored);
  if (parsed.success) return parsed.data;
  throw new ProviderError(
    "reconnect_needed",
    "The stored credentials are missing or incomplete; connect it again.",
  );
}

/**
 * Sends a request to a provider through egress, with the usual limits where the request names none.
 *
 * @throws {ProviderError} misconfigured for an address that may not be called and for an answer that is too large: it
 * would be so again; transient for everything else that was no answer.
 */
export async function sendGuarded(request: ProviderRequest): Promise<EgressResponse> {
  try {
    const answer = await sendRequest({
      url: request.url,
      method: request.method ?? "GET",
      headers: { "user-agent": "Interlock/1", accept: "application/json", ...request.headers },
      body: request.body,
      timeoutMs: request.timeoutMs ?? TIMEOUT_MS,
      maxResponseBytes: request.maxResponseBytes ?? MAX_ANSWER_BYTES,
    });
    if (!answer.truncated) return answer;
    throw new ProviderError("misconfigured", "The provider's answer is too large; ask for smaller pages.");
  } catch (error) {
    if (!(error instanceof EgressError)) throw error;
    const isRefused = error.errorClass === "url_refused" || error.errorClass === "address_refused";
    throw new ProviderError(isRefused ? "misconfigured" : "transient", error.message, {
      cause: error,
      providerCode: error.errorClass,
    });
  }
}
