import assert from "node:assert/strict";
import { startSlack } from "../../simulators/slack/slack.ts";
import { call } from "../support/api.ts";
import { connect } from "../support/channels.ts";
import { sql, stack, stackTest } from "../support/stack.ts";
import { createTenant, type TestTenant } from "../support/tenant.ts";

const TOKEN = "token-that-its-admin-typed-0123456789";

/** A host that writes down what it is given to know a caller by. */
function startListener() {
  const seen: string[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    seen.push(`${request.headers.get("authorization") ?? ""} ${await request.text()}`);
    return Response.json({ data: [], access_token: "a-token" });
  });
  return { seen, url: `http://127.0.0.1:${server.addr.port}`, stop: () => server.shutdown() };
}

interface Rig {
  tenant: TestTenant;
  /** Where the credentials are meant to go, and where somebody would like them to go. */
  good: ReturnType<typeof startListener>;
  evil: ReturnType<typeof startListener>;
  patch(id: string, body: Record<string, unknown>): ReturnType<typeof call>;
  create(body: Record<string, unknown>): Promise<string>;
  test(id: string): Promise<void>;
}

async function withHosts(run: (rig: Rig) => Promise<void>): Promise<void> {
  const [tenant, good, evil] = [await createTenant(), startListener(), startListener()];
  const caller = { user: tenant.users.admin, orgId: tenant.orgs[0] };
  const path = (id: string) => `integrations/connectors/${id}`;
  try {
    await run({
      ...{ tenant, good, evil },
      patch: (id, body) => call(path(id), { ...caller, method: "PATCH", body }),
      create: async (body) => {
        const created = await call("integrations/connectors", { ...caller, body });
        assert.equal(created.status, 201, JSON.stringify(created.body));
        return created.body.id;
      },
      test: async (id) => {
        const tested = await call(`${path(id)}/test`, { ...caller, method: "POST" });
        assert.equal(tested.status, 200, JSON.stringify(tested.body));
      },
    });
  } finally {
    await Promise.all([good.stop(), evil.stop()]);
  }
}

const apiConfig = (baseUrl: string, auth: Record<string, unknown> = { kind: "bearer" }) => ({
  base_url: baseUrl,
  auth,
  resources: { orders: { path: "orders", records: "data", id: "id" } },
});

stackTest(
  "CONNECTORS: who moves a connector to another host has to know its credentials",
  () =>
    withHosts(async ({ good, evil, create, patch, test }) => {
      const oauth2 = (tokenUrl: string) => ({ kind: "oauth2_client_credentials", token_url: tokenUrl });
      const cases: [field: string, body: Record<string, unknown>, config: Record<string, unknown>][] = [
        [
          "config.base_url",
          { type: "api", config: apiConfig(good.url), secrets: { token: TOKEN } },
          apiConfig(evil.url),
        ],
        [
          "config.base_url",
          { type: "api", config: { flavor: "resend", from: "a@b.example" }, secrets: { api_key: TOKEN } },
          apiConfig(evil.url, { kind: "api_key", name: "x-key" }),
        ],
        [
          "config.auth.token_url",
          {
            type: "custom",
            config: apiConfig(good.url, oauth2(`${good.url}/token`)),
            secrets: { client_id: "hub", client_secret: TOKEN },
          },
          apiConfig(good.url, oauth2(`${evil.url}/token`)),
        ],
        [
          "config.url",
          {
            type: "odoo",
            config: { url: good.url, database: "x" },
            secrets: { login: "hub", api_key: TOKEN },
          },
          { url: evil.url, database: "x" },
        ],
      ];
      for (const [field, body, config] of cases) {
        const id = await create({ name: "Shop", ...body });
        const moved = await patch(id, { config });
        assert.deepEqual(
          [moved.status, moved.body.error_code],
          [422, "VALIDATION_FAILED"],
          JSON.stringify(moved.body),
        );
        assert.ok(
          moved.body.error.startsWith(`secrets: `) && moved.body.error.includes(field),
          moved.body.error,
        );
        if (body.type !== "api" || (body.config as { flavor?: string }).flavor !== "resend") await test(id);
        assert.deepEqual(evil.seen, []);
      }
    }),
);

