import { type Context, Hono } from "hono";
import type postgres from "postgres";
import { AuthFault, readJsonObject } from "./auth_fault.ts";
import { type AuthUserRow, findUsers, mergeMetadata, presentUser } from "./auth_user.ts";
import type { Passwords } from "./passwords.ts";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const EMAIL = /^[^@\s]+@[^@\s]+$/;
const MAX_PER_PAGE = 1000;

/** Users as an administrator manages them; the caller has checked the secret key. */
export function adminRoutes(sql: postgres.Sql, passwords: Passwords): Hono {
  const routes = new Hono();
  routes.get("/users", (context) => listUsers(sql, context));
  routes.post("/users", async (context) => {
    const id = await createUser(sql, passwords, await readJsonObject(context.req));
    return context.json(presentUser(await requireUser(sql, id)));
  });
  routes.get("/users/:id", async (context) => {
    return context.json(presentUser(await requireUser(sql, context.req.param("id"))));
  });
  routes.put("/users/:id", async (context) => {
    const user = await requireUser(sql, context.req.param("id"));
    await updateUser({ sql, passwords, user, body: await readJsonObject(context.req) });
    return context.json(presentUser(await requireUser(sql, user.id)));
  });
  routes.delete("/users/:id", async (context) => {
    const user = await requireUser(sql, context.req.param("id"));
    const body: Record<string, unknown> = await readJsonObject(context.req).catch(() => ({}));
    await deleteUser(sql, user, body.should_soft_delete === true);
    return context.json({});
  });
  return routes;
}

async function requireUser(sql: postgres.Sql, id: string): Promise<AuthUserRow> {
  if (!UUID.test(id)) throw new AuthFault(404, "validation_failed", "user_id must be an UUID");
  const [user] = await findUsers(sql, sql`u.id = ${id}`);
  if (!user) throw new AuthFault(404, "user_not_found", "User not found");
  return user;
}

/** A page of users, with the headers from which supabase-js learns the total and the next page. */
async function listUsers(sql: postgres.Sql, context: Context): Promise<Response> {
  const page = Math.max(1, Math.trunc(Number(context.req.query("page")) || 1));
  const perPage = Math.min(
    MAX_PER_PAGE,
    Math.max(1, Math.trunc(Number(context.req.query("per_page")) || 50)),
  );
  const users = await findUsers(sql, sql`true`, { limit: perPage, offset: (page - 1) * perPage });
  const [count] = await sql<{ total: number }[]>`select count(*)::integer as total from auth.users`;
  const lastPage = Math.max(1, Math.ceil(count!.total / perPage));
  const link = (target: number, rel: string) =>
    `<${context.req.path}?page=${target}&per_page=${perPage}>; rel="${rel}"`;
  context.header("x-total-count", String(count!.total));
  context.header(
    "link",
    [...page < lastPage ? [link(page + 1, "next")] : [], link(lastPage, "last")].join(", "),
  );
  return context.json({ users: users.map(presentUser), aud: "authenticated" });
}

async function createUser(
  sql: postgres.Sql,
  passwords: Passwords,
  body: Record<string, unknown>,
): Promise<string> {
  const email = validEmail(body.email);
  const id = body.id === undefined ? crypto.randomUUID() : String(body.id);
  if (!UUID.test(id)) throw new AuthFault(422, "validation_failed", "ID must be a UUID");
  const hash = typeof body.password_hash === "string"
    ? body.password_hash
    : await passwords.hash(body.password ?? `${crypto.randomUUID()}`);
  const appMetadata = mergeMetadata({ provider: "email", providers: ["email"] }, body.app_metadata ?? {});
  const userMetadata = mergeMetadata({}, body.user_metadata ?? {});
  const bannedUntil = body.ban_duration === undefined ? null : banEnd(body.ban_duration);
  await sql.begin(async (transaction) => {
    const inserted = await transaction`
      insert into auth.users (
        instance_id, id, aud, role, email, encrypted_password, email_confirmed_at, raw_app_meta_data, raw_user_meta_data,
        created_at, updated_at, banned_until, confirmation_token, recovery_token, email_change, email_change_token_new
      )
      values (
        '00000000-0000-0000-0000-000000000000', ${id}, 'authenticated', ${
      String(body.role ?? "authenticated")
    }, ${email},
        ${hash}, case when ${body.email_confirm === true} then now() end, ${sql.json(appMetadata)},
        ${sql.json(userMetadata)}, now(), now(), ${bannedUntil}, '', '', '', ''
      )
      on conflict do nothing returning id`;
    if (inserted.length === 0) {
      throw new AuthFault(422, "email_exists", "A user with this email address has already been registered");
    }
    const identityData = { sub: id, email, email_verified: false, phone_verified: false };
    await transaction`
      insert into auth.identities (provider_id, user_id, identity_data, provider, last_sign_in_at, created_at, updated_at)
      values (${id}, ${id}, ${sql.json(identityData)}, 'email', now(), now(), now())`;
  });
  return id;
}

