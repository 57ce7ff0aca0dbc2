import { EgressError, type sendRequest } from "../guardrails/egress/egress.ts";
import { utf8Bytes } from "../crypto/encoding.ts";
import type { ProviderRequest } from "./connection.ts";
import type { OAuthClient, OAuthProvider, StoredTokens, TokenAnswer } from "./oauth_provider.ts";
import { codeOf, tokenFailure } from "./oauth_failures.ts";
import { ProviderError } from "./provider_error.ts";

/** The guarded way out. */
export type Send = typeof sendRequest;

/** Far below the lease of whoever refreshes: see token_lease.ts. */
const TIMEOUT_MS = 10_000;
const MAX_ANSWER_BYTES = 65_536;
const decoder = new TextDecoder();

/**
 * Exchanges the code of an answer for tokens.
 *
 * @param verifier - of PKCE; null where the provider does not know it.
 * @throws {ProviderError} reconnect_needed when the code is refused, misconfigured, or one that may pass.
 */
export async function exchangeCode(
  provider: OAuthProvider,
  client: OAuthClient,
  send: Send,
  given: { code: string; redirectUri: string; verifier: string | null },
): Promise<TokenAnswer> {
  return await askForTokens(provider, send, {
    grant_type: "authorization_code",
    code: given.code,
    redirect_uri: given.redirectUri,
    client_id: client.id,
    client_secret: client.secret,
    ...(given.verifier === null ? {} : { code_verifier: given.verifier }),
  });
}

/**
 * Asks for a new access token.
 *
 * @throws {ProviderError} reconnect_needed when the grant is gone, misconfigured, or one that may pass.
 */
export async function refreshTokens(
  provider: OAuthProvider,
  client: OAuthClient,
  send: Send,
  refreshToken: string,
): Promise<TokenAnswer> {
  return await askForTokens(provider, send, {
    grant_type: "refresh_token",
    refresh_token: refreshToken,
    client_id: client.id,
    client_secret: client.secret,
  });
}

/**
 * Tells the provider that tokens are not to work any more. That they do not already is as good.
 *
 * @throws {ProviderError} when it cannot be told, or does not do it.
 */
export async function revokeTokens(
  provider: OAuthProvider,
  client: OAuthClient,
  send: Send,
  tokens: StoredTokens,
): Promise<void> {
  const { status, parsed, headers } = await ask(provider, send, provider.revocation(tokens, client));
  const code = codeOf(parsed?.error);
  if (code !== null && provider.revokedCodes.includes(code)) return;
  if (status === 200 && code === null) return;
  throw tokenFailure(
    status >= 500 || status === 429 ? "transient" : "malformed_answer",
    provider.title,
    code,
    headers,
  );
}

async function askForTokens(
  provider: OAuthProvider,
  send: Send,
  form: Record<string, string>,
): Promise<TokenAnswer> {
  const { status, headers, parsed } = await ask(
    provider,
    send,
    formRequest(provider.addresses().token, form),
  );
  const failure = provider.failureOf(status, headers, parsed);
  if (failure) throw failure;
  return parsed!;
}

/** A POST of a form: tokens stand in bodies, never in an address, which servers on the way write down. */
export function formRequest(
  url: string,
  form: Record<string, string>,
  headers: Record<string, string> = {},
): ProviderRequest {
  return {
    url,
    method: "POST",
    headers: {
      "content-type": "application/x-www-form-urlencoded",
      accept: "application/json",
      "user-agent": "Interlock/1",
      ...headers,
    },
    body: utf8Bytes(new URLSearchParams(form).toString()),
  };
}

async function ask(
  provider: OAuthProvider,
  send: Send,
  request: ProviderRequest,
): Promise<{ status: number; headers: Headers; parsed: TokenAnswer | null }> {
  try {
    const { status, headers, body, truncated } = await send({
      method: "POST",
      headers: {},
      timeoutMs: TIMEOUT_MS,
      maxResponseBytes: MAX_ANSWER_BYTES,
      ...request,
    });
    return { status, headers, parsed: truncated ? null : objectIn(body) };
  } catch (error) {
    if (!(error instanceof EgressError)) throw error;
    const isRefused = error.errorClass === "url_refused" || error.errorClass === "address_refused";
    throw new ProviderError(
      isRefused ? "misconfigured" : "transient",
      `${provider.title} cannot be reached (${error.errorClass}); it is tried again later.`,
      { cause: error },
    );
  }
}

function objectIn(body: Uint8Array): TokenAnswer | null {
  try {
    const value: unknown = JSON.parse(decoder.decode(body));
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value as TokenAnswer : null;
  } catch {
    return null;
  }
}
