import type { gmail_v1 } from "@googleapis/gmail";
import { ProviderError } from "../provider_error.ts";
import type { Page, Source } from "../source.ts";
import { orAnew } from "./anew.ts";
import { type GoogleConnection, googleGet, identified, listed, required } from "./client.ts";
import { readMessages } from "./gmail_messages.ts";
import type { GoogleConfig, GoogleGrant } from "./settings.ts";

/** Every message costs a request, so a page is not the most that Gmail would give. */
export const PAGE_SIZE = 100;

/** In the middle of listing messages; `history` is where the mailbox was before the first of them. */
type Listing = {
  phase: "list";
  scope: string;
  history: string;
  page: string | null;
  total: number | null;
  /** How often this pass began anew because a page token had ended. */
  restarts: number;
};

/** Following the history; `page` continues the page that begins at `history`. */
type Following = { phase: "changes"; scope: string; history: string; page: string | null; inPass: boolean };

type GmailCursor = Listing | Following;

/**
 * Messages of a mailbox without their text. A pass takes the mailbox's history id first, lists and reads, and then replays
 * the history since; after that the history is enough, as long as Gmail remembers it (about a week, at times less).
 */
export const gmailMessages: Source<GoogleConfig, GoogleGrant> = {
  stream: "gmail_messages",
  table: "gmail_messages",
  entityType: "gmail_message",
  functionName: "gmail-sync",
  async read({ connection, cursor: given }) {
    const scope = scopeOf(connection.config);
    const cursor = given as GmailCursor | null;
    if (cursor !== null && cursor.scope !== scope) {
      throw new ProviderError(
        "cursor_expired",
        "The settings name other labels than before; everything is read anew.",
      );
    }
    if (cursor === null) return await begin(connection, scope);
    if (cursor.phase === "changes") return await follow(connection, cursor);
    return await orAnew(
      "Gmail",
      cursor.restarts,
      () => list(connection, cursor),
      (restarts) => begin(connection, scope, restarts),
    );
  },
};

/** Which messages the settings name. */
function scopeOf(config: GoogleConfig): string {
  return (config.gmail_label_ids ?? []).toSorted().join(" ");
}

/** The first step of a pass: where the history is, and only then the first page. */
async function begin(connection: GoogleConnection, scope: string, restarts = 0): Promise<Page> {
  const profile = await googleGet<gmail_v1.Schema$Profile>(connection, "gmail", "/users/me/profile", {});
  const history = required("gmail", profile.historyId);
  const total = scope === "" ? profile.messagesTotal ?? null : null;
  return {
    ...await list(connection, { phase: "list", scope, history, page: null, total, restarts }),
    beginsPass: true,
  };
}

async function list(connection: GoogleConnection, cursor: Listing): Promise<Page> {
  const parameters: Omit<gmail_v1.Params$Resource$Users$Messages$List, "userId"> = {
    ...{ maxResults: PAGE_SIZE, includeSpamTrash: false },
    ...connection.config.gmail_label_ids && { labelIds: connection.config.gmail_label_ids },
    ...cursor.page !== null && { pageToken: cursor.page },
  };
  const path = "/users/me/messages";
  const answer = await googleGet<gmail_v1.Schema$ListMessagesResponse>(connection, "gmail", path, parameters);
  const ids = listed("gmail", answer.messages).map(({ id }) => identified("gmail", id));
  const { records } = await readMessages(connection, ids);
  const { scope, history, total } = cursor;
  const following: Following = { phase: "changes", scope, history, page: null, inPass: true };
  const next = answer.nextPageToken ? { ...cursor, page: answer.nextPageToken } : following;
  return { records, deletedIds: [], cursor: next, hasMore: true, estimate: total };
}

/** A page of the history: every message it names is read as it is now. */
async function follow(connection: GoogleConnection, cursor: Following): Promise<Page> {
  const answer = await historyPage(connection, cursor);
  const { touched, deleted } = messagesIn(answer);
  const { records, goneIds } = await readMessages(connection, touched);
  const page = { records, deletedIds: [...deleted, ...goneIds] };
  if (answer.nextPageToken) {
    return { ...page, cursor: { ...cursor, page: answer.nextPageToken }, hasMore: true };
  }
  const history = required("gmail", answer.historyId);
  const next: Following = { ...cursor, history, page: null, inPass: false };
  return { ...page, cursor: next, hasMore: false, ...cursor.inPass && { completesPass: true } };
}

async function historyPage(
  connection: GoogleConnection,
  cursor: Following,
): Promise<gmail_v1.Schema$ListHistoryResponse> {
  const parameters: Omit<gmail_v1.Params$Resource$Users$History$List, "userId"> = {
    ...{ startHistoryId: cursor.history, maxResults: PAGE_SIZE },
    ...cursor.page !== null && { pageToken: cursor.page },
  };
  try {
    return await googleGet(connection, "gmail", "/users/me/history", parameters);
  } catch (error) {
    if (!(error instanceof ProviderError) || error.providerCode !== "notFound") throw error;
    throw new ProviderError(
      "cursor_expired",
      "Gmail does not remember the history since the last sync; everything is read anew.",
    );
  }
}

/** Identifiers of the messages that a page of the history names. */
function messagesIn(answer: gmail_v1.Schema$ListHistoryResponse): { touched: string[]; deleted: string[] } {
  const [touched, deleted] = [new Set<string>(), new Set<string>()];
  for (const line of listed("gmail", answer.history)) {
    const changed = [...line.messagesAdded ?? [], ...line.labelsAdded ?? [], ...line.labelsRemoved ?? []];
    for (const { message } of changed) touched.add(identified("gmail", message?.id));
    for (const { message } of line.messagesDeleted ?? []) deleted.add(identified("gmail", message?.id));
  }
  return { touched: [...touched].filter((id) => !deleted.has(id)), deleted: [...deleted] };
}
