import "../support/functions_env.ts";
import { withHubEnvironment } from "../support/hub_environment.ts";
import { stack } from "../support/stack.ts";

/** This process runs slices itself, as a function would, against the servers that play the providers. */
withHubEnvironment({
  SUPABASE_URL: stack.apiUrl,
  SUPABASE_SECRET_KEYS: JSON.stringify(stack.keys.secretKeys),
  INTERLOCK_EGRESS_ALLOW_LOCAL: "1",
  INTERLOCK_SLACK_API_URL: `http://127.0.0.1:${stack.slackPort}/api`,
  INTERLOCK_GOOGLE_KEYS_URL: `http://127.0.0.1:${stack.googlePort}/oauth2/v3/certs`,
  INTERLOCK_GOOGLE_API_URL: `http://127.0.0.1:${stack.googlePort}`,
  INTERLOCK_GOOGLE_CLIENT_ID: "google-client.test",
  INTERLOCK_GOOGLE_CLIENT_SECRET: "google-client-secret-of-tests",
  INTERLOCK_SLACK_CLIENT_ID: "slack-client.test",
  INTERLOCK_SLACK_CLIENT_SECRET: "slack-client-secret-of-tests",
});
