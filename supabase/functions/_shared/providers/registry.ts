import { FALLBACK, manifest } from "./manifest.ts";
import { carries } from "./marks.ts";
import type { SignedRequest, WebhookScheme } from "./webhook_scheme.ts";

/** Names of the providers, for schemas. */
export const webhookProviders: readonly string[] = Object.keys(manifest).sort();

/** The scheme of a provider; undefined when there is none. */
export async function schemeOf(provider: string): Promise<WebhookScheme | undefined> {
  return Object.hasOwn(manifest, provider) ? await manifest[provider]!.load() : undefined;
}

/** The provider a request looks like: of the first scheme whose marks it carries. */
export function providerByRequest(request: SignedRequest): string {
  const found = Object.entries(manifest).find(([, { marks }]) => carries(marks, request));
  return found?.[0] ?? FALLBACK;
}

/**
 * The scheme a request looks like: what one to an unknown webhook is verified against, so that it takes the same path as
 * one with a bad signature.
 */
export async function schemeByRequest(request: SignedRequest): Promise<WebhookScheme> {
  return await manifest[providerByRequest(request)]!.load();
}

/** The answer to a question that a provider asks without credentials, the same for every webhook; null = it is none. */
export async function openAnswer(request: SignedRequest): Promise<Response | null> {
  const { searchParams } = new URL(request.url);
  for (const { asksBy, load } of Object.values(manifest)) {
    if (asksBy === undefined || !searchParams.has(asksBy)) continue;
    const answer = (await load()).openAnswer?.(request);
    if (answer) return answer;
  }
  return null;
}
