import { answered, invalidParameter, notFound } from "./answers.ts";
import { GmailStore, type MailHistory, type MailMessage } from "./gmail_store.ts";
import { openToken, Parameters, sealToken, searchMark } from "./parameters.ts";

const MAX_PAGE = 500;
const NOT_FOUND = "Requested entity was not found.";

interface ListToken {
  position: number;
  search: string;
  epoch: number;
}

/** Gmail, version 1, as far as reading metadata goes. */
export class GmailApi {
  readonly store = new GmailStore();
  /** Called before every page, so that a test can edit between any two. */
  beforePage: () => void = () => {};
  /** Most requests for a message that were open at once. */
  mostAtOnce = 0;
  #open = 0;
  #epoch = 0;

  constructor(readonly emailAddress: string) {}

  /** Page tokens of listings that were given out so far are refused from now on. */
  expirePageTokens(): void {
    this.#epoch++;
  }

  /** Answers a GET below /gmail/v1. */
  async answer(path: string, query: URLSearchParams): Promise<Response> {
    const [, user, rest] = /^\/users\/([^/]+)(\/.*)$/.exec(path) ?? [];
    if (user === undefined || !["me", this.emailAddress].includes(decodeURIComponent(user))) {
      throw notFound(NOT_FOUND);
    }
    if (rest === "/profile") return this.#profile();
    if (rest === "/messages") return this.#messages(query);
    if (rest === "/history") return this.#history(query);
    const [, id] = /^\/messages\/([^/]+)$/.exec(rest!) ?? [];
    if (id !== undefined) return await this.#message(decodeURIComponent(id), query);
    throw notFound(NOT_FOUND);
  }

  #profile(): Response {
    const messagesTotal = this.store.messages.size;
    const historyId = String(this.store.historyId);
    return answered({
      emailAddress: this.emailAddress,
      messagesTotal,
      threadsTotal: messagesTotal,
      historyId,
    });
  }

  #messages(query: URLSearchParams): Response {
    this.beforePage();
    const parameters = new Parameters(query, [
      "labelIds",
      "maxResults",
      "pageToken",
      "includeSpamTrash",
      "fields",
    ]);
    const labels = parameters.all("labelIds");
    const withSpam = parameters.flag("includeSpamTrash", false);
    const search = searchMark([labels, withSpam]);
    const token = this.#listToken(parameters.text("pageToken"), search);
    const count = parameters.count("maxResults", 100, MAX_PAGE);
    const messages: { id: string; threadId: string }[] = [];
    let at = Math.min(token.position, this.store.order.length - 1);
    for (; at >= 0 && messages.length < count; at--) {
      const message = this.store.order[at];
      if (message && isListed(message, labels, withSpam)) {
        messages.push({ id: message.id, threadId: message.threadId });
      }
    }
    return answered({
      ...messages.length > 0 && { messages },
      ...at >= 0 && { nextPageToken: sealToken({ ...token, position: at }) },
      resultSizeEstimate: messages.length,
    });
  }

  #listToken(text: string | null, search: string): ListToken {
    if (text === null) return { position: Number.MAX_SAFE_INTEGER, search, epoch: this.#epoch };
    const token = openToken<ListToken>(text);
    if (token?.search !== search || token.epoch !== this.#epoch) {
      throw invalidParameter("pageToken", "Invalid pageToken", "invalidArgument");
    }
    return token;
  }

  async #message(id: string, query: URLSearchParams): Promise<Response> {
    const parameters = new Parameters(query, ["format", "metadataHeaders", "fields"]);
    if (parameters.text("format") !== "metadata") {
      throw invalidParameter("format", "The simulator has metadata only");
    }
    this.mostAtOnce = Math.max(this.mostAtOnce, ++this.#open);
    // Long enough for others to come, so that a client that asks one by one is seen to.
    await new Promise((resolve) => setTimeout(resolve, 0));
    this.#open--;
    const message = this.store.messages.get(id);
    if (!message) throw notFound(NOT_FOUND);
    const wanted = parameters.all("metadataHeaders").map((name) => name.toLowerCase());
    const headers = message.headers.filter(({ name }) =>
      wanted.length === 0 || wanted.includes(name.toLowerCase())
    );
    return answered({
      ...{ id, threadId: message.threadId, labelIds: message.labelIds, snippet: message.snippet },
      payload: { mimeType: "multipart/alternative", headers },
      ...{ sizeEstimate: message.sizeEstimate, historyId: String(message.historyId) },
      internalDate: String(message.internalDateMs),
    });
  }

  #history(query: URLSearchParams): Response {
    this.beforePage();
    const parameters = new Parameters(query, [
      "startHistoryId",
      "historyTypes",
      "labelId",
      "maxResults",
      "pageToken",
      "fields",
    ]);
    const start = parameters.text("startHistoryId");
    if (start === null || !/^\d+$/.test(start)) {
      throw invalidParameter("startHistoryId", "Invalid value", "invalidArgument");
    }
    if (Number(start) < this.store.oldestHistory) throw notFound(NOT_FOUND);
    const pageToken = parameters.text("pageToken");
    const from = pageToken === null ? Number(start) + 1 : openToken<{ from: number }>(pageToken)?.from;
    if (from === undefined) throw invalidParameter("pageToken", "Invalid pageToken", "invalidArgument");
    const count = parameters.count("maxResults", 100, MAX_PAGE);
    const first = firstAt(this.store.history, from);
    const lines = this.store.history.slice(first, first + count);
    const more = this.store.history[first + count];
    return answered({
      ...lines.length > 0 && { history: lines.map((line) => this.#historyJson(line)) },
      ...more && { nextPageToken: sealToken({ from: more.number }) },
      historyId: String(this.store.historyId),
    });
  }

  #historyJson({ number, kind, id, threadId, labelIds }: MailHistory): Record<string, unknown> {
    const now = this.store.messages.get(id);
    const message = { id, threadId, ...now && { labelIds: now.labelIds } };
    const labels = labelIds.length > 0 ? { labelIds } : {};
    return { id: String(number), messages: [{ id, threadId }], [kind]: [{ message, ...labels }] };
  }
}

function isListed(message: MailMessage, labels: string[], withSpam: boolean): boolean {
  const has = (label: string) => message.labelIds.includes(label);
  return labels.every(has) &&
    (withSpam || labels.includes("SPAM") || labels.includes("TRASH") || !(has("SPAM") || has("TRASH")));
}

/** Where the history from a number on begins. */
function firstAt(history: MailHistory[], number: number): number {
  let [low, high] = [0, history.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (history[middle]!.number < number) low = middle + 1;
    else high = middle;
  }
  return low;
}
