import assert from "node:assert/strict";
import type { SupabaseClient } from "@supabase/supabase-js";
import { client, codeOf, newUser, PASSWORD, signedIn } from "./auth_clients.ts";
import { type BareStack, withBareStack } from "../support/bare_stack.ts";

Deno.test("sessions of the Auth server, called through supabase-js", async (t) => {
  await withBareStack(async (bare) => {
    await t.step("a refresh token rotates; reuse ends the session", () => refreshRotates(bare));
    await t.step("simultaneous refreshes get the same next token", () => simultaneousRefreshes(bare));
    await t.step("sign-out ends the sessions of its scope", () => signOutScopes(bare));
    await t.step(
      "a user changes data and password, and other sessions end",
      () => userChangesThemselves(bare),
    );
  }, { postgrest: true });
});

async function refreshRotates(bare: BareStack): Promise<void> {
  const { id, email } = await newUser(bare);
  const supabase = await signedIn(bare, email);
  const tokens = [(await supabase.auth.getSession()).data.session!.refresh_token];
  for (let n = 0; n < 2; n++) {
    const { data, error } = await supabase.auth.refreshSession();
    assert.equal(error, null);
    tokens.push(data.session!.refresh_token);
  }
  assert.equal(new Set(tokens).size, 3);
  const [first, second, third] = tokens as [string, string, string];
  const { auth } = client(bare);
  // The parent of the current token: the client may have missed the answer.
  assert.equal((await auth.refreshSession({ refresh_token: second })).data.session?.refresh_token, third);
  // An older one, just used.
  assert.equal((await auth.refreshSession({ refresh_token: first })).data.session?.refresh_token, third);

  await bare
    .admin`update auth.refresh_tokens set updated_at = now() - interval '11 seconds' where token = ${first}`;
  assert.equal(await codeOf(auth.refreshSession({ refresh_token: first })), "400 refresh_token_already_used");
  assert.equal(await codeOf(auth.refreshSession({ refresh_token: third })), "400 refresh_token_not_found");
  const sessions = await bare.admin`select id from auth.sessions where user_id = ${id}`;
  assert.equal(sessions.length, 0);
  assert.equal(
    await codeOf(auth.refreshSession({ refresh_token: "unknown" })),
    "400 refresh_token_not_found",
  );
}

async function simultaneousRefreshes(bare: BareStack): Promise<void> {
  const { email } = await newUser(bare);
  const supabase = await signedIn(bare, email);
  const refreshToken = (await supabase.auth.getSession()).data.session!.refresh_token;
  const answers = await Promise.all(
    Array.from({ length: 8 }, () => client(bare).auth.refreshSession({ refresh_token: refreshToken })),
  );
  assert.deepEqual(answers.map((answer) => answer.error), Array(8).fill(null));
  assert.equal(new Set(answers.map((answer) => answer.data.session!.refresh_token)).size, 1);
}

async function signOutScopes(bare: BareStack): Promise<void> {
  const { email } = await newUser(bare);
  const [one, two, three] = await Promise.all([
    signedIn(bare, email),
    signedIn(bare, email),
    signedIn(bare, email),
  ]);
  const token = async (supabase: SupabaseClient) =>
    (await supabase.auth.getSession()).data.session!.access_token;
  const [tokenOne, tokenTwo] = [await token(one), await token(two)];
  const alive = async (jwt: string) => (await client(bare).auth.getUser(jwt)).error === null;

  assert.equal((await one.auth.signOut({ scope: "local" })).error, null);
  assert.deepEqual([await alive(tokenOne), await alive(tokenTwo)], [false, true]);
  assert.equal((await three.auth.signOut({ scope: "others" })).error, null);
  assert.deepEqual([await alive(tokenTwo), await alive(await token(three))], [false, true]);
  const tokenThree = await token(three);
  assert.equal((await three.auth.signOut()).error, null);
  assert.equal(await alive(tokenThree), false);
  const gone = await client(bare).auth.getUser(tokenThree);
  assert.equal(gone.error?.name, "AuthSessionMissingError");
}

async function userChangesThemselves(bare: BareStack): Promise<void> {
  const { email } = await newUser(bare, { user_metadata: { name: "Ada", city: "London" } });
  const [supabase, other] = [await signedIn(bare, email), await signedIn(bare, email)];
  const changed = await supabase.auth.updateUser({ data: { city: null, role: "engineer" } });
  assert.deepEqual(changed.data.user?.user_metadata, { name: "Ada", role: "engineer" });
  assert.equal(await codeOf(supabase.auth.updateUser({ password: "123" })), "422 weak_password");
  assert.equal(await codeOf(supabase.auth.updateUser({ password: PASSWORD })), "422 same_password");
  assert.equal((await supabase.auth.updateUser({ password: "another password" })).error, null);
  assert.equal((await supabase.auth.getUser()).error, null);
  assert.equal((await other.auth.getUser()).error?.name, "AuthSessionMissingError");
  const { auth } = client(bare);
  assert.equal(
    await codeOf(auth.signInWithPassword({ email, password: PASSWORD })),
    "400 invalid_credentials",
  );
  assert.equal((await auth.signInWithPassword({ email, password: "another password" })).error, null);
}
