import { controlsIn, messageProblem, type SlackPost } from "./blocks.ts";

/** A message that was posted. */
export interface PostedMessage extends SlackPost {
  /** How it came: with a token, or through an incoming webhook. */
  by: "token" | "webhook";
  /** Mentions and links it would make. */
  controls: string[];
  /** The request's body, byte for byte. */
  body: string;
}

/** A workspace: who may post, and where. */
export interface SlackWorkspace {
  /** 0 or left out = any free port. */
  port?: number;
  /** Tokens that are valid. */
  tokens: string[];
  /** Channels by id or #name: whether the app is in it. */
  channels: Record<string, "joined" | "not_joined" | "archived">;
  /** Secret parts of incoming webhooks. */
  webhooks?: string[];
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
  workspace: SlackWorkspace;
  /** The next requests are answered like this, one each. */
  answerNext(...answers: Response[]): void;
  stop(): Promise<void>;
}

/**
 * Plays Slack's `chat.postMessage` and its incoming webhooks: checks who posts, where and what, and answers as Slack
 * does, which for the Web API is 200 with `ok: false`.
 */
export function startSlack(workspace: SlackWorkspace): SlackSimulator {
  const messages: PostedMessage[] = [];
  const scripted: Response[] = [];
  let requests = 0;
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: workspace.port ?? 0, onListen: () => {} },
    async (request) => {
      requests++;
      const body = await request.text();
      const { pathname } = new URL(request.url);
      const next = scripted.shift();
      if (next) return next;
      return pathname === "/api/chat.postMessage"
        ? answerApi(postMessage(workspace, messages, request, body))
        : answerWebhook(incoming(workspace, messages, pathname, body));
    },
  );
  const url = `http://127.0.0.1:${server.addr.port}`;
  return {
    apiUrl: `${url}/api`,
    webhookUrl: (secret) => `${url}/services/T0TEAM/B0BOT/${secret}`,
    messages,
    get requests() {
      return requests;
    },
    workspace,
    answerNext: (...answers) => void scripted.push(...answers),
    stop: () => server.shutdown(),
  };
}

/** The posted message, or the code of what is wrong. */
type Posted = PostedMessage | string;

function postMessage(
  workspace: SlackWorkspace,
  messages: PostedMessage[],
  request: Request,
  body: string,
): Posted {
  const token = /^Bearer (\S+)$/.exec(request.headers.get("authorization") ?? "")?.[1];
  if (token === undefined) return "not_authed";
  if (!workspace.tokens.includes(token)) return "invalid_auth";
  if (!request.headers.get("content-type")?.startsWith("application/json")) return "invalid_post_type";
  const post = parsed(body);
  if (post === null) return "invalid_json";
  const channel = workspace.channels[post.channel ?? ""];
  if (channel === undefined) return "channel_not_found";
  if (channel !== "joined") return channel === "archived" ? "is_archived" : "not_in_channel";
  return messageProblem(post) ?? keep(messages, { ...post, by: "token", controls: controlsIn(post), body });
}

function incoming(
  workspace: SlackWorkspace,
  messages: PostedMessage[],
  pathname: string,
  body: string,
): Posted {
  const secret = /^\/services\/[^/]+\/[^/]+\/([^/]+)$/.exec(pathname)?.[1];
  if (secret === undefined || !workspace.webhooks?.includes(secret)) return "no_service";
  const post = parsed(body);
  if (post === null) return "invalid_payload";
  return messageProblem(post) ??
    keep(messages, { ...post, by: "webhook", controls: controlsIn(post), body });
}

function keep(messages: PostedMessage[], message: PostedMessage): PostedMessage {
  messages.push(message);
  return message;
}

function answerApi(posted: Posted): Response {
  if (typeof posted === "string") return Response.json({ ok: false, error: posted });
  const ts = (Date.now() / 1000).toFixed(6);
  const message = { type: "message", text: posted.text, blocks: posted.blocks, ts };
  return Response.json({ ok: true, channel: posted.channel, ts, message });
}

const WEBHOOK_STATUSES: Record<string, number> = { no_service: 404, invalid_blocks: 400, no_text: 400 };

function answerWebhook(posted: Posted): Response {
  if (typeof posted !== "string") return new Response("ok");
  return new Response(posted, { status: WEBHOOK_STATUSES[posted] ?? 400 });
}

function parsed(body: string): SlackPost | null {
  try {
    const value = JSON.parse(body);
    return typeof value === "object" && value !== null ? value : null;
  } catch {
    return null;
  }
}
