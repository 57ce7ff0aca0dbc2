import assert from "node:assert/strict";
import { createClient, type SupabaseClient } from "@supabase/supabase-js";
import type { BareStack } from "../support/bare_stack.ts";

/** The password of every user made here. */
export const PASSWORD = "correct horse";

/** A client that keeps its session to itself; with the secret key, an administrator. */
export function client({ stack }: BareStack, key = stack.publishableKey): SupabaseClient {
  return createClient(stack.apiUrl, key, { auth: { persistSession: false, autoRefreshToken: false } });
}

let emailNumber = 0;

/** A new user with a password, made by the administrator. */
export async function newUser(
  bare: BareStack,
  attributes: Record<string, unknown> = {},
): Promise<{ id: string; email: string }> {
  const email = `person${++emailNumber}@auth.example`;
  const { data, error } = await client(bare, bare.stack.secretKey).auth.admin.createUser({
    email,
    password: PASSWORD,
    email_confirm: true,
    ...attributes,
  });
  assert.equal(error, null);
  return { id: data.user!.id, email };
}

/** A client signed in as a new user. */
export async function signedIn(bare: BareStack, email: string): Promise<SupabaseClient> {
  const supabase = client(bare);
  const { error } = await supabase.auth.signInWithPassword({ email, password: PASSWORD });
  assert.equal(error, null);
  return supabase;
}

/** Status and code of a refusal; fails when there is none. */
export async function codeOf(
  answer: PromiseLike<{ error: { code?: string; status?: number } | null }>,
): Promise<string> {
  const { error } = await answer;
  assert.ok(error, "expected a refusal");
  return `${error.status} ${error.code}`;
}
