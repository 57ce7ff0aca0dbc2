import { hubStore } from "../db/store.ts";
import { EgressError, type EgressResponse, sendRequest } from "../guardrails/egress/egress.ts";
import type { Logger } from "../log.ts";
import type { Connection, ProviderRequest } from "../providers/connection.ts";
import type { AnyConnector } from "../providers/connector_definition.ts";
import { connectorOf } from "../providers/connectors.ts";
import { ProviderError } from "../providers/provider_error.ts";
import type { ConnectorRow } from "./connector_row.ts";

const TIMEOUT_MS = 30_000;
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;

/** A connector that is open, and what using it has cost. */
export interface OpenConnector {
  definition: AnyConnector;
  connection: Connection;
  /** Requests made and bytes of their answers so far. */
  readonly traffic: { requests: number; receivedBytes: number };
}

/**
 * Makes a stored connector usable: settings checked by its definition, credentials fetched when they are first needed.
 *
 * @throws {ProviderError} misconfigured when its type is unknown or its settings are not right any more.
 */
export async function openConnector(row: ConnectorRow, log: Logger): Promise<OpenConnector> {
  const definition = await connectorOf(row.type);
  if (!definition) throw new ProviderError("misconfigured", `There is no connector of type ${row.type}.`);
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
    secrets: storedSecrets(row, definition),
    send: async (request) => {
      traffic.requests++;
      const answer = await sendGuarded(request);
      traffic.receivedBytes += answer.body.length;
      return answer;
    },
    log,
  };
  return { definition, connection, traffic };
}

/** Reads the credentials once, and again only when the provider refused them: somebody may have replaced them. */
function storedSecrets(row: ConnectorRow, definition: AnyConnector): Connection["secrets"] {
  let known: { text: string | null; secrets: unknown } | undefined;
  return async (refused) => {
    if (known && refused === undefined) return known.secrets;
    const text = row.secretRef === null ? null : await hubStore().call<string | null>("read_secret", {
      p_tenant_id: row.tenantId,
      p_secret_ref: row.secretRef,
    });
    if (refused !== undefined && known?.text === text) {
      throw new ProviderError("reconnect_needed", "The provider refuses the credentials; store new ones.");
    }
    known = { text, secrets: parsedSecrets(definition, text) };
    return known.secrets;
  };
}

/**
 * Credentials out of Vault, checked by the connector's definition.
 *
 * @throws {ProviderError} reconnect_needed when there are none, or not the ones that this connector needs.
 */
export function parsedSecrets(definition: AnyConnector, text: string | null): unknown {
  // What needs no credentials parses `{}`.
  const parsed = definition.secrets().safeParse(text === null ? {} : jsonOrNull(text));
  if (parsed.success) return parsed.data;
  throw new ProviderError(
    "reconnect_needed",
    text === null
      ? "No credentials are stored; connect it."
      : "The stored credentials are incomplete; connect it again.",
  );
}

function jsonOrNull(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/**
 * Sends a request to a provider through egress, with the usual limits where the request names none.
 *
 * @throws {ProviderError} misconfigured for an address that may not be called, malformed_answer for one that is too
 * large, transient for everything else that was no answer.
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
    throw new ProviderError("malformed_answer", "The provider's answer is too large; ask for smaller pages.");
  } catch (error) {
    if (!(error instanceof EgressError)) throw error;
    const isRefused = error.errorClass === "url_refused" || error.errorClass === "address_refused";
    throw new ProviderError(isRefused ? "misconfigured" : "transient", error.message, {
      cause: error,
      providerCode: error.errorClass,
    });
  }
}
