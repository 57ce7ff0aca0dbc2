import { ProviderError } from "../provider_error.ts";
import type { Page, ReadRequest, Source } from "../source.ts";
import { callSlack, type SlackConnection } from "./client.ts";
import { listConversations, nextCursor, PAGE_SIZE } from "./conversation_list.ts";
import { type HistoryMessage, messageRecord } from "./message_record.ts";
import { cursorOf, type MessagesPlace, nextRound, placeOf } from "./messages_place.ts";
import { MAX_CHANNELS, type SlackConfig, type SlackSecrets } from "./settings.ts";
import { earlierTs, laterTs, tsOfInstant } from "./timestamps.ts";

/** Slack forgets a cursor once in a while; a channel whose every cursor it forgets is not read in circles. */
const MAX_RESTARTS = 3;

/**
 * What is said in the channels. A round looks for the channels and reads of each what is later than what is there, one
 * request a step: where Slack allows one a minute, as it does for some apps, each still counts. History does not tell of
 * edits and deletions; what was said shortly before is read again for the edits, and a pass finds both. Replies stand in threads, each of which would cost a request: they are not read.
 */
export const messagesSource: Source<SlackConfig, SlackSecrets> = {
  stream: "slack_messages",
  table: "slack_messages",
  entityType: "slack_message",
  functionName: "slack-sync",
  async read({ connection, cursor }: ReadRequest<SlackConfig, SlackSecrets>): Promise<Page> {
    const place = placeOf(cursor);
    const { channels } = connection.config;
    if (place.step === "read") return await readChannel(connection, place);
    if (channels === "joined") return await findChannels(connection, place);
    const queue = [...new Set(channels)];
    return await readChannel(connection, { ...place, step: "read", page: null, queue });
  },
};

/** One page of the list of channels. */
async function findChannels(connection: SlackConnection, place: MessagesPlace): Promise<Page> {
  const { conversations, next } = await listConversations(connection, place.page);
  const found = conversations.filter((one) =>
    one.is_member === true &&
    // Nothing new is said in an archived channel.
    (place.isPass || one.is_archived !== true || place.read[one.id] === undefined)
  ).map((one) => one.id);
  const queue = [...new Set([...place.queue, ...found])];
  const isTooMany = queue.length > MAX_CHANNELS;
  const page = pageOf(
    next === null
      ? { ...place, step: "read", page: null, queue: queue.sort().slice(0, MAX_CHANNELS) }
      : { ...place, page: next, queue: queue.slice(0, MAX_CHANNELS + 1) },
  );
  page.beginsPass = place.isPass && place.page === null;
  if (next === null && isTooMany) {
    page.warnings = [`The app is in more than ${MAX_CHANNELS} channels; the first ${MAX_CHANNELS} are read.`];
  }
  return page;
}

/** One page of the current channel. */
async function readChannel(connection: SlackConnection, place: MessagesPlace): Promise<Page> {
  const [channel] = place.queue;
  if (channel === undefined) return pageOf(place);
  let answer: { messages: HistoryMessage[]; next: string | null };
  try {
    answer = await historyOf(connection, channel, place);
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    if (error.errorClass === "misconfigured" && error.providerCode !== null) {
      // Left, archived or deleted since it was found, or never joined: the others are read all the same. What is left
      // unread of it is older than what came.
      return {
        ...pageOf(finished({ ...place, newest: null })),
        warnings: [`Channel ${channel}: ${error.message}`],
      };
    }
    if (error.errorClass !== "cursor_expired" || place.page === null || place.restarts >= MAX_RESTARTS) {
      throw error;
    }
    return pageOf({ ...place, page: null, newest: null, restarts: place.restarts + 1 });
  }
  const records = answer.messages.map((message) => messageRecord(channel, message));
  const newest = records.reduce<string | null>((latest, { ts }) => laterTs(latest, ts), place.newest);
  const page = pageOf(
    answer.next === null ? finished({ ...place, newest }) : { ...place, newest, page: answer.next },
  );
  page.records = records.map(({ externalId, values }) => ({ externalId, values }));
  return page;
}

/**
 * Messages later than what is read, less what is read again, the latest first. A cursor is bound to a place in time, so what is said meanwhile
 * moves nothing; it is later than `newest` and comes in the next round.
 */
async function historyOf(
  connection: SlackConnection,
  channel: string,
  { page, read }: MessagesPlace,
): Promise<{ messages: HistoryMessage[]; next: string | null }> {
  const { messages_since: since, reread_hours: rereadHours } = connection.config;
  const known = read[channel];
  const oldest = laterTs(
    known === undefined ? null : earlierTs(known, rereadHours),
    since === undefined ? null : tsOfInstant(since),
  );
  const answer = await callSlack(connection, (client) =>
    client.conversations.history({
      channel,
      limit: PAGE_SIZE,
      ...(oldest === null ? {} : { oldest }),
      ...(page === null ? {} : { cursor: page }),
    }));
  const { messages } = answer;
  const isGood = Array.isArray(messages) &&
    messages.every((message) => typeof message === "object" && message !== null);
  if (!isGood) throw new ProviderError("malformed_answer", "Slack's history of a channel is not one.");
  return { messages: messages as HistoryMessage[], next: nextCursor(answer) };
}

/** The current channel is read up to its newest message. */
function finished(place: MessagesPlace): MessagesPlace {
  const [channel, ...queue] = place.queue;
  const upTo = laterTs(place.read[channel!] ?? null, place.newest);
  const read = upTo === null ? place.read : { ...place.read, [channel!]: upTo };
  return { ...place, page: null, read, queue, newest: null, restarts: 0 };
}

/** An empty page that leads to a place; a round without further channels is over. */
function pageOf(place: MessagesPlace): Page {
  const isOver = place.step === "read" && place.queue.length === 0;
  return {
    records: [],
    deletedIds: [],
    cursor: cursorOf(isOver ? nextRound(place) : place),
    hasMore: !isOver,
    completesPass: isOver && place.isPass,
  };
}
