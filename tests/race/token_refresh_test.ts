import assert from "node:assert/strict";
import { functionEnvironment } from "../../local/function_environment.ts";
import { validSecrets } from "../../supabase/functions/_shared/connectors/access_tokens.ts";
import type { StoredConnector } from "../../supabase/functions/_shared/connectors/token_lease.ts";
import type { Logger } from "../../supabase/functions/_shared/log.ts";
import { ProviderError } from "../../supabase/functions/_shared/providers/provider_error.ts";
import {
  connectByConsent,
  connectorRow,
  type RunningProvider,
  secretsOf,
  upkeep,
  withProvider,
} from "../support/oauth.ts";
import { call } from "../support/api.ts";
import { withHubEnvironment } from "../support/hub_environment.ts";
import type { CallerResult, CallerTask } from "../support/refresh_caller.ts";
import { callTogether } from "../support/refresh_callers.ts";
import { eventually, sql, stack, stackTest } from "../support/stack.ts";
import { createTenant, type TestTenant } from "../support/tenant.ts";

const ENVIRONMENT = {
  INTERLOCK_EGRESS_ALLOW_LOCAL: "1",
  INTERLOCK_LOG_LEVEL: "error",
  INTERLOCK_SLACK_API_URL: `http://127.0.0.1:${stack.slackPort}/api`,
  INTERLOCK_GOOGLE_API_URL: `http://127.0.0.1:${stack.googlePort}`,
  INTERLOCK_GOOGLE_CLIENT_ID: "google-client.test",
  INTERLOCK_GOOGLE_CLIENT_SECRET: "google-client-secret-of-tests",
  INTERLOCK_SLACK_CLIENT_ID: "slack-client.test",
  INTERLOCK_SLACK_CLIENT_SECRET: "slack-client-secret-of-tests",
};
withHubEnvironment({
  ...ENVIRONMENT,
  SUPABASE_URL: stack.apiUrl,
  SUPABASE_SECRET_KEYS: JSON.stringify(stack.keys.secretKeys),
});

const log: Logger = { debug() {}, info() {}, warn() {}, error() {}, with: () => log };

/** A connector of a tenant of its own, as whoever opens it names it. */
async function connected(
  provider: "google_workspace" | "slack" = "google_workspace",
): Promise<{ connector: StoredConnector; tenant: TestTenant }> {
  const tenant = await createTenant();
  const connectorId = await connectByConsent(tenant, provider);
  const { secret_ref: secretRef } = await connectorRow(connectorId);
  return { tenant, connector: { tenantId: tenant.id, connectorId, type: provider, secretRef } };
}

/** Lets the stored token end in so many milliseconds, as its credentials say. */
async function endsIn({ connectorId, secretRef }: StoredConnector, durationMs: number): Promise<void> {
  const secrets = await secretsOf(connectorId);
  const text = JSON.stringify({ ...secrets, expires_at: new Date(Date.now() + durationMs).toISOString() });
  await sql`select vault.update_secret(${secretRef}, ${text})`;
}

async function grantRow({ connectorId }: StoredConnector) {
  const [row] = await sql`select * from private.connector_grants where connector_id = ${connectorId}`;
  return row!;
}

function callersIn(processes: number, task: CallerTask): Promise<CallerResult> {
  return callTogether(
    processes,
    task,
    functionEnvironment({ ...stack, roleTokens: [], extra: ENVIRONMENT }),
  );
}

async function errorClassOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(() => null, (reason: unknown) => reason);
  assert.ok(error instanceof ProviderError, String(error));
  return error.errorClass;
}

/** A provider that does not answer refreshes until it may. */
function held({ faults }: RunningProvider, durationMs: number): void {
  faults.planNext({ kind: "stall", durationMs });
}

stackTest(
  "REFRESH-RACE: fifty callers in four processes are one refresh at the provider, and all get its token",
  async () => {
    await withProvider("google_workspace", async (provider) => {
      const { connector } = await connected();
      const { refresh_token: refreshToken } = await secretsOf(connector.connectorId);
      await endsIn(connector, -1000);
      held(provider, 300);
      const { tokens, failures } = await callersIn(4, { connector, callers: 13 });
      assert.deepEqual(failures, []);
      assert.equal(tokens.length, 52);
      assert.equal(provider.server.refreshes, 1);
      assert.equal(new Set(tokens).size, 1);
      assert.equal(provider.server.accepts(tokens[0]!), "valid");
      const after = await secretsOf(connector.connectorId);
      assert.deepEqual([after.access_token, after.refresh_token], [tokens[0], refreshToken]);
      assert.ok(Date.parse(after.expires_at!) > Date.now() + 3_000_000);
      assert.match(after.scope!, /drive/);
    });
  },
);

