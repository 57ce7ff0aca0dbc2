import { utf8Bytes } from "../../crypto/encoding.ts";
import { ProviderError } from "../provider_error.ts";
import { callSlack, type SlackConnection } from "./client.ts";
import { slackCodeOf, slackErrorClass } from "./error_codes.ts";
import { slackError, slackStatusError } from "./errors.ts";

/** A message as Slack takes it. */
export type SlackPost = Record<string, unknown>;

/** What became of a message. */
export interface PostedMessage {
  channel: string;
  ts: string;
}

/**
 * Posts a message with the bot token. It may be posted although this throws a passing error: Slack knows no idempotency
 * key.
 *
 * @throws {ProviderError}
 */
export async function postWithToken(connection: SlackConnection, message: SlackPost): Promise<PostedMessage> {
  const answer = await callSlack(connection, (client) => client.apiCall("chat.postMessage", message));
  const { channel, ts } = answer as typeof answer & { channel?: unknown; ts?: unknown };
  if (typeof channel === "string" && typeof ts === "string") return { channel, ts };
  throw new ProviderError("malformed_answer", "Slack took the message without saying where it is.");
}

/**
 * Posts a message to an incoming webhook, which says nothing about it but that it was taken.
 *
 * @throws {ProviderError}
 */
export async function postToWebhook(
  connection: SlackConnection,
  url: string,
  message: SlackPost,
): Promise<void> {
  const code = await webhookAnswer(connection, url, message);
  if (code !== "ok") throw slackError(code);
}

/**
 * Finds out whether an incoming webhook exists, without posting: Slack looks for the webhook first and at the message
 * after that, so that an empty one is refused for being empty.
 *
 * @throws {ProviderError}
 */
export async function tryWebhook(connection: SlackConnection, url: string): Promise<void> {
  const code = await webhookAnswer(connection, url, {});
  if (code === null || slackErrorClass(code) !== "input_refused") throw slackError(code);
}

/** @throws {ProviderError} for a status that settles it. */
async function webhookAnswer(
  connection: SlackConnection,
  url: string,
  message: SlackPost,
): Promise<string | null> {
  const answer = await connection.send({
    url,
    method: "POST",
    headers: { "content-type": "application/json; charset=utf-8", "user-agent": "Interlock/1" },
    body: utf8Bytes(JSON.stringify(message)),
    maxResponseBytes: 65_536,
  });
  const failure = slackStatusError(answer);
  if (failure) throw failure;
  const code = slackCodeOf(answer);
  return code === "ok" && answer.status !== 200 ? null : code;
}
