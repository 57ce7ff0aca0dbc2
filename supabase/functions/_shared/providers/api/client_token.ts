import { base64Encode, utf8Bytes } from "../../crypto/encoding.ts";
import type { Connection } from "../connection.ts";
import { ProviderError } from "../provider_error.ts";
import type { ApiSecrets, RestConfig } from "./config.ts";
import { needed } from "./credentials.ts";
import { textOf } from "./judge_answer.ts";
import { meansWait, waitMs } from "./waits.ts";

type ClientAuth = Extract<RestConfig["auth"], { kind: "oauth2_client_credentials" }>;
type TokenConnection = Pick<Connection<RestConfig, ApiSecrets>, "connectorId" | "config" | "send">;

interface KnownToken {
  /** What the token was fetched with: other settings or credentials get another one. */
  madeOf: string;
  token: Promise<string>;
  /** Of `performance.now()`: from then on it counts as expired. Infinity while it is being fetched. */
  untilMs: number;
}

const MAX_KNOWN = 500;
const MAX_ANSWER_BYTES = 65_536;
/** What a token without `expires_in` is taken to live. */
const USUAL_LIFE_MS = 55 * 60_000;
/** A token is not used any more so long before its end; for a short life it is half of it. */
const MARGIN_MS = 60_000;
const MAX_LIFE_MS = 24 * 60 * 60_000;

/** Tokens of this process, by connector; the one fetched longest ago leaves. They are stored nowhere. */
const known = new Map<string, KnownToken>();

/**
 * An access token by the client credentials grant (RFC 6749 section 4.4), one fetch at a time per connector.
 *
 * @param refused - a token that the API has just refused: it is forgotten.
 * @throws {ProviderError} reconnect_needed when the client is refused, misconfigured, transient, rate_limited.
 */
export async function clientToken(
  connection: TokenConnection,
  auth: ClientAuth,
  secrets: ApiSecrets,
  refused?: string,
): Promise<string> {
  const { connectorId } = connection;
  const client = { id: needed(secrets, "client_id"), secret: needed(secrets, "client_secret") };
  const madeOf = JSON.stringify([auth, client]);
  const kept = known.get(connectorId);
  if (kept?.madeOf === madeOf && performance.now() < kept.untilMs) {
    const token = await kept.token;
    if (token !== refused) return token;
    // Somebody else may have replaced it while we waited.
    if (known.get(connectorId) !== kept) return await clientToken(connection, auth, secrets, refused);
  }
  const entry: KnownToken = { madeOf, token: Promise.resolve(""), untilMs: Infinity };
  entry.token = fetchToken(connection, auth, client, entry);
  known.delete(connectorId);
  known.set(connectorId, entry);
  if (known.size > MAX_KNOWN) known.delete(known.keys().next().value!);
  try {
    return await entry.token;
  } catch (error) {
    if (known.get(connectorId) === entry) known.delete(connectorId);
    throw error;
  }
}

async function fetchToken(
  connection: TokenConnection,
  auth: ClientAuth,
  client: { id: string; secret: string },
  entry: KnownToken,
): Promise<string> {
  const form = new URLSearchParams({ grant_type: "client_credentials" });
  if (auth.scope !== undefined) form.set("scope", auth.scope);
  if (auth.audience !== undefined) form.set("audience", auth.audience);
  const headers: Record<string, string> = {
    accept: "application/json",
    "content-type": "application/x-www-form-urlencoded",
  };
  if (auth.client_auth === "body") {
    form.set("client_id", client.id);
    form.set("client_secret", client.secret);
  } else {
    // Section 2.3.1: both are encoded as in a form first, so that neither can hold the colon.
    const pair = `${formEncoded(client.id)}:${formEncoded(client.secret)}`;
    headers.authorization = `Basic ${base64Encode(utf8Bytes(pair))}`;
  }
  const askedMs = performance.now();
  const response = await connection.send({
    url: auth.token_url,
    method: "POST",
    headers,
    body: utf8Bytes(form.toString()),
    timeoutMs: connection.config.timeout_ms,
    maxResponseBytes: MAX_ANSWER_BYTES,
  });
  const answer = jsonObject(textOf(response, MAX_ANSWER_BYTES, "the token"));
  if (response.status !== 200) throw refusal(response.status, response.headers, answer, connection.config);
  const token = answer.access_token;
  if (typeof token !== "string" || !/^[\x21-\x7e]{1,16384}$/.test(token)) {
    throw new ProviderError("malformed_answer", "The token address answers without an access_token.");
  }
  entry.untilMs = askedMs + usableMs(answer.expires_in);
  return token;
}

/** How long a token is used. `expires_in` comes as a number, and from some as a text. */
function usableMs(expiresIn: unknown): number {
  const seconds = typeof expiresIn === "string" && expiresIn !== "" ? Number(expiresIn) : expiresIn;
  if (typeof seconds !== "number" || !(seconds > 0)) return USUAL_LIFE_MS;
  const lifeMs = Math.min(seconds * 1000, MAX_LIFE_MS);
  return lifeMs - Math.min(MARGIN_MS, lifeMs / 2);
}

/** Section 5.2 names the errors; a name is told only if it is one of them, since an answer may repeat anything. */
function refusal(
  status: number,
  headers: Headers,
  answer: Record<string, unknown>,
  config: RestConfig,
): ProviderError {
  const retryAfterMs = waitMs(headers, config.retry, Date.now());
  if (meansWait(status, headers, config.retry)) {
    return new ProviderError("rate_limited", "The token address is asked too often; it wants a pause.", {
      retryAfterMs,
    });
  }
  if (status >= 500 || status === 408) {
    return new ProviderError("transient", `The token address fails at the moment (${status}).`, {
      retryAfterMs,
    });
  }
  const name = KNOWN_ERRORS.find((one) => one === answer.error) ?? null;
  if (status === 401 || name === "invalid_client" || name === "unauthorized_client") {
    return new ProviderError(
      "reconnect_needed",
      "The token address refuses client_id and client_secret; store valid ones.",
      { providerCode: name ?? `http_${status}` },
    );
  }
  return new ProviderError(
    "misconfigured",
    `The token address refuses the request (${
      name ?? status
    }); check token_url, scope, audience and client_auth.`,
    { providerCode: name ?? `http_${status}` },
  );
}

const KNOWN_ERRORS = [
  ...["invalid_request", "invalid_client", "invalid_grant", "unauthorized_client"],
  ...["unsupported_grant_type", "invalid_scope", "invalid_target"],
];

/** An answer that should be an object; a failure's may be anything. */
function jsonObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value as Record<string, unknown> : {};
  } catch {
    return {};
  }
}

function formEncoded(text: string): string {
  return new URLSearchParams([["", text]]).toString().slice(1);
}
