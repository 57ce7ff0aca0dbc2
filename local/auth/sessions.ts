import { Hono } from "hono";
import type postgres from "postgres";
import { AuthFault, readJsonObject } from "./auth_fault.ts";
import { type AuthUserRow, findUsers, mergeMetadata, presentUser } from "./auth_user.ts";
import { refreshSession, type SignInTools, signInWithPassword } from "./sign_in.ts";

/** Sign-in, refresh, sign-out and the user's own record. */
export function sessionRoutes(tools: SignInTools): Hono {
  const { sql, issuer } = tools;
  const routes = new Hono();

  routes.post("/token", async (context) => {
    const grantType = context.req.query("grant_type");
    const body = await readJsonObject(context.req);
    if (grantType === "password") {
      return context.json(await signInWithPassword(tools, body, context.req.header("user-agent")));
    }
    if (grantType === "refresh_token") return context.json(await refreshSession(tools, body));
    throw new AuthFault(400, "validation_failed", "unsupported_grant_type");
  });

  routes.post("/signup", () => {
    throw new AuthFault(422, "signup_disabled", "Signups not allowed for this instance");
  });

  routes.post("/logout", async (context) => {
    const { user, sessionId } = await issuer.authenticate(context.req.header("authorization"));
    const scope = context.req.query("scope") ?? "global";
    if (!["global", "local", "others"].includes(scope)) {
      throw new AuthFault(400, "validation_failed", `Unsupported logout scope "${scope}"`);
    }
    await sql`
      delete from auth.sessions where user_id = ${user.id}
        and case ${scope} when 'local' then id = ${sessionId} when 'others' then id <> ${sessionId} else true end`;
    return context.body(null, 204);
  });

  routes.get("/user", async (context) => {
    const { user } = await issuer.authenticate(context.req.header("authorization"));
    return context.json(presentUser(user));
  });

  routes.put("/user", async (context) => {
    const { user, sessionId } = await issuer.authenticate(context.req.header("authorization"));
    const body = await readJsonObject(context.req);
    if (body.email !== undefined || body.phone !== undefined) {
      const message =
        "The local Auth server sends no messages, so it cannot change an email address or phone";
      throw new AuthFault(422, "validation_failed", message);
    }
    if (body.password !== undefined) {
      await changePassword(tools, { user, sessionId, password: body.password });
    }
    if (body.data !== undefined) {
      const merged = mergeMetadata(user.raw_user_meta_data, body.data);
      await sql`update auth.users set updated_at = now(), raw_user_meta_data = ${
        sql.json(merged)
      } where id = ${user.id}`;
    }
    const [updated] = await findUsers(sql, sql`u.id = ${user.id}`);
    return context.json(presentUser(updated!));
  });
  return routes;
}

/** Sets a new password and ends the user's other sessions. */
async function changePassword(
  { sql, passwords }: SignInTools,
  change: { user: AuthUserRow; sessionId: string; password: unknown },
): Promise<void> {
  const { user, sessionId, password } = change;
  const hash = await passwords.hash(password);
  if (await passwords.matches(String(password), user.encrypted_password)) {
    throw new AuthFault(422, "same_password", "New password should be different from the old password.");
  }
  await sql.begin((transaction: postgres.TransactionSql) => [
    transaction`update auth.users set updated_at = now(), encrypted_password = ${hash} where id = ${user.id}`,
    transaction`delete from auth.sessions where user_id = ${user.id} and id <> ${sessionId}`,
  ]);
}
