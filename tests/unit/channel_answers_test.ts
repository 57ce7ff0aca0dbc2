import assert from "node:assert/strict";
import { utf8Bytes } from "../../supabase/functions/_shared/crypto/encoding.ts";
import type { ChannelJudgement } from "../../supabase/functions/_shared/delivery/channels/channel.ts";
import { judgeEmailAnswer } from "../../supabase/functions/_shared/delivery/channels/email_answers.ts";
import { judgeSlackAnswer } from "../../supabase/functions/_shared/delivery/channels/slack_answers.ts";

const RETRY = { failures: 1, nowMs: 0, random: () => 0 };
const NO_TIME = {
  resolveMs: null,
  connectMs: null,
  tlsMs: null,
  firstByteMs: null,
  lostConnectionMs: null,
  totalMs: 1,
};

const answer = (status: number, body: string, headers: Record<string, string> = {}) => ({
  ...{ status, headers: new Headers(headers), body: utf8Bytes(body), truncated: false },
  timing: NO_TIME,
});
const slackError = (error: string) => answer(200, JSON.stringify({ ok: false, error }));
const mailError = (status: number, name: string, headers = {}) =>
  answer(status, JSON.stringify({ statusCode: status, name, message: "secret-ish <text>" }), headers);

/** What became of it, in a line: outcome, class, what it asks the lane to wait, why it disables. */
const line = (judged: ChannelJudgement) =>
  [judged.outcome, judged.errorClass, judged.askedMs, judged.disableReason].join(" ");

const SLACK: [string, ReturnType<typeof answer>, string][] = [
  ["yes", answer(200, '{"ok":true,"ts":"1"}'), "delivered   "],
  ["yes, cut", answer(200, '{"ok":true,"message":{"text":"aaa'), "delivered   "],
  ["yes of a webhook", answer(200, "ok"), "delivered   "],
  ...["invalid_auth", "token_revoked", "account_inactive", "token_expired", "not_authed"].map((code) =>
    [code, slackError(code), "failed reconnect_needed 60000 "] as [string, ReturnType<typeof answer>, string]
  ),
  ...["channel_not_found", "not_in_channel", "is_archived", "missing_scope", "restricted_action"].map((
    code,
  ) =>
    [code, slackError(code), "failed channel_misconfigured  misconfigured"] as [
      string,
      ReturnType<typeof answer>,
      string,
    ]
  ),
  ["invalid_blocks", slackError("invalid_blocks"), "refused message_refused  "],
  ["msg_too_long", slackError("msg_too_long"), "refused message_refused  "],
  [
    "429",
    answer(429, '{"ok":false,"error":"ratelimited"}', { "retry-after": "7" }),
    "failed rate_limited 7000 ",
  ],
  ["ratelimited in 200", slackError("ratelimited"), "failed rate_limited 60000 "],
  ["internal_error", slackError("internal_error"), "failed server_error  "],
  ["a new code", slackError("something_new"), "failed provider_error  "],
  ["ok that is no boolean", answer(200, '{"ok":"true"}'), "failed provider_error  "],
  ["a login page", answer(200, "<html>ok</html>"), "failed provider_error  "],
  ["nothing", answer(200, ""), "failed provider_error  "],
  ["a webhook that is gone", answer(404, "no_service"), "failed reconnect_needed 60000 "],
  [
    "an archived channel of a webhook",
    answer(410, "channel_is_archived"),
    "failed channel_misconfigured  misconfigured",
  ],
  ["410 that says nothing", answer(410, ""), "failed gone  "],
  ["503", answer(503, "", { "retry-after": "3" }), "failed server_error 3000 "],
  ["a redirect", answer(302, ""), "failed redirected  "],
];

for (const [name, given, expected] of SLACK) {
  Deno.test(`CHANNELS: Slack says ${name}`, () => {
    const judged = judgeSlackAnswer(given, RETRY);
    assert.equal(line(judged), expected);
    assert.equal(judged.error === null, judged.outcome === "delivered");
    assert.equal(judged.error?.includes("something_new") ?? false, false, "nothing the other side wrote");
  });
}

const EMAIL: [string, ReturnType<typeof answer>, string][] = [
  ["yes", answer(200, '{"id":"1"}'), "delivered   "],
  ["missing_api_key", mailError(401, "missing_api_key"), "failed reconnect_needed 60000 "],
  ["invalid_api_key", mailError(403, "invalid_api_key"), "failed reconnect_needed 60000 "],
  ["an API key in a 400", mailError(400, "invalid_api_key"), "failed reconnect_needed 60000 "],
  [
    "a domain that was not verified",
    mailError(403, "validation_error"),
    "failed channel_misconfigured  misconfigured",
  ],
  [
    "invalid_from_address",
    mailError(422, "invalid_from_address"),
    "failed channel_misconfigured  misconfigured",
  ],
  ["validation_error", mailError(422, "validation_error"), "refused message_refused  "],
  ["another mail under this key", mailError(409, "invalid_idempotent_request"), "refused message_refused  "],
  [
    "the same mail at the same time",
    mailError(409, "concurrent_idempotent_requests"),
    "failed client_error  ",
  ],
  [
    "a rate limit",
    mailError(429, "rate_limit_exceeded", { "retry-after": "2" }),
    "failed rate_limited 2000 ",
  ],
  ["a quota", mailError(429, "daily_quota_exceeded"), "failed rate_limited 60000 "],
  ["an error of its own", mailError(500, "application_error"), "failed server_error  "],
  ["an error named as one of ours", mailError(500, "invalid_api_key"), "failed server_error  "],
  ["garbage", answer(418, "teapot"), "failed client_error  "],
];

for (const [name, given, expected] of EMAIL) {
  Deno.test(`CHANNELS: the e-mail API says ${name}`, () => {
    const judged = judgeEmailAnswer(given, RETRY);
    assert.equal(line(judged), expected);
    assert.equal(judged.error?.includes("secret-ish") ?? false, false, "nothing the other side wrote");
  });
}
