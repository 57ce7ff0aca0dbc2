import type { EgressResponse } from "../../guardrails/egress/egress.ts";
import type { RetrySettings } from "../judge_answer.ts";
import type { ChannelJudgement } from "./channel.ts";
import { judgeFailure, judgeStatus, type ProviderFailure } from "./provider_failure.ts";

/** Names of errors whose meaning the status does not say. */
const NAMES = new Map<string, ProviderFailure>([
  ["missing_api_key", "reconnect"],
  ["invalid_api_key", "reconnect"],
  ["restricted_api_key", "reconnect"],
  ["invalid_from_address", "configuration"],
  ["invalid_to_address", "configuration"],
  ["not_found", "configuration"],
  ["invalid_idempotent_request", "input"],
]);

const STATUSES = new Map<number, ProviderFailure>([
  [400, "input"],
  [401, "reconnect"],
  // A key that is valid but may not send from this domain, or to these addresses.
  [403, "configuration"],
  [404, "configuration"],
  [405, "configuration"],
  [413, "input"],
  [422, "input"],
  [451, "input"],
]);

const SENTENCES: Record<ProviderFailure, string> = {
  reconnect: "the connector's API key is not valid; store a new one",
  configuration:
    "it does not send from this sender or to these addresses; correct them, then enable it again",
  input: "this mail is not one that it takes; it is kept, and later events are sent",
};

const decoder = new TextDecoder();

/** What an answer of an e-mail API of Resend's form means: `{"statusCode", "name", "message"}` beside a status. */
export function judgeEmailAnswer(answer: EgressResponse, retry: RetrySettings): ChannelJudgement {
  const { status } = answer;
  if (status >= 200 && status < 300) return judgeStatus(answer, retry);
  const name = nameOf(answer);
  if (status === 409 && name === "invalid_idempotent_request") {
    const sentence = "The e-mail API has sent another mail for this delivery before; it is not sent twice.";
    return judgeFailure("input", sentence, retry);
  }
  // 429 and 5xx pass, whatever else they say.
  const kind = status === 429 || status >= 500
    ? undefined
    : (name === null ? undefined : NAMES.get(name)) ?? STATUSES.get(status);
  if (kind === undefined) return judgeStatus(answer, retry);
  return judgeFailure(kind, `The e-mail API answered ${status}: ${SENTENCES[kind]}.`, retry);
}

function nameOf({ body }: EgressResponse): string | null {
  try {
    const parsed = JSON.parse(decoder.decode(body)) as { name?: unknown } | null;
    return typeof parsed?.name === "string" ? parsed.name : null;
  } catch {
    return null;
  }
}
