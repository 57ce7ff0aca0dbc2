import { publicFunctionsUrl } from "../env.ts";
import { providerByRequest } from "./registry.ts";
import type { WebhookApp } from "./webhook_app.ts";
import type { SignedRequest } from "./webhook_scheme.ts";

/**
 * Providers whose apps post to one URL for all customers, a line each; link_connector_account knows the same ones. Code
 * is loaded when a request of the app comes.
 */
const apps: Readonly<Record<string, () => Promise<WebhookApp>>> = {
  hubspot: async () => (await import("./hubspot/app.ts")).hubspotApp,
  slack: async () => (await import("./slack/app.ts")).slackApp,
  zoho: async () => (await import("./zoho/app.ts")).zohoApp,
};

/** Names of these providers. */
export const appProviders: readonly string[] = Object.keys(apps).sort();

/** What a request to an unknown app is taken for when it looks like none of them. */
const FALLBACK = "hubspot";

/** The app of a provider; undefined when there is none. */
export async function appOf(provider: string): Promise<WebhookApp | undefined> {
  return Object.hasOwn(apps, provider) ? await apps[provider]!() : undefined;
}

/** The app a request looks like: what one to an unknown app is verified against. */
export async function appByRequest(request: SignedRequest): Promise<WebhookApp> {
  return (await appOf(providerByRequest(request)) ?? await appOf(FALLBACK))!;
}

/** The one URL of a provider's app. */
export function appUrl(provider: string): string {
  return `${publicFunctionsUrl()}/webhook-receiver/app/${provider}`;
}
