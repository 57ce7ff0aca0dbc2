import { retryAfterMs } from "../../retry/retry_after.ts";
import { ProviderError, type ProviderErrorClass } from "../provider_error.ts";
import { slackErrorClass } from "./error_codes.ts";

/** A wait where Slack names none. */
const DEFAULT_WAIT_MS = 30_000;

/** What a person does, by class, where the code itself says no more. */
const WAYS_OUT: Partial<Record<ProviderErrorClass, string>> = {
  reconnect_needed: "the connector's credentials are not valid for this; connect Slack again",
  permission_missing: "the app may not do this; add what it lacks and install it again",
  misconfigured: "the channel cannot be used; invite the app, let it write, or name another channel",
  input_refused: "this message is not one that it takes; change it",
  rate_limited: "it was asked too often; try again later",
  transient: "it is in trouble; try again later",
  cursor_expired: "the place to read on from is not valid any more; everything is read anew",
};

const OWN_WAYS_OUT: Record<string, string> = {
  token_expired: "the access token has expired and could not be renewed; connect Slack again",
  token_revoked: "the app was removed or its token revoked; connect Slack again",
  account_inactive: "the app was removed or its account deactivated; connect Slack again",
  no_service: "this incoming webhook does not exist any more; create another one and store its URL",
  not_in_channel: "the app is not in this channel; invite it there, or name another channel",
  channel_not_found: "there is no such channel, or the app may not see it; name one it is in",
  is_archived: "the channel is archived; name another one",
  channel_is_archived: "the channel is archived; name another one",
  invalid_blocks: "the blocks are not valid; try them in Slack's Block Kit Builder",
  msg_blocks_too_long: "all blocks together are too long; send less",
  restricted_action: "a setting of the workspace does not let the app post there; ask its admins",
};

/** What Slack says beside the code. */
export interface SlackFailure {
  /** The scope that is missing, for missing_scope. */
  needed?: unknown;
  retryAfterMs?: number | null;
}

/** The failure that an error code of Slack means. Codes nobody knows may pass. */
export function slackError(code: string | null, { needed, retryAfterMs }: SlackFailure = {}): ProviderError {
  const errorClass = code === null ? undefined : slackErrorClass(code);
  if (code === null || errorClass === undefined) {
    // A word of its own is no secret and helps; anything longer could be a page with anything in it.
    const providerCode = code !== null && /^[a-z0-9_]{2,60}$/.test(code) ? code : null;
    return new ProviderError(
      "malformed_answer",
      "Slack answered something that says neither yes nor no; try again later.",
      { providerCode },
    );
  }
  const wayOut = scopeSentence(code, needed) ?? OWN_WAYS_OUT[code] ?? WAYS_OUT[errorClass];
  return new ProviderError(errorClass, `Slack answered ${code}: ${wayOut}.`, {
    providerCode: code,
    retryAfterMs: errorClass === "rate_limited" ? retryAfterMs ?? DEFAULT_WAIT_MS : null,
  });
}

/** The failure that a status other than 200 means; null = the body has to say. */
export function slackStatusError(answer: { status: number; headers: Headers }): ProviderError | null {
  if (answer.status === 429) {
    return slackError("ratelimited", { retryAfterMs: retryAfterMs(answer.headers, Date.now()) });
  }
  if (answer.status >= 500) {
    return new ProviderError("transient", `Slack answered ${answer.status}; try again later.`);
  }
  return null;
}

function scopeSentence(code: string, needed: unknown): string | null {
  if (code !== "missing_scope" || typeof needed !== "string" || !/^[a-z:._,]{1,200}$/.test(needed)) {
    return null;
  }
  return `the app lacks the scope ${needed}; add it under OAuth & Permissions and install the app again`;
}
