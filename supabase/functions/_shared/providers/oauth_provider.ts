import type { z } from "zod";
import type { PlainJson } from "./source.ts";
import type { ProviderRequest } from "./connection.ts";
import { ProviderError } from "./provider_error.ts";

/** What an OAuth app of this installation is called at the provider, and its password. */
export interface OAuthClient {
  id: string;
  secret: string;
}

/** Credentials of a connector, as they are stored in Vault. */
export type StoredSecrets = { [name: string]: PlainJson };

/** What somebody granted. */
export interface Grant {
  secrets: StoredSecrets;
  account: {
    /** The provider's own, lasting identifier. */
    id: string;
    /** For display: an address, a workspace's name. */
    name: string;
  };
  /** What was granted, which may be less than what was asked for. */
  scopes: string[];
}

/** The tokens among stored credentials. */
export interface StoredTokens {
  accessToken: string;
  /** null = it cannot be refreshed. */
  refreshToken: string | null;
  /** When the access token ends, in milliseconds since 1970; null = never, or unknown. */
  expiresAtMs: number | null;
}

/** The answer of a token address that is no failure. */
export type TokenAnswer = { [name: string]: unknown };

/** Addresses of a provider; all of them its own or, in tests, a server's that plays it. */
export interface OAuthAddresses {
  authorize: string;
  token: string;
}

/** How people connect accounts of a provider by OAuth 2: data, and one function for each thing that differs. */
export interface OAuthProvider {
  /** Type of its connectors. */
  type: string;
  /** For sentences: "Google". */
  title: string;
  /** Names of the variables that `client()` reads, for whoever has to set them. */
  clientVariables: readonly string[];
  /** This installation's app; null = there is none. */
  client(): OAuthClient | null;
  addresses(): OAuthAddresses;
  /** Who answers, where the provider says so in the answer (RFC 9207); an answer that names another one is refused. */
  issuer?: string;
  /** Whether it knows PKCE (RFC 7636). Where it does, it is always used, with S256. */
  usesPkce: boolean;
  scopeSeparator: " " | ",";
  /** Further parameters of the authorize address. */
  parameters: Readonly<Record<string, string>>;
  /** Parameter that suggests an account to the person; undefined = there is none. */
  hintParameter?: string;
  /** The schema of its connectors' settings, here because their definition brings all that reads the provider. */
  config(): z.ZodType;
  /** What a connector with these settings has to be allowed. */
  neededScopes(config: Record<string, unknown>): string[];
  /** Whether one URL of our app gets the news of all accounts, so that accounts are linked to connectors. */
  linksAccount: boolean;
  /**
   * The failure an answer of the token address means; null = it is none.
   *
   * @param parsed - the body, where it is a JSON object.
   */
  failureOf(status: number, headers: Headers, parsed: TokenAnswer | null): ProviderError | null;
  /**
   * What the answer to a code grants.
   *
   * @throws {ProviderError} malformed_answer, misconfigured (an account that cannot be used).
   */
  grantOf(answer: TokenAnswer, client: OAuthClient, nowMs: number): Grant;
  /** The tokens in stored credentials; null = there are none of a grant. */
  tokensOf(secrets: StoredSecrets): StoredTokens | null;
  /**
   * Credentials after a refresh: the old ones with what the answer brought. A refresh token stays when no other comes.
   *
   * @throws {ProviderError} malformed_answer.
   */
  renewed(secrets: StoredSecrets, answer: TokenAnswer, nowMs: number): StoredSecrets;
  /** The request that revokes tokens; docs of the provider say that none of ours goes on working after it. */
  revocation(tokens: StoredTokens, client: OAuthClient): ProviderRequest;
  /** Codes of a refused revocation that mean: it is revoked already. */
  revokedCodes: readonly string[];
  /** A token that ends sooner than this is refreshed before it is used. */
  marginMs: number;
  /** Whether tokens are kept fresh though nobody asks, because something reads them without refreshing. */
  keepsFresh: boolean;
}

/** ISO 8601 of when a token ends, from `expires_in`; null = the provider does not say. */
export function expiryOf(answer: TokenAnswer, nowMs: number): string | null {
  const seconds = answer.expires_in;
  if (typeof seconds !== "number" || !(seconds > 0)) return null;
  return new Date(nowMs + Math.min(seconds, 10 * 365 * 86_400) * 1000).toISOString();
}

/**
 * A text that an answer must have.
 *
 * @throws {ProviderError} malformed_answer
 */
export function textOf(answer: TokenAnswer, name: string, title: string): string {
  const value = answer[name];
  if (typeof value === "string" && /^[\x20-\x7e]{1,8192}$/.test(value)) return value;
  throw new ProviderError("malformed_answer", `${title} answered a grant without ${name}; try again later.`);
}
