import assert from "node:assert/strict";
import { type ResendSimulator, startResend } from "../../simulators/resend/resend.ts";
import { type SlackSimulator, type SlackWorkspace, startSlack } from "../../simulators/slack/slack.ts";
import { call } from "./api.ts";
import { sql, stack } from "./stack.ts";
import type { TestTenant } from "./tenant.ts";

/** What a tenant connected: the connector's row. */
export interface TestConnector {
  id: string;
  secretRef: string;
}

/** Runs with a Slack where functions look for it. */
export async function withSlack(
  workspace: Partial<SlackWorkspace>,
  test: (slack: SlackSimulator) => Promise<void>,
): Promise<void> {
  const slack = startSlack({
    port: stack.slackPort,
    tokens: [`xoxb-${crypto.randomUUID()}`],
    channels: { C0OPS: "joined" },
    ...workspace,
  });
  try {
    await test(slack);
  } finally {
    await slack.stop();
  }
}

/** Runs with an e-mail API. */
export async function withResend(test: (resend: ResendSimulator) => Promise<void>): Promise<void> {
  const resend = startResend({ apiKeys: [`re_${crypto.randomUUID()}`], domains: ["hub.example.com"] });
  try {
    await test(resend);
  } finally {
    await resend.stop();
  }
}

/** Connects something, as the service does. */
export async function connect(
  tenant: TestTenant,
  connector: { type: string; config?: Record<string, unknown>; credentials: object; orgId?: string },
): Promise<TestConnector> {
  const [row] = await sql`
    insert into public.integration_connectors (tenant_id, org_id, type, name, status, config, secret_ref)
    values (${tenant.id}, ${connector.orgId ?? null}, ${connector.type}, 'Test', 'active', ${
    JSON.stringify(connector.config ?? {})
  }::text::jsonb, public.store_secret(${tenant.id}, ${JSON.stringify(connector.credentials)}, 'connector'))
    returning id, secret_ref`;
  return { id: row!.id, secretRef: row!.secret_ref };
}

/** Connects the Slack, with its first token. */
export function connectSlack(tenant: TestTenant, slack: SlackSimulator): Promise<TestConnector> {
  return connect(tenant, { type: "slack", credentials: { bot_token: slack.workspace.tokens[0] } });
}

/** Connects the e-mail API, with its first key. */
export function connectResend(tenant: TestTenant, resend: ResendSimulator): Promise<TestConnector> {
  return connect(tenant, {
    type: "api",
    config: { flavor: "resend", from: "Hub <news@hub.example.com>", base_url: resend.url },
    credentials: { api_key: resend.account.apiKeys[0] },
  });
}

/** Makes a guardian integration with a configuration, which must be taken; answers its id. */
export async function integrateBy(tenant: TestTenant, config: Record<string, unknown>): Promise<string> {
  const created = await tryToIntegrate(tenant, config);
  assert.equal(created.status, 201, JSON.stringify(created.body));
  return created.body.id;
}

/** Asks for a guardian integration. */
export function tryToIntegrate(tenant: TestTenant, config: Record<string, unknown>) {
  return call("guardian-meta/integrations", {
    user: tenant.users.admin,
    body: { integration_key: crypto.randomUUID(), label: "Test", scopes: ["readiness"], config },
  });
}

/** Makes a subscription to events; answers its id. */
export async function subscribeBy(tenant: TestTenant, config: Record<string, unknown>): Promise<string> {
  const created = await call("event-subscriptions", {
    user: tenant.users.admin,
    body: { label: "Test", event_types: ["thing.*"], config },
  });
  assert.equal(created.status, 201, JSON.stringify(created.body));
  return created.body.id;
}
