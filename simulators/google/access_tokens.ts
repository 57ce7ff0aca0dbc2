/** What Google thinks of an access token. */
export type TokenState = "valid" | "expired" | "revoked" | "unknown";

/** Who decides over access tokens: the OAuth server, or a plain list of them. */
export interface TokenJudge {
  accepts(token: string): TokenState;
  /** Scopes the token was granted; undefined = it has them all. */
  scopesOf?(token: string): readonly string[] | undefined;
}

/** Access tokens without an OAuth server: a test makes, expires and revokes them. */
export class AccessTokens implements TokenJudge {
  readonly #tokens = new Map<string, { state: TokenState; scopes: readonly string[] | undefined }>();

  /** A new token that is valid until somebody says otherwise. */
  issue(scopes?: readonly string[]): string {
    const token = `ya29.${crypto.randomUUID().replaceAll("-", "")}`;
    this.#tokens.set(token, { state: "valid", scopes });
    return token;
  }

  accepts(token: string): TokenState {
    return this.#tokens.get(token)?.state ?? "unknown";
  }

  scopesOf(token: string): readonly string[] | undefined {
    return this.#tokens.get(token)?.scopes;
  }

  /** Every token so far is this from now on. */
  endAll(state: "expired" | "revoked"): void {
    for (const token of this.#tokens.values()) token.state = state;
  }
}
