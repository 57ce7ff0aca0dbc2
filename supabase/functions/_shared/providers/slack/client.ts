import type { Logger as SlackLogger, WebClient } from "@slack/web-api";
import { utf8Bytes } from "../../crypto/encoding.ts";
import { environment } from "../../env.ts";
import { type Connection, withValidSecrets } from "../connection.ts";
import { ProviderError } from "../provider_error.ts";
import { slackError, slackStatusError } from "./errors.ts";
import type { SlackConfig, SlackSecrets } from "./settings.ts";

/** A connector of Slack in use. */
export type SlackConnection = Connection<SlackConfig, SlackSecrets>;

const USER_AGENT = "Interlock/1";
const TIMEOUT_MS = 30_000;
/** A page of 200 messages has some 100 KB; one of the longest messages there are, 8 MB. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;

/**
 * Calls Slack's Web API with a token that is valid now, through the connection: Slack's own client writes the requests and
 * reads the answers, without retries, queue or log of its own.
 *
 * @param use - one call; it may be made twice, with a newer token.
 * @throws {ProviderError} what Slack refused, by class; misconfigured for a connector that has an incoming webhook only.
 */
export async function callSlack<Answer>(
  connection: SlackConnection,
  use: (client: WebClient) => Promise<Answer>,
): Promise<Answer> {
  // It takes some 60 ms to load, which no other connector has to pay.
  const { LogLevel, WebClient } = await import("@slack/web-api");
  const logger = silent(LogLevel.ERROR);
  return await withValidSecrets(connection, async (secrets) => {
    if (!("bot_token" in secrets)) throw needsToken();
    const client = new WebClient(secrets.bot_token, {
      slackApiUrl: environment().INTERLOCK_SLACK_API_URL,
      allowAbsoluteUrls: false,
      headers: { "User-Agent": USER_AGENT },
      retryConfig: { retries: 0 },
      rejectRateLimitedCalls: true,
      logger,
      fetch: (url, init) => fetchThrough(connection, url, init),
    });
    try {
      return await use(client);
    } catch (thrown) {
      throw asProviderError(thrown);
    }
  });
}

/** A `fetch` that leaves by the guarded way out. Statuses that settle it are not left to Slack's client. */
async function fetchThrough(
  connection: SlackConnection,
  url: string | URL | Request,
  init: RequestInit = {},
): Promise<Response> {
  if (typeof init.body !== "string") throw new TypeError("Only forms are sent to Slack");
  const answer = await connection.send({
    url: String(url),
    method: "POST",
    headers: Object.fromEntries(new Headers(init.headers)),
    body: utf8Bytes(init.body),
    timeoutMs: TIMEOUT_MS,
    maxResponseBytes: MAX_ANSWER_BYTES,
  });
  const failure = slackStatusError(answer);
  if (failure) throw failure;
  if (answer.truncated) throw new ProviderError("malformed_answer", "Slack's answer is longer than 16 MiB.");
  return new Response(answer.body, { status: answer.status, headers: answer.headers });
}

/**
 * What Slack's client throws, as ours: by its `code`, since its classes would have to be loaded to be asked for. Its own
 * sentences may hold what a server answered, so they are not passed on.
 */
function asProviderError(thrown: unknown): unknown {
  if (thrown instanceof ProviderError || !(thrown instanceof Error)) return thrown;
  const { code, original, data } = thrown as SlackClientError;
  if (original instanceof ProviderError) return original;
  switch (code) {
    case "slack_webapi_platform_error":
      return slackError(typeof data?.error === "string" ? data.error : null, { needed: data?.needed });
    case "slack_webapi_http_error":
      return slackError(null);
    case "slack_webapi_request_error":
      return original ?? thrown;
    default:
      // JSON that is no object.
      return thrown instanceof TypeError ? slackError(null) : thrown;
  }
}

interface SlackClientError extends Error {
  code?: string;
  original?: unknown;
  data?: { error?: unknown; needed?: unknown };
}

/** What is read and who reads it is nobody's affair but the run's. */
function silent(level: ReturnType<SlackLogger["getLevel"]>): SlackLogger {
  const nothing = () => {};
  return {
    ...{ debug: nothing, info: nothing, warn: nothing, error: nothing },
    ...{ setLevel: nothing, setName: nothing, getLevel: () => level },
  };
}

function needsToken(): ProviderError {
  return new ProviderError(
    "misconfigured",
    "This connector has an incoming webhook, which posts and reads nothing; connect Slack with a bot token.",
  );
}
