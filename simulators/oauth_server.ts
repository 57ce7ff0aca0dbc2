import { createHash } from "node:crypto";

/** Somebody with an account at the provider. */
export interface OAuthAccount {
  id: string;
  name: string;
}

/** What an authorization server is set up with. */
export interface OAuthServerOptions {
  clientId: string;
  clientSecret: string;
  /** Exact addresses; no other one is sent back to. */
  redirectUris: string[];
  pkce: "required" | "unknown";
  /** How tokens begin. */
  prefixes: { access: string; refresh: string };
  accessTokenLifetimeMs: number;
  /** Whether a refresh ends the refresh token it was asked with, and gives another one. */
  rotates: boolean;
  /** Whether grants have a refresh token at all. */
  refreshes?: boolean;
}

/** A question that a browser brings to the authorize address. */
export interface AuthorizeQuestion {
  clientId: string | null;
  redirectUri: string | null;
  scopes: string[];
  state: string | null;
  challenge: string | null;
  challengeMethod: string | null;
  /** Which parameters came. */
  parameters: URLSearchParams;
}

/** What is given for a code or a refresh token. */
export interface IssuedTokens {
  accessToken: string;
  /** null = none comes this time. */
  refreshToken: string | null;
  expiresInS: number;
  scopes: string[];
  account: OAuthAccount;
}

interface Grant {
  account: OAuthAccount;
  scopes: string[];
  isRevoked: boolean;
  refreshToken: string | null;
}

/** An error of RFC 6749, or of what stands before it. */
export class OAuthRefusal extends Error {
  constructor(readonly code: string, readonly description = code) {
    super(description);
  }
}

/** How an access token is. */
export type AccessTokenState = "valid" | "expired" | "revoked" | "unknown";

/**
 * The core of a strict authorization server (RFC 6749, 7636, 7009): one app, exact redirect addresses, codes that work
 * once (a second use ends what the first one gave), refresh tokens that rotate or stay, tokens that end. Each provider's
 * simulator puts its own addresses and words around it.
 */
export class OAuthServer {
  readonly #codes = new Map<
    string,
    { redirectUri: string; challenge: string | null; grant: Grant; isUsed: boolean }
  >();
  readonly #access = new Map<string, { grant: Grant; expiresAtMs: number }>();
  readonly #refresh = new Map<string, Grant>();
  readonly #spent = new Map<string, Grant>();
  /** Exchanges of refresh tokens that came, whatever became of them. */
  refreshes = 0;
  /** Exchanges of codes that came, whatever became of them. */
  exchanges = 0;
  /** Tokens that were revoked, each request of it. */
  readonly revocations: string[] = [];
  /** Tokens that stood in an address, where everybody on the way writes them down. */
  readonly tokensInAddresses: string[] = [];
  /** Every token and code that was ever given out. */
  readonly issued: string[] = [];
  /** Whoever consents next; null = they decline. */
  consenting: OAuthAccount | null = { id: "1001", name: "ann@acme.example" };
  /** What they allow; null = all that is asked for. */
  allowed: ((scopes: string[]) => string[]) | null = null;

  constructor(readonly options: OAuthServerOptions) {}

  /**
   * The question of an authorize address, where it may be answered at all.
   *
   * @throws {OAuthRefusal} which is shown to the person: the address to send back to is not to be trusted.
   */
  question(parameters: URLSearchParams, separator: " " | ","): AuthorizeQuestion {
    const question = {
      clientId: parameters.get("client_id"),
      redirectUri: parameters.get("redirect_uri"),
      scopes: (parameters.get("scope") ?? "").split(separator).filter(Boolean),
      state: parameters.get("state"),
      challenge: parameters.get("code_challenge"),
      challengeMethod: parameters.get("code_challenge_method"),
      parameters,
    };
    if (question.clientId !== this.options.clientId) throw new OAuthRefusal("invalid_client");
    if (!this.options.redirectUris.includes(question.redirectUri ?? "")) {
      throw new OAuthRefusal("redirect_uri_mismatch");
    }
    for (const name of parameters.keys()) {
      if (parameters.getAll(name).length > 1) throw new OAuthRefusal("invalid_request", `${name} came twice`);
    }
    if (question.scopes.length === 0) throw new OAuthRefusal("invalid_scope");
    if (this.options.pkce === "required" && !/^[\w-]{43}$/.test(question.challenge ?? "")) {
      throw new OAuthRefusal("invalid_request", "code_challenge is missing");
    }
    if (this.options.pkce === "required" && question.challengeMethod !== "S256") {
      throw new OAuthRefusal("invalid_request", "code_challenge_method is not S256");
    }
    return question;
  }

