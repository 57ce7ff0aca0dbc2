import type { gmail_v1 } from "@googleapis/gmail";
import { ProviderError } from "../provider_error.ts";
import type { SourceRecord } from "../source.ts";
import { type GoogleConnection, googleGet, identified, shortened } from "./client.ts";

/** Requests for messages that are open at once. Gmail counts them per second and account. */
export const AT_ONCE = 10;

const HEADERS = ["Subject", "From", "To"];
/** A message with one of these is not shown among the others: it counts as deleted. */
const HIDING = ["SPAM", "TRASH"];

/** Messages as they are now, and identifiers of those that are gone, hidden, or not among the chosen labels. */
export interface ReadMessages {
  records: SourceRecord[];
  goneIds: string[];
}

/** Reads messages one by one, some at once, without their text. */
export async function readMessages(connection: GoogleConnection, ids: string[]): Promise<ReadMessages> {
  const read: ReadMessages = { records: [], goneIds: [] };
  const waiting = ids.values();
  let hasFailed = false;
  const work = async () => {
    for (const id of waiting) {
      if (hasFailed) return;
      const message = await readMessage(connection, id).catch((reason: unknown) => {
        hasFailed = true;
        throw reason;
      });
      if (message !== null && belongs(connection, message)) read.records.push(recordOf(message));
      else read.goneIds.push(id);
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, ids.length) }, work));
  return read;
}

async function readMessage(
  connection: GoogleConnection,
  id: string,
): Promise<gmail_v1.Schema$Message | null> {
  const parameters: Omit<gmail_v1.Params$Resource$Users$Messages$Get, "userId" | "id"> = {
    ...{ format: "metadata", metadataHeaders: HEADERS },
  };
  try {
    return await googleGet(connection, "gmail", `/users/me/messages/${encodeURIComponent(id)}`, parameters);
  } catch (error) {
    if (error instanceof ProviderError && error.providerCode === "notFound") return null;
    throw error;
  }
}

function belongs(connection: GoogleConnection, message: gmail_v1.Schema$Message): boolean {
  const labels = message.labelIds ?? [];
  return (connection.config.gmail_label_ids ?? []).every((label) => labels.includes(label)) &&
    !HIDING.some((label) => labels.includes(label));
}

/** A message as a row of gmail_messages. */
function recordOf(message: gmail_v1.Schema$Message): SourceRecord {
  const header = (wanted: string) =>
    message.payload?.headers?.find(({ name }) => name?.toLowerCase() === wanted)?.value;
  const internalDateMs = Number(message.internalDate ?? NaN);
  return {
    externalId: identified("gmail", message.id),
    values: {
      thread_id: shortened(message.threadId, 200),
      subject: shortened(header("subject"), 2000),
      sender: shortened(header("from"), 1000),
      recipients: shortened(header("to"), 10_000),
      label_ids: (message.labelIds ?? []).toSorted(),
      snippet: shortened(message.snippet, 1000),
      received_at: isInstant(internalDateMs) ? new Date(internalDateMs).toISOString() : null,
      history_id: message.historyId ?? null,
      size_bytes: message.sizeEstimate ?? null,
    },
  };
}

/** Whether `Date` can hold it. */
function isInstant(valueMs: number): boolean {
  return Math.abs(valueMs) <= 8.64e15;
}
