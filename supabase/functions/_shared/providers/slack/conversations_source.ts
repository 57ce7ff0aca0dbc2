import type { Page, ReadRequest, Source, SourceRecord } from "../source.ts";
import { listConversations, type ListedConversation } from "./conversation_list.ts";
import { integerOf, objectOf, textOf } from "./message_record.ts";
import type { SlackConfig, SlackSecrets } from "./settings.ts";

/**
 * The channels the app may see. Slack has no feed of their changes, and the list is short: every run reads all of it, so
 * every run is a pass and finds what went.
 */
export const conversationsSource: Source<SlackConfig, SlackSecrets> = {
  stream: "slack_conversations",
  table: "slack_conversations",
  entityType: "slack_conversation",
  functionName: "slack-sync",
  async read({ connection, cursor }: ReadRequest<SlackConfig, SlackSecrets>): Promise<Page> {
    const page = typeof cursor?.page === "string" ? cursor.page : null;
    const { conversations, next } = await listConversations(connection, page);
    return {
      records: conversations.map(conversationRecord),
      deletedIds: [],
      cursor: { page: next },
      hasMore: next !== null,
      beginsPass: page === null,
      completesPass: next === null,
    };
  },
};

function conversationRecord(conversation: ListedConversation): SourceRecord {
  const createdS = integerOf(conversation.created);
  return {
    externalId: conversation.id,
    values: {
      name: textOf(conversation.name),
      topic: textOf(objectOf(conversation.topic)?.value),
      purpose: textOf(objectOf(conversation.purpose)?.value),
      is_private: conversation.is_private === true,
      is_archived: conversation.is_archived === true,
      is_member: conversation.is_member === true,
      member_count: integerOf(conversation.num_members),
      created_at: createdS === null ? null : new Date(createdS * 1000).toISOString(),
    },
  };
}
