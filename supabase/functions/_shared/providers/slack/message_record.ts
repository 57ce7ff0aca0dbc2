import { ProviderError } from "../provider_error.ts";
import type { PlainJson, SourceRecord } from "../source.ts";
import { instantOfTs, isTs } from "./timestamps.ts";

/** A message as history gives it; whatever else it has is not kept. */
export interface HistoryMessage {
  ts?: string;
  [field: string]: unknown;
}

/**
 * A message as it is stored. Blocks, attachments and the addresses of files are not: `text` is what Slack itself shows
 * where it cannot show blocks.
 *
 * @throws {ProviderError} malformed_answer for a message without a ts.
 */
export function messageRecord(
  conversationId: string,
  message: HistoryMessage,
): SourceRecord & { ts: string } {
  const { ts } = message;
  if (!isTs(ts)) throw new ProviderError("malformed_answer", "Slack sent a message without a ts.");
  const edited = objectOf(message.edited);
  return {
    ts,
    externalId: `${conversationId}:${ts}`,
    values: {
      conversation_id: conversationId,
      ts,
      posted_at: instantOfTs(ts),
      thread_ts: textOf(message.thread_ts),
      subtype: textOf(message.subtype),
      user_id: textOf(message.user),
      bot_id: textOf(message.bot_id),
      username: textOf(message.username),
      text: textOf(message.text),
      edited_at: instantOfTs(edited?.ts),
      reply_count: integerOf(message.reply_count),
      latest_reply_at: instantOfTs(message.latest_reply),
      reactions: listOf(
        message.reactions,
        (one) => ({ name: textOf(one.name), count: integerOf(one.count) }),
      ),
      files: listOf(message.files, (one) => ({
        id: textOf(one.id),
        name: textOf(one.name),
        mimetype: textOf(one.mimetype),
        size: integerOf(one.size),
      })),
    },
  };
}

/** Text; null when it is none. */
export function textOf(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

/** A whole number that fits an integer column; null otherwise. */
export function integerOf(value: unknown): number | null {
  return Number.isInteger(value) && Math.abs(value as number) <= 2_147_483_647 ? value as number : null;
}

function listOf(
  value: unknown,
  read: (one: Record<string, unknown>) => { [name: string]: PlainJson },
): PlainJson {
  if (!Array.isArray(value) || value.length === 0) return null;
  return value.map((one) => read(objectOf(one) ?? {}));
}

export function objectOf(value: unknown): Record<string, unknown> | null {
  return typeof value === "object" && value !== null ? value as Record<string, unknown> : null;
}
