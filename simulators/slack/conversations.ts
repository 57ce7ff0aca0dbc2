/** A message in a conversation, as history shows it. */
export interface SlackMessage {
  type: "message";
  ts: string;
  text: string;
  subtype?: string;
  user?: string;
  bot_id?: string;
  thread_ts?: string;
  parent_user_id?: string;
  edited?: { user: string; ts: string };
  reply_count?: number;
  latest_reply?: string;
  reactions?: { name: string; count: number; users: string[] }[];
  files?: Record<string, unknown>[];
  [field: string]: unknown;
}

/** A conversation and everything that was said in it. */
export interface SlackConversation {
  id: string;
  name: string;
  isMember: boolean;
  isArchived: boolean;
  isPrivate: boolean;
  topic: string;
  purpose: string;
  memberCount: number;
  /** Seconds. */
  created: number;
  /** Milliseconds, as Slack says it of this field alone. */
  updated: number;
  messages: Map<string, SlackMessage>;
}

/** The conversations of a workspace. Every message gets a ts of its own, later than all before it. */
export class SlackConversations {
  readonly byId = new Map<string, SlackConversation>();
  #lastMicros = BigInt(Date.now() - 86_400_000) * 1000n;
  #count = 0;

  /** Makes a conversation the app is in; answers it. */
  add(given: Partial<Omit<SlackConversation, "messages">> = {}): SlackConversation {
    const id = given.id ?? `C${String(++this.#count).padStart(10, "0")}`;
    const created = Math.floor(Date.now() / 1000);
    const conversation: SlackConversation = {
      id,
      name: given.name ?? `channel-${id.toLowerCase()}`,
      isMember: given.isMember ?? true,
      isArchived: given.isArchived ?? false,
      isPrivate: given.isPrivate ?? false,
      topic: given.topic ?? "",
      purpose: given.purpose ?? "",
      memberCount: given.memberCount ?? 3,
      created: given.created ?? created,
      updated: given.updated ?? created * 1000,
      messages: new Map(),
    };
    this.byId.set(id, conversation);
    return conversation;
  }

  /** A conversation by its id, or by its name after a #. */
  find(named: string | undefined): SlackConversation | undefined {
    if (named?.startsWith("#")) {
      return [...this.byId.values()].find((conversation) => conversation.name === named.slice(1));
    }
    return this.byId.get(named ?? "");
  }

  /** Changes what a conversation says of itself. */
  change(id: string, changes: Partial<Omit<SlackConversation, "id" | "messages">>): void {
    Object.assign(this.#known(id), changes, { updated: Date.now() });
  }

  /** Somebody says something; answers the message. A reply also shows in the message it answers. */
  say(id: string, given: Partial<SlackMessage> = {}): SlackMessage {
    const { messages } = this.#known(id);
    const message: SlackMessage = {
      type: "message",
      user: "U0WRITER",
      text: "",
      ts: this.nextTs(),
      ...given,
    };
    messages.set(message.ts, message);
    const answered = message.thread_ts === undefined ? undefined : messages.get(message.thread_ts);
    // An answer to a reply belongs to the thread that the reply is in.
    if (answered) message.thread_ts = answered.thread_ts ?? answered.ts;
    const parent = answered && messages.get(message.thread_ts!);
    if (parent) {
      parent.thread_ts = parent.ts;
      parent.reply_count = (parent.reply_count ?? 0) + 1;
      parent.latest_reply = message.ts;
      message.parent_user_id = parent.user;
    }
    return message;
  }

  edit(id: string, ts: string, text: string): void {
    const message = this.#known(id).messages.get(ts)!;
    message.text = text;
    message.edited = { user: message.user ?? "U0WRITER", ts: this.nextTs() };
  }

  erase(id: string, ts: string): void {
    this.#known(id).messages.delete(ts);
  }

  /** Deletes a conversation with all that was said. */
  remove(id: string): void {
    this.byId.delete(id);
  }

  /** The next message's ts. */
  nextTs(): string {
    // Often within the same second.
    this.#lastMicros += 1n + BigInt(Math.floor(Math.random() ** 4 * 5_000_000));
    const digits = this.#lastMicros.toString();
    return `${digits.slice(0, -6)}.${digits.slice(-6)}`;
  }

  #known(id: string): SlackConversation {
    const conversation = this.byId.get(id);
    if (!conversation) throw new Error(`The simulated workspace has no conversation ${id}`);
    return conversation;
  }
}

/** A ts as a number of microseconds, which no double holds exactly; null = it is none. */
export function microsOf(ts: string): bigint | null {
  const [, seconds, fraction = ""] = /^(\d{1,12})(?:\.(\d{1,6}))?$/.exec(ts) ?? [];
  return seconds === undefined ? null : BigInt(seconds) * 1_000_000n + BigInt(fraction.padEnd(6, "0"));
}
