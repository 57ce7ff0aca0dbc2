import { Faults } from "../faults.ts";
import type { OAuthServer } from "../oauth_server.ts";
import { controlsIn, messageProblem, type SlackPost } from "./blocks.ts";
import type { SlackConversations } from "./conversations.ts";
import { slackOAuthHandler } from "./oauth.ts";
import {
  authTest,
  conversationInfo,
  history,
  listConversations,
  METHOD_SCOPES,
  type MethodAnswer,
  MissingScope,
  type SlackArguments,
} from "./web_api.ts";

/** A message that was posted. */
export interface PostedMessage extends SlackPost {
  /** How it came: with a token, or through an incoming webhook. */
  by: "token" | "webhook";
  /** Mentions and links it would make. */
  controls: string[];
  /** The request's body, byte for byte. */
  body: string;
}

/** What a token may do, where it is not everything. */
export interface SlackGrant {
  scopes?: string[];
  /** Why it is refused; left out = it is not. */
  refused?: "token_expired" | "token_revoked" | "account_inactive" | "invalid_auth";
}

/** A workspace: who may post, and where. */
export interface SlackWorkspace {
  /** 0 or left out = any free port. */
  port?: number;
  team?: { id: string; name: string };
  url?: string;
  /** Tokens that are valid. */
  tokens: string[];
  /** By token; those that are not named may do everything. */
  grants?: Record<string, SlackGrant>;
  /** Channels that can be posted to and nothing else, by id or #name: whether the app is in it. */
  channels: Record<string, "joined" | "not_joined" | "archived">;
  /** Channels with what was said in them. */
  conversations?: SlackConversations;
  /** Gives and renews tokens, which are valid beside those above. */
  oauth?: OAuthServer;
  /** Secret parts of incoming webhooks. */
  webhooks?: string[];
  /** Most things on a page: Slack may give fewer than were asked for. */
  pageSize?: number;
}

/** A running Slack. */
export interface SlackSimulator {
  /** Base URL of the Web API. */
  apiUrl: string;
  /** URL of an incoming webhook. */
  webhookUrl(secret: string): string;
  messages: PostedMessage[];
  /** Requests that came, whatever became of them. */
  readonly requests: number;
  /** Methods of the Web API that were called, in order. */
  calls: { method: string; args: SlackArguments }[];
  workspace: SlackWorkspace;
  faults: Faults;
  /** The next requests are answered like this, one each. */
  answerNext(...answers: Response[]): void;
  stop(): Promise<void>;
}

/** Everything the app asks for. */
export const ALL_SCOPES = [
  ...["chat:write", "chat:write.customize", "channels:read", "channels:history"],
  ...["groups:read", "groups:history"],
];

/**
 * Plays Slack: posting by the Web API and by incoming webhooks, and reading conversations. Checks who asks, what and with
 * which scopes, and answers as Slack does, which for the Web API is 200 with `ok: false`.
 */
export function startSlack(workspace: SlackWorkspace): SlackSimulator {
  const messages: PostedMessage[] = [];
  const calls: SlackSimulator["calls"] = [];
  const faults = new Faults();
  const answer = async (request: Request) => {
    const granted = workspace.oauth && await slackOAuthHandler(workspace.oauth)(request);
    if (granted) return granted;
    const body = await request.text();
    const { pathname } = new URL(request.url);
    const [, method] = /^\/api\/([A-Za-z.]+)$/.exec(pathname) ?? [];
    if (method === undefined) return answerWebhook(incoming(workspace, messages, pathname, body));
    return callMethod({ workspace, messages, calls, method, request, body });
  };
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: workspace.port ?? 0, onListen: () => {} },
    (request) => faults.meet(request, answer),
  );
  const url = `http://127.0.0.1:${server.addr.port}`;
  return {
    apiUrl: `${url}/api`,
    webhookUrl: (secret) => `${url}/services/T0TEAM/B0BOT/${secret}`,
    messages,
    get requests() {
      return faults.requests;
    },
    calls,
    workspace,
    faults,
    answerNext: (...answers) =>
      faults.planNext(...answers.map((response) => ({ kind: "answer" as const, response: () => response }))),
    stop: () => server.shutdown(),
  };
}

/** Slack's way of saying "too often". */
export function rateLimited(retryAfterSeconds: number): Response {
  return Response.json({ ok: false, error: "ratelimited" }, {
    status: 429,
    headers: { "retry-after": String(retryAfterSeconds) },
  });
}

interface MethodCall {
  workspace: SlackWorkspace;
  messages: PostedMessage[];
  calls: SlackSimulator["calls"];
  method: string;
  request: Request;
  body: string;
}

