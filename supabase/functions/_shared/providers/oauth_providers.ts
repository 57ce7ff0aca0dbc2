import type { OAuthProvider } from "./oauth_provider.ts";

/** Providers that people connect by consent: a line each. Code is loaded when one of them is met. */
const providers: Readonly<Record<string, () => Promise<OAuthProvider>>> = {
  google_workspace: async () => (await import("./google_workspace/oauth.ts")).googleOAuth,
  slack: async () => (await import("./slack/oauth.ts")).slackOAuth,
};

/** Types of connector that can be connected by consent. */
export const oauthProviderTypes: readonly string[] = Object.keys(providers).sort();

/** How a type of connector is connected by consent; undefined = it is not. */
export async function oauthProviderOf(type: string): Promise<OAuthProvider | undefined> {
  return Object.hasOwn(providers, type) ? await providers[type]!() : undefined;
}