stackTest("REFRESH-RACE: callers whose token was refused get one newer one between them", async () => {
  await withProvider("slack", async (provider) => {
    const { connector } = await connected("slack");
    const refused = await secretsOf(connector.connectorId);
    const { tokens, failures } = await callersIn(3, { connector, callers: 8, refused });
    assert.deepEqual(failures, []);
    assert.equal(provider.server.refreshes, 1);
    assert.deepEqual([...new Set(tokens)], [(await secretsOf(connector.connectorId)).bot_token]);
    assert.notEqual(tokens[0], refused.bot_token);
  }, { rotates: true });
});

stackTest(
  "REFRESH: a token that is good for long is used as it is, without a word to the provider",
  async () => {
    await withProvider("google_workspace", async ({ server }) => {
      const { connector } = await connected();
      const secrets = await validSecrets(connector, { log });
      assert.deepEqual(secrets, await secretsOf(connector.connectorId));
      assert.equal(server.refreshes, 0);
      await endsIn(connector, 4 * 60_000);
      assert.notDeepEqual(await validSecrets(connector, { log }), secrets);
      assert.equal(server.refreshes, 1);
    });
  },
);

stackTest("REFRESH: a rotated refresh token takes the place of the old one, again and again", async () => {
  await withProvider("slack", async ({ server }) => {
    const { connector } = await connected("slack");
    const seen = new Set<string>();
    for (let turn = 0; turn < 4; turn++) {
      await endsIn(connector, -1000);
      const secrets = await validSecrets(connector, { log }) as Record<string, string>;
      assert.equal(server.accepts(secrets.bot_token!), "valid");
      assert.equal(secrets.team_id, server.consenting!.id);
      seen.add(secrets.refresh_token!);
    }
    assert.deepEqual([seen.size, server.refreshes], [4, 4]);
    const { secret_ref: ref } = await connectorRow(connector.connectorId);
    assert.equal(ref, connector.secretRef);
  }, { rotates: true });
});

stackTest(
  "REFRESH: a grant that is gone puts the connector into error and tells the admins once",
  async () => {
    await withProvider("google_workspace", async ({ server }) => {
      const { connector, tenant } = await connected();
      await endsIn(connector, -1000);
      server.revokeAccount(server.consenting!.id);
      for (let turn = 0; turn < 3; turn++) {
        assert.equal(await errorClassOf(validSecrets(connector, { log })), "reconnect_needed");
      }
      assert.equal(server.refreshes, 1);
      const row = await connectorRow(connector.connectorId);
      assert.equal(row.status, "error");
      assert.match(row.last_error, /connect again/);
      const told = await sql`select kind, severity from public.notifications where tenant_id = ${tenant.id}`;
      assert.deepEqual(told.map((one) => ({ ...one })), [{
        kind: "connector.reconnect_needed",
        severity: "error",
      }]);
      const logs = await sql`select event_type from public.integration_logs
      where connector_id = ${connector.connectorId} and status = 'error'`;
      assert.deepEqual(logs.map((one) => one.event_type), ["connector.reconnect_needed"]);
      // Somebody connects again: it works, and what was said of the old grant is forgotten.
      await connectByConsent(tenant, "google_workspace", { connector_id: connector.connectorId });
      await endsIn(connector, -1000);
      await validSecrets(connector, { log });
      assert.equal((await connectorRow(connector.connectorId)).status, "active");
    });
  },
);

stackTest(
  "REFRESH: while the provider is down the old token is used as long as it is good, with rests between tries",
  async () => {
    await withProvider("google_workspace", async ({ server, faults }) => {
      const { connector } = await connected();
      const down = { kind: "answer" as const, response: () => new Response("down", { status: 503 }) };
      await endsIn(connector, 60_000);
      const before = await secretsOf(connector.connectorId);
      faults.planNext(down);
      for (let turn = 0; turn < 5; turn++) assert.deepEqual(await validSecrets(connector, { log }), before);
      assert.deepEqual([faults.requests - server.exchanges, server.refreshes], [1, 0]);
      const failed = await grantRow(connector);
      assert.deepEqual([failed.failure_count, failed.exhausted_at, failed.lease_token], [1, null, null]);
      // Refused or ended, it is no use: whoever asks hears how long to wait.
      const error = await validSecrets(connector, { log, refused: before }).catch((reason: unknown) =>
        reason
      );
      assert.ok(error instanceof ProviderError && error.errorClass === "transient");
      assert.ok(error.retryAfterMs! > 0 && error.retryAfterMs! <= 30_000, String(error.retryAfterMs));
      assert.equal((await connectorRow(connector.connectorId)).status, "active");
      await sql`update private.connector_grants set failed_at = failed_at - interval '31 s'
      where connector_id = ${connector.connectorId}`;
      const after = await validSecrets(connector, { log }) as Record<string, string>;
      assert.equal(server.accepts(after.access_token!), "valid");
      assert.equal((await grantRow(connector)).failure_count, 0);
    });
  },
);

