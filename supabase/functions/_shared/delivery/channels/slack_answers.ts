import type { EgressResponse } from "../../guardrails/egress/egress.ts";
import type { RetrySettings } from "../judge_answer.ts";
import type { ChannelJudgement } from "./channel.ts";
import { judgeFailure, judgeStatus, type ProviderFailure } from "./provider_failure.ts";

/** Codes that Slack answers, of chat.postMessage and of incoming webhooks, by what they are about. */
const CODES: Record<ProviderFailure, string[]> = {
  reconnect: [
    ...["invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired"],
    ...["not_allowed_token_type", "access_denied", "org_login_required", "ekm_access_denied"],
    ...["two_factor_setup_required", "team_access_not_granted", "enterprise_is_restricted"],
    ...["invalid_token", "no_service", "no_service_id", "no_active_hooks", "no_team", "team_disabled"],
  ],
  configuration: [
    ...["channel_not_found", "not_in_channel", "is_archived", "channel_is_archived", "user_not_found"],
    ...["restricted_action", "restricted_action_read_only_channel", "restricted_action_thread_only_channel"],
    ...["restricted_action_non_threadable_channel", "posting_to_general_channel_denied", "action_prohibited"],
    ...[
      "missing_scope",
      "no_permission",
      "cannot_reply_to_message",
      "messages_tab_disabled",
      "slack_connect_restricted",
    ],
  ],
  input: [
    ...["no_text", "msg_too_long", "msg_blocks_too_long", "invalid_blocks", "invalid_blocks_format"],
    ...[
      "invalid_attachments",
      "too_many_attachments",
      "invalid_payload",
      "invalid_arguments",
      "invalid_json",
    ],
    ...["invalid_arg_name", "invalid_array_arg", "invalid_charset", "metadata_too_large"],
    ...["invalid_metadata_format", "invalid_metadata_schema", "duplicate_message_not_found"],
  ],
};

const KINDS = new Map(
  (Object.keys(CODES) as ProviderFailure[]).flatMap((kind) => CODES[kind].map((code) => [code, kind])),
) as Map<string, ProviderFailure>;

const SENTENCES: Record<ProviderFailure, string> = {
  reconnect: "the connector's credentials are not valid for this; connect Slack again",
  configuration:
    "the channel cannot be posted to; invite the app, let it write, or name another channel, then enable it again",
  input: "this message is not one that it takes; it is kept, and later events are sent",
};

/** Says the same in both ways in which Slack may be asked too often. */
const RATE_LIMITED = new Set(["ratelimited", "rate_limited", "message_limit_exceeded"]);
/** Slack is in trouble; the same message may be taken later. */
const PASSING = new Set(["internal_error", "fatal_error", "request_timeout", "service_unavailable"]);

const decoder = new TextDecoder();

/**
 * What an answer of Slack means. A 200 of the Web API says nothing yet: `ok` decides. An incoming webhook answers a
 * plain text: `ok`, or a code. Codes we do not know may pass, so they are tried again.
 */
export function judgeSlackAnswer(answer: EgressResponse, retry: RetrySettings): ChannelJudgement {
  const code = codeOf(answer);
  if (answer.status === 429 || (code !== null && RATE_LIMITED.has(code))) {
    return judgeStatus({ status: 429, headers: answer.headers }, retry);
  }
  const isOk = code === "ok" && answer.status === 200;
  if (isOk) return judgeStatus(answer, retry);
  const kind = code === null ? undefined : KINDS.get(code);
  if (kind) return judgeFailure(kind, `Slack answered ${code}: ${SENTENCES[kind]}.`, retry);
  if (answer.status !== 200) return judgeStatus(answer, retry);
  const isPassing = code !== null && PASSING.has(code);
  return {
    ...judgeStatus({ status: 500, headers: answer.headers }, retry),
    errorClass: isPassing ? "server_error" : "provider_error",
    error: isPassing
      ? `Slack answered ${code}; it is tried again.`
      : "Slack answered something that says neither yes nor no; it is tried again.",
  };
}

/** "ok", an error code, or null for what cannot be read. A long answer may be cut: `ok` stands at its beginning. */
function codeOf({ body }: EgressResponse): string | null {
  const text = decoder.decode(body).trim();
  if (/^[a-z_]{2,60}$/.test(text)) return text;
  if (/^\{\s*"ok"\s*:\s*true\b/.test(text)) return "ok";
  try {
    const parsed = JSON.parse(text) as { ok?: unknown; error?: unknown } | null;
    if (parsed?.ok === true) return "ok";
    return typeof parsed?.error === "string" ? parsed.error : null;
  } catch {
    return null;
  }
}
