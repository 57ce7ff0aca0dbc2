import { ProviderError } from "../provider_error.ts";
import type { ConnectorTest } from "../synced_connector.ts";
import { callSlack, type SlackConnection } from "./client.ts";
import { textOf } from "./message_record.ts";
import { tryWebhook } from "./post.ts";
import type { SlackConfig } from "./settings.ts";

/** Whether Slack knows the token or incoming webhook, and which scopes reading and posting lack. */
export async function testSlack(connection: SlackConnection): Promise<ConnectorTest> {
  const secrets = await connection.secrets();
  if ("webhook_url" in secrets) {
    await tryWebhook(connection, secrets.webhook_url);
    return { message: "The incoming webhook exists and takes messages.", accountName: null };
  }
  const answer = await callSlack(connection, (client) => client.auth.test());
  const [team, user] = [textOf(answer.team), textOf(answer.user)];
  if (!team) throw new ProviderError("malformed_answer", "Slack did not say which workspace this is.");
  const missing = missingScopes(connection.config, answer.response_metadata?.scopes);
  const scopes = missing.length === 0 ? "" : ` It lacks the scopes ${missing.join(", ")}.`;
  return {
    message: `Connected to the workspace ${team}${user ? ` as ${user}` : ""}.${scopes}`,
    accountName: team.slice(0, 320),
  };
}

/** What posting and reading need, as far as Slack says what the token has. */
function missingScopes(config: SlackConfig, granted: string[] | undefined): string[] {
  if (granted === undefined) return [];
  const needed = ["chat:write", "channels:read", "channels:history"];
  if (config.private_channels) needed.push("groups:read", "groups:history");
  return needed.filter((scope) => !granted.includes(scope));
}
