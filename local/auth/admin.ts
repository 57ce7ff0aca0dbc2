import { Hono } from "hono";
import type postgres from "postgres";
import { AuthFault } from "./auth_fault.ts";
import { type AuthUserRow, presentUser } from "./auth_user.ts";

interface UserBody {
  email?: string;
  password?: string;
  app_metadata?: Record<string, unknown>;
  user_metadata?: Record<string, unknown>;
  ban_duration?: string;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Users as an administrator manages them; the caller has checked the secret key. */
export function adminRoutes(sql: postgres.Sql): Hono {
  const routes = new Hono();

  const find = async (id: string): Promise<AuthUserRow> => {
    const [user] = UUID.test(id) ? await sql<AuthUserRow[]>`select * from auth.users where id = ${id}` : [];
    if (!user) throw new AuthFault(404, "user_not_found", "User not found");
    return user;
  };

  routes.get("/users", async (context) => {
    const page = Math.max(1, Number(context.req.query("page") ?? 1) || 1);
    const perPage = Math.min(1000, Math.max(1, Number(context.req.query("per_page") ?? 50) || 50));
    const users = await sql<AuthUserRow[]>`
      select * from auth.users order by created_at desc, id limit ${perPage} offset ${(page - 1) * perPage}`;
    return context.json({ aud: "authenticated", users: users.map(presentUser) });
  });

  routes.post("/users", async (context) => {
    const body = await context.req.json() as UserBody;
    const email = (body.email ?? "").toLowerCase();
    if (!/^[^@\s]+@[^@\s]+$/.test(email)) throw new AuthFault(422, "validation_failed", "An email address is required");
    const appMetadata = { provider: "email", providers: ["email"], ...body.app_metadata } as postgres.JSONValue;
    const [user] = await sql<AuthUserRow[]>`
      insert into auth.users
        (id, instance_id, aud, role, email, encrypted_password, email_confirmed_at, raw_app_meta_data, raw_user_meta_data)
      values (gen_random_uuid(), '00000000-0000-0000-0000-000000000000', 'authenticated', 'authenticated', ${email},
        extensions.crypt(${body.password ?? crypto.randomUUID()}, extensions.gen_salt('bf', 6)), now(),
        ${sql.json(appMetadata)}, ${sql.json((body.user_metadata ?? {}) as postgres.JSONValue)})
      on conflict do nothing returning *`;
    if (!user) {
      throw new AuthFault(422, "email_exists", "A user with this email address has already been registered");
    }
    await sql`insert into auth.identities (provider_id, user_id, identity_data, provider, created_at, updated_at)
      values (${user.id}, ${user.id}, ${sql.json({ sub: user.id, email })}, 'email', now(), now())`;
    return context.json(presentUser(user));
  });

  routes.get("/users/:id", async (context) => context.json(presentUser(await find(context.req.param("id")))));

  routes.put("/users/:id", async (context) => {
    const user = await find(context.req.param("id"));
    const body = await context.req.json() as UserBody;
    const hours = body.ban_duration === undefined ? null : Number(/^(\d+)h/.exec(body.ban_duration)?.[1] ?? 0);
    await sql`update auth.users set updated_at = now(),
      email = coalesce(${body.email?.toLowerCase() ?? null}, email),
      encrypted_password = coalesce(extensions.crypt(${body.password ?? null}, extensions.gen_salt('bf', 6)), encrypted_password),
      raw_app_meta_data = coalesce(raw_app_meta_data, '{}') || ${sql.json((body.app_metadata ?? {}) as postgres.JSONValue)},
      raw_user_meta_data = coalesce(raw_user_meta_data, '{}') || ${sql.json((body.user_metadata ?? {}) as postgres.JSONValue)},
      banned_until = case when ${hours}::integer is null then banned_until else now() + ${hours ?? 0} * interval '1 hour' end
      where id = ${user.id}`;
    return context.json(presentUser(await find(user.id)));
  });

  routes.delete("/users/:id", async (context) => {
    const user = await find(context.req.param("id"));
    await sql`delete from auth.users where id = ${user.id}`;
    return context.json({});
  });
  return routes;
}
