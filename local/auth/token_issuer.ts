import { createLocalJWKSet, errors, type JSONWebKeySet, jwtVerify } from "jose";
import type postgres from "postgres";
import { type SigningKey, signToken } from "../keys.ts";
import { AuthFault } from "./auth_fault.ts";
import { type AuthUserRow, findUsers, isBanned, presentUser } from "./auth_user.ts";

const LIFETIME_SECONDS = 3600;

/** A sign-in that lasts: every refresh token and access token belongs to one. */
export interface AuthSession {
  id: string;
  created_at: Date;
}

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

  /** The answer to a sign-in or refresh. */
  async issue(user: AuthUserRow, session: AuthSession, refreshToken: string) {
    const accessToken = await signToken(this.signingKey, {
      iss: this.issuer,
      sub: user.id,
      aud: user.aud,
      email: user.email ?? "",
      phone: user.phone ?? "",
      app_metadata: user.raw_app_meta_data ?? {},
      user_metadata: user.raw_user_meta_data ?? {},
      role: user.role,
      aal: "aal1",
      amr: [{ method: "password", timestamp: Math.floor(session.created_at.getTime() / 1000) }],
      session_id: session.id,
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
   * @throws {AuthFault} no_authorization, bad_jwt, session_not_found, user_not_found, user_banned.
   */
  async authenticate(authorization: string | undefined): Promise<{ user: AuthUserRow; sessionId: string }> {
    const token = /^Bearer (.+)$/i.exec(authorization ?? "")?.[1];
    if (!token) throw new AuthFault(401, "no_authorization", "This endpoint requires a valid Bearer token");
    const claims = await this.#verify(token);
    const [session] = await this.sql`
      select id from auth.sessions where id = ${claims.sessionId} and user_id = ${claims.userId}`;
    if (!session) {
      throw new AuthFault(403, "session_not_found", "Session from session_id claim in JWT does not exist");
    }
    const [user] = await findUsers(this.sql, this.sql`u.id = ${claims.userId} and u.deleted_at is null`);
    if (!user) throw new AuthFault(403, "user_not_found", "User from sub claim in JWT does not exist");
    if (isBanned(user)) throw new AuthFault(403, "user_banned", "User is banned");
    return { user, sessionId: claims.sessionId };
  }

  async #verify(token: string): Promise<{ userId: string; sessionId: string }> {
    try {
      const { payload } = await jwtVerify(token, this.#keySet, {
        issuer: this.issuer,
        audience: "authenticated",
      });
      return { userId: String(payload.sub), sessionId: String(payload.session_id) };
    } catch (error) {
      const reason = error instanceof errors.JWTExpired
        ? "token has invalid claims: token is expired"
        : error instanceof Error
        ? error.message
        : "malformed";
      throw new AuthFault(403, "bad_jwt", `invalid JWT: unable to parse or verify signature, ${reason}`);
    }
  }
}
