import assert from "node:assert/strict";
import { call } from "../support/api.ts";
import { deliveryWith, startTestSink, writeReadiness } from "../support/outbound.ts";
import { sql, stackTest } from "../support/stack.ts";
import { createTenant } from "../support/tenant.ts";

stackTest(
  "an integration is created with a secret that is shown once, listed, changed and audited",
  async () => {
    const sink = startTestSink();
    try {
      const tenant = await createTenant();
      const created = await call("guardian-meta/integrations", {
        user: tenant.users.admin,
        body: {
          integration_key: "crm-sync",
          label: "CRM",
          description: "Readiness for the CRM",
          config: {
            webhook_url: `${sink.url}/x`,
            headers: { Authorization: "Bearer 12345678" },
            max_attempts: 5,
          },
          scopes: ["readiness", "adoption"],
        },
      });
      assert.equal(created.status, 201);
      assert.match(created.body.signing_secret, /^whsec_[A-Za-z0-9+/]{43}=$/);
      assert.deepEqual(created.body.config, {
        webhook_url: `${sink.url}/x`,
        headers: ["authorization"],
        max_attempts: 5,
      });
      assert.equal("tenant_id" in created.body || "secret_ref" in created.body, false);
      const again = await call("guardian-meta/integrations", {
        user: tenant.users.admin,
        body: {
          integration_key: "crm-sync",
          label: "Twice",
          config: { webhook_url: sink.url },
          scopes: ["readiness"],
        },
      });
      assert.deepEqual([again.status, again.body.error_code], [409, "CONFLICT"]);

      const changed = await call("guardian-meta/integrations", {
        method: "PATCH",
        user: tenant.users.owner,
        body: {
          updates: [{
            id: created.body.id,
            label: "CRM 2",
            is_enabled: false,
            scopes: ["readiness"],
            config: { max_attempts: null, timeout_ms: 5000 },
          }],
        },
      });
      assert.equal(changed.status, 200, JSON.stringify(changed.body));
      assert.deepEqual(changed.body.data[0].config, {
        webhook_url: `${sink.url}/x`,
        headers: ["authorization"],
        timeout_ms: 5000,
      });
      const listed = await call("guardian-meta/integrations", { user: tenant.users.manager });
      assert.equal(listed.body.data[0].label, "CRM 2");
      assert.equal(JSON.stringify(listed.body).includes("whsec_"), false);
      const { last_24h: lastDay } = listed.body.data[0].statistics;
      assert.deepEqual([lastDay.delivered, lastDay.discarded, lastDay.queued, lastDay.failure_rate], [
        0,
        0,
        0,
        null,
      ]);
      const audit = await sql`select action, actor_id from public.audit_log
      where tenant_id = ${tenant.id} and table_name = 'guardian_meta_integrations' order by id`;
      assert.deepEqual(audit.map((row) => [row.action, row.actor_id]), [
        ["insert", tenant.users.admin.id],
        ["update", tenant.users.owner.id],
      ]);
    } finally {
      await sink.stop();
    }
  },
);

stackTest(
  "a batch of changes is all or nothing, and another tenant's integration does not exist",
  async () => {
    const sink = startTestSink();
    try {
      const [tenant, foreign] = [await createTenant(), await createTenant()];
      const integration = await sink.integrate(tenant);
      const theirs = await sink.integrate(foreign);
      const answer = await call("guardian-meta/integrations", {
        method: "PATCH",
        user: tenant.users.admin,
        body: { updates: [{ id: integration.id, label: "New" }, { id: theirs.id, label: "Stolen" }] },
      });
      assert.deepEqual([answer.status, answer.body.error_code], [404, "NOT_FOUND"]);
      const rows = await sql`select label from public.guardian_meta_integrations where id in ${
        sql([integration.id, theirs.id])
      }`;
      assert.deepEqual(rows.map((row) => row.label), ["Test", "Test"]);
    } finally {
      await sink.stop();
    }
  },
);

