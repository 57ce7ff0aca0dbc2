import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import type {
  OAuthProvider,
  TokenAnswer,
} from "../../supabase/functions/_shared/providers/oauth_provider.ts";
import { ProviderError } from "../../supabase/functions/_shared/providers/provider_error.ts";
import { withHubEnvironment } from "../support/hub_environment.ts";

withHubEnvironment({ INTERLOCK_GOOGLE_API_URL: "", INTERLOCK_SLACK_API_URL: "" });
const { oauthProviderOf } = await import("../../supabase/functions/_shared/providers/oauth_providers.ts");
const { connectorOf } = await import("../../supabase/functions/_shared/providers/connectors.ts");
const { revokeTokens } = await import("../../supabase/functions/_shared/providers/oauth_requests.ts");
const google = (await oauthProviderOf("google_workspace"))!;
const slack = (await oauthProviderOf("slack"))!;
const client = { id: "our-client", secret: "secret" };
const nowMs = Date.parse("2026-11-22T00:00:00Z");

const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
const idToken = (claims: Record<string, unknown>) =>
  `${encoded({ alg: "RS256" })}.${encoded(claims)}.signature`;
const goodClaims = {
  iss: "https://accounts.google.com",
  aud: "our-client",
  sub: "1001",
  email: "ann@acme.example",
  exp: nowMs / 1000 + 3600,
};
const googleAnswer = (claims: Record<string, unknown> = {}): TokenAnswer => ({
  access_token: "ya29.one",
  expires_in: 3599,
  refresh_token: "1//0gone",
  scope:
    "openid https://www.googleapis.com/auth/userinfo.email https://www.googleapis.com/auth/gmail.readonly",
  token_type: "Bearer",
  id_token: idToken({ ...goodClaims, ...claims }),
});
const slackAnswer = (more: TokenAnswer = {}): TokenAnswer => ({
  ok: true,
  access_token: "xoxb-one",
  token_type: "bot",
  scope: "chat:write,channels:read",
  team: { id: "T0TEAM", name: "Acme" },
  enterprise: null,
  is_enterprise_install: false,
  ...more,
});

function classOf(provider: OAuthProvider, status: number, parsed: TokenAnswer | null): string | null {
  return provider.failureOf(status, new Headers(), parsed)?.errorClass ?? null;
}

Deno.test("OAUTH-PROVIDERS: Google's real addresses, when nothing plays Google", () => {
  assert.deepEqual(google.addresses(), {
    authorize: "https://accounts.google.com/o/oauth2/v2/auth",
    token: "https://oauth2.googleapis.com/token",
  });
  assert.deepEqual(slack.addresses(), {
    authorize: "https://slack.com/oauth/v2/authorize",
    token: "https://slack.com/api/oauth.v2.access",
  });
});

Deno.test("OAUTH-PROVIDERS: a grant of Google's is who the token says, and only if it was made for us, now", () => {
  const grant = google.grantOf(googleAnswer(), client, nowMs);
  assert.deepEqual(grant.account, { id: "1001", name: "ann@acme.example" });
  assert.deepEqual(grant.scopes, ["openid", "email", "https://www.googleapis.com/auth/gmail.readonly"]);
  assert.equal(grant.secrets.expires_at, "2026-11-22T00:59:59.000Z");
  const wrong = [
    { aud: "another-app" },
    { aud: ["our-client", "another-app"] },
    { iss: "https://evil.example" },
    { exp: nowMs / 1000 - 3600 },
    { exp: undefined },
    { sub: undefined },
    { sub: "has spaces" },
  ];
  for (const claims of wrong) {
    assert.throws(() => google.grantOf(googleAnswer(claims), client, nowMs), {
      errorClass: "malformed_answer",
    });
  }
  for (const missing of ["access_token", "refresh_token", "scope", "id_token"]) {
    assert.throws(
      () => google.grantOf({ ...googleAnswer(), [missing]: undefined }, client, nowMs),
      ProviderError,
    );
  }
  for (const id_token of ["", "a.b.c", "x", `..`, `a.${encoded([])}.c`]) {
    assert.throws(() => google.grantOf({ ...googleAnswer(), id_token }, client, nowMs), ProviderError);
  }
});

Deno.test("OAUTH-PROVIDERS: what is stored passes the schema of the connector that reads it", async () => {
  const rotating = slackAnswer({ refresh_token: "xoxe-1-one", expires_in: 43200 });
  const cases: [OAuthProvider, TokenAnswer, TokenAnswer][] = [
    [google, googleAnswer(), { access_token: "ya29.two", expires_in: 3599, token_type: "Bearer" }],
    [google, googleAnswer(), {
      access_token: "ya29.two",
      expires_in: 3599,
      scope: "openid",
      refresh_token: "1//0gtwo",
    }],
    [slack, slackAnswer(), slackAnswer({ access_token: "xoxb-two" })],
    [
      slack,
      rotating,
      slackAnswer({ access_token: "xoxb-two", refresh_token: "xoxe-1-two", expires_in: 43200 }),
    ],
  ];
  for (const [provider, first, second] of cases) {
    const schema = (await connectorOf(provider.type))!.secrets();
    const { secrets } = provider.grantOf(first, client, nowMs);
    assert.deepEqual(schema.parse(secrets), secrets);
    const renewed = provider.renewed(secrets, second, nowMs + 1000);
    assert.deepEqual(schema.parse(renewed), renewed);
    const [before, after] = [provider.tokensOf(secrets)!, provider.tokensOf(renewed)!];
    assert.equal(after.accessToken, second.access_token);
    assert.equal(after.refreshToken, second.refresh_token ?? before.refreshToken);
  }
});

