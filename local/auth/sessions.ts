import { Hono } from "hono";
import type postgres from "postgres";
import { AuthFault } from "./auth_fault.ts";
import { type AuthUserRow, isBarred, presentUser } from "./auth_user.ts";
import type { TokenIssuer } from "./token_issuer.ts";

/** A used refresh token still works this long, for tabs that refresh at the same time. */
const REUSE_INTERVAL_SECONDS = 10;
/** Compared with when no user matches, so that an unknown address takes as long as a wrong password. */
const DUMMY_HASH = "$2a$06$RZ5xo0ZbW9mrGQGuTr3h9u5d0vYqXGpGv1Gf8u1c1C0Qw3l8p2m3y";

/** Sign-in, refresh, sign-out and the user's own record. */
export function sessionRoutes(sql: postgres.Sql, issuer: TokenIssuer): Hono {
  const routes = new Hono();

  routes.post("/token", async (context) => {
    const body = await context.req.json().catch(() => null) as Record<string, unknown> | null;
    const grantType = context.req.query("grant_type");
    if (body === null) throw new AuthFault(400, "bad_json", "Could not parse request body as JSON");
    if (grantType === "password") return context.json(await signIn(sql, issuer, body));
    if (grantType === "refresh_token") return context.json(await refresh(sql, issuer, String(body.refresh_token ?? "")));
    throw new AuthFault(400, "validation_failed", "unsupported_grant_type");
  });

  routes.post("/logout", async (context) => {
    const { user, sessionId } = await issuer.authenticate(context.req.header("authorization"));
    const scope = context.req.query("scope") ?? "global";
    if (scope === "local") await sql`delete from auth.sessions where id = ${sessionId}`;
    else if (scope === "others") await sql`delete from auth.sessions where user_id = ${user.id} and id <> ${sessionId}`;
    else await sql`delete from auth.sessions where user_id = ${user.id}`;
    return context.body(null, 204);
  });

  routes.get("/user", async (context) => {
    const { user } = await issuer.authenticate(context.req.header("authorization"));
    return context.json(presentUser(user));
  });

  routes.put("/user", async (context) => {
    const { user } = await issuer.authenticate(context.req.header("authorization"));
    const body = await context.req.json() as { password?: string; data?: Record<string, unknown> };
    if (body.password !== undefined) {
      if (body.password.length < 6) throw new AuthFault(422, "weak_password", "Password should be at least 6 characters.");
      await sql`update auth.users set updated_at = now(),
        encrypted_password = extensions.crypt(${body.password}, extensions.gen_salt('bf', 6)) where id = ${user.id}`;
    }
    if (body.data !== undefined) {
      await sql`update auth.users set updated_at = now(),
        raw_user_meta_data = coalesce(raw_user_meta_data, '{}') || ${sql.json(body.data as postgres.JSONValue)}
        where id = ${user.id}`;
    }
    const [updated] = await sql<AuthUserRow[]>`select * from auth.users where id = ${user.id}`;
    return context.json(presentUser(updated!));
  });
  return routes;
}

async function signIn(sql: postgres.Sql, issuer: TokenIssuer, body: Record<string, unknown>) {
  const email = String(body.email ?? "").toLowerCase();
  const password = String(body.password ?? "");
  const [user] = await sql<(AuthUserRow & { matches: boolean })[]>`
    select u.*, extensions.crypt(${password}, coalesce(u.encrypted_password, ${DUMMY_HASH})) = u.encrypted_password as matches
    from (select 1) always left join auth.users u on lower(u.email) = ${email} and not u.is_sso_user`;
  if (!user?.matches || user.deleted_at !== null) {
    throw new AuthFault(400, "invalid_credentials", "Invalid login credentials");
  }
  if (isBarred(user)) throw new AuthFault(400, "user_banned", "User is banned");
  const sessionId = crypto.randomUUID();
  await sql`insert into auth.sessions (id, user_id) values (${sessionId}, ${user.id})`;
  await sql`update auth.users set last_sign_in_at = now() where id = ${user.id}`;
  return await issuer.grant(user, sessionId, null);
}

async function refresh(sql: postgres.Sql, issuer: TokenIssuer, token: string) {
  const [found] = await sql<{ session_id: string; user_id: string; revoked: boolean; reusable: boolean }[]>`
    select session_id, user_id, revoked,
      updated_at > now() - ${REUSE_INTERVAL_SECONDS} * interval '1 second' as reusable
    from auth.refresh_tokens where token = ${token}`;
  if (!found) throw new AuthFault(400, "refresh_token_not_found", "Invalid Refresh Token: Refresh Token Not Found");
  if (found.revoked && !found.reusable) {
    // Somebody else holds a copy: nobody may go on with this session.
    await sql`delete from auth.sessions where id = ${found.session_id}`;
    throw new AuthFault(400, "refresh_token_already_used", "Invalid Refresh Token: Already Used");
  }
  const [user] = await sql<AuthUserRow[]>`select * from auth.users where id = ${found.user_id}`;
  if (!user || isBarred(user)) throw new AuthFault(400, "user_banned", "User is banned");
  await sql`update auth.refresh_tokens set revoked = true, updated_at = now() where token = ${token} and not revoked`;
  await sql`update auth.sessions set refreshed_at = now(), updated_at = now() where id = ${found.session_id}`;
  return await issuer.grant(user, found.session_id, token);
}
