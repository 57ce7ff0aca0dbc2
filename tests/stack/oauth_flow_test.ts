import assert from "node:assert/strict";
import { call } from "../support/api.ts";
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
  upkeep,
  withProvider,
} from "../support/oauth.ts";
import { adminSql, eventually, sql, stack, stackTest } from "../support/stack.ts";
import { createTenant } from "../support/tenant.ts";

const CONSOLE = "http://127.0.0.1:9/console";

stackTest(
  "OAUTH: Google is connected by whoever began it, with PKCE and nothing that was not asked for",
  async () => {
    await withProvider("google_workspace", async ({ server }) => {
      const tenant = await createTenant();
      const begun = await authorize(tenant, "google_workspace", { name: "Drive", config: {} });
      assert.equal(begun.status, 200, JSON.stringify(begun.body));
      const asked = new URL(begun.body.authorize_url);
      assert.equal(asked.origin + asked.pathname, `http://127.0.0.1:${stack.googlePort}/o/oauth2/v2/auth`);
      const { state, code_challenge, ...fixed } = Object.fromEntries(asked.searchParams);
      assert.deepEqual(fixed, {
        response_type: "code",
        access_type: "offline",
        prompt: "consent",
        client_id: "google-client.test",
        redirect_uri: callbackUrl("google_workspace"),
        scope: "openid email https://www.googleapis.com/auth/drive.metadata.readonly",
        code_challenge_method: "S256",
      });
      assert.match(code_challenge!, /^[\w-]{43}$/);
      assert.equal(state!.includes(tenant.id), false);
      const inTenMinutes = Date.parse(begun.body.expires_at) - Date.now() - 600_000;
      assert.ok(Math.abs(inTenMinutes) < 30_000, begun.body.expires_at);

      const home = await follow(await consent(begun.body.authorize_url));
      assert.equal(home.origin + home.pathname, CONSOLE);
      assert.deepEqual([...home.searchParams.keys()].sort(), ["oauth_code", "provider"]);
      const [before] =
        await sql`select count(*)::int as n from public.integration_connectors where tenant_id = ${tenant.id}`;
      assert.equal(before!.n, 0);

      const completed = await complete(tenant, home.searchParams.get("oauth_code")!);
      assert.equal(completed.status, 200, JSON.stringify(completed.body));
      const { connector_id: id, ...shown } = completed.body;
      assert.deepEqual(shown, {
        type: "google_workspace",
        name: "Drive",
        status: "active",
        account_name: server.consenting!.name,
        scopes: ["openid", "email", "https://www.googleapis.com/auth/drive.metadata.readonly"],
      });
      const secrets = await secretsOf(id);
      assert.equal(server.accepts(secrets.access_token!), "valid");
      assert.deepEqual(Object.keys(secrets).sort(), [
        "access_token",
        "expires_at",
        "refresh_token",
        "scope",
        "token_type",
      ]);
      const row = await connectorRow(id);
      assert.deepEqual([row.status, row.created_by, row.org_id], [
        "active",
        tenant.users.admin.id,
        tenant.orgs[0],
      ]);
      const logs =
        await sql`select event_type from public.integration_logs where connector_id = ${id} order by id`;
      assert.deepEqual(logs.map((log) => log.event_type), ["connector.created", "connector.connected"]);
      const [left] =
        await sql`select count(*)::int as n from private.oauth_states where tenant_id = ${tenant.id}`;
      assert.equal(left!.n, 0);
    });
  },
);

stackTest("OAUTH: Slack is connected without PKCE, and its workspace is linked for news", async () => {
  await withProvider("slack", async ({ server }) => {
    const tenant = await createTenant();
    const begun = await authorize(tenant, "slack");
    const asked = new URL(begun.body.authorize_url);
    assert.equal(asked.searchParams.get("code_challenge"), null);
    assert.equal(
      asked.searchParams.get("scope"),
      "chat:write,chat:write.customize,channels:read,channels:history",
    );
    const id = await connectByConsent(tenant, "slack");
    const secrets = await secretsOf(id);
    assert.deepEqual(Object.keys(secrets).sort(), ["bot_token", "scope", "team_id"]);
    assert.equal(server.accepts(secrets.bot_token!), "valid");
    const [account] =
      await sql`select provider, account_id from public.connector_accounts where connector_id = ${id}`;
    assert.deepEqual({ ...account }, { provider: "slack", account_id: server.consenting!.id });
    // Nobody refreshes what does not end.
    const [grant] =
      await sql`select refresh_due_at, expires_at from private.connector_grants where connector_id = ${id}`;
    assert.deepEqual({ ...grant }, { refresh_due_at: null, expires_at: null });
  });
});

