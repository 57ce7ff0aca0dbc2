/** A message, with what the simulator alone knows of it. */
export interface MailMessage {
  id: string;
  threadId: string;
  labelIds: string[];
  snippet: string;
  headers: { name: string; value: string }[];
  historyId: number;
  internalDateMs: number;
  sizeEstimate: number;
  position: number;
}

/** What happened to a message; labels are those that came or went. */
export interface MailHistory {
  number: number;
  kind: "messagesAdded" | "messagesDeleted" | "labelsAdded" | "labelsRemoved";
  id: string;
  threadId: string;
  labelIds: string[];
}

/** What a new message is. */
export interface NewMail {
  subject?: string;
  from?: string;
  to?: string;
  labelIds?: string[];
  snippet?: string;
}

const FIRST_INSTANT_MS = Date.parse("2026-11-20T08:00:00Z");
const FIRST_HISTORY = 90_000;

/** One account's mailbox: messages, their labels, and the history of both. */
export class GmailStore {
  readonly messages = new Map<string, MailMessage>();
  /** By order of arrival; a hole is a message that was deleted. */
  readonly order: (MailMessage | undefined)[] = [];
  readonly history: MailHistory[] = [];
  /** Before this the history is forgotten. */
  oldestHistory = FIRST_HISTORY;
  #historyId = FIRST_HISTORY;

  get historyId(): number {
    return this.#historyId;
  }

  receive(given: NewMail = {}): MailMessage {
    const position = this.order.length;
    const id = `18f${position.toString(16).padStart(13, "0")}`;
    const headers = [
      { name: "From", value: given.from ?? `Sender ${position} <sender${position}@example.com>` },
      { name: "To", value: given.to ?? "Ann <ann@example.com>" },
      { name: "Subject", value: given.subject ?? `Message ${position}` },
      { name: "Message-ID", value: `<${position}@mail.example.com>` },
    ];
    const message: MailMessage = {
      ...{ id, threadId: id, headers, position },
      labelIds: given.labelIds ?? ["INBOX", "UNREAD"],
      snippet: given.snippet ?? `The beginning of message ${position}`,
      historyId: 0,
      internalDateMs: FIRST_INSTANT_MS + position * 1000,
      sizeEstimate: 2000 + position,
    };
    this.messages.set(id, message);
    this.order.push(message);
    this.#write(message, "messagesAdded", []);
    return message;
  }

  addLabel(id: string, label: string): void {
    const message = this.#message(id);
    if (message.labelIds.includes(label)) return;
    message.labelIds.push(label);
    this.#write(message, "labelsAdded", [label]);
  }

  removeLabel(id: string, label: string): void {
    const message = this.#message(id);
    if (!message.labelIds.includes(label)) return;
    message.labelIds = message.labelIds.filter((other) => other !== label);
    this.#write(message, "labelsRemoved", [label]);
  }

  /** For good, without the trash. */
  delete(id: string): void {
    const message = this.#message(id);
    this.messages.delete(id);
    this.order[message.position] = undefined;
    this.#write(message, "messagesDeleted", []);
  }

  /** What happened so far is told no more. */
  forgetHistory(): void {
    this.#historyId++;
    this.oldestHistory = this.#historyId;
    this.history.length = 0;
  }

  #message(id: string): MailMessage {
    const message = this.messages.get(id);
    if (!message) throw new Error(`There is no message ${id}`);
    return message;
  }

  #write(message: MailMessage, kind: MailHistory["kind"], labelIds: string[]): void {
    const number = this.#historyId += 7;
    message.historyId = number;
    this.history.push({ number, kind, id: message.id, threadId: message.threadId, labelIds });
  }
}
