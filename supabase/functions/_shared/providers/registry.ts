import { genericHmac } from "./generic_hmac/webhook.ts";
import { hubspot } from "./hubspot/webhook.ts";
import { standardWebhooks } from "./standard_webhooks/webhook.ts";
import type { WebhookScheme } from "./webhook_scheme.ts";

const schemes = [genericHmac, hubspot, standardWebhooks] as const;

/** Every kind of inbound webhook, by provider. */
export const webhookSchemes: ReadonlyMap<string, WebhookScheme> = new Map(
  schemes.map((scheme) => [scheme.provider, scheme]),
);

/** Names of the providers, for schemas. */
export const webhookProviders = ["generic_hmac", "hubspot", "standard_webhooks"] as const;

/**
 * The scheme whose headers a request carries: what a request to an unknown webhook is verified against, so that it
 * takes the same path as one with a bad signature.
 */
export function schemeByHeaders(headers: Headers): WebhookScheme {
  if (headers.has("x-hubspot-signature-v3")) return hubspot;
  if (headers.has("webhook-signature") || headers.has("svix-signature")) return standardWebhooks;
  return genericHmac;
}
