import assert from "node:assert/strict";
import { signToken } from "../../local/keys.ts";
import { client, codeOf, newUser, PASSWORD, signedIn } from "./auth_clients.ts";
import { type BareStack, eventually, withBareStack } from "../support/bare_stack.ts";

Deno.test("the Auth server, called through supabase-js", async (t) => {
  await withBareStack(async (bare) => {
    await t.step("an administrator creates, finds, changes and deletes users", () => adminManagesUsers(bare));
    await t.step(
      "sign-in gives a session whose token PostgREST and the JWKS accept",
      () => signInGivesSession(bare),
    );
    await t.step(
      "wrong password, unknown user and missing address are refused",
      () => badSignInsAreRefused(bare),
    );
    await t.step("banned, deleted and unconfirmed users cannot sign in", () => barredUsersStayOut(bare));
    await t.step("keys are required, and the secret one for administration", () => keysAreRequired(bare));
    await t.step("forged and expired tokens are refused", () => forgedTokensAreRefused(bare));
    await t.step("PostgREST forgets a token it has let in when that ends", () => letInTokenEnds(bare));
    await t.step(
      "a user whose token columns are null fails as on the platform",
      () => nullTokenColumnsFail(bare),
    );
  }, { postgrest: true });
});

async function adminManagesUsers(bare: BareStack): Promise<void> {
  const { auth } = client(bare, bare.stack.secretKey);
  const made = await newUser(bare, { app_metadata: { tenant_id: "t1" }, user_metadata: { name: "Ada" } });
  const { data: found } = await auth.admin.getUserById(made.id);
  assert.deepEqual(found.user?.app_metadata, { provider: "email", providers: ["email"], tenant_id: "t1" });
  assert.deepEqual(found.user?.user_metadata, { name: "Ada" });
  assert.equal(found.user?.identities?.[0]?.identity_data?.email, made.email);

  assert.equal(
    await codeOf(auth.admin.createUser({ email: made.email, password: PASSWORD })),
    "422 email_exists",
  );
  assert.equal(await codeOf(auth.admin.createUser({ email: "nobody" })), "422 validation_failed");
  assert.equal(
    await codeOf(auth.admin.createUser({ email: "x@auth.example", password: "123" })),
    "422 weak_password",
  );
  assert.equal(await codeOf(auth.admin.getUserById(crypto.randomUUID())), "404 user_not_found");

  const changed = await auth.admin.updateUserById(made.id, {
    app_metadata: { tenant_id: null, org_id: "o1" },
    email: "ada@auth.example",
  });
  assert.deepEqual(changed.data.user?.app_metadata, {
    provider: "email",
    providers: ["email"],
    org_id: "o1",
  });
  assert.equal(changed.data.user?.email, "ada@auth.example");

  await newUser(bare);
  const first = await auth.admin.listUsers({ page: 1, perPage: 1 });
  assert.equal(first.error, null);
  assert.deepEqual([first.data.users.length, "nextPage" in first.data && first.data.nextPage], [1, 2]);

  assert.equal((await auth.admin.deleteUser(made.id)).error, null);
  assert.equal(await codeOf(auth.admin.getUserById(made.id)), "404 user_not_found");
}

async function signInGivesSession(bare: BareStack): Promise<void> {
  const { id, email } = await newUser(bare, { app_metadata: { tenant_id: "t1" } });
  const supabase = client(bare);
  const { data, error } = await supabase.auth.signInWithPassword({
    email: email.toUpperCase(),
    password: PASSWORD,
  });
  assert.equal(error, null);
  assert.deepEqual([data.user?.id, data.session?.expires_in, data.session?.token_type], [id, 3600, "bearer"]);

  const user = await supabase.auth.getUser();
  assert.deepEqual([user.error, user.data.user?.email], [null, email]);
  const { data: verified, error: notVerified } = await supabase.auth.getClaims();
  assert.equal(notVerified, null);
  assert.equal(verified!.header.alg, "ES256");
  const { iss, sub, aud, role, aal, email: claimed, app_metadata, session_id, is_anonymous, iat, exp } =
    verified!.claims;
  assert.deepEqual({ iss, sub, aud, role, aal, claimed, is_anonymous, lifetime: exp - iat }, {
    iss: `${bare.stack.apiUrl}/auth/v1`,
    sub: id,
    aud: "authenticated",
    role: "authenticated",
    aal: "aal1",
    claimed: email,
    is_anonymous: false,
    lifetime: 3600,
  });
  assert.equal(app_metadata?.tenant_id, "t1");
  const sessions = await bare.admin`select id from auth.sessions where user_id = ${id}`;
  assert.deepEqual(sessions.map((session) => session.id), [session_id]);

  await bare.sql`create or replace function public.who_am_i() returns text language sql stable as
    $$ select auth.uid()::text || ' ' || current_user $$`;
  const answer = await eventually(
    "PostgREST's knowledge of a new function",
    10_000,
    async () => (await supabase.rpc("who_am_i")).data,
  );
  assert.equal(answer, `${id} authenticated`);
}