stackTest("REFRESH: failures over days end it; as many within an hour do not", async () => {
  await withProvider("google_workspace", async ({ faults }) => {
    const { connector, tenant } = await connected();
    const fail = async () => {
      faults.planNext({ kind: "answer", response: () => new Response("down", { status: 500 }) });
      await errorClassOf(validSecrets(connector, { log }));
      await sql`update private.connector_grants set failed_at = failed_at - interval '31 s'
        where connector_id = ${connector.connectorId}`;
    };
    await endsIn(connector, -1000);
    for (let turn = 0; turn < 21; turn++) await fail();
    const often = await grantRow(connector);
    assert.deepEqual([often.failure_count, often.exhausted_at], [21, null]);
    await sql`update private.connector_grants set failing_since = now() - interval '4 days 1 minute'
      where connector_id = ${connector.connectorId}`;
    await fail();
    assert.notEqual((await grantRow(connector)).exhausted_at, null);
    assert.equal((await connectorRow(connector.connectorId)).status, "error");
    const [told] =
      await sql`select count(*)::int as n from public.notifications where tenant_id = ${tenant.id}`;
    assert.equal(told!.n, 1);
    // New credentials by hand are another chance.
    await endsIn(connector, -2000);
    await validSecrets(connector, { log });
    assert.equal((await grantRow(connector)).exhausted_at, null);
  });
});

stackTest("REFRESH: our app's fault is no fault of the grant", async () => {
  await withProvider("google_workspace", async ({ faults }) => {
    const { connector } = await connected();
    await endsIn(connector, -1000);
    const response = () => Response.json({ error: "invalid_client" }, { status: 401 });
    faults.planNext({ kind: "answer", response });
    assert.equal(await errorClassOf(validSecrets(connector, { log })), "misconfigured");
    assert.equal((await connectorRow(connector.connectorId)).status, "active");
  });
});

stackTest(
  "REFRESH-RACE: a holder that is killed is followed by another when its lease is over, and not before",
  async () => {
    await withProvider("google_workspace", async (provider) => {
      const { connector } = await connected();
      await endsIn(connector, -1000);
      held(provider, 3000);
      const env = functionEnvironment({ ...stack, roleTokens: [], extra: ENVIRONMENT });
      const task: CallerTask = { connector, callers: 1 };
      const asked = provider.faults.requests;
      const holder = new Deno.Command(Deno.execPath(), {
        args: ["run", "--quiet", "--no-check", "-A", "tests/support/refresh_caller.ts", JSON.stringify(task)],
        env,
        stdin: "null",
        stdout: "null",
        stderr: "null",
      }).spawn();
      await eventually(() => Promise.resolve(provider.faults.requests > asked));
      holder.kill("SIGKILL");
      await holder.status;
      const waiting = validSecrets(connector, { log }) as Promise<Record<string, string>>;
      await new Promise((resolve) => setTimeout(resolve, 500));
      assert.equal(provider.faults.requests, asked + 1);
      await sql`update private.connector_grants set lease_until = now() where connector_id = ${connector.connectorId}`;
      const secrets = await waiting;
      assert.equal(provider.server.accepts(secrets.access_token!), "valid");
      assert.equal(provider.faults.requests, asked + 2);
    });
  },
);

stackTest("REFRESH-RACE: whoever slept past their lease stores nothing over what others stored", async () => {
  await withProvider("google_workspace", async ({ faults, server }) => {
    const { connector } = await connected();
    await endsIn(connector, -1000);
    faults.planNext({ kind: "stall", durationMs: 1500 });
    const asked = faults.requests;
    const slow = callersIn(1, { connector, callers: 1 });
    await eventually(() => Promise.resolve(faults.requests > asked));
    await sql`update private.connector_grants set lease_until = now() where connector_id = ${connector.connectorId}`;
    const quick = await validSecrets(connector, { log }) as Record<string, string>;
    const { tokens } = await slow;
    assert.equal(server.refreshes, 2);
    assert.deepEqual(await secretsOf(connector.connectorId), quick);
    assert.deepEqual(tokens, [quick.access_token]);
  });
});

