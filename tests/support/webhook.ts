import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { call } from "./api.ts";
import { stack } from "./stack.ts";
import type { TestTenant } from "./tenant.ts";

/** An inbound webhook made over the API. */
export interface TestWebhook {
  id: string;
  url: string;
  secret: string;
}

/** Creates a webhook as the tenant's admin. */
export async function createWebhook(
  tenant: TestTenant,
  provider = "hubspot",
  orgId = tenant.orgs[0],
  further: { secret?: string; settings?: Record<string, unknown> } = {},
): Promise<TestWebhook> {
  const body: Record<string, unknown> = { provider, name: `Test ${provider}`, ...further };
  if (provider === "hubspot") body.secret ??= `hubspot-${crypto.randomUUID()}`;
  const created = await call("integrations/webhooks", { user: tenant.users.admin, orgId, body });
  assert.equal(created.status, 201, JSON.stringify(created.body));
  return { id: created.body.id, url: created.body.url, secret: created.body.signing_secret };
}

/** Header of the generic scheme. */
export function genericSignature(secret: string, body: string | Uint8Array): string {
  return `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`;
}

/** Posts a body signed with the generic scheme. */
export async function sendGeneric(
  webhook: TestWebhook,
  body: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; body: Record<string, unknown>; headers: Headers }> {
  const response = await fetch(webhook.url, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "x-signature": genericSignature(webhook.secret, body),
      ...headers,
    },
    body,
  });
  return { status: response.status, body: await response.json(), headers: response.headers };
}

/** Where the envelope form is posted to. */
export const receiverUrl = `${stack.apiUrl}/functions/v1/webhook-receiver`;