Deno.test("OAUTH-PROVIDERS: an app in a whole organization is refused with what to do", () => {
  for (const more of [{ is_enterprise_install: true }, { team: null }]) {
    assert.throws(() => slack.grantOf(slackAnswer(more), client, nowMs), { errorClass: "misconfigured" });
  }
});

Deno.test("OAUTH-PROVIDERS: failures are told apart by what can be done about them", () => {
  const ofGoogle: [number, TokenAnswer | null, string | null][] = [
    [200, googleAnswer(), null],
    [
      400,
      { error: "invalid_grant", error_description: "Token has been expired or revoked." },
      "reconnect_needed",
    ],
    [401, { error: "invalid_client" }, "misconfigured"],
    [400, { error: "redirect_uri_mismatch" }, "misconfigured"],
    [200, { error: "invalid_grant" }, "reconnect_needed"],
    [429, null, "rate_limited"],
    [500, { error: "invalid_grant" }, "transient"],
    [503, null, "transient"],
    [400, null, "malformed_answer"],
    [400, { error: "something_new" }, "malformed_answer"],
    [302, null, "malformed_answer"],
    [200, null, "malformed_answer"],
  ];
  for (const [status, answer, expected] of ofGoogle) {
    assert.equal(classOf(google, status, answer), expected, `${status} ${JSON.stringify(answer)}`);
  }
  const ofSlack: [number, TokenAnswer | null, string | null][] = [
    [200, slackAnswer(), null],
    [200, { ok: false, error: "invalid_refresh_token" }, "reconnect_needed"],
    [200, { ok: false, error: "code_already_used" }, "reconnect_needed"],
    [200, { ok: false, error: "bad_client_secret" }, "misconfigured"],
    [200, { ok: false, error: "invalid_arguments" }, "misconfigured"],
    [200, { ok: false, error: "token_revoked" }, "reconnect_needed"],
    [200, { ok: false, error: "team_access_not_granted" }, "reconnect_needed"],
    [200, { ok: false, error: "ratelimited" }, "rate_limited"],
    [200, { ok: false, error: "internal_error" }, "transient"],
    [200, { ok: false, error: "constructor" }, "malformed_answer"],
    [200, { ok: false, error: "<script>" }, "malformed_answer"],
    [200, {}, "malformed_answer"],
    [200, null, "malformed_answer"],
    [502, null, "transient"],
  ];
  for (const [status, answer, expected] of ofSlack) {
    assert.equal(classOf(slack, status, answer), expected, `${status} ${JSON.stringify(answer)}`);
  }
  const hostile = google.failureOf(400, new Headers(), { error: "token ya29.secret is bad" })!;
  assert.equal(hostile.message.includes("ya29"), false);
  const waits = google.failureOf(429, new Headers({ "retry-after": "7" }), null)!;
  assert.equal(waits.retryAfterMs, 7000);
});

Deno.test("OAUTH-PROVIDERS: a token that is revoked stands in no address, and one that is gone already is revoked", async () => {
  const tokens = { accessToken: "access", refreshToken: "refresh", expiresAtMs: null };
  const answers = new Map([[google, [200, {}]], [slack, [200, { ok: true, revoked: true }]]] as const);
  for (const provider of [google, slack]) {
    const request = provider.revocation(tokens, client);
    assert.doesNotMatch(request.url, /access|refresh/);
    const answering = (status: number, body: unknown) =>
      revokeTokens(provider, client, (sent) => {
        assert.doesNotMatch(sent.url, /access|refresh/);
        return Promise.resolve({
          status,
          headers: new Headers(),
          body: new TextEncoder().encode(JSON.stringify(body)),
          truncated: false,
          timing: {
            resolveMs: 0,
            connectMs: 0,
            tlsMs: 0,
            firstByteMs: 0,
            lostConnectionMs: null,
            totalMs: 0,
          },
        });
      }, tokens);
    const [status, body] = answers.get(provider)!;
    await answering(status, body);
    await answering(provider === google ? 400 : 200, { ok: false, error: provider.revokedCodes[0] });
    await assert.rejects(answering(503, {}), { errorClass: "transient" });
    await assert.rejects(answering(400, { ok: false, error: "something_else" }), {
      errorClass: "malformed_answer",
    });
  }
});
