/**
 * What the demo's apps sign with, for a stack on this machine; docs/providers shows requests signed with them. The
 * environment of the shell goes before.
 */
export const DEMO_APP_SECRETS: Readonly<Record<string, string>> = {
  INTERLOCK_HUBSPOT_CLIENT_SECRET: "demo-hubspot-app-client-secret",
  INTERLOCK_SLACK_SIGNING_SECRET: "demo-slack-app-signing-secret",
  INTERLOCK_ZOHO_CHANNEL_SECRET: "demo-zoho-app-channel-secret",
};

/** Those that the shell does not set. */
export function demoAppSecrets(): Record<string, string> {
  return Object.fromEntries(Object.entries(DEMO_APP_SECRETS).filter(([name]) => !Deno.env.get(name)));
}
