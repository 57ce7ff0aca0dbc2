import assert from "node:assert/strict";
import { call } from "../support/api.ts";
import { withFunctionProcess } from "../support/function_process.ts";
import {
  authorize,
  callbackUrl,
  codeFor,
  complete,
  connectByConsent,
  connectorRow,
  consent,
  follow,
  secretsOf,
  withProvider,
} from "../support/oauth.ts";
import { adminSql, eventually, sql, stack, stackTest } from "../support/stack.ts";
import { createTenant, type TestTenant } from "../support/tenant.ts";

/** Everything of a tenant that a grant could have made. */
async function madeFor(tenant: TestTenant): Promise<number> {
  const rows = await sql`select id from public.integration_connectors where tenant_id = ${tenant.id}
    union all select id from public.connector_accounts where tenant_id = ${tenant.id}`;
  return rows.length;
}

const oauthError = (home: URL) => home.searchParams.get("oauth_error");

stackTest(
  "OAUTH-ATTACK: a link of one user finished by another binds nothing, and what was consented to is revoked",
  async () => {
    await withProvider("google_workspace", async ({ server }) => {
      const [attacker, victim] = [await createTenant(), await createTenant()];
      const { body: link } = await authorize(attacker, "google_workspace");
      // The victim opens it, consents, and their console finishes what it was sent.
      const code = (await follow(await consent(link.authorize_url))).searchParams.get("oauth_code")!;
      const byVictim = await complete(victim, code);
      assert.deepEqual([byVictim.status, byVictim.body.error_code], [404, "NOT_FOUND"]);
      await eventually(() => Promise.resolve(server.revocations.length === 1));
      assert.equal(server.issued.filter((token) => server.accepts(token) === "valid").length, 0);
      // The one who began has nothing of it either.
      const byAttacker = await complete(attacker, code);
      assert.deepEqual([byAttacker.status, byAttacker.body.error_code], [404, "NOT_FOUND"]);
      assert.deepEqual([await madeFor(attacker), await madeFor(victim)], [0, 0]);
      const unknown = await complete(victim, "x".repeat(43));
      assert.equal(unknown.body.error, byVictim.body.error);
      const [told] = await sql`select status from public.integration_logs
      where tenant_id = ${attacker.id} and event_type = 'connector.grant_refused'`;
      assert.equal(told!.status, "warning");
    });
  },
);

stackTest(
  "OAUTH-ATTACK: a colleague with the same rights in the same workspace cannot finish it",
  async () => {
    await withProvider("google_workspace", async () => {
      const tenant = await createTenant();
      const code = await codeFor(tenant, "google_workspace");
      const byOwner = await complete(tenant, code, tenant.users.owner);
      assert.equal(byOwner.status, 404);
      assert.equal((await complete(tenant, code)).status, 404);
      assert.equal(await madeFor(tenant), 0);
    });
  },
);

stackTest(
  "OAUTH-ATTACK: in the wrong workspace or org nothing is finished, and in the right one it still can be",
  async () => {
    await withProvider("google_workspace", async () => {
      const [tenant, other] = [await createTenant(), await createTenant()];
      await sql`insert into public.tenant_members (tenant_id, user_id, role)
      values (${other.id}, ${tenant.users.admin.id}, 'admin')`;
      const body = { code: await codeFor(tenant, "google_workspace") };
      const user = tenant.users.admin;
      const elsewhere = await call("oauth/complete", { user, tenantId: other.id, body });
      assert.equal(elsewhere.status, 404);
      const wrongOrg = await call("oauth/complete", {
        user,
        tenantId: tenant.id,
        orgId: tenant.orgs[1],
        body,
      });
      assert.equal(wrongOrg.status, 404);
      assert.equal(await madeFor(other), 0);
      const right = await call("oauth/complete", { user, tenantId: tenant.id, orgId: tenant.orgs[0], body });
      assert.equal(right.status, 200);
      assert.equal((await connectorRow(right.body.connector_id)).tenant_id, tenant.id);
    });
  },
);

stackTest("OAUTH-ATTACK: a state is taken once, whether the code comes again or another one", async () => {
  await withProvider("google_workspace", async ({ server }) => {
    const tenant = await createTenant();
    const { body } = await authorize(tenant, "google_workspace");
    const callback = await consent(body.authorize_url);
    const second = await consent(body.authorize_url);
    const homes = await Promise.all([callback, callback, second, callback].map(follow));
    assert.equal(homes.filter((home) => home.searchParams.has("oauth_code")).length, 1);
    assert.equal(homes.filter((home) => oauthError(home) === "state_invalid").length, 3);
    assert.equal(server.exchanges, 1);
  });
});

