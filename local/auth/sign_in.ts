import type postgres from "postgres";
import { AuthFault } from "./auth_fault.ts";
import { findUsers, isBanned } from "./auth_user.ts";
import type { Passwords } from "./passwords.ts";
import type { AuthSession, TokenIssuer } from "./token_issuer.ts";

/** A used refresh token still works this long, for tabs that refresh at the same time. */
const REUSE_INTERVAL_SECONDS = 10;

/** What sign-in and refresh work with. */
export interface SignInTools {
  sql: postgres.Sql;
  issuer: TokenIssuer;
  passwords: Passwords;
}

/**
 * Starts a session for an email address and password.
 *
 * An unknown address costs the same work and gets the same answer as a wrong password.
 *
 * @throws {AuthFault} validation_failed, invalid_credentials, email_not_confirmed, user_banned.
 */
export async function signInWithPassword(
  { sql, issuer, passwords }: SignInTools,
  body: Record<string, unknown>,
  userAgent: string | undefined,
) {
  if (typeof body.email !== "string" || body.email === "") {
    throw new AuthFault(400, "validation_failed", "missing email or phone");
  }
  const [user] = await findUsers(
    sql,
    sql`u.instance_id = '00000000-0000-0000-0000-000000000000' and lower(u.email) = ${body.email.toLowerCase()}
      and u.aud = 'authenticated' and not u.is_sso_user and u.deleted_at is null`,
  );
  const matches = await passwords.matches(String(body.password ?? ""), user?.encrypted_password);
  if (!user || !matches) throw new AuthFault(400, "invalid_credentials", "Invalid login credentials");
  if (isBanned(user)) throw new AuthFault(400, "user_banned", "User is banned");
  if (user.confirmed_at === null) throw new AuthFault(400, "email_not_confirmed", "Email not confirmed");

  const refreshToken = newRefreshToken();
  const session = await sql.begin(async (transaction) => {
    const [made] = await transaction<AuthSession[]>`
      insert into auth.sessions (id, user_id, created_at, updated_at, aal, user_agent)
      values (gen_random_uuid(), ${user.id}, now(), now(), 'aal1', ${
      userAgent ?? null
    }) returning id, created_at`;
    await insertRefreshToken(transaction, {
      token: refreshToken,
      userId: user.id,
      sessionId: made!.id,
      parent: null,
    });
    const [seen] = await transaction<{ at: Date }[]>`
      update auth.users set last_sign_in_at = now() where id = ${user.id} returning last_sign_in_at as at`;
    user.last_sign_in_at = seen!.at;
    return made!;
  });
  return await issuer.issue(user, session, refreshToken);
}

interface KnownToken {
  token: string;
  user_id: string;
  session_id: string;
  revoked: boolean;
  used_recently: boolean;
}

/**
 * Exchanges a refresh token for the next one.
 *
 * A used token is accepted again within the reuse interval, or while it is the parent of the current one (the client
 * never got the answer); both times the current token is handed out, not one more. Any other reuse means somebody
 * else holds a copy: the session ends. The session's row is locked, so simultaneous refreshes see each other.
 *
 * @throws {AuthFault} validation_failed, refresh_token_not_found, refresh_token_already_used, user_banned.
 */
export async function refreshSession({ sql, issuer }: SignInTools, body: Record<string, unknown>) {
  const token = body.refresh_token;
  if (typeof token !== "string" || token === "") {
    throw new AuthFault(400, "validation_failed", "refresh_token required");
  }
  const granted = await sql.begin(async (transaction) => {
    const session = await lockSessionOf(transaction, token);
    const [known] = await transaction<KnownToken[]>`
      select token, user_id, session_id, revoked,
        updated_at > clock_timestamp() - ${REUSE_INTERVAL_SECONDS} * interval '1 second' as used_recently
      from auth.refresh_tokens where token = ${token}`;
    const [user] = await findUsers(
      transaction,
      transaction`u.id = ${session.user_id} and u.deleted_at is null`,
    );
    if (!known || !user) throw notFound();
    if (isBanned(user)) throw new AuthFault(400, "user_banned", "Invalid Refresh Token: User Banned");
    const refreshToken = known.revoked
      ? await currentToken(transaction, known)
      : await rotate(transaction, known);
    if (refreshToken === null) {
      // Not thrown here: that would roll the end of the session back.
      await transaction`delete from auth.sessions where id = ${session.id}`;
      return null;
    }
    await transaction`
      update auth.sessions set refreshed_at = now() at time zone 'utc', updated_at = now() where id = ${session.id}`;
    return { user, session, refreshToken };
  });
  if (granted === null) {
    throw new AuthFault(400, "refresh_token_already_used", "Invalid Refresh Token: Already Used");
  }
  return await issuer.issue(granted.user, granted.session, granted.refreshToken);
}

function notFound(): AuthFault {
  return new AuthFault(400, "refresh_token_not_found", "Invalid Refresh Token: Refresh Token Not Found");
}

async function lockSessionOf(
  sql: postgres.TransactionSql,
  token: string,
): Promise<AuthSession & { user_id: string }> {
  const [session] = await sql<(AuthSession & { user_id: string })[]>`
    select s.id, s.created_at, s.user_id from auth.sessions s
    where s.id = (select t.session_id from auth.refresh_tokens t where t.token = ${token}) for update`;
  if (!session) throw notFound();
  return session;
}

/** The current token of the session, when the used one may still stand for it; else null. */
async function currentToken(sql: postgres.TransactionSql, used: KnownToken): Promise<string | null> {
  const [current] = await sql<{ token: string; parent: string | null }[]>`
    select token, parent from auth.refresh_tokens
    where session_id = ${used.session_id} and not revoked order by id desc limit 1`;
  if (!current || !(used.used_recently || current.parent === used.token)) return null;
  return current.token;
}

async function rotate(sql: postgres.TransactionSql, used: KnownToken): Promise<string> {
  const token = newRefreshToken();
  await sql`update auth.refresh_tokens set revoked = true, updated_at = clock_timestamp() where token = ${used.token}`;
  await insertRefreshToken(sql, {
    token,
    userId: used.user_id,
    sessionId: used.session_id,
    parent: used.token,
  });
  return token;
}

async function insertRefreshToken(
  sql: postgres.TransactionSql,
  row: { token: string; userId: string; sessionId: string; parent: string | null },
): Promise<void> {
  await sql`
    insert into auth.refresh_tokens (instance_id, token, user_id, revoked, created_at, updated_at, parent, session_id)
    values ('00000000-0000-0000-0000-000000000000', ${row.token}, ${row.userId}, false, clock_timestamp(),
      clock_timestamp(), ${row.parent}, ${row.sessionId})`;
}

function newRefreshToken(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
