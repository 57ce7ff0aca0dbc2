import assert from "node:assert/strict";
import { createServer } from "@emulators/core";
import { googlePlugin, seedFromConfig } from "@emulators/google";
import { validSecrets } from "../../supabase/functions/_shared/connectors/access_tokens.ts";
import type { Logger } from "../../supabase/functions/_shared/log.ts";
import { call } from "../support/api.ts";
import {
  authorize,
  callbackUrl,
  complete,
  connectorRow,
  follow,
  secretsOf,
  upkeep,
} from "../support/oauth.ts";
import { withHubEnvironment } from "../support/hub_environment.ts";
import { eventually, sql, stack, stackTest } from "../support/stack.ts";
import { createTenant } from "../support/tenant.ts";

withHubEnvironment({
  SUPABASE_URL: stack.apiUrl,
  SUPABASE_SECRET_KEYS: JSON.stringify(stack.keys.secretKeys),
  INTERLOCK_EGRESS_ALLOW_LOCAL: "1",
  INTERLOCK_GOOGLE_API_URL: `http://127.0.0.1:${stack.googlePort}`,
  INTERLOCK_GOOGLE_CLIENT_ID: "google-client.test",
  INTERLOCK_GOOGLE_CLIENT_SECRET: "google-client-secret-of-tests",
});
const log: Logger = { debug() {}, info() {}, warn() {}, error() {}, with: () => log };

/** Google as others wrote it. It has all its addresses under one host, two of them under other names than Google's. */
function startEmulator() {
  const baseUrl = `http://127.0.0.1:${stack.googlePort}`;
  const { app, store, tokenMap } = createServer(googlePlugin, { baseUrl, port: stack.googlePort });
  googlePlugin.seed?.(store, baseUrl);
  seedFromConfig(store, baseUrl, {
    users: [{ email: "ann@acme.example", name: "Ann" }],
    oauth_clients: [{
      client_id: "google-client.test",
      client_secret: "google-client-secret-of-tests",
      name: "Interlock",
      redirect_uris: [callbackUrl("google_workspace")],
    }],
  });
  const listener = Deno.serve(
    { hostname: "127.0.0.1", port: stack.googlePort, onListen: () => {} },
    (request) => {
      const url = new URL(request.url);
      if (["/token", "/revoke"].includes(url.pathname)) url.pathname = `/oauth2${url.pathname}`;
      return app.fetch(new Request(url, request));
    },
  );
  return { tokenMap, stop: () => listener.shutdown() };
}

/** Presses the button of somebody's account on the page that the address shows; answers where the browser is sent. */
async function consentAs(email: string, authorizeUrl: string): Promise<URL> {
  const page = await (await fetch(authorizeUrl)).text();
  const form = page.split("<form").find((part) => part.includes(email));
  assert.ok(form, page.slice(0, 500));
  const decoded = (text: string) =>
    text.replaceAll("&amp;", "&").replaceAll("&quot;", '"').replaceAll("&#39;", "'");
  const fields = [...form.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g)].map(
    ([, name, value]): [string, string] => [decoded(name!), decoded(value!)],
  );
  const sent = await fetch(new URL("/o/oauth2/v2/auth/callback", authorizeUrl), {
    method: "POST",
    body: new URLSearchParams(fields),
    redirect: "manual",
  });
  assert.equal(sent.status, 302);
  return new URL(sent.headers.get("location")!);
}

stackTest(
  "OAUTH-EMULATOR: a Google that others wrote is connected, refreshed, and hears of the end",
  async () => {
    const emulator = startEmulator();
    try {
      const tenant = await createTenant();
      const { body: begun } = await authorize(tenant, "google_workspace", {
        name: "Mail",
        config: { services: ["gmail", "calendar"] },
      });
      const home = await follow(await consentAs("ann@acme.example", begun.authorize_url));
      const completed = await complete(tenant, home.searchParams.get("oauth_code")!);
      assert.equal(completed.status, 200, JSON.stringify(completed.body));
      assert.equal(completed.body.account_name, "ann@acme.example");
      const id: string = completed.body.connector_id;
      const first = await secretsOf(id);
      assert.ok(emulator.tokenMap.has(first.access_token!));

      const { secret_ref: secretRef } = await connectorRow(id);
      const connector = { tenantId: tenant.id, connectorId: id, type: "google_workspace", secretRef };
      const second = await validSecrets(connector, { refused: first, log }) as Record<string, string>;
      assert.notEqual(second.access_token, first.access_token);
      assert.ok(emulator.tokenMap.has(second.access_token!));
      assert.equal(second.refresh_token, first.refresh_token);
      // With the token that the hub holds, its API answers.
      const api = await fetch(`http://127.0.0.1:${stack.googlePort}/gmail/v1/users/me/labels`, {
        headers: { authorization: `Bearer ${second.access_token}` },
      });
      assert.equal(api.status, 200, await api.text());

      const gone = await call("oauth/disconnect", {
        user: tenant.users.admin,
        orgId: tenant.orgs[0],
        body: { connector_id: id },
      });
      assert.deepEqual([gone.status, gone.body.is_revoked], [200, true]);
      // It took the refresh token out of use: nobody gets another access token by it.
      const [ref] = await sql`select public.store_secret(${tenant.id}, ${
        JSON.stringify(second)
      }, 'stolen') as id`;
      await sql`update public.integration_connectors set secret_ref = ${
        ref!.id
      }, status = 'active' where id = ${id}`;
      await assert.rejects(
        async () => await validSecrets({ ...connector, secretRef: ref!.id }, { refused: second, log }),
        { errorClass: "reconnect_needed", providerCode: "invalid_grant" },
      );
      assert.equal((await connectorRow(id)).status, "error");
    } finally {
      await emulator.stop();
    }
  },
);

stackTest("OAUTH-EMULATOR: a state's verifier is the only one it takes", async () => {
  const emulator = startEmulator();
  try {
    const tenant = await createTenant();
    const { body: one } = await authorize(tenant, "google_workspace");
    const { body: other } = await authorize(tenant, "google_workspace");
    const stolen = (await consentAs("ann@acme.example", one.authorize_url)).searchParams.get("code")!;
    const injected = await consentAs("ann@acme.example", other.authorize_url);
    injected.searchParams.set("code", stolen);
    assert.equal((await follow(injected)).searchParams.get("oauth_error"), "provider_refused");
    await upkeep();
    await eventually(async () =>
      (await sql`select 1 from private.oauth_states where tenant_id = ${tenant.id} and code_hash is not null`)
        .length === 0
    );
  } finally {
    await emulator.stop();
  }
});
