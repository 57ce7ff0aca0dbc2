import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { DEMO_APP_SECRETS } from "../../local/demo_app_secrets.ts";
import { type HubspotEvent, hubspotEvent } from "../../simulators/hubspot/webhook.ts";
import { BODY_SIGNERS } from "./body_signatures.ts";
import { sql, stack } from "./stack.ts";
import { createTenant, type TestTenant } from "./tenant.ts";

const SECRETS = {
  hubspot: DEMO_APP_SECRETS.INTERLOCK_HUBSPOT_CLIENT_SECRET!,
  slack: DEMO_APP_SECRETS.INTERLOCK_SLACK_SIGNING_SECRET!,
  zoho: DEMO_APP_SECRETS.INTERLOCK_ZOHO_CHANNEL_SECRET!,
};
export type AppProvider = keyof typeof SECRETS;

/** Where an app posts to. */
export const appUrl = (provider: string) => `${stack.apiUrl}/functions/v1/webhook-receiver/app/${provider}`;

let nextAccount = Date.now();

/** A tenant whose connector speaks for an account of its own. */
export interface Customer {
  tenant: TestTenant;
  connectorId: string;
  accountId: string;
  webhookId: string;
}

/** Makes one. */
export async function createCustomer(provider: AppProvider = "hubspot"): Promise<Customer> {
  const tenant = await createTenant();
  const connectorId = await createConnector(tenant, provider);
  const accountId = newAccount(provider);
  return { tenant, connectorId, accountId, webhookId: await linkAccount(tenant.id, connectorId, accountId) };
}

/** An account nobody has connected. */
export function newAccount(provider: AppProvider = "hubspot"): string {
  return provider === "slack" ? `T${nextAccount++}` : String(nextAccount++);
}

export async function createConnector(tenant: TestTenant, type: string): Promise<string> {
  const [row] = await sql`insert into public.integration_connectors (tenant_id, org_id, type, name, status)
    values (${tenant.id}, ${tenant.orgs[0]}, ${type}, 'Test app', 'active') returning id`;
  return row!.id;
}

/** Connects an account; answers the webhook of the connector. */
export async function linkAccount(tenantId: string, connectorId: string, account: string): Promise<string> {
  const [row] =
    await sql`select public.link_connector_account(${tenantId}, ${connectorId}, ${account}) as link`;
  return row!.link.webhook_id;
}

/** An answer of the app's URL. */
export interface AppAnswer {
  status: number;
  headers: Headers;
  // deno-lint-ignore no-explicit-any
  body: any;
}

/** Posts a body as the app does, signed by Node's own crypto. Zoho's carries its token itself. */
export async function sendToApp(
  provider: AppProvider,
  body: string,
  { secret = SECRETS[provider], type = "application/json", url = appUrl(provider) } = {},
): Promise<AppAnswer> {
  const bytes = new TextEncoder().encode(body);
  const signature = provider === "zoho"
    ? {}
    : BODY_SIGNERS[provider]!(secret, { method: "POST", url, body: bytes });
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": type, ...signature },
    body: bytes,
  });
  const text = await response.text();
  const isJson = response.headers.get("content-type")?.startsWith("application/json");
  return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
}

/** News of a contact of a portal. */
export function contactEvent(accountId: string, more: Partial<HubspotEvent> = {}): HubspotEvent {
  return hubspotEvent({
    portalId: Number(accountId),
    subscriptionType: "contact.creation",
    objectId: Math.floor(Math.random() * 1e9),
    ...more,
  });
}

/** Posts HubSpot events; answers what came back. */
export const sendEvents = (...events: HubspotEvent[]) => sendToApp("hubspot", JSON.stringify(events));

/** A Slack event of a workspace. */
export function slackEvent(teamId: string, more: Record<string, unknown> = {}): string {
  const event_id = `Ev${crypto.randomUUID()}`;
  const event = { type: "app_mention", text: "hello" };
  return JSON.stringify({ type: "event_callback", team_id: teamId, event_id, event, ...more });
}

/** The token of a channel, as docs/providers/zoho.md makes it with openssl. */
export function zohoToken(channelId: string, secret = SECRETS.zoho): string {
  return createHmac("sha256", secret).update(`zoho:${channelId}`).digest("hex").slice(0, 48);
}

/** A notification of a channel. */
export function zohoNotification(channelId: string, token = zohoToken(channelId)): string {
  const ids = [crypto.randomUUID()];
  return JSON.stringify({
    server_time: Date.now(),
    module: "Contacts",
    operation: "update",
    channel_id: channelId,
    ids,
    token,
  });
}

/** A receipt with its body and the elements that became events. */
export interface StoredRequest {
  id: string;
  tenantId: string;
  body: string;
  elements: { index: number; type: string }[];
}

/** What a webhook has received, in order. */
export async function storedOf(webhookId: string): Promise<StoredRequest[]> {
  const rows = await sql`
    select r.id, r.tenant_id, convert_from(b.body, 'UTF8') as body, (
      select jsonb_agg(jsonb_build_object('index', e.payload -> 'element', 'type', e.payload -> 'type') order by (e.payload ->> 'element')::int)
      from public.integration_events_outbox e where e.receipt_id = r.id and e.tenant_id = r.tenant_id
    ) as elements
    from public.webhook_receipts r join public.webhook_receipt_bodies b on b.receipt_id = r.id and b.tenant_id = r.tenant_id
    where r.webhook_id = ${webhookId} order by r.received_at`;
  return rows.map(({ id, tenant_id, body, elements }) => ({ id, tenantId: tenant_id, body, elements }));
}

/** How often news of an unknown account was counted. */
export async function unknownCount(provider: AppProvider, accountId: string) {
  const [row] = await sql`select request_count::int as requests, element_count::int as elements
    from private.unknown_app_accounts where provider = ${provider} and account_id = ${accountId}`;
  return row;
}

/** That it was answered 200 with this. */
export function assertTaken(answer: AppAnswer, { duplicate = false, receipts = 1, unknown = 0 } = {}): void {
  const { receipt_ids, ...rest } = answer.body;
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  assert.deepEqual([receipt_ids.length, rest], [receipts, {
    success: true,
    duplicate,
    unknown_accounts: unknown,
  }]);
}