async function badSignInsAreRefused(bare: BareStack): Promise<void> {
  const { email } = await newUser(bare);
  const { auth } = client(bare);
  assert.equal(
    await codeOf(auth.signInWithPassword({ email, password: "wrong" })),
    "400 invalid_credentials",
  );
  const unknown = await auth.signInWithPassword({ email: "nobody@auth.example", password: "wrong" });
  assert.deepEqual(
    [unknown.error?.status, unknown.error?.code, unknown.error?.message],
    [400, "invalid_credentials", "Invalid login credentials"],
  );
  assert.equal(await codeOf(auth.signInWithPassword({ email: "", password: "x" })), "400 validation_failed");
  assert.equal(
    await codeOf(auth.signUp({ email: "new@auth.example", password: PASSWORD })),
    "422 signup_disabled",
  );

  const elapsedMs = async (address: string) => {
    const started = performance.now();
    for (let n = 0; n < 5; n++) await auth.signInWithPassword({ email: address, password: "wrong" });
    return performance.now() - started;
  };
  const known = await elapsedMs(email);
  const stranger = await elapsedMs("nobody@auth.example");
  assert.ok(stranger > known / 3 && stranger < known * 3, `known ${known} ms, unknown ${stranger} ms`);
}

async function barredUsersStayOut(bare: BareStack): Promise<void> {
  const admin = client(bare, bare.stack.secretKey).auth.admin;
  const { id, email } = await newUser(bare);
  const session = await signedIn(bare, email);
  const refreshToken = (await session.auth.getSession()).data.session!.refresh_token;
  const refresh = () => client(bare).auth.refreshSession({ refresh_token: refreshToken });
  await admin.updateUserById(id, { ban_duration: "24h" });
  const { auth } = client(bare);
  assert.equal(await codeOf(auth.signInWithPassword({ email, password: PASSWORD })), "400 user_banned");
  assert.equal(await codeOf(refresh()), "400 user_banned");
  await admin.updateUserById(id, { ban_duration: "none" });
  assert.equal((await auth.signInWithPassword({ email, password: PASSWORD })).error, null);

  await admin.deleteUser(id, true);
  assert.equal(
    await codeOf(auth.signInWithPassword({ email, password: PASSWORD })),
    "400 invalid_credentials",
  );
  assert.equal(await codeOf(refresh()), "400 refresh_token_not_found");

  const unconfirmed = await newUser(bare, { email_confirm: false });
  assert.equal(
    await codeOf(auth.signInWithPassword({ email: unconfirmed.email, password: PASSWORD })),
    "400 email_not_confirmed",
  );
}

async function keysAreRequired(bare: BareStack): Promise<void> {
  const { apiUrl, publishableKey, jwksUrl } = bare.stack;
  const status = async (path: string, headers: Record<string, string> = {}) => {
    const response = await fetch(`${apiUrl}/auth/v1${path}`, { headers });
    await response.body?.cancel();
    return response.status;
  };
  assert.equal(await status("/user"), 401);
  assert.equal(await status("/user", { apikey: "sb_publishable_wrong" }), 401);
  assert.equal(await status("/user", { apikey: publishableKey }), 401);
  assert.equal(await status("/settings", { apikey: publishableKey }), 200);
  assert.equal(await status("/admin/users", { apikey: publishableKey }), 403);
  assert.equal(await status("/health"), 200);
  const { keys } = await (await fetch(jwksUrl)).json();
  assert.deepEqual([keys.length, keys[0].kty, keys[0].crv, "d" in keys[0]], [1, "EC", "P-256", false]);

  const older = await fetch(`${apiUrl}/auth/v1/token?grant_type=password`, {
    method: "POST",
    headers: { apikey: publishableKey },
    body: "{",
  });
  assert.deepEqual(await older.json(), {
    code: 400,
    error_code: "bad_json",
    msg: "Could not parse request body as JSON",
  });
}

async function forgedTokensAreRefused(bare: BareStack): Promise<void> {
  const { email } = await newUser(bare);
  const supabase = await signedIn(bare, email);
  const token = (await supabase.auth.getSession()).data.session!.access_token;
  const [header, payload, signature] = token.split(".") as [string, string, string];
  const claims = JSON.parse(atob(payload.replaceAll("-", "+").replaceAll("_", "/")));
  const encode = (value: unknown) =>
    btoa(JSON.stringify(value)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  const forged = `${header}.${encode({ ...claims, role: "service_role" })}.${signature}`;
  const unsigned = `${encode({ alg: "none" })}.${payload}.`;
  const expired = await signToken(bare.stack.keys.signingKey, claims, -10);
  const { auth } = client(bare);
  for (const bad of [forged, unsigned, expired, "nonsense"]) {
    assert.equal(await codeOf(auth.getUser(bad)), "403 bad_jwt");
  }
}

/** PostgREST checks a token once and remembers it. It lets clocks be 30 s apart, so this one ends in 5 s. */
async function letInTokenEnds(bare: BareStack): Promise<void> {
  const token = await signToken(bare.stack.keys.signingKey, { role: "anon" }, -25);
  const answered = async () => {
    const response = await fetch(`${bare.stack.apiUrl}/rest/v1/`, {
      headers: { authorization: `Bearer ${token}`, apikey: bare.stack.publishableKey },
    });
    await response.body?.cancel();
    return response.status;
  };
  assert.equal(await answered(), 200);
  assert.equal(await answered(), 200);
  await eventually("the end of the token", 10_000, async () => await answered() === 401);
}

async function nullTokenColumnsFail(bare: BareStack): Promise<void> {
  const { id, email } = await newUser(bare);
  await bare.sql`update auth.users set confirmation_token = null where id = ${id}`;
  const { error } = await client(bare).auth.signInWithPassword({ email, password: PASSWORD });
  assert.equal(error?.status, 500);
  assert.match(error!.message, /^Database error querying schema: fill confirmation_token/);
}