stackTest(
  "OAUTH-ATTACK: a state that was changed, is too old, or is nobody's goes nowhere, and no code is exchanged",
  async () => {
    await withProvider("google_workspace", async ({ server }) => {
      const tenant = await createTenant();
      const begin = async () => {
        const { body } = await authorize(tenant, "google_workspace");
        return await consent(body.authorize_url);
      };
      const callback = await begin();
      const state = callback.searchParams.get("state")!;
      const [nonce, expires, binding, signature] = state.split(".") as [string, string, string, string];
      const flipped = (text: string) => (text[0] === "A" ? "B" : "A") + text.slice(1);
      const later = String(Number(expires) + 3_600_000);
      const others = (await begin()).searchParams.get("state")!.split(".");
      const forgeries = [
        `${flipped(nonce)}.${expires}.${binding}.${signature}`,
        `${nonce}.${later}.${binding}.${signature}`,
        `${nonce}.${expires}.${flipped(binding)}.${signature}`,
        `${nonce}.${expires}.${others[2]}.${signature}`,
        `${nonce}.${expires}.${binding}.${flipped(signature)}`,
        `${nonce}.${expires}.${binding}.`,
        `${nonce}.${expires}.${binding}`,
        `${state}.${state}`,
        `${state} `,
        "",
        "x".repeat(100_00),
        "../../etc",
      ];
      for (const forged of forgeries) {
        const url = new URL(callback);
        url.searchParams.set("state", forged);
        assert.equal(oauthError(await follow(url)), "state_invalid", forged.slice(0, 200));
      }
      const missing = new URL(callback);
      missing.searchParams.delete("state");
      assert.equal(oauthError(await follow(missing)), "state_invalid");
      const old = await begin();
      await sql`update private.oauth_states set state_expires_at = now()
      where tenant_id = ${tenant.id} and state_hash = encode(sha256(${old.searchParams.get(
        "state",
      )!}::bytea), 'hex')`;
      assert.equal(oauthError(await follow(old)), "state_invalid");
      assert.equal(server.exchanges, 0);
      // None of it has used the real one.
      assert.ok((await follow(callback)).searchParams.has("oauth_code"));
    });
  },
);

stackTest("OAUTH-ATTACK: a row that was given to somebody else does not fit its state any more", async () => {
  await withProvider("google_workspace", async ({ server }) => {
    const [tenant, other] = [await createTenant(), await createTenant()];
    const { body } = await authorize(tenant, "google_workspace");
    const callback = await consent(body.authorize_url);
    await adminSql`update private.oauth_states set tenant_id = ${other.id}, user_id = ${other.users.admin.id}
      where tenant_id = ${tenant.id}`;
    assert.equal(oauthError(await follow(callback)), "state_invalid");
    assert.equal(server.exchanges, 0);
  });
});

stackTest(
  "OAUTH-ATTACK: an answer of one provider is refused at the address of another, before its code goes anywhere",
  async () => {
    await withProvider("google_workspace", async ({ server: google }) => {
      await withProvider("slack", async ({ server: slack }) => {
        const tenant = await createTenant();
        const { body: asked } = await authorize(tenant, "google_workspace");
        const fromGoogle = await consent(asked.authorize_url);
        const mixed = new URL(callbackUrl("slack"));
        mixed.search = fromGoogle.search;
        assert.equal(oauthError(await follow(mixed)), "state_invalid");
        assert.deepEqual([google.exchanges, slack.exchanges], [0, 0]);
        // Google says who it is; somebody who answers in its place says something else.
        const posing = new URL(fromGoogle);
        posing.searchParams.set("iss", "https://evil.example");
        assert.equal(oauthError(await follow(posing)), "state_invalid");
        assert.ok((await follow(fromGoogle)).searchParams.has("oauth_code"));
      });
    });
  },
);

stackTest("OAUTH-ATTACK: a code of another session is worth nothing under a state of one's own", async () => {
  await withProvider("google_workspace", async () => {
    const [attacker, victim] = [await createTenant(), await createTenant()];
    const { body: ofVictim } = await authorize(victim, "google_workspace");
    const stolen = (await consent(ofVictim.authorize_url)).searchParams.get("code")!;
    const { body: ofAttacker } = await authorize(attacker, "google_workspace");
    const injected = await consent(ofAttacker.authorize_url);
    injected.searchParams.set("code", stolen);
    // The verifier that the hub sends belongs to the state, and not to this code.
    assert.equal(oauthError(await follow(injected)), "provider_refused");
    assert.equal(await madeFor(attacker), 0);
  });
});

