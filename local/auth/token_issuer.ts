import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from "jose";
import type postgres from "postgres";
import { type SigningKey, signToken } from "../keys.ts";
import { AuthFault } from "./auth_fault.ts";
import { type AuthUserRow, presentUser } from "./auth_user.ts";

const LIFETIME_SECONDS = 3600;

/** Makes and checks the tokens of a session. */
export class TokenIssuer {
  readonly #keySet;

  constructor(
    private readonly sql: postgres.Sql,
    private readonly signingKey: SigningKey,
    private readonly issuer: string,
  ) {
    this.#keySet = createLocalJWKSet({ keys: [signingKey.publicJwk] } as JSONWebKeySet);
  }

  /** The answer to a sign-in or refresh: a new access token and a new refresh token of the session. */
  async grant(user: AuthUserRow, sessionId: string, parent: string | null) {
    const refreshToken = crypto.randomUUID().replaceAll("-", "");
    await this.sql`insert into auth.refresh_tokens (token, user_id, revoked, parent, session_id)
      values (${refreshToken}, ${user.id}, false, ${parent}, ${sessionId})`;
    const accessToken = await signToken(this.signingKey, {
      iss: this.issuer,
      sub: user.id,
      aud: "authenticated",
      email: user.email ?? "",
      phone: user.phone ?? "",
      app_metadata: user.raw_app_meta_data ?? {},
      user_metadata: user.raw_user_meta_data ?? {},
      role: user.role,
      aal: "aal1",
      amr: [{ method: "password", timestamp: Math.floor(Date.now() / 1000) }],
      session_id: sessionId,
      is_anonymous: user.is_anonymous,
    }, LIFETIME_SECONDS);
    return {
      access_token: accessToken,
      token_type: "bearer",
      expires_in: LIFETIME_SECONDS,
      expires_at: Math.floor(Date.now() / 1000) + LIFETIME_SECONDS,
      refresh_token: refreshToken,
      user: presentUser(user),
    };
  }

  /**
   * The user and session of a request's bearer token.
   *
   * @throws {AuthFault} no_authorization, bad_jwt, session_not_found, user_not_found.
   */
  async authenticate(authorization: string | undefined): Promise<{ user: AuthUserRow; sessionId: string }> {
    const token = /^Bearer (.+)$/i.exec(authorization ?? "")?.[1];
    if (!token) throw new AuthFault(401, "no_authorization", "This endpoint requires a valid Bearer token");
    const { payload } = await jwtVerify(token, this.#keySet, { issuer: this.issuer, audience: "authenticated" })
      .catch((error) => {
        throw new AuthFault(403, "bad_jwt", `invalid JWT: ${error.message}`);
      });
    const sessionId = String(payload.session_id);
    const [session] = await this.sql`select id from auth.sessions where id = ${sessionId}`;
    if (!session) throw new AuthFault(403, "session_not_found", "Session from session_id claim in JWT does not exist");
    const [user] = await this.sql<AuthUserRow[]>`select * from auth.users where id = ${String(payload.sub)}`;
    if (!user) throw new AuthFault(403, "user_not_found", "User from sub claim in JWT does not exist");
    return { user, sessionId };
  }
}