stackTest(
  "OAUTH: a workspace that another tenant has connected stays theirs, and their token alive",
  async () => {
    await withProvider("slack", async ({ server }) => {
      const [owner, other] = [await createTenant(), await createTenant()];
      const id = await connectByConsent(owner, "slack");
      const refused = await complete(other, await codeFor(other, "slack"));
      assert.deepEqual([refused.status, refused.body.error_code], [409, "CONFLICT"]);
      await sql`update private.oauth_states set grant_expires_at = now() where tenant_id = ${other.id}`;
      await upkeep();
      await eventually(async () =>
        (await sql`select 1 from private.oauth_states where tenant_id = ${other.id}
        union all select 1 from private.oauth_revocations where tenant_id = ${other.id}`).length === 0
      );
      assert.deepEqual(server.revocations, []);
      assert.equal(server.accepts((await secretsOf(id)).bot_token!), "valid");
      const [made] =
        await sql`select count(*)::int as n from public.integration_connectors where tenant_id = ${other.id}`;
      assert.equal(made!.n, 0);
    });
  },
);

stackTest(
  "OAUTH: what was allowed in part connects nothing, says what is missing, and is revoked",
  async () => {
    await withProvider("google_workspace", async ({ server }) => {
      server.allowed = (scopes) => scopes.filter((scope) => !scope.includes("drive"));
      const tenant = await createTenant();
      const code = await codeFor(tenant, "google_workspace");
      const refused = await complete(tenant, code);
      assert.deepEqual([refused.status, refused.body.error_code], [409, "PERMISSION_MISSING"]);
      assert.deepEqual(refused.body.details.missing_scopes, [
        "https://www.googleapis.com/auth/drive.metadata.readonly",
      ]);
      assert.match(refused.body.error, /drive\.metadata\.readonly/);
      await eventually(() => Promise.resolve(server.revocations.length === 1));
      const again = await complete(tenant, code);
      assert.deepEqual([again.status, again.body.error_code], [404, "NOT_FOUND"]);
      const [made] =
        await sql`select count(*)::int as n from public.integration_connectors where tenant_id = ${tenant.id}`;
      assert.equal(made!.n, 0);
    });
  },
);

stackTest("OAUTH: whoever declines comes back with a word for it, and the state is used", async () => {
  await withProvider("google_workspace", async ({ server }) => {
    server.consenting = null;
    const tenant = await createTenant();
    const { body } = await authorize(tenant, "google_workspace");
    const callback = await consent(body.authorize_url);
    const home = await follow(callback);
    assert.deepEqual(Object.fromEntries(home.searchParams), {
      provider: "google_workspace",
      oauth_error: "access_denied",
    });
    assert.equal((await follow(callback)).searchParams.get("oauth_error"), "state_invalid");
    assert.equal(server.exchanges, 0);
  });
});

stackTest("OAUTH: a provider that is down or refuses is told apart, and nothing is kept", async () => {
  await withProvider("google_workspace", async ({ faults }) => {
    const tenant = await createTenant();
    const faultOf = async (status: number, body: unknown) => {
      const { body: begun } = await authorize(tenant, "google_workspace");
      const callback = await consent(begun.authorize_url);
      faults.planNext({ kind: "answer", response: () => Response.json(body, { status }) });
      return (await follow(callback)).searchParams.get("oauth_error");
    };
    assert.equal(await faultOf(503, {}), "provider_unavailable");
    assert.equal(await faultOf(429, {}), "provider_unavailable");
    assert.equal(await faultOf(200, { ok: "what" }), "provider_unavailable");
    assert.equal(await faultOf(400, { error: "invalid_grant" }), "provider_refused");
    assert.equal(await faultOf(401, { error: "invalid_client" }), "app_misconfigured");
    const [kept] = await sql`select count(*)::int as n from private.oauth_states
      where tenant_id = ${tenant.id} and code_hash is not null`;
    assert.equal(kept!.n, 0);
  });
});