stackTest("OAUTH-ATTACK: nothing that comes in a callback decides where the browser is sent", async () => {
  const hostile = [
    "https://evil.example",
    "//evil.example",
    "javascript:alert(1)",
    "\r\nlocation: https://evil.example",
  ];
  for (const value of hostile) {
    for (
      const name of ["state", "code", "error", "error_uri", "redirect_uri", "provider", "iss", "oauth_code"]
    ) {
      const url = new URL(callbackUrl("slack"));
      url.searchParams.set(name, value);
      const home = await follow(url);
      assert.equal(home.origin + home.pathname, "http://127.0.0.1:9/console", `${name}=${value}`);
      assert.deepEqual(Object.fromEntries(home.searchParams), {
        provider: "slack",
        oauth_error: "state_invalid",
      });
    }
  }
  const unheardOf = await call("oauth/callback/evil.example");
  assert.deepEqual([unheardOf.status, unheardOf.body.error_code], [404, "NOT_FOUND"]);
  const inherited = await call("oauth/callback/constructor");
  assert.deepEqual([inherited.status, inherited.body.error_code], [404, "NOT_FOUND"]);
});

stackTest(
  "OAUTH-ATTACK: another tenant's connector, another org's, and one of another kind do not exist",
  async () => {
    await withProvider("google_workspace", async () => {
      const [tenant, other] = [await createTenant(), await createTenant()];
      const id = await connectByConsent(other, "google_workspace");
      const before = await secretsOf(id);
      const begun = await authorize(tenant, "google_workspace", { connector_id: id });
      assert.deepEqual([begun.status, begun.body.error_code], [404, "NOT_FOUND"]);
      const ofOtherOrg = await call("oauth/authorize/google_workspace", {
        user: other.users.admin,
        orgId: other.orgs[1],
        body: { connector_id: id },
      });
      assert.equal(ofOtherOrg.status, 404);
      const asSlack = await authorize(other, "slack", { connector_id: id });
      assert.equal(asSlack.status, 404);
      const gone = await call("oauth/disconnect", {
        user: tenant.users.admin,
        orgId: tenant.orgs[0],
        body: { connector_id: id },
      });
      assert.deepEqual([gone.status, gone.body.error_code], [404, "NOT_FOUND"]);
      assert.deepEqual(await secretsOf(id), before);
    });
  },
);

stackTest("OAUTH-ATTACK: a plain member begins, finishes and ends nothing", async () => {
  await withProvider("google_workspace", async () => {
    const tenant = await createTenant();
    const id = await connectByConsent(tenant, "google_workspace");
    const code = await codeFor(tenant, "google_workspace");
    for (const user of [tenant.users.member, tenant.users.manager]) {
      const orgId = tenant.orgs[0];
      const answers = [
        await call("oauth/authorize/google_workspace", { user, orgId, body: { name: "Mine" } }),
        await call("oauth/complete", { user, orgId, body: { code } }),
        await call("oauth/disconnect", { user, orgId, body: { connector_id: id } }),
      ];
      for (const answer of answers) {
        assert.deepEqual([answer.status, answer.body.error_code], [403, "FORBIDDEN"]);
      }
    }
    // Whoever lost the permission on the way cannot finish either.
    await sql`update public.tenant_members set role = 'member', org_id = ${tenant.orgs[0]}
      where tenant_id = ${tenant.id} and user_id = ${tenant.users.admin.id}`;
    assert.equal((await complete(tenant, code)).status, 403);
  });
});

stackTest("OAUTH-ATTACK: whoever begins without end keeps twenty", async () => {
  const tenant = await createTenant();
  for (let begun = 0; begun < 23; begun++) assert.equal((await authorize(tenant, "slack")).status, 200);
  const [left] =
    await sql`select count(*)::int as n from private.oauth_states where tenant_id = ${tenant.id}`;
  assert.equal(left!.n, 20);
});

