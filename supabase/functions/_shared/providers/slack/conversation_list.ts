import { ProviderError } from "../provider_error.ts";
import { callSlack, type SlackConnection } from "./client.ts";
import { objectOf } from "./message_record.ts";

/** What Slack recommends as most of a page. */
export const PAGE_SIZE = 200;

/** A conversation as the list gives it. */
export interface ListedConversation {
  id: string;
  [field: string]: unknown;
}

/**
 * A page of the channels the app may see.
 *
 * @throws {ProviderError} cursor_expired, among others.
 */
export async function listConversations(
  connection: SlackConnection,
  page: string | null,
): Promise<{ conversations: ListedConversation[]; next: string | null }> {
  const answer = await callSlack(connection, (client) =>
    client.conversations.list({
      types: connection.config.private_channels ? "public_channel,private_channel" : "public_channel",
      exclude_archived: false,
      limit: PAGE_SIZE,
      ...(page === null ? {} : { cursor: page }),
    }));
  return { conversations: identified(answer.channels), next: nextCursor(answer) };
}

/** Where the next page begins; null = there is none. */
export function nextCursor(answer: object): string | null {
  const metadata = objectOf((answer as { response_metadata?: unknown }).response_metadata);
  const cursor = metadata?.next_cursor;
  return typeof cursor === "string" && cursor !== "" ? cursor : null;
}

function identified(channels: unknown): ListedConversation[] {
  const isGood = Array.isArray(channels) && channels.every((channel) => {
    const id = objectOf(channel)?.id;
    return typeof id === "string" && /^[A-Z0-9]{1,100}$/.test(id);
  });
  if (!isGood) throw new ProviderError("malformed_answer", "Slack's list of channels is not one.");
  return channels as ListedConversation[];
}
