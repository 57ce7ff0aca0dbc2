import { genericHmac } from "./generic_hmac/webhook.ts";
import * as manifest from "./manifest.ts";
import type { SignedRequest, WebhookScheme } from "./webhook_scheme.ts";

const schemes: readonly WebhookScheme[] = Object.values(manifest);

/** Every kind of inbound webhook, by provider. */
export const webhookSchemes: ReadonlyMap<string, WebhookScheme> = new Map(
  schemes.map((scheme) => [scheme.provider, scheme]),
);

/** Names of the providers, for schemas. */
export const webhookProviders: readonly string[] = [...webhookSchemes.keys()].sort();

/**
 * The scheme a request looks like: what one to an unknown webhook is verified against, so that it takes the same path as
 * one with a bad signature.
 */
export function schemeByRequest(request: SignedRequest): WebhookScheme {
  return schemes.find((scheme) => scheme.recognises(request)) ?? genericHmac;
}

/** The answer to a question that a provider asks without credentials, the same for every webhook; null = it is none. */
export function openAnswer(request: SignedRequest): Response | null {
  for (const scheme of schemes) {
    const answer = scheme.openAnswer?.(request);
    if (answer) return answer;
  }
  return null;
}
