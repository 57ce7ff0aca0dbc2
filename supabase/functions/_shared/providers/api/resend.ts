import type { Connection } from "../connection.ts";
import type { ConnectorTest } from "../synced_connector.ts";
import { ProviderError } from "../provider_error.ts";
import type { ApiConfig, ApiSecrets, ResendConfig } from "./config.ts";
import { needed } from "./credentials.ts";
import { refuseFailure, textOf } from "./judge_answer.ts";

const TIMEOUT_MS = 10_000;
const MAX_ANSWER_BYTES = 1_000_000;
const NO_RETRY_SETTINGS = { statuses: [] };

/**
 * Asks Resend for the domains of the account: nothing is sent. A key that may only send is refused this question (401
 * `restricted_api_key`) and good all the same; a bad key is 403 `invalid_api_key`.
 *
 * @throws {ProviderError} when the key is refused, or the sender's domain is not verified.
 */
export async function testResend(connection: Connection<ApiConfig, ApiSecrets>): Promise<ConnectorTest> {
  const config = connection.config as ResendConfig;
  const apiKey = needed(await connection.secrets(), "api_key");
  const domain = domainOf(config.from);
  const response = await connection.send({
    url: `${config.base_url.replace(/\/+$/, "")}/domains`,
    method: "GET",
    headers: { accept: "application/json", authorization: `Bearer ${apiKey}` },
    timeoutMs: TIMEOUT_MS,
    maxResponseBytes: MAX_ANSWER_BYTES,
  });
  const name = response.status === 401 || response.status === 403 ? nameOf(response.body) : null;
  if (name === "restricted_api_key") {
    const message =
      "Resend takes the key, which may only send: whether the sender's domain is verified was not checked.";
    return { message, accountName: domain };
  }
  if (name === "invalid_api_key" || name === "missing_api_key") {
    throw new ProviderError("reconnect_needed", "Resend refuses the API key; store a valid one.", {
      providerCode: name,
    });
  }
  refuseFailure(response, NO_RETRY_SETTINGS, { what: "the domains", continued: false }, Date.now());
  const domains = domainsOf(textOf(response, MAX_ANSWER_BYTES, "the domains"));
  if (!domains.some((one) => one.name === domain && one.status === "verified")) {
    throw new ProviderError(
      "misconfigured",
      "Resend takes the key, but the domain of the sender is not verified there; verify it, or change from.",
    );
  }
  return { message: `Resend takes the key, and ${domain} is verified there.`, accountName: domain };
}

/** The domain of `Name <user@domain>` or `user@domain`, in lower case. */
function domainOf(from: string): string {
  return (/@([^@<>\s]+?)>?\s*$/.exec(from)?.[1] ?? "").toLowerCase();
}

function nameOf(body: Uint8Array): string | null {
  const answer = parsed(new TextDecoder().decode(body));
  return typeof answer.name === "string" ? answer.name : null;
}

function domainsOf(text: string): { name: string; status: unknown }[] {
  const { data } = parsed(text);
  if (!Array.isArray(data)) {
    throw new ProviderError("malformed_answer", "Resend answers without a list of domains.");
  }
  return data.flatMap((one: { name?: unknown; status?: unknown } | null) =>
    typeof one?.name === "string" ? [{ name: one.name.toLowerCase(), status: one.status }] : []
  );
}

function parsed(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value as Record<string, unknown> : {};
  } catch {
    return {};
  }
}
