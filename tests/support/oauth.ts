import assert from "node:assert/strict";
import { googleOAuthHandler, googleOAuthServer } from "../../simulators/google/oauth.ts";
import type { OAuthServer } from "../../simulators/oauth_server.ts";
import { slackOAuthHandler, slackOAuthServer } from "../../simulators/slack/oauth.ts";
import { Faults } from "../../simulators/faults.ts";
import { type Answer, call } from "./api.ts";
import { sql, stack } from "./stack.ts";
import type { TestTenant, TestUser } from "./tenant.ts";

export type ConsentProvider = "google_workspace" | "slack";

/** A provider that runs where the functions look for it. */
export interface RunningProvider {
  server: OAuthServer;
  /** Of its token and revocation addresses. */
  faults: Faults;
}

/** Where the hub wants people sent back to. */
export const callbackUrl = (provider: ConsentProvider) =>
  `${stack.apiUrl}/functions/v1/oauth/callback/${provider}`;

/** Runs with a provider where functions look for it; `rotates` is Slack's token rotation. */
export async function withProvider(
  provider: ConsentProvider,
  test: (running: RunningProvider) => Promise<void>,
  { rotates = false } = {},
): Promise<void> {
  const redirectUris = [callbackUrl(provider)];
  const isGoogle = provider === "google_workspace";
  const server = isGoogle
    ? googleOAuthServer({
      clientId: "google-client.test",
      clientSecret: "google-client-secret-of-tests",
      redirectUris,
    })
    : slackOAuthServer({
      clientId: "slack-client.test",
      clientSecret: "slack-client-secret-of-tests",
      redirectUris,
      rotates,
    });
  // An account has one connector in the installation where news of it comes to one URL.
  server.consenting = isGoogle
    ? { id: crypto.randomUUID(), name: `${crypto.randomUUID().slice(0, 8)}@acme.example` }
    : { id: `T${crypto.randomUUID().slice(0, 8).toUpperCase()}`, name: "Acme" };
  const handler = isGoogle ? googleOAuthHandler(server) : slackOAuthHandler(server);
  const faults = new Faults();
  const answer = async (request: Request) =>
    await handler(request) ?? new Response("no such address", { status: 404 });
  const port = isGoogle ? stack.googlePort : stack.slackPort;
  const listener = Deno.serve(
    { hostname: "127.0.0.1", port, onListen: () => {} },
    (request) => request.method === "POST" ? faults.meet(request, answer) : answer(request),
  );
  try {
    await test({ server, faults });
  } finally {
    await listener.shutdown();
  }
}

/** Begins to connect; the admin of the tenant does, unless somebody else is named. */
export async function authorize(
  tenant: TestTenant,
  provider: ConsentProvider,
  body: Record<string, unknown> = { name: "Test" },
  user: TestUser = tenant.users.admin,
): Promise<Answer> {
  return await call(`oauth/authorize/${provider}`, { user, orgId: tenant.orgs[0], body });
}

/** What the browser is sent to after somebody consented at this address: the callback, with its parameters. */
export async function consent(authorizeUrl: string): Promise<URL> {
  const response = await fetch(authorizeUrl, { redirect: "manual" });
  assert.equal(response.status, 302, await response.text());
  return new URL(response.headers.get("location")!);
}

/** Follows the callback as a browser does; answers where it leads. */
export async function follow(callback: URL): Promise<URL> {
  const response = await fetch(callback, { redirect: "manual" });
  assert.equal(response.status, 302, await response.text());
  assert.equal(response.headers.get("referrer-policy"), "no-referrer");
  assert.equal(response.headers.get("cache-control"), "no-store");
  return new URL(response.headers.get("location")!);
}

/** From the first question to the code that the browser brings home. */
export async function codeFor(
  tenant: TestTenant,
  provider: ConsentProvider,
  body?: Record<string, unknown>,
): Promise<string> {
  const begun = await authorize(tenant, provider, body);
  assert.equal(begun.status, 200, JSON.stringify(begun.body));
  const home = await follow(await consent(begun.body.authorize_url));
  const code = home.searchParams.get("oauth_code");
  assert.ok(code, home.href);
  return code;
}

/** Finishes with a code. */
export async function complete(
  tenant: TestTenant,
  code: string,
  user: TestUser = tenant.users.admin,
): Promise<Answer> {
  return await call("oauth/complete", { user, tenantId: tenant.id, orgId: tenant.orgs[0], body: { code } });
}

/** A connector that somebody connected by consent; answers its id. */
export async function connectByConsent(
  tenant: TestTenant,
  provider: ConsentProvider,
  body?: Record<string, unknown>,
): Promise<string> {
  const completed = await complete(tenant, await codeFor(tenant, provider, body));
  assert.equal(completed.status, 200, JSON.stringify(completed.body));
  return completed.body.connector_id;
}

/** What Vault holds for a connector. */
export async function secretsOf(connectorId: string): Promise<Record<string, string>> {
  const [row] = await sql`select s.decrypted_secret as secret from public.integration_connectors c
    join vault.decrypted_secrets s on s.id = c.secret_ref where c.id = ${connectorId}`;
  return JSON.parse(row!.secret);
}

/** The connector's row. */
export async function connectorRow(connectorId: string) {
  const [row] = await sql`select * from public.integration_connectors where id = ${connectorId}`;
  return row!;
}

/** Runs the work of the schedule once. */
export async function upkeep(): Promise<void> {
  const answer = await call("oauth/upkeep", { method: "POST", body: {}, headers: { apikey: stack.hubKey } });
  assert.equal(answer.status, 202, JSON.stringify(answer.body));
}
