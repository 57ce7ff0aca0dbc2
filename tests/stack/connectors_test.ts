import assert from "node:assert/strict";
import { connectorOf, connectorTypes } from "../../supabase/functions/_shared/providers/connectors.ts";
import { call } from "../support/api.ts";
import { adminSql, sql, stack, stackTest } from "../support/stack.ts";
import { createTenant, type TestTenant } from "../support/tenant.ts";

const CANARY = "canary-api-token-of-a-tenant-0123456789";

const API = {
  type: "api",
  name: "Shop",
  config: {
    base_url: "http://127.0.0.1:9",
    auth: { kind: "bearer" },
    resources: { orders: { path: "orders", records: "data", id: "id" } },
  },
  secrets: { token: CANARY },
};

const asOwner = (tenant: TestTenant) => ({ user: tenant.users.owner, orgId: tenant.orgs[0] });

async function created(tenant: TestTenant, body: Record<string, unknown> = API) {
  const answer = await call("integrations/connectors", { ...asOwner(tenant), body });
  assert.equal(answer.status, 201, JSON.stringify(answer.body));
  return answer.body;
}

stackTest(
  "CONNECTORS: credentials go to Vault in the call, and are in no answer, table or log line",
  async () => {
    const tenant = await createTenant();
    const connector = await created(tenant);
    assert.deepEqual([connector.status, connector.has_secrets, connector.health], [
      "active",
      true,
      "unknown",
    ]);
    const path = `integrations/connectors/${connector.id}`;
    const answers = [
      connector,
      (await call(path, asOwner(tenant))).body,
      (await call("integrations/connectors", asOwner(tenant))).body,
      (await call(`${path}/test`, { ...asOwner(tenant), method: "POST" })).body,
      (await call(`${path}/sync`, { ...asOwner(tenant), body: { wait_seconds: 0 } })).body,
      (await call("integrations/logs", asOwner(tenant))).body,
    ];
    assert.ok(!JSON.stringify(answers).includes(CANARY));
    const tables =
      await adminSql`select format('%I.%I', table_schema, table_name) as name from information_schema.tables
    where table_schema in ('public', 'private') and table_type = 'BASE TABLE'`;
    for (const { name } of tables) {
      const [found] = await adminSql.unsafe(
        `select count(*)::int as rows from ${name} t where t::text like '%${CANARY}%'`,
      );
      assert.equal(found!.rows, 0, name);
    }
    const [secret] = await sql`select public.read_secret(c.tenant_id, c.secret_ref) as text
    from public.integration_connectors c where c.id = ${connector.id}`;
    assert.deepEqual(JSON.parse(secret!.text), API.secrets);
  },
);

stackTest("CONNECTORS: new credentials take the place of the old ones under the same reference", async () => {
  const tenant = await createTenant();
  const { id } = await created(tenant);
  const refOf = async () =>
    (await sql`select secret_ref from public.integration_connectors where id = ${id}`)[0]!.secret_ref;
  const before = await refOf();
  await sql`update public.integration_connectors set status = 'error', last_error = 'Gone.' where id = ${id}`;
  const changed = await call(`integrations/connectors/${id}`, {
    ...asOwner(tenant),
    method: "PATCH",
    body: { secrets: { token: "another-token" } },
  });
  assert.deepEqual([changed.status, changed.body.status, changed.body.last_error], [200, "active", null]);
  assert.equal(await refOf(), before);
  const [secret] = await sql`select public.read_secret(${tenant.id}, ${before}) as text`;
  assert.deepEqual(JSON.parse(secret!.text), { token: "another-token" });
});