stackTest(
  "OAUTH: without an address to come back to, or an app, nobody is sent away, and no code is taken",
  async () => {
    await withProvider("google_workspace", async ({ server }) => {
      const tenant = await createTenant();
      const { body } = await authorize(tenant, "google_workspace");
      const callback = await consent(body.authorize_url);
      const google = {
        INTERLOCK_EGRESS_ALLOW_LOCAL: "1",
        INTERLOCK_GOOGLE_API_URL: `http://127.0.0.1:${stack.googlePort}`,
      };
      const app = { INTERLOCK_GOOGLE_CLIENT_ID: "id", INTERLOCK_GOOGLE_CLIENT_SECRET: "secret" };
      const attempts = [
        { env: { ...google, ...app }, names: /INTERLOCK_CONSOLE_URL/ },
        {
          env: { ...google, INTERLOCK_CONSOLE_URL: "http://127.0.0.1:9/" },
          names: /INTERLOCK_GOOGLE_CLIENT_ID and INTERLOCK_GOOGLE_CLIENT_SECRET/,
        },
      ];
      for (const { env, names } of attempts) {
        await withFunctionProcess("oauth", env, async (_process, url) => {
          const asked = await fetch(`${url}/authorize/google_workspace`, {
            method: "POST",
            headers: {
              apikey: stack.publishableKey,
              authorization: `Bearer ${tenant.users.admin.token}`,
              "x-org-id": tenant.orgs[0],
              "content-type": "application/json",
            },
            body: JSON.stringify({ name: "Test" }),
          });
          const refused = await asked.json();
          assert.deepEqual([asked.status, refused.error_code], [409, "CONNECTOR_MISCONFIGURED"]);
          assert.match(refused.error, names);
          const came = await fetch(`${url}/callback/google_workspace${callback.search}`, {
            redirect: "manual",
          });
          assert.equal(came.status, 409);
          assert.match(came.headers.get("content-type")!, /^application\/json/);
          assert.match((await came.json()).error, names);
        });
      }
      assert.equal(server.exchanges, 0);
      assert.ok((await follow(callback)).searchParams.has("oauth_code"));
    });
  },
);

stackTest(
  "OAUTH-CANARY: no token, code, verifier or state is in a table outside Vault, a log line, an answer or an address",
  async () => {
    await withProvider("google_workspace", async ({ server }) => {
      const tenant = await createTenant();
      const told: string[] = [];
      const { body } = await authorize(tenant, "google_workspace");
      const state = new URL(body.authorize_url).searchParams.get("state")!;
      const home = await follow(await consent(body.authorize_url));
      const code = home.searchParams.get("oauth_code")!;
      told.push(home.href);
      // While it is pending, too.
      assert.deepEqual(await placesOf([...server.issued, state, code]), []);
      const completed = await complete(tenant, code);
      told.push(JSON.stringify(completed.body));
      const id = completed.body.connector_id;
      await sql`update private.connector_grants set refresh_due_at = now() where connector_id = ${id}`;
      server.expireAll();
      const upkeep = await call("oauth/upkeep", {
        method: "POST",
        body: {},
        headers: { apikey: stack.hubKey },
      });
      assert.equal(upkeep.status, 202);
      await eventually(() => Promise.resolve(server.refreshes === 1));
      await eventually(async () => server.accepts((await secretsOf(id)).access_token!) === "valid");
      const partly = server.issued.length;
      assert.ok(partly >= 4, `${partly} tokens and codes`);
      server.allowed = () => ["openid", "email"];
      told.push(JSON.stringify((await complete(tenant, await codeFor(tenant, "google_workspace"))).body));
      told.push(JSON.stringify(
        (await call("oauth/disconnect", {
          user: tenant.users.admin,
          orgId: tenant.orgs[0],
          body: { connector_id: id },
        })).body,
      ));
      assert.deepEqual(await placesOf([...server.issued, state, code]), []);
      const log = await Deno.readTextFile(stack.logFile);
      for (const secret of [...server.issued, state, code, "google-client-secret-of-tests"]) {
        assert.equal(log.includes(secret), false, "in the log");
        assert.equal(told.slice(1).some((text) => text.includes(secret)), false, "in an answer");
      }
      for (const token of server.issued) assert.equal(told[0]!.includes(token), false, "in the address");
      assert.deepEqual(server.tokensInAddresses, []);
    });
  },
);

/** Tables outside Vault in which one of the values stands. */
async function placesOf(values: string[]): Promise<string[]> {
  const tables = await adminSql`select n.nspname as schema, c.relname as name from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'm') and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast')`;
  const places: string[] = [];
  for (const { schema, name } of tables) {
    const [hit] = await adminSql`select 1 from only ${adminSql(`${schema}.${name}`)} t
      cross join unnest(${values}::text[]) as v (value) where position(v.value in t::text) > 0 limit 1`;
    if (hit) places.push(`${schema}.${name}`);
  }
  return places;
}

stackTest("OAUTH-CANARY: the search finds a token where one is planted", async () => {
  const tenant = await createTenant();
  const token = `ya29.${crypto.randomUUID()}`;
  await sql`insert into public.integration_logs (tenant_id, event_type, status, message)
    values (${tenant.id}, 'test', 'success', ${token})`;
  assert.deepEqual(await placesOf([token]), ["public.integration_logs"]);
});