stackTest(
  "CONNECTORS: a host gets the credentials that came with it, and its own may move on it",
  () =>
    withHosts(async ({ good, evil, create, patch, test }) => {
      const id = await create({
        ...{ type: "api", name: "Shop", config: apiConfig(good.url), secrets: { token: TOKEN } },
      });
      const deeper = await patch(id, { config: apiConfig(`${good.url}/v2`) });
      assert.equal(deeper.status, 200, JSON.stringify(deeper.body));
      const moved = await patch(id, { config: apiConfig(evil.url), secrets: { token: "of-the-other-host" } });
      assert.equal(moved.status, 200, JSON.stringify(moved.body));
      await test(id);
      assert.deepEqual(evil.seen.map((line) => line.trim()), ["Bearer of-the-other-host"]);
    }),
);

stackTest(
  "CONNECTORS: credentials that come while somebody changes the address do not go there",
  () =>
    withHosts(async ({ tenant, good, evil, create, patch, test }) => {
      const id = await create({
        ...{ type: "api", name: "Shop", config: apiConfig(evil.url), secrets: { token: "worthless" } },
      });
      let late: ReturnType<typeof patch>;
      await sql.begin(async (transaction) => {
        const [row] =
          await transaction`select secret_ref from public.integration_connectors where id = ${id} for update`;
        // It has seen the address that was, and waits for the row.
        late = patch(id, { config: { ...apiConfig(evil.url), timeout_ms: 2000 } });
        await waiting(id);
        await transaction`update public.integration_connectors set config = ${
          JSON.stringify(apiConfig(good.url))
        }::text::jsonb where id = ${id}`;
        await transaction`select private.put_secret(${tenant.id}, ${row!.secret_ref}, ${
          JSON.stringify({ token: TOKEN })
        }, 'connector credentials')`;
      });
      const answer = await late!;
      assert.deepEqual(
        [answer.status, answer.body.error_code],
        [409, "CONFLICT"],
        JSON.stringify(answer.body),
      );
      await test(id);
      assert.deepEqual(evil.seen, []);
    }),
);

/** Until somebody waits for a connector's row. */
async function waiting(connectorId: string): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    const [row] = await sql`select count(*)::int as waits from pg_stat_activity
      where wait_event_type = 'Lock' and query ilike '%update_connector%'`;
    if (row!.waits > 0) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`Nobody waits for ${connectorId}`);
}

stackTest("CONNECTORS: what a host says about itself breaks neither a test nor a run", async () => {
  const tenant = await createTenant();
  const caller = { user: tenant.users.admin, orgId: tenant.orgs[0] };
  const failure =
    '{"name": "odoo.exceptions.UserError", "message": "Not\\u0000 now \\ud800, later\\u001b[31m"}';
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    const isVersion = new URL(request.url).pathname === "/web/version";
    return new Response(isVersion ? '{"version": "19.0"}' : failure, { status: isVersion ? 200 : 422 });
  });
  try {
    const created = await call("integrations/connectors", {
      ...caller,
      body: {
        ...{ type: "odoo", name: "HR", secrets: { login: "hub", api_key: TOKEN } },
        config: { url: `http://127.0.0.1:${server.addr.port}`, database: "x" },
      },
    });
    const path = `integrations/connectors/${created.body.id}`;
    const tested = await call(`${path}/test`, { ...caller, method: "POST" });
    assert.deepEqual([tested.status, tested.body.works], [200, false], JSON.stringify(tested.body));
    assert.match(tested.body.message, /Not now , later/);
    const run = await call(`${path}/sync`, { ...caller, body: { wait_seconds: 20 } });
    assert.deepEqual(
      [run.body.status, run.body.error_class],
      ["failed", "input_refused"],
      JSON.stringify(run.body),
    );
  } finally {
    await server.shutdown();
  }
});

stackTest("CONNECTORS: an account may have a name that no column holds", async () => {
  const tenant = await createTenant();
  const token = `xoxb-${crypto.randomUUID()}`;
  const team = { id: "T0TEAM", name: "Ac\0me \ud800" };
  const slack = startSlack({ port: stack.slackPort, tokens: [token], channels: {}, team });
  try {
    const { id } = await connect(tenant, {
      type: "slack",
      config: {},
      credentials: { bot_token: token },
      orgId: tenant.orgs[0],
    });
    const tested = await call(`integrations/connectors/${id}/test`, {
      method: "POST",
      user: tenant.users.manager,
    });
    assert.deepEqual([tested.status, tested.body.works], [200, true], JSON.stringify(tested.body));
    assert.equal(tested.body.connector.account_name, "Ac\ufffdme \ufffd");
  } finally {
    await slack.stop();
  }
});
