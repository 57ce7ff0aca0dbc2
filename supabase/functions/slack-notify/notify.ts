import { type ConnectorRow, usableConnector } from "../_shared/connectors/connector_row.ts";
import { slackConnector } from "../_shared/providers/slack/connector.ts";
import { openConnector } from "../_shared/connectors/open_connector.ts";
import { asInterlockError } from "../_shared/connectors/provider_failure.ts";
import { hubStore } from "../_shared/db/store.ts";
import { InterlockError, isInterlockError } from "../_shared/errors/interlock_error.ts";
import type { Caller } from "../_shared/http/access.ts";
import { errorFields, type Logger } from "../_shared/log.ts";
import { ProviderError } from "../_shared/providers/provider_error.ts";
import type { SlackConnection } from "../_shared/providers/slack/client.ts";
import { ignoredByWebhook, type Message } from "./message.ts";

/** A wait that Slack asks for is waited for once, where it is no longer than this. */
const MAX_WAIT_MS = 2000;

/** Who wants what posted where. */
export interface NotifyWish {
  caller: Caller;
  connectorId: string;
  message: Message;
  requestId: string;
}

/** Where the message stands. */
export interface Notified {
  connector_id: string;
  sent_by: "bot_token" | "incoming_webhook";
  channel: string | null;
  ts: string | null;
}

/**
 * Posts a message and writes a line of the log about it, which never tells what it said.
 *
 * @throws {InterlockError} NOT_FOUND, CONNECTOR_INACTIVE, VALIDATION_FAILED for what the connector cannot do, and what
 * Slack refused by its class.
 */
export async function notify(wish: NotifyWish, log: Logger): Promise<Notified> {
  const startedMs = performance.now();
  try {
    const { tenantId, orgId } = wish.caller;
    const row = await usableConnector({ tenantId, orgId, connectorId: wish.connectorId, type: "slack" });
    const notified = await post(row, wish.message, log);
    await writeLog(wish, { sent_by: notified.sent_by, channel: notified.channel }, null, startedMs, log);
    return notified;
  } catch (error) {
    // Whoever may not see a connector leaves no trace at it.
    const isVisible = !(isInterlockError(error) && error.code === "NOT_FOUND");
    if (isVisible) await writeLog(wish, {}, error, startedMs, log);
    throw asInterlockError(error);
  }
}

async function post(row: ConnectorRow, message: Message, log: Logger): Promise<Notified> {
  const { connection } = openConnector(slackConnector, row, log);
  const slack = connection as SlackConnection;
  const secrets = await slack.secrets();
  const { postToWebhook, postWithToken } = await import("../_shared/providers/slack/post.ts");
  if ("webhook_url" in secrets) {
    refuseIgnored(message);
    await patiently(() => postToWebhook(slack, secrets.webhook_url, message));
    return { connector_id: row.connectorId, sent_by: "incoming_webhook", channel: null, ts: null };
  }
  const channel = message.channel ?? slack.config.default_channel;
  if (channel === undefined) {
    throw new InterlockError(
      "VALIDATION_FAILED",
      "No channel: name one in message.channel, or set default_channel in the connector's settings.",
    );
  }
  const posted = await patiently(() => postWithToken(slack, { ...message, channel }));
  return { connector_id: row.connectorId, sent_by: "bot_token", ...posted };
}

/** What would be passed over in silence is refused: a message in another channel than the one named cannot be taken back. */
function refuseIgnored(message: Message): void {
  const ignored = ignoredByWebhook(message);
  if (ignored === null) return;
  throw new InterlockError(
    "VALIDATION_FAILED",
    `An incoming webhook posts to its own channel under its own name; leave out message.${ignored}, or connect Slack with a bot token.`,
  );
}

async function patiently<Answer>(send: () => Promise<Answer>): Promise<Answer> {
  try {
    return await send();
  } catch (error) {
    const waitMs = error instanceof ProviderError && error.errorClass === "rate_limited"
      ? error.retryAfterMs
      : null;
    if (waitMs === null || waitMs > MAX_WAIT_MS) throw error;
    await new Promise((resolve) => setTimeout(resolve, waitMs));
    return await send();
  }
}

/** A message that was posted stays posted: a log that cannot be written fails nothing. */
async function writeLog(
  wish: NotifyWish,
  details: { sent_by?: string; channel?: string | null },
  failure: unknown,
  startedMs: number,
  log: Logger,
): Promise<void> {
  const isProviders = failure instanceof ProviderError;
  const isOurs = isInterlockError(failure);
  const errorClass = isProviders ? failure.errorClass : isOurs ? failure.code : failure ? "INTERNAL" : null;
  try {
    await hubStore().call("record_connector_use", {
      p_tenant_id: wish.caller.tenantId,
      p_connector_id: wish.connectorId,
      p_event_type: "slack.notified",
      p_error_class: errorClass,
      p_error: isProviders || isOurs ? failure.message : null,
      p_details: isProviders ? { ...details, provider_code: failure.providerCode } : details,
      p_duration_ms: Math.round(performance.now() - startedMs),
      p_request_id: wish.requestId,
    });
  } catch (error) {
    log.error("log not written", errorFields(error));
  }
}