stackTest(
  "REFRESH-RACE: a refresh that is under way while somebody connects again does not undo it",
  async () => {
    await withProvider("google_workspace", async ({ faults }) => {
      const { connector, tenant } = await connected();
      await endsIn(connector, -1000);
      const asked = faults.requests;
      faults.planNext({ kind: "stall", durationMs: 2500 });
      const slow = validSecrets(connector, { log });
      await eventually(() => Promise.resolve(faults.requests > asked));
      await connectByConsent(tenant, "google_workspace", { connector_id: connector.connectorId });
      const fresh = await secretsOf(connector.connectorId);
      assert.deepEqual(await slow, fresh);
      assert.deepEqual(await secretsOf(connector.connectorId), fresh);
    });
  },
);

stackTest(
  "REFRESH: idle tokens are kept: Slack's before they end, each grant once a day, and none twice",
  async () => {
    await withProvider("slack", async ({ server: slack }) => {
      await withProvider("google_workspace", async ({ server: google }) => {
        const [rotating, idle] = [await connected("slack"), await connected()];
        const { refresh_due_at: slackDue, expires_at: ends } = await grantRow(rotating.connector);
        assert.equal((ends.getTime() - slackDue.getTime()) / 60_000, 10);
        const { refresh_due_at: googleDue } = await grantRow(idle.connector);
        const hours = (googleDue.getTime() - Date.now()) / 3_600_000;
        assert.ok(hours > 23.9 && hours <= 24, String(hours));
        await upkeep();
        await sql`update private.connector_grants set refresh_due_at = now()
        where connector_id in (${rotating.connector.connectorId}, ${idle.connector.connectorId})`;
        await sql`select private.wake_oauth_upkeep()`;
        await eventually(() => Promise.resolve(slack.refreshes + google.refreshes === 2));
        await eventually(async () => (await grantRow(rotating.connector)).refresh_due_at > new Date());
        await eventually(async () => (await grantRow(idle.connector)).refresh_due_at > new Date());
        await upkeep();
        const { bot_token: token } = await secretsOf(rotating.connector.connectorId);
        assert.equal(slack.accepts(token!), "valid");
        assert.deepEqual([slack.refreshes, google.refreshes], [1, 1]);
      });
    }, { rotates: true });
  },
);

stackTest(
  "REFRESH: another tenant's connector, and one that was disconnected, have no credentials",
  async () => {
    await withProvider("google_workspace", async () => {
      const { connector } = await connected();
      const other = await createTenant();
      assert.equal(
        await errorClassOf(validSecrets({ ...connector, tenantId: other.id }, { log })),
        "reconnect_needed",
      );
      await endsIn(connector, -1000);
      await sql`select public.disconnect_connector(${connector.tenantId}, ${null}, ${connector.connectorId}, null)`;
      await sql`delete from private.oauth_revocations where tenant_id = ${connector.tenantId}`;
      assert.equal(await errorClassOf(validSecrets(connector, { log })), "reconnect_needed");
    });
  },
);

stackTest(
  "REFRESH: credentials that somebody types while others are fetched are kept, and are no grant",
  () =>
    withProvider("slack", async ({ server }) => {
      const { connector, tenant } = await connected("slack");
      const { tenantId, connectorId, secretRef } = connector;
      const asAdmin = { user: tenant.users.admin, orgId: tenant.orgs[0] };
      const [seen] =
        await sql`select private.secret_hash(public.read_secret(${tenantId}, ${secretRef})) as hash`;
      const [begun] =
        await sql`select public.begin_token_refresh(${tenantId}, ${connectorId}, ${secretRef}, ${
          seen!.hash
        }, 30000) as answer`;
      assert.equal(begun!.answer.state, "granted");
      const typed = { bot_token: "xoxb-that-an-admin-typed" };
      const changed = await call(`integrations/connectors/${connectorId}`, {
        ...{ ...asAdmin, method: "PATCH" },
        body: { secrets: typed },
      });
      assert.equal(changed.status, 200, JSON.stringify(changed.body));
      const late = JSON.stringify({ bot_token: "xoxb-of-the-grant-before" });
      const [stored] = await sql`select public.finish_token_refresh(${tenantId}, ${connectorId}, ${
        begun!.answer.lease_token
      }, 'refreshed', ${late}, null, null, null) as answer`;
      assert.deepEqual(await secretsOf(connectorId), typed);
      assert.equal(stored!.answer, false);
      // What nobody granted is not taken away: the provider would end a token that others may use as well.
      const gone = await call("oauth/disconnect", { ...asAdmin, body: { connector_id: connectorId } });
      assert.deepEqual([gone.status, gone.body.error_code], [409, "CONFLICT"], JSON.stringify(gone.body));
      assert.deepEqual(server.revocations, []);
    }),
);
