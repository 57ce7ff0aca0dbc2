import { parseExact } from "../../json/exact_plain.ts";
import type { PlainJson } from "../../json/plain.ts";
import { utf8Bytes } from "../../crypto/encoding.ts";
import type { EgressResponse } from "../../guardrails/egress/egress.ts";
import { parseHttpDate } from "../../retry/http_date.ts";
import { type Connection, withValidSecrets } from "../connection.ts";
import { ProviderError } from "../provider_error.ts";
import { clientToken } from "./client_token.ts";
import type { ApiSecrets, RestConfig } from "./config.ts";
import {
  bearerCredentials,
  type Credentials,
  jsonWithoutSecrets,
  storedCredentials,
  withoutSecrets,
} from "./credentials.ts";
import { type Asked, refuseFailure, textOf } from "./judge_answer.ts";

export type RestConnection = Connection<RestConfig, ApiSecrets>;

/** A request to the API, without what says who asks. */
export interface ApiRequest extends Asked {
  url: URL;
  method: "GET" | "POST";
  body?: PlainJson;
}

/** What the API answered. */
export interface ApiAnswer {
  value: PlainJson;
  headers: Headers;
  /** The instant of the answer by the API's own clock, or by ours where it tells none. */
  atMs: number;
}

/** Largest answer: what one page may cost a worker that has a second of processor time. */
export const MAX_ANSWER_BYTES = 8_000_000;

/**
 * Asks the API, with its credentials, for JSON. A token of the client credentials grant that is refused is fetched anew
 * once.
 *
 * @throws {ProviderError} whose sentence holds nothing of the answer.
 */
export async function ask(connection: RestConnection, request: ApiRequest): Promise<ApiAnswer> {
  return await withValidSecrets(connection, async (secrets) => {
    const { auth } = connection.config;
    if (auth.kind !== "oauth2_client_credentials") {
      return answerOf(
        connection,
        request,
        ...await send(connection, request, storedCredentials(auth, secrets)),
      );
    }
    const token = await clientToken(connection, auth, secrets);
    const [response, credentials] = await send(connection, request, bearerCredentials(secrets, token));
    if (response.status !== 401) return answerOf(connection, request, response, credentials);
    const newer = await clientToken(connection, auth, secrets, token);
    return answerOf(
      connection,
      request,
      ...await send(connection, request, bearerCredentials(secrets, newer)),
    );
  });
}

async function send(
  connection: RestConnection,
  { url, method, body }: ApiRequest,
  credentials: Credentials,
): Promise<[EgressResponse, Credentials]> {
  const { config } = connection;
  const address = new URL(url);
  if (credentials.query) address.searchParams.set(credentials.query.name, credentials.query.value);
  const headers = merged(
    { accept: "application/json" },
    config.headers,
    credentials.headers,
    method === "POST" ? { "content-type": "application/json" } : {},
  );
  const response = await connection.send({
    url: String(address),
    method,
    headers,
    ...(method === "POST" ? { body: utf8Bytes(JSON.stringify(body ?? {})) } : {}),
    timeoutMs: config.timeout_ms,
    maxResponseBytes: MAX_ANSWER_BYTES,
  });
  return [response, credentials];
}

function answerOf(
  { config }: RestConnection,
  request: ApiRequest,
  response: EgressResponse,
  { secretTexts }: Credentials,
): ApiAnswer {
  const nowMs = Date.now();
  refuseFailure(response, config.retry, request, nowMs);
  const text = textOf(response, MAX_ANSWER_BYTES, request.what);
  const headers = new Headers();
  for (const [name, value] of response.headers) headers.set(name, withoutSecrets(value, secretTexts));
  const atMs = parseHttpDate(headers.get("date") ?? "", nowMs) ?? nowMs;
  try {
    return { value: jsonWithoutSecrets(parseExact(text), secretTexts), headers, atMs };
  } catch {
    // The parser's own words would quote the answer.
    throw new ProviderError("malformed_answer", `The API's answer for ${request.what} is not JSON.`);
  }
}

/** Headers of all of them, the later ones winning; names in lower case, so that none comes twice. */
function merged(...parts: Record<string, string>[]): Record<string, string> {
  return Object.fromEntries(
    parts.flatMap((part) => Object.entries(part)).map(([name, value]) => [name.toLowerCase(), value]),
  );
}
