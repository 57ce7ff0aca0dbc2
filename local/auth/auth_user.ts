import type postgres from "postgres";
import { AuthFault } from "./auth_fault.ts";

/** A way in which a user signs in, as the API shows it. */
interface Identity {
  identity_id: string;
  id: string;
  user_id: string;
  identity_data: Record<string, unknown>;
  provider: string;
  last_sign_in_at: string | null;
  created_at: string;
  updated_at: string;
  email: string | null;
}

/** A row of auth.users as far as this server reads it, with the user's identities. */
export interface AuthUserRow {
  id: string;
  aud: string;
  role: string;
  email: string | null;
  phone: string | null;
  encrypted_password: string | null;
  email_confirmed_at: Date | null;
  phone_confirmed_at: Date | null;
  confirmed_at: Date | null;
  last_sign_in_at: Date | null;
  raw_app_meta_data: Record<string, unknown> | null;
  raw_user_meta_data: Record<string, unknown> | null;
  created_at: Date;
  updated_at: Date;
  banned_until: Date | null;
  deleted_at: Date | null;
  is_anonymous: boolean;
  null_columns: string[];
  identities: Identity[];
}

/** The columns GoTrue reads into strings: with a null in one of them it cannot load the user. */
const TEXT_COLUMNS = [
  "confirmation_token",
  "recovery_token",
  "email_change_token_current",
  "email_change_token_new",
  "email_change",
  "phone_change",
  "phone_change_token",
  "reauthentication_token",
];

/**
 * The users for which a condition holds, at most `limit`, newest first.
 *
 * @throws {AuthFault} unexpected_failure for a user GoTrue could not load either, so that a seed that would break
 * sign-in on the platform breaks it here.
 */
export async function findUsers(
  sql: postgres.Sql | postgres.TransactionSql,
  condition: postgres.PendingQuery<postgres.Row[]>,
  page: { limit: number; offset: number } = { limit: 1, offset: 0 },
): Promise<AuthUserRow[]> {
  const users = await sql<AuthUserRow[]>`
    select u.*,
      array(
        select c.key from jsonb_each(to_jsonb(u)) as c where c.key = any(${TEXT_COLUMNS}) and c.value = 'null'
      ) as null_columns,
      coalesce((
        select jsonb_agg(jsonb_build_object(
          'identity_id', i.id, 'id', i.provider_id, 'user_id', i.user_id, 'identity_data', i.identity_data,
          'provider', i.provider, 'last_sign_in_at', i.last_sign_in_at, 'created_at', i.created_at,
          'updated_at', i.updated_at, 'email', i.email
        ) order by i.created_at, i.id)
        from auth.identities i where i.user_id = u.id
      ), '[]') as identities
    from auth.users u
    where ${condition}
    order by u.created_at desc nulls last, u.id
    limit ${page.limit} offset ${page.offset}`;
  const broken = users.find((user) => user.null_columns.length > 0);
  if (broken) {
    throw new AuthFault(
      500,
      "unexpected_failure",
      `Database error querying schema: fill ${
        broken.null_columns.join(", ")
      } of auth.users with '' where it is null`,
    );
  }
  return users;
}

/** A user as the API shows it. */
export function presentUser(row: AuthUserRow) {
  return {
    id: row.id,
    aud: row.aud ?? "",
    role: row.role ?? "",
    email: row.email ?? "",
    email_confirmed_at: row.email_confirmed_at ?? undefined,
    phone: row.phone ?? "",
    phone_confirmed_at: row.phone_confirmed_at ?? undefined,
    confirmed_at: row.confirmed_at ?? undefined,
    last_sign_in_at: row.last_sign_in_at ?? undefined,
    app_metadata: row.raw_app_meta_data ?? {},
    user_metadata: row.raw_user_meta_data ?? {},
    identities: row.identities,
    created_at: row.created_at,
    updated_at: row.updated_at,
    banned_until: row.banned_until ?? undefined,
    deleted_at: row.deleted_at ?? undefined,
    is_anonymous: row.is_anonymous,
  };
}

/** Whether the user is barred for now. */
export function isBanned(row: AuthUserRow): boolean {
  return row.banned_until !== null && row.banned_until.getTime() > Date.now();
}

/** Metadata with a change applied: members are replaced, a null removes one. */
export function mergeMetadata(known: Record<string, unknown> | null, change: unknown): postgres.JSONValue {
  if (typeof change !== "object" || change === null || Array.isArray(change)) {
    throw new AuthFault(400, "validation_failed", "Metadata must be a JSON object");
  }
  const merged = Object.entries({ ...known, ...change }).filter(([, value]) => value !== null);
  return Object.fromEntries(merged) as postgres.JSONValue;
}
