import { stack } from "../support/stack.ts";
import "../support/functions_env.ts";

/** This process runs slices itself, as a function would, against the servers that play the providers. */
const variables = {
  INTERLOCK_EGRESS_ALLOW_LOCAL: "1",
  INTERLOCK_LOG_LEVEL: "error",
  INTERLOCK_SLACK_API_URL: `http://127.0.0.1:${stack.slackPort}/api`,
  INTERLOCK_GOOGLE_KEYS_URL: `http://127.0.0.1:${stack.googlePort}/oauth2/v3/certs`,
  INTERLOCK_GOOGLE_API_URL: `http://127.0.0.1:${stack.googlePort}`,
  INTERLOCK_GOOGLE_CLIENT_ID: "google-client.test",
  INTERLOCK_GOOGLE_CLIENT_SECRET: "google-client-secret-of-tests",
  INTERLOCK_SLACK_CLIENT_ID: "slack-client.test",
  INTERLOCK_SLACK_CLIENT_SECRET: "slack-client-secret-of-tests",
};
for (const [name, value] of Object.entries(variables)) Deno.env.set(name, value);