stackTest(
  "CONNECTORS: what is wrong is told by name, without repeating a value, and nothing is stored",
  async () => {
    const tenant = await createTenant();
    const cases: [Record<string, unknown>, RegExp][] = [
      [{ ...API, type: "hubspot" }, /^type: /],
      [{ ...API, name: "" }, /^name: /],
      [
        { ...API, config: { ...API.config, base_url: "https://169.254.169.254/latest" } },
        /^config\.base_url: /,
      ],
      [{ ...API, config: { ...API.config, base_url: "https://10.0.0.1" } }, /^config\.base_url: /],
      [{ type: "odoo", name: "HR", config: { url: "https://192.168.1.1", database: "x" } }, /^config\.url: /],
      [{ ...API, secrets: { token: 7, [CANARY]: 1 } }, /^secrets/],
      [{ ...API, sync_interval_seconds: 59 }, /^sync_interval_seconds: /],
      [{ type: "google_workspace", name: "W", secrets: { access_token: CANARY } }, /^secrets: .*signing in/],
      [
        { type: "odoo", name: "HR", config: { url: "http://127.0.0.1:9", database: "x" }, is_active: true },
        /^is_active: /,
      ],
    ];
    for (const [body, message] of cases) {
      const answer = await call("integrations/connectors", { ...asOwner(tenant), body });
      assert.deepEqual(
        [answer.status, answer.body.error_code],
        [422, "VALIDATION_FAILED"],
        JSON.stringify(answer.body),
      );
      assert.match(answer.body.error, message);
    }
    const [rows] =
      await sql`select count(*)::int as connectors from public.integration_connectors where tenant_id = ${tenant.id}`;
    assert.equal(rows!.connectors, 0);
  },
);

stackTest("CONNECTORS: paused and active again, each told in the log and in the audit log", async () => {
  const tenant = await createTenant();
  const { id } = await created(tenant);
  const path = `integrations/connectors/${id}`;
  for (const is_active of [false, true]) {
    const changed = await call(path, { ...asOwner(tenant), method: "PATCH", body: { is_active } });
    assert.equal(changed.body.status, is_active ? "active" : "inactive");
    if (is_active) continue;
    const refused = await call(`${path}/sync`, { ...asOwner(tenant), body: {} });
    assert.deepEqual([refused.status, refused.body.error_code], [409, "CONNECTOR_INACTIVE"]);
  }
  const logs = await call(`integrations/logs?connector_id=${id}`, asOwner(tenant));
  assert.deepEqual(logs.body.data.map((line: { event_type: string }) => line.event_type), [
    "connector.activated",
    "connector.deactivated",
    "connector.created",
  ]);
  const [audited] = await sql`select count(*)::int as changes from public.audit_log
    where tenant_id = ${tenant.id} and table_name = 'integration_connectors' and actor_id = ${tenant.users.owner.id}`;
  assert.equal(audited!.changes, 3);
});

stackTest("CONNECTORS: pausing one ends its run, and is no failure of it", async () => {
  const tenant = await createTenant();
  const { id } = await created(tenant);
  const [run] = await sql`insert into public.sync_runs
      (tenant_id, org_id, connector_id, mode, trigger, function_name, trace_id, status, next_slice_at)
    values (${tenant.id}, ${tenant.orgs[0]!}, ${id}, 'incremental', 'user', 'api-sync', 'trace', 'waiting',
      now() + interval '1 day') returning id`;
  const path = `integrations/connectors/${id}`;
  const paused = await call(path, { ...asOwner(tenant), method: "PATCH", body: { is_active: false } });
  assert.deepEqual([paused.body.status, paused.body.next_sync_at], ["inactive", null]);
  const [ended] = await sql`select status, error from public.sync_runs where id = ${run!.id}`;
  assert.deepEqual({ ...ended }, { status: "cancelled", error: null });
  const resumed = await call(path, { ...asOwner(tenant), method: "PATCH", body: { is_active: true } });
  assert.equal(resumed.body.failures_in_a_row, 0);
  const again = await call(`${path}/sync`, { ...asOwner(tenant), body: { wait_seconds: 0 } });
  assert.equal(again.status, 200, JSON.stringify(again.body));
  const notices = await sql`select kind from public.notifications where tenant_id = ${tenant.id}`;
  assert.equal(notices.length, 0);
});

