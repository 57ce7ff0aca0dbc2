import { microsOf, type SlackConversation, type SlackMessage } from "./conversations.ts";
import type { SlackWorkspace } from "./slack.ts";

/** Arguments of a method, as they came in a query, a form or JSON. */
export type SlackArguments = Record<string, unknown>;

/** What a method answers beside `ok`, or the code of what is wrong. */
export type MethodAnswer = Record<string, unknown> | string;

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 999;

/** The scope that each method needs; for conversations it also depends on their kind. */
export const METHOD_SCOPES: Record<string, string | null> = {
  "auth.test": null,
  "chat.postMessage": "chat:write",
  "conversations.list": "channels:read",
  "conversations.info": "channels:read",
  "conversations.history": "channels:history",
};

/** A failure that says which scope is missing. */
export class MissingScope extends Error {
  constructor(readonly needed: string) {
    super(`The scope ${needed} is missing`);
  }
}

export function authTest({ team, url = "https://acme.slack.com/" }: SlackWorkspace): MethodAnswer {
  return {
    url,
    team: team?.name ?? "Acme",
    user: "interlock",
    team_id: team?.id ?? "T0TEAM",
    user_id: "U0BOT",
    bot_id: "B0BOT",
    is_enterprise_install: false,
  };
}

export function listConversations(
  workspace: SlackWorkspace,
  args: SlackArguments,
  scopes: string[],
): MethodAnswer {
  const limit = limitOf(args);
  const types = String(args.types ?? "public_channel").split(",").map((type) => type.trim());
  if (limit === null) return "invalid_limit";
  if (types.some((type) => !["public_channel", "private_channel"].includes(type))) return "invalid_types";
  if (types.includes("public_channel")) demand(scopes, "channels:read");
  if (types.includes("private_channel")) demand(scopes, "groups:read");
  const after = args.cursor ? readCursor(args.cursor, "team") : "";
  if (after === null) return "invalid_cursor";
  const withArchived = String(args.exclude_archived ?? "false") !== "true";
  const all = [...workspace.conversations?.byId.values() ?? []]
    .filter((one) => types.includes(one.isPrivate ? "private_channel" : "public_channel"))
    .filter((one) => (withArchived || !one.isArchived) && (!one.isPrivate || one.isMember))
    .sort((a, b) => a.id < b.id ? -1 : 1);
  const rest = all.filter((one) => one.id > after);
  const page = rest.slice(0, Math.min(limit, workspace.pageSize ?? MAX_LIMIT));
  return {
    channels: page.map(channelObject),
    response_metadata: {
      next_cursor: rest.length > page.length ? cursorOf("team", page.at(-1)!.id) : "",
    },
  };
}

export function conversationInfo(
  workspace: SlackWorkspace,
  args: SlackArguments,
  scopes: string[],
): MethodAnswer {
  const conversation = workspace.conversations?.find(String(args.channel));
  if (!conversation || (conversation.isPrivate && !conversation.isMember)) return "channel_not_found";
  demand(scopes, conversation.isPrivate ? "groups:read" : "channels:read");
  return { channel: channelObject(conversation) };
}

export function history(workspace: SlackWorkspace, args: SlackArguments, scopes: string[]): MethodAnswer {
  const conversation = workspace.conversations?.byId.get(String(args.channel));
  if (!conversation || (conversation.isPrivate && !conversation.isMember)) return "channel_not_found";
  demand(scopes, conversation.isPrivate ? "groups:history" : "channels:history");
  if (!conversation.isMember) return "not_in_channel";
  const limit = limitOf(args);
  if (limit === null) return "invalid_limit";
  const oldest = microsOf(String(args.oldest ?? "0"));
  const latest = args.latest === undefined ? null : microsOf(String(args.latest));
  if (oldest === null) return "invalid_ts_oldest";
  if (latest === null && args.latest !== undefined) return "invalid_ts_latest";
  const from = args.cursor ? readCursor(args.cursor, "next_ts") : "";
  const fromMicros = from ? BigInt(from) : null;
  if (from === null) return "invalid_cursor";
  const isInclusive = String(args.inclusive ?? "false") === "true";
  const rest = [...conversation.messages.values()].filter(isInHistory).filter((message) => {
    const micros = microsOf(message.ts)!;
    if (fromMicros !== null && micros > fromMicros) return false;
    if (latest !== null && (isInclusive ? micros > latest : micros >= latest)) return false;
    return isInclusive ? micros >= oldest : micros > oldest;
  }).sort((a, b) => microsOf(a.ts)! > microsOf(b.ts)! ? -1 : 1);
  const page = rest.slice(0, Math.min(limit, workspace.pageSize ?? MAX_LIMIT));
  const next = rest[page.length];
  return {
    messages: page,
    has_more: next !== undefined,
    pin_count: 0,
    ...(next ? { response_metadata: { next_cursor: cursorOf("next_ts", String(microsOf(next.ts))) } } : {}),
  };
}

/** Replies stand in their thread only, unless they were sent to the channel as well. */
function isInHistory(message: SlackMessage): boolean {
  return message.thread_ts === undefined || message.thread_ts === message.ts ||
    message.subtype === "thread_broadcast";
}

function channelObject(conversation: SlackConversation): Record<string, unknown> {
  const said = (value: string) => ({ value, creator: value ? "U0ADMIN" : "", last_set: 0 });
  return {
    id: conversation.id,
    name: conversation.name,
    name_normalized: conversation.name,
    is_channel: !conversation.isPrivate,
    is_group: conversation.isPrivate,
    is_im: false,
    is_mpim: false,
    is_private: conversation.isPrivate,
    is_archived: conversation.isArchived,
    is_general: false,
    is_shared: false,
    is_ext_shared: false,
    is_org_shared: false,
    is_member: conversation.isMember,
    creator: "U0ADMIN",
    created: conversation.created,
    updated: conversation.updated,
    topic: said(conversation.topic),
    purpose: said(conversation.purpose),
    num_members: conversation.memberCount,
  };
}

/** @throws {MissingScope} */
function demand(scopes: string[], needed: string): void {
  if (!scopes.includes(needed)) throw new MissingScope(needed);
}

function limitOf(args: SlackArguments): number | null {
  const limit = args.limit === undefined ? DEFAULT_LIMIT : Number(args.limit);
  return Number.isInteger(limit) && limit >= 1 && limit <= 1000 ? Math.min(limit, MAX_LIMIT) : null;
}

function cursorOf(kind: string, place: string): string {
  return btoa(`${kind}:${place}`);
}

function readCursor(cursor: unknown, kind: string): string | null {
  try {
    const [, place] = new RegExp(`^${kind}:([A-Z0-9]+)$`).exec(atob(String(cursor))) ?? [];
    return place ?? null;
  } catch {
    return null;
  }
}
