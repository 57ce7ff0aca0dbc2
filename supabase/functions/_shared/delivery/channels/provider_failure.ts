import { judgeAnswer, retryDelayMs, type RetrySettings } from "../judge_answer.ts";
import type { ChannelJudgement } from "./channel.ts";

/** What a failure at a provider is about: who can do something, and whether trying again can help. */
export type ProviderFailure = "reconnect" | "configuration" | "input";

/** Nothing is sent for so long when credentials do not work: each try would only cost another delivery an attempt. */
const RECONNECT_HOLD_MS = 60_000;

/** The judgement on a failure of a known kind; the sentence says what a person can do. */
export function judgeFailure(
  kind: ProviderFailure,
  sentence: string,
  retry: RetrySettings,
): ChannelJudgement {
  const nothing = { retryInMs: null, askedMs: null, disableReason: null, error: sentence };
  switch (kind) {
    case "reconnect": {
      const retryInMs = Math.max(retryDelayMs(retry), RECONNECT_HOLD_MS);
      return {
        ...nothing,
        outcome: "failed",
        errorClass: "reconnect_needed",
        retryInMs,
        askedMs: RECONNECT_HOLD_MS,
        endpointFailed: true,
        isReadAgain: true,
      };
    }
    case "configuration":
      return {
        ...nothing,
        outcome: "failed",
        errorClass: "channel_misconfigured",
        disableReason: "misconfigured",
        endpointFailed: false,
      };
    case "input":
      return { ...nothing, outcome: "refused", errorClass: "message_refused", endpointFailed: false };
  }
}

/**
 * The judgement on a status alone, for whatever may pass. Too many requests hold the lane in any case: a provider
 * counts for the whole account. A provider's 410 is one request's, not the end of the subscription.
 */
export function judgeStatus(
  answer: { status: number; headers: Headers },
  retry: RetrySettings,
): ChannelJudgement {
  const judged = judgeAnswer(answer, retry);
  const isLimited = answer.status === 429;
  return {
    ...judged,
    error: judged.error === null ? null : `The provider answered ${answer.status}.`,
    askedMs: isLimited ? judged.retryInMs : judged.askedMs,
    disableReason: null,
    endpointFailed: judged.outcome === "failed" && !isLimited,
  };
}
