import type { EdgeFunction } from "../../supabase/functions/_shared/http/create_function.ts";
import type { WebhookSettings } from "../../supabase/functions/_shared/providers/webhook_scheme.ts";
import { type FramedReceipt, readReceiptFrame } from "./receipt_frame.ts";
import { withHubEnvironment } from "./hub_environment.ts";

/** A webhook as `get_webhook_verifier` tells of it. */
export interface ListedWebhook {
  provider: string;
  secret: string;
  settings: WebhookSettings;
  previousSecret?: string;
}

/** The receiver in this process, before a database that is only listed. */
export interface LoneReceiver {
  /** Webhooks that exist and are active, by id. */
  webhooks: Map<string, ListedWebhook>;
  /** Calls of the database, by function. */
  readonly calls: { name: string; receipts: FramedReceipt[] }[];
  urlOf(id: string): string;
  send(request: Request): Promise<Response>;
  stop(): Promise<void>;
}

/**
 * Starts webhook-receiver with a server that answers its two calls of the database: for counting what it does, which a
 * real database cannot tell.
 */
export async function startLoneReceiver(environment: Record<string, string>): Promise<LoneReceiver> {
  const webhooks: LoneReceiver["webhooks"] = new Map();
  const calls: LoneReceiver["calls"] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    const name = new URL(request.url).pathname.split("/").at(-1)!;
    if (name === "store_webhook_receipts") {
      const receipts = readReceiptFrame(await request.bytes());
      calls.push({ name, receipts });
      return Response.json({ stored: receipts.map(({ place }) => place), work_ms: 1 });
    }
    calls.push({ name, receipts: [] });
    const { p_webhook_id: id } = await request.json();
    // No account is connected.
    if (name === "resolve_app_accounts") return Response.json({});
    return Response.json(name === "get_webhook_verifier" ? verifierRow(id, webhooks.get(id)) : null);
  });
  const url = `http://127.0.0.1:${server.addr.port}`;
  withHubEnvironment({ SUPABASE_URL: url, ...environment });
  const path = new URL("../../supabase/functions/webhook-receiver/index.ts", import.meta.url).href;
  const { default: receiver } = await import(path) as { default: EdgeFunction };
  return {
    webhooks,
    calls,
    urlOf: (id) => `${url}/functions/v1/webhook-receiver/${id}`,
    // The platform takes the first two segments off the path.
    send: (request) => receiver.fetch(new Request(request.url.replace("/functions/v1", ""), request)),
    stop: () => server.shutdown(),
  };
}

function verifierRow(id: string, webhook: ListedWebhook | undefined) {
  if (!webhook) return null;
  return {
    webhook_id: id,
    tenant_id: "a0000000-0000-4000-8000-000000000001",
    provider: webhook.provider,
    version: 1,
    signing_url: null,
    settings: webhook.settings,
    secret: webhook.secret,
    event_types: ["*"],
    rate_limit_per_second: null,
    previous_secret: webhook.previousSecret ?? null,
    previous_secret_expires_at: webhook.previousSecret ? new Date(Date.now() + 60_000).toISOString() : null,
  };
}
