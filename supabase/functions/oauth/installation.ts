import { environment, publicFunctionsUrl } from "../_shared/env.ts";
import { InterlockError } from "../_shared/guardrails.ts";
import type { OAuthClient, OAuthProvider } from "../_shared/providers/oauth_provider.ts";
import { oauthProviderOf } from "../_shared/providers/oauth_providers.ts";

/** Where a provider sends people back to. One address per provider, so that no answer is taken for another's. */
export function redirectUrl(provider: string): string {
  return `${publicFunctionsUrl()}/oauth/callback/${provider}`;
}

/** @throws {InterlockError} NOT_FOUND */
export async function knownProvider(name: string | undefined): Promise<OAuthProvider> {
  const provider = await oauthProviderOf(name ?? "");
  if (!provider) throw new InterlockError("NOT_FOUND", "No provider of this name is connected by consent.");
  return provider;
}

/** @throws {InterlockError} CONNECTOR_MISCONFIGURED, which names the variables that the operator has to set. */
export function requiredClient(provider: OAuthProvider): OAuthClient {
  const client = provider.client();
  if (client !== null) return client;
  throw new InterlockError(
    "CONNECTOR_MISCONFIGURED",
    `This installation has no OAuth app at ${provider.title}: its operator sets ${
      provider.clientVariables.join(" and ")
    }.`,
  );
}

/** @throws {InterlockError} CONNECTOR_MISCONFIGURED */
export function requiredConsoleUrl(): string {
  const { INTERLOCK_CONSOLE_URL } = environment();
  if (INTERLOCK_CONSOLE_URL !== undefined) return INTERLOCK_CONSOLE_URL;
  throw new InterlockError(
    "CONNECTOR_MISCONFIGURED",
    "This installation does not say where people come back to: its operator sets INTERLOCK_CONSOLE_URL.",
  );
}