const REFUSED: [string, Record<string, unknown>, string][] = [
  ["an unknown setting", { config: { webhook_url: "https://example.com", retries: 1 } }, "config"],
  ["an unknown scope", { scopes: ["everything"] }, "scopes.0"],
  ["a scope twice", { scopes: ["uplift", "uplift"] }, "scopes"],
  ["no scope", { scopes: [] }, "scopes"],
  ["a key with spaces", { integration_key: "a b" }, "integration_key"],
  ["a private address", { config: { webhook_url: "https://10.0.0.1/" } }, "config.webhook_url"],
  [
    "the metadata service",
    { config: { webhook_url: "http://169.254.169.254/latest" } },
    "config.webhook_url",
  ],
  [
    "credentials in the URL",
    { config: { webhook_url: "https://user:pass@example.com/" } },
    "config.webhook_url",
  ],
  ["no URL", { config: { webhook_url: "example" } }, "config.webhook_url"],
  [
    "a header of the protocol",
    { config: { webhook_url: "https://example.com", headers: { "Webhook-Id": "x" } } },
    "config.headers.Webhook-Id",
  ],
  [
    "a header that breaks the line",
    { config: { webhook_url: "https://example.com", headers: { "x-a": "1\r\nx-b: 2" } } },
    "config.headers.x-a",
  ],
  [
    "a timeout in seconds",
    { config: { webhook_url: "https://example.com", timeout_ms: 10 } },
    "config.timeout_ms",
  ],
];
for (const [what, change, path] of REFUSED) {
  stackTest(`an integration with ${what} is refused and told where`, async () => {
    const tenant = await createTenant();
    const answer = await call("guardian-meta/integrations", {
      user: tenant.users.admin,
      body: {
        integration_key: "key",
        label: "Label",
        config: { webhook_url: "https://example.com/hook" },
        scopes: ["readiness"],
        ...change,
      },
    });
    assert.deepEqual(
      [answer.status, answer.body.error_code],
      [422, "VALIDATION_FAILED"],
      JSON.stringify(answer.body),
    );
    assert.equal(answer.body.details.issues[0].path, path);
    const rows = await sql`select from public.guardian_meta_integrations where tenant_id = ${tenant.id}`;
    assert.equal(rows.length, 0);
  });
}

stackTest(
  "a test event takes the real path and the answer says what the endpoint said, enabled or not",
  async () => {
    let status = 204;
    const sink = startTestSink(() => new Response(status === 204 ? null : "busy", { status }));
    try {
      const tenant = await createTenant();
      const integration = await sink.integrate(tenant, { is_enabled: false });
      const test = () =>
        call("guardian-meta/integrations/test", {
          user: tenant.users.admin,
          body: { integration_id: integration.id },
        });
      const good = await test();
      assert.equal(good.status, 200);
      assert.deepEqual([good.body.success, good.body.attempt.status_code, good.body.delivery.status], [
        true,
        204,
        "delivered",
      ]);
      assert.equal(sink.arrivals[0]!.webhookId, good.body.webhook_id);
      assert.equal(JSON.parse(sink.arrivals[0]!.body).type, "test");
      status = 503;
      const bad = await test();
      assert.deepEqual(
        [bad.status, bad.body.success, bad.body.attempt.status_code, bad.body.attempt.response_excerpt],
        [200, false, 503, "busy"],
      );
      assert.equal(bad.body.delivery.last_error, "The endpoint answered 503.");
      assert.equal(sink.arrivals.length, 2, "a test is not tried again");
    } finally {
      await sink.stop();
    }
  },
);

stackTest(
  "custom headers are sent, and what an endpoint echoes of secrets is masked in the log",
  async () => {
    const value = `Bearer ${crypto.randomUUID()}`;
    const sink = startTestSink((arrival) =>
      new Response(`you sent ${arrival.headers.authorization} ${arrival.headers["webhook-signature"]}`, {
        status: 400,
      })
    );
    try {
      const tenant = await createTenant();
      const integration = await sink.integrate(tenant, { config: { headers: { Authorization: value } } });
      await writeReadiness(tenant.id);
      const delivery = await deliveryWith(integration.id, "failed");
      assert.equal(sink.arrivals[0]!.headers.authorization, value);
      const [attempt] =
        await sql`select response_excerpt from public.guardian_meta_webhook_attempts where delivery_id = ${delivery.id}`;
      assert.equal(attempt!.response_excerpt, "you sent [masked] [masked]");
    } finally {
      await sink.stop();
    }
  },
);
