import type { EgressResponse } from "../../guardrails/egress/egress.ts";
import type { ProviderErrorClass } from "../../providers/provider_error.ts";
import { slackCodeOf, slackErrorClass } from "../../providers/slack/error_codes.ts";
import type { RetrySettings } from "../judge_answer.ts";
import type { ChannelJudgement } from "./channel.ts";
import { judgeFailure, judgeStatus, type ProviderFailure } from "./provider_failure.ts";

/** What a delivery makes of the failures that do not pass. */
const KINDS: Partial<Record<ProviderErrorClass, ProviderFailure>> = {
  reconnect_needed: "reconnect",
  permission_missing: "configuration",
  misconfigured: "configuration",
  input_refused: "input",
};

const SENTENCES: Record<ProviderFailure, string> = {
  reconnect: "the connector's credentials are not valid for this; connect Slack again",
  configuration:
    "the channel cannot be posted to; invite the app, let it write, or name another channel, then enable it again",
  input: "this message is not one that it takes; it is kept, and later events are sent",
};

/**
 * What an answer of Slack means. A 200 of the Web API says nothing yet: `ok` decides. Codes we do not know may pass, so
 * they are tried again.
 */
export function judgeSlackAnswer(answer: EgressResponse, retry: RetrySettings): ChannelJudgement {
  const code = slackCodeOf(answer);
  const errorClass = code === null ? undefined : slackErrorClass(code);
  if (answer.status === 429 || errorClass === "rate_limited") {
    return judgeStatus({ status: 429, headers: answer.headers }, retry);
  }
  const isOk = code === "ok" && answer.status === 200;
  if (isOk) return judgeStatus(answer, retry);
  const kind = errorClass && KINDS[errorClass];
  if (kind) return judgeFailure(kind, `Slack answered ${code}: ${SENTENCES[kind]}.`, retry);
  if (answer.status !== 200) return judgeStatus(answer, retry);
  const isPassing = errorClass === "transient";
  return {
    ...judgeStatus({ status: 500, headers: answer.headers }, retry),
    errorClass: isPassing ? "server_error" : "provider_error",
    error: isPassing
      ? `Slack answered ${code}; it is tried again.`
      : "Slack answered something that says neither yes nor no; it is tried again.",
  };
}
