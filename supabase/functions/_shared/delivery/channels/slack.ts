import type { EgressResponse } from "../../guardrails/egress/egress.ts";
import type { Endpoint } from "../endpoint_cache.ts";
import type { RetrySettings } from "../judge_answer.ts";
import type { Channel, ChannelJudgement, ChannelRequest, OutgoingItem } from "./channel.ts";
import { judgeSlackAnswer } from "./slack_answers.ts";
import { slackMessage } from "./slack_blocks.ts";

/** Slack's answer repeats the message; what counts stands at its beginning. */
const MAX_ANSWER_BYTES = 65_536;
const USER_AGENT = "Interlock/1";

/** Where and with what a subscription posts. */
export interface SlackTarget {
  /** Of chat.postMessage, or an incoming webhook, which is itself the credential. */
  url: string;
  /** Bot token; null with an incoming webhook. */
  token: string | null;
  /** Channel; an incoming webhook has its own. */
  channel: string;
}

/**
 * Messages in a Slack channel. Slack knows no idempotency key: a worker that disappears after the request posts twice.
 * The webhook-id goes along as metadata, so that an app in the workspace can tell.
 */
export class SlackChannel implements Channel {
  /** How a body begins that was made for this channel: after a change of channel another one is made. */
  readonly bodyStart: string;

  constructor(private readonly target: SlackTarget) {
    this.bodyStart = target.token === null
      ? '{"unfurl_links":'
      : `${JSON.stringify({ channel: target.channel }).slice(0, -1)},"unfurl_links":`;
  }

  bodyOf(items: OutgoingItem[], isBatch: boolean, messageId: string): string {
    const quiet = { unfurl_links: false, unfurl_media: false };
    const message = slackMessage(items, isBatch);
    if (this.target.token === null) return JSON.stringify({ ...quiet, ...message });
    const metadata = { event_type: "interlock_delivery", event_payload: { webhook_id: messageId } };
    return JSON.stringify({ channel: this.target.channel, ...quiet, ...message, metadata });
  }

  request(endpoint: Endpoint, _messageId: string, body: Uint8Array<ArrayBuffer>): ChannelRequest {
    return {
      url: this.target.url,
      method: "POST",
      headers: {
        "content-type": "application/json; charset=utf-8",
        "user-agent": USER_AGENT,
        ...(this.target.token === null ? {} : { authorization: `Bearer ${this.target.token}` }),
      },
      body,
      timeoutMs: endpoint.timeoutMs,
      maxResponseBytes: MAX_ANSWER_BYTES,
      secrets: endpoint.secrets,
    };
  }

  judge(answer: EgressResponse, retry: RetrySettings): ChannelJudgement {
    return judgeSlackAnswer(answer, retry);
  }
}