stackTest("OAUTH: a revoked connector is connected again in place, by its own account only", async () => {
  await withProvider("google_workspace", async ({ server }) => {
    const tenant = await createTenant();
    const own = server.consenting!;
    const id = await connectByConsent(tenant, "google_workspace");
    const before = await connectorRow(id);
    const { access_token: old } = await secretsOf(id);
    await sql`update public.integration_connectors set status = 'error', last_error = 'gone' where id = ${id}`;

    const begun = await authorize(tenant, "google_workspace", { connector_id: id });
    assert.equal(new URL(begun.body.authorize_url).searchParams.get("login_hint"), own.name);

    server.consenting = { id: crypto.randomUUID(), name: "mallory@evil.example" };
    const other = await complete(tenant, await codeFor(tenant, "google_workspace", { connector_id: id }));
    assert.deepEqual([other.status, other.body.error_code], [409, "CONFLICT"]);
    assert.equal((await secretsOf(id)).access_token, old);
    await eventually(() => Promise.resolve(server.revocations.length === 1));

    server.consenting = own;
    assert.equal(await connectByConsent(tenant, "google_workspace", { connector_id: id }), id);
    const after = await connectorRow(id);
    assert.deepEqual([after.status, after.last_error, after.secret_ref], ["active", null, before.secret_ref]);
    const { access_token: renewed } = await secretsOf(id);
    assert.notEqual(renewed, old);
    assert.equal(server.accepts(renewed!), "valid");
  });
});

stackTest("OAUTH: disconnecting revokes, forgets the tokens, and frees the account", async () => {
  await withProvider("slack", async ({ server }) => {
    const tenant = await createTenant();
    const id = await connectByConsent(tenant, "slack");
    const { secret_ref: ref } = await connectorRow(id);
    const { bot_token: token } = await secretsOf(id);
    const gone = await call("oauth/disconnect", {
      user: tenant.users.admin,
      orgId: tenant.orgs[0],
      body: { connector_id: id },
    });
    assert.deepEqual([gone.status, gone.body], [200, {
      connector_id: id,
      status: "inactive",
      is_revoked: true,
    }]);
    assert.deepEqual(server.revocations, [token]);
    const row = await connectorRow(id);
    assert.deepEqual([row.status, row.secret_ref, row.account_name], ["inactive", null, null]);
    const left = await sql`select 1 from vault.secrets where id = ${ref}
      union all select 1 from public.connector_accounts where connector_id = ${id}`;
    assert.equal(left.length, 0);
    const again = await call("oauth/disconnect", {
      user: tenant.users.admin,
      orgId: tenant.orgs[0],
      body: { connector_id: id },
    });
    assert.deepEqual([again.status, again.body.error_code], [409, "CONFLICT"]);
    assert.equal(await connectByConsent(tenant, "slack", { connector_id: id }), id);
  });
});

stackTest("OAUTH: where the syncs of one account stood is nothing to the next one", async () => {
  await withProvider("google_workspace", async ({ server }) => {
    const tenant = await createTenant();
    const asAdmin = { user: tenant.users.admin, orgId: tenant.orgs[0] };
    const id = await connectByConsent(tenant, "google_workspace");
    await sql`insert into public.sync_cursors (tenant_id, connector_id, stream, cursor)
      values (${tenant.id}, ${id}, 'drive_files', '{"phase": "changes"}')`;
    // One run holds a slice at work, so that it may yet store a page; another one will wait.
    const started = async (lease: string | null) => {
      const [run] = await sql`insert into public.sync_runs
        (tenant_id, org_id, connector_id, mode, trigger, function_name, trace_id, status, lease_token, lease_until, next_slice_at)
        values (${tenant.id}, ${tenant.orgs[0]!}, ${id}, 'incremental', 'user', 'google-drive-sync', 'trace',
          ${lease === null ? "waiting" : "running"}, ${lease}, ${
        lease === null ? null : new Date(Date.now() + 60_000)
      },
          now() + interval '1 hour') returning id`;
      return run!.id as string;
    };
    const lease = crypto.randomUUID();
    const atWork = await started(lease);
    const gone = await call("oauth/disconnect", { ...asAdmin, body: { connector_id: id } });
    assert.equal(gone.status, 200, JSON.stringify(gone.body));
    const page = JSON.stringify({
      ...{ stream: "drive_files", table: "google_drive_files", entity_type: "drive_file", records: [] },
      ...{ deleted_ids: [], present_ids: [], cursor: { of: "the old account" }, has_more: true },
    });
    const [late] = await sql`select public.apply_sync_page(${atWork}, ${lease}, 90000, ${page}) as answer`;
    assert.equal(late!.answer.outcome, "cancelled");
    const cursors = async () =>
      await sql`select cursor from public.sync_cursors where connector_id = ${id} and cursor is not null`;
    assert.equal((await cursors()).length, 0);

    server.consenting = { id: crypto.randomUUID(), name: "somebody-else@acme.example" };
    assert.equal(await connectByConsent(tenant, "google_workspace", { connector_id: id }), id);
    // What the slice of the old account finds out about its credentials is nothing to the new one.
    const refused = { kind: "failed", error_class: "reconnect_needed", error: "The credentials are gone." };
    const [end] = await sql`select public.finish_sync_slice(${atWork}, ${lease}, ${
      JSON.stringify(refused)
    }) as answer`;
    assert.equal(end!.answer.run.status, "cancelled");
    assert.equal((await connectorRow(id)).status, "active");
    const waiting = await started(null);
    await call("oauth/disconnect", { ...asAdmin, body: { connector_id: id } });
    const [ended] = await sql`select status from public.sync_runs where id = ${waiting}`;
    assert.equal(ended!.status, "cancelled");
  });
});

