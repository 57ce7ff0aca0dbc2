import type { ProviderErrorClass } from "../provider_error.ts";

/**
 * Codes that Slack answers, of the Web API and of incoming webhooks, by what can be done about them. Source: the error
 * tables of the methods used here on docs.slack.dev, and those of incoming webhooks.
 */
const CODES: Partial<Record<ProviderErrorClass, string[]>> = {
  reconnect_needed: [
    ...["invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired"],
    ...["not_allowed_token_type", "access_denied", "org_login_required", "ekm_access_denied"],
    ...["two_factor_setup_required", "team_access_not_granted", "enterprise_is_restricted"],
    ...["invalid_token", "no_service", "no_service_id", "no_active_hooks", "no_team", "team_disabled"],
  ],
  permission_missing: ["missing_scope", "no_permission"],
  misconfigured: [
    ...["channel_not_found", "not_in_channel", "is_archived", "channel_is_archived", "user_not_found"],
    ...["restricted_action", "restricted_action_read_only_channel", "restricted_action_thread_only_channel"],
    ...["restricted_action_non_threadable_channel", "posting_to_general_channel_denied", "action_prohibited"],
    ...["cannot_reply_to_message", "messages_tab_disabled", "slack_connect_restricted"],
    ...["method_not_supported_for_channel_type", "invalid_channel"],
  ],
  input_refused: [
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
    ...["invalid_thread_ts", "thread_not_found", "markdown_text_conflict", "as_user_not_supported"],
  ],
  rate_limited: ["ratelimited", "rate_limited", "message_limit_exceeded"],
  transient: ["internal_error", "fatal_error", "request_timeout", "service_unavailable", "rollup_error"],
  cursor_expired: ["invalid_cursor"],
};

const CLASSES = new Map(
  (Object.keys(CODES) as ProviderErrorClass[]).flatMap((errorClass) =>
    CODES[errorClass]!.map((code): [string, ProviderErrorClass] => [code, errorClass])
  ),
);

const decoder = new TextDecoder();

/** What an error code of Slack is about; undefined = we do not know it. */
export function slackErrorClass(code: string): ProviderErrorClass | undefined {
  return CLASSES.get(code);
}

/**
 * "ok", an error code, or null for what cannot be read. A 200 of the Web API says nothing yet: `ok` decides. An incoming
 * webhook answers a plain text: `ok`, or a code. A long answer may be cut: `ok` stands at its beginning.
 */
export function slackCodeOf({ body }: { body: Uint8Array }): string | null {
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