async function updateUser(
  { sql, passwords, user, body }: {
    sql: postgres.Sql;
    passwords: Passwords;
    user: AuthUserRow;
    body: Record<string, unknown>;
  },
): Promise<void> {
  const hash = body.password === undefined ? user.encrypted_password : await passwords.hash(body.password);
  const email = body.email === undefined ? user.email : validEmail(body.email);
  const change = {
    email,
    role: body.role === undefined ? user.role : String(body.role),
    encrypted_password: hash,
    email_confirmed_at: body.email_confirm === true
      ? user.email_confirmed_at ?? new Date()
      : user.email_confirmed_at,
    raw_app_meta_data: sql.json(mergeMetadata(user.raw_app_meta_data, body.app_metadata ?? {})),
    raw_user_meta_data: sql.json(mergeMetadata(user.raw_user_meta_data, body.user_metadata ?? {})),
    banned_until: body.ban_duration === undefined ? user.banned_until : banEnd(body.ban_duration),
    updated_at: new Date(),
  };
  await sql.begin(async (transaction) => {
    const [taken] = await transaction`
      select id from auth.users where email = ${email} and id <> ${user.id} and not is_sso_user`;
    if (taken) {
      throw new AuthFault(422, "email_exists", "A user with this email address has already been registered");
    }
    await transaction`update auth.users set ${transaction(change)} where id = ${user.id}`;
    await transaction`
      update auth.identities set identity_data = identity_data || jsonb_build_object('email', ${email}::text), updated_at = now()
      where user_id = ${user.id} and provider = 'email' and ${email !== user.email}`;
    if (hash !== user.encrypted_password) {
      await transaction`delete from auth.sessions where user_id = ${user.id}`;
    }
  });
}

/** A soft-deleted user's row stays for foreign keys; nothing in it names the person or lets them in. */
async function deleteUser(sql: postgres.Sql, user: AuthUserRow, soft: boolean): Promise<void> {
  if (!soft) {
    await sql`delete from auth.users where id = ${user.id}`;
    return;
  }
  await sql.begin((transaction) => [
    transaction`
      update auth.users set deleted_at = now(), updated_at = now(), encrypted_password = '', raw_user_meta_data = '{}',
        phone = null, email = encode(sha256(convert_to(id::text || coalesce(email, ''), 'UTF8')), 'hex')
      where id = ${user.id}`,
    transaction`delete from auth.sessions where user_id = ${user.id}`,
    transaction`delete from auth.identities where user_id = ${user.id}`,
  ]);
}

function validEmail(email: unknown): string {
  if (typeof email !== "string" || !EMAIL.test(email)) {
    throw new AuthFault(422, "validation_failed", "Unable to validate email address: invalid format");
  }
  return email.toLowerCase();
}

/** When a ban of a Go-style duration ("24h", "1h30m", "300s") ends; "none" lifts it. */
function banEnd(duration: unknown): Date | null {
  if (duration === "none") return null;
  const parts = /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/.exec(String(duration));
  if (!parts || duration === "") {
    throw new AuthFault(
      400,
      "validation_failed",
      `invalid format for ban duration: "${duration}"; write for example 24h`,
    );
  }
  const [hours = 0, minutes = 0, seconds = 0] = parts.slice(1).map((part) => Number(part ?? 0));
  return new Date(Date.now() + ((hours * 60 + minutes) * 60 + seconds) * 1000);
}