function callMethod(call: MethodCall): Response {
  const { workspace, method } = call;
  const headers = new Headers();
  const refuse = (error: string, more: Record<string, unknown> = {}) =>
    Response.json({ ok: false, error, ...more }, { headers });
  const token = /^Bearer (\S+)$/.exec(call.request.headers.get("authorization") ?? "")?.[1];
  if (token === undefined) return refuse("not_authed");
  const grant = grantOf(workspace, token);
  if (grant.refused) return refuse(grant.refused);
  if (!(method in METHOD_SCOPES)) return refuse("unknown_method");
  const args = argumentsOf(call.request, call.body);
  if (typeof args === "string") return refuse(args);
  call.calls.push({ method, args });
  const scopes = grant.scopes ?? ALL_SCOPES;
  headers.set("x-oauth-scopes", scopes.join(","));
  headers.set("x-accepted-oauth-scopes", METHOD_SCOPES[method] ?? "");
  try {
    const answer = answerMethod(call, args, scopes);
    return typeof answer === "string" ? refuse(answer) : Response.json({ ok: true, ...answer }, { headers });
  } catch (error) {
    if (!(error instanceof MissingScope)) throw error;
    return refuse("missing_scope", { needed: error.needed, provided: scopes.join(",") });
  }
}

/** What a token may do, be it one that was given by hand or one of the authorization server. */
function grantOf({ tokens, grants, oauth }: SlackWorkspace, token: string): SlackGrant {
  const grant = grants?.[token];
  if (grant?.refused) return grant;
  if (tokens.includes(token)) return grant ?? {};
  switch (oauth?.accepts(token)) {
    case "valid":
      return { scopes: [...oauth!.scopesOf(token) ?? []] };
    case "expired":
      return { refused: "token_expired" };
    case "revoked":
      return { refused: "token_revoked" };
    default:
      return { refused: "invalid_auth" };
  }
}

function answerMethod(call: MethodCall, args: SlackArguments, scopes: string[]): MethodAnswer {
  switch (call.method) {
    case "auth.test":
      return authTest(call.workspace);
    case "conversations.list":
      return listConversations(call.workspace, args, scopes);
    case "conversations.info":
      return conversationInfo(call.workspace, args, scopes);
    case "conversations.history":
      return history(call.workspace, args, scopes);
    default:
      if (!scopes.includes("chat:write")) throw new MissingScope("chat:write");
      return postMessage(call, args);
  }
}

/** Slack takes a query, a form or JSON; in a form, what is no text is written as JSON. */
function argumentsOf(request: Request, body: string): SlackArguments | string {
  const query = Object.fromEntries(new URL(request.url).searchParams);
  if (request.method === "GET" || body === "") return query;
  const type = request.headers.get("content-type") ?? "";
  if (type.startsWith("application/json")) return parsed(body) ?? "invalid_json";
  if (!type.startsWith("application/x-www-form-urlencoded")) return "invalid_post_type";
  const form: SlackArguments = { ...query, ...Object.fromEntries(new URLSearchParams(body)) };
  const problems: Record<string, string> = {
    blocks: "invalid_blocks_format",
    attachments: "invalid_attachments",
    metadata: "invalid_metadata_format",
  };
  for (const [name, problem] of Object.entries(problems)) {
    if (form[name] === undefined) continue;
    form[name] = parsed(String(form[name]));
    if (form[name] === null) return problem;
  }
  return form;
}

function postMessage({ workspace, messages, body }: MethodCall, args: SlackArguments): MethodAnswer {
  const post: SlackPost = args;
  const conversation = workspace.conversations?.find(post.channel);
  const channel = conversation
    ? (conversation.isArchived ? "archived" : conversation.isMember ? "joined" : "not_joined")
    : workspace.channels[post.channel ?? ""];
  if (channel === undefined) return "channel_not_found";
  if (channel !== "joined") return channel === "archived" ? "is_archived" : "not_in_channel";
  const problem = messageProblem(post);
  if (problem) return problem;
  messages.push({ ...post, by: "token", controls: controlsIn(post), body });
  const ts = conversation && workspace.conversations
    ? workspace.conversations.say(conversation.id, {
      text: post.text ?? "",
      bot_id: "B0BOT",
      user: "U0BOT",
      ...(post.thread_ts === undefined ? {} : { thread_ts: post.thread_ts }),
    }).ts
    : (Date.now() / 1000).toFixed(6);
  const message = { type: "message", text: post.text, blocks: post.blocks, ts, bot_id: "B0BOT" };
  return { channel: conversation?.id ?? post.channel, ts, message };
}

/** The posted message, or the code of what is wrong. */
function incoming(
  workspace: SlackWorkspace,
  messages: PostedMessage[],
  pathname: string,
  body: string,
): PostedMessage | string {
  const secret = /^\/services\/[^/]+\/[^/]+\/([^/]+)$/.exec(pathname)?.[1];
  if (secret === undefined || !workspace.webhooks?.includes(secret)) return "no_service";
  const post: SlackPost | null = parsed(body);
  if (post === null) return "invalid_payload";
  const problem = messageProblem(post);
  if (problem) return problem;
  const message: PostedMessage = { ...post, by: "webhook", controls: controlsIn(post), body };
  messages.push(message);
  return message;
}

const WEBHOOK_STATUSES: Record<string, number> = { no_service: 404, invalid_blocks: 400, no_text: 400 };

function answerWebhook(posted: PostedMessage | string): Response {
  if (typeof posted !== "string") return new Response("ok");
  return new Response(posted, { status: WEBHOOK_STATUSES[posted] ?? 400 });
}

function parsed(body: string): Record<string, unknown> | null {
  try {
    const value = JSON.parse(body);
    return typeof value === "object" && value !== null ? value : null;
  } catch {
    return null;
  }
}