stackTest("CONNECTORS: lists go page by page, and an org sees its own and those of all", async () => {
  const tenant = await createTenant();
  for (const name of ["One", "Two", "Three"]) await created(tenant, { type: "webhook", name });
  await sql`insert into public.integration_connectors (tenant_id, org_id, type, name)
    values (${tenant.id}, ${
    tenant.orgs[1]
  }, 'webhook', 'Elsewhere'), (${tenant.id}, null, 'webhook', 'Everywhere')`;
  const names: string[] = [];
  for (let cursor: string | null = ""; cursor !== null;) {
    const page = await call(
      `integrations/connectors?limit=2${cursor && `&cursor=${encodeURIComponent(cursor)}`}`,
      { user: tenant.users.manager },
    );
    assert.equal(page.status, 200, JSON.stringify(page.body));
    names.push(...page.body.data.map(({ name }: { name: string }) => name));
    cursor = page.body.next_cursor;
  }
  assert.deepEqual(names.sort(), ["Everywhere", "One", "Three", "Two"]);
});

stackTest("CONNECTORS: one that a subscription sends through is not deleted", async () => {
  const tenant = await createTenant();
  const connector = await created(tenant, {
    type: "slack",
    name: "Ops",
    secrets: { bot_token: "xoxb-000-nobodys" },
  });
  const subscribed = await call("event-subscriptions", {
    ...asOwner(tenant),
    body: {
      label: "To Slack",
      event_types: ["sync.failed"],
      config: { channel: "slack", slack: { connector_id: connector.id, channel: "C0OPS" } },
    },
  });
  assert.equal(subscribed.status, 201, JSON.stringify(subscribed.body));
  const refused = await call(`integrations/connectors/${connector.id}`, {
    ...asOwner(tenant),
    method: "DELETE",
  });
  assert.deepEqual(
    [refused.status, refused.body.error_code],
    [409, "CONFLICT"],
    JSON.stringify(refused.body),
  );
});

stackTest("CONNECTORS: the function that tests a kind is the one its syncs begin at", async () => {
  const rows = await adminSql`select connector_type, function_name from private.sync_functions`;
  const begins = Object.fromEntries(rows.map((row) => [row.connector_type, row.function_name]));
  const tests: Record<string, string> = {};
  for (const type of connectorTypes) {
    const { functionName } = (await connectorOf(type))!;
    if (functionName !== null) tests[type] = functionName;
  }
  assert.deepEqual(tests, begins);
});

stackTest("CONNECTORS: a test is told, recorded and logged; one with nothing to call passes", async () => {
  const tenant = await createTenant();
  const test = async (connector: { id: string }) =>
    (await call(`integrations/connectors/${connector.id}/test`, { ...asOwner(tenant), method: "POST" })).body;
  const shop = await created(tenant);
  const failed = await test(shop);
  assert.deepEqual([failed.works, failed.error_class, failed.connector.last_check_passed], [
    false,
    "transient",
    false,
  ]);
  const webhooks = await test(await created(tenant, { type: "webhook", name: "Orders" }));
  assert.deepEqual([webhooks.works, webhooks.error_class, webhooks.connector.health], [
    true,
    null,
    "healthy",
  ]);
  assert.match(webhooks.message, /nothing to call/);
  const { body: logs } = await call(`integrations/logs?connector_id=${shop.id}`, asOwner(tenant));
  const tested = logs.data.filter((line: { event_type: string }) => line.event_type === "connector.tested");
  assert.deepEqual(
    tested.map((line: Record<string, unknown>) => [line.status, line.error_code, line.message]),
    [["error", "transient", failed.message]],
  );
});

stackTest(
  "CONNECTORS: machines have those tested that are of the tenant they name, and of the kind",
  async () => {
    const [tenant, foreign] = [await createTenant(), await createTenant()];
    const shop = await created(tenant);
    const ask = async (functionName: string, tenantId: string) => {
      const body = { tenant_id: tenantId, connector_id: shop.id };
      const answer = await call(`${functionName}/test`, { headers: { apikey: stack.hubKey }, body });
      return [answer.status, answer.body.error_class ?? answer.body.error_code];
    };
    assert.deepEqual(await ask("api-sync", tenant.id), [200, "transient"]);
    assert.deepEqual(await ask("api-sync", foreign.id), [404, "NOT_FOUND"]);
    assert.deepEqual(await ask("odoo-sync", tenant.id), [404, "NOT_FOUND"]);
    const [row] =
      await sql`select last_checked_at from public.connector_states where connector_id = ${shop.id}`;
    assert.equal(row?.last_checked_at ?? null, null);
  },
);