  /** The person's answer: a code, or null when they decline. */
  decide(question: AuthorizeQuestion): { code: string; scopes: string[] } | null {
    if (this.consenting === null) return null;
    const scopes = this.allowed?.(question.scopes) ?? question.scopes;
    const grant = { account: this.consenting, scopes, isRevoked: false, refreshToken: null };
    const code = this.#made("code-");
    this.#codes.set(code, {
      redirectUri: question.redirectUri!,
      challenge: question.challenge,
      grant,
      isUsed: false,
    });
    return { code, scopes };
  }

  /** @throws {OAuthRefusal} */
  exchange(form: URLSearchParams): IssuedTokens {
    this.exchanges++;
    this.#checkClient(form);
    const code = this.#codes.get(form.get("code") ?? "");
    if (!code) throw new OAuthRefusal("invalid_grant", "Malformed auth code.");
    if (code.isUsed) {
      // RFC 6749 section 4.1.2: somebody else has it, so all it gave ends.
      code.grant.isRevoked = true;
      throw new OAuthRefusal("invalid_grant", "Code was already redeemed.");
    }
    code.isUsed = true;
    if (code.redirectUri !== form.get("redirect_uri")) throw new OAuthRefusal("redirect_uri_mismatch");
    if (code.challenge !== null && code.challenge !== challengeOf(form.get("code_verifier") ?? "")) {
      throw new OAuthRefusal("invalid_grant", "Invalid code verifier.");
    }
    const isRefreshable = this.options.refreshes !== false;
    return this.#tokens(code.grant, isRefreshable ? this.#newRefreshToken(code.grant) : null);
  }

  /** @throws {OAuthRefusal} */
  refresh(form: URLSearchParams): IssuedTokens {
    this.refreshes++;
    this.#checkClient(form);
    const token = form.get("refresh_token") ?? "";
    const spent = this.#spent.get(token);
    if (spent) {
      // RFC 9700 section 4.14.2: a rotated token that comes again was stolen, so its whole family ends.
      spent.isRevoked = true;
      throw new OAuthRefusal("invalid_grant", "Token has been expired or revoked.");
    }
    const grant = this.#refresh.get(token);
    if (!grant || grant.isRevoked) {
      throw new OAuthRefusal("invalid_grant", "Token has been expired or revoked.");
    }
    if (!this.options.rotates) return this.#tokens(grant, null);
    this.#refresh.delete(token);
    this.#spent.set(token, grant);
    return this.#tokens(grant, this.#newRefreshToken(grant));
  }

  /** Ends what a token belongs to: everything the account granted to the app. Answers false when it belongs to nothing. */
  revoke(token: string): boolean {
    this.revocations.push(token);
    const grant = this.#refresh.get(token) ?? this.#access.get(token)?.grant;
    if (!grant || grant.isRevoked) return false;
    this.revokeAccount(grant.account.id);
    return true;
  }

  /** The account removes the app. */
  revokeAccount(accountId: string): void {
    for (const { grant } of [...this.#codes.values(), ...this.#access.values()]) {
      if (grant.account.id === accountId) grant.isRevoked = true;
    }
  }

  /** What an API is to think of a token. */
  accepts(token: string): AccessTokenState {
    const known = this.#access.get(token);
    if (!known) return "unknown";
    if (known.grant.isRevoked) return "revoked";
    return known.expiresAtMs <= Date.now() ? "expired" : "valid";
  }

  /** Scopes of a token; undefined = unknown. */
  scopesOf(token: string): readonly string[] | undefined {
    return this.#access.get(token)?.grant.scopes;
  }

  /** Every access token so far has ended. */
  expireAll(): void {
    for (const token of this.#access.values()) token.expiresAtMs = 0;
  }

  /** Tokens without a browser, as if somebody had consented. */
  grant(account: OAuthAccount, scopes: string[]): IssuedTokens {
    const grant: Grant = { account, scopes, isRevoked: false, refreshToken: null };
    return this.#tokens(grant, this.#newRefreshToken(grant));
  }

  #checkClient(form: URLSearchParams): void {
    const isOurs = form.get("client_id") === this.options.clientId &&
      form.get("client_secret") === this.options.clientSecret;
    if (!isOurs) throw new OAuthRefusal("invalid_client", "The OAuth client was not found.");
  }

  #tokens(grant: Grant, refreshToken: string | null): IssuedTokens {
    const accessToken = this.#made(this.options.prefixes.access);
    const lifetimeMs = this.options.accessTokenLifetimeMs;
    this.#access.set(accessToken, { grant, expiresAtMs: Date.now() + lifetimeMs });
    const { scopes, account } = grant;
    return { accessToken, refreshToken, expiresInS: Math.floor(lifetimeMs / 1000), scopes, account };
  }

  #newRefreshToken(grant: Grant): string {
    const token = this.#made(this.options.prefixes.refresh);
    grant.refreshToken = token;
    this.#refresh.set(token, grant);
    return token;
  }

  #made(prefix: string): string {
    const token = prefix + crypto.randomUUID().replaceAll("-", "");
    this.issued.push(token);
    return token;
  }
}

function challengeOf(verifier: string): string {
  if (!/^[\w.~-]{43,128}$/.test(verifier)) return "";
  return createHash("sha256").update(verifier).digest("base64url");
}

/** Sends the browser back to the app. */
export function sendBack(question: AuthorizeQuestion, parameters: Record<string, string>): Response {
  const url = new URL(question.redirectUri!);
  if (question.state !== null) url.searchParams.set("state", question.state);
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  return new Response(null, { status: 302, headers: { location: url.href } });
}