stackTest("OAUTH: a provider that does not hear of the end is told by the schedule", async () => {
  await withProvider("google_workspace", async ({ server, faults }) => {
    const tenant = await createTenant();
    const id = await connectByConsent(tenant, "google_workspace");
    faults.planNext({ kind: "answer", response: () => new Response("down", { status: 503 }) });
    const gone = await call("oauth/disconnect", {
      user: tenant.users.admin,
      orgId: tenant.orgs[0],
      body: { connector_id: id },
    });
    assert.deepEqual([gone.status, gone.body.is_revoked], [200, false]);
    await sql`update private.oauth_revocations set next_attempt_at = now() where tenant_id = ${tenant.id}`;
    await upkeep();
    await eventually(() => Promise.resolve(server.revocations.length === 1));
    await eventually(async () =>
      (await sql`select 1 from private.oauth_revocations where tenant_id = ${tenant.id}`).length === 0
    );
    const secrets = await sql`select 1 from vault.secrets where name like ${`interlock/${tenant.id}/%`}`;
    assert.equal(secrets.length, 0);
  });
});

stackTest("OAUTH: a deleted connector's grant is revoked", async () => {
  await withProvider("google_workspace", async ({ server }) => {
    const tenant = await createTenant();
    const id = await connectByConsent(tenant, "google_workspace");
    const { refresh_token: token } = await secretsOf(id);
    await sql`select public.delete_connector(${tenant.id}, ${tenant.orgs[0]}, ${id}, null)`;
    await upkeep();
    await eventually(() => Promise.resolve(server.revocations.includes(token!)));
  });
});

stackTest("OAUTH: what nobody finishes is revoked after ten minutes, by the schedule itself", async () => {
  await withProvider("google_workspace", async ({ server }) => {
    const tenant = await createTenant();
    const code = await codeFor(tenant, "google_workspace");
    const [pending] = await sql`select extract(epoch from grant_expires_at - clock_timestamp())::float as s
      from private.oauth_states where tenant_id = ${tenant.id}`;
    assert.ok(pending!.s > 500 && pending!.s <= 600, String(pending!.s));
    await sql`update private.oauth_states set grant_expires_at = now() where tenant_id = ${tenant.id}`;
    const late = await complete(tenant, code);
    assert.deepEqual([late.status, late.body.error_code], [404, "NOT_FOUND"]);
    await sql`select private.wake_oauth_upkeep()`;
    await eventually(() => Promise.resolve(server.revocations.length === 1));
    const secrets = () => sql`select 1 from vault.secrets where name like ${`interlock/${tenant.id}/%`}`;
    await eventually(async () => (await secrets()).length === 0);
  });
});

stackTest("OAUTH: what could not be stored is forgotten, and ends nothing else of the account", async () => {
  await withProvider("google_workspace", async ({ server }) => {
    const tenant = await createTenant();
    const id = await connectByConsent(tenant, "google_workspace");
    const { body } = await authorize(tenant, "google_workspace");
    const callback = await consent(body.authorize_url);
    const constraint = adminSql(`oauth_states_rig_${crypto.randomUUID().slice(0, 8)}`);
    await adminSql`alter table private.oauth_states add constraint ${constraint}
      check (tenant_id <> ${adminSql.unsafe(`'${tenant.id}'`)} or secret_ref is null) not valid`;
    try {
      assert.equal((await follow(callback)).searchParams.get("oauth_error"), "unavailable");
    } finally {
      await adminSql`alter table private.oauth_states drop constraint ${constraint}`;
    }
    const secrets = await sql`select id from vault.secrets where name like ${`interlock/${tenant.id}/%`}`;
    assert.deepEqual(secrets.map((secret) => secret.id), [(await connectorRow(id)).secret_ref]);
    assert.deepEqual(server.revocations, []);
    assert.equal(server.accepts((await secretsOf(id)).access_token!), "valid");
  });
});
