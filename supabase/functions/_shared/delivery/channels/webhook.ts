import type { EgressResponse } from "../../guardrails/egress/egress.ts";
import type { Endpoint } from "../endpoint_cache.ts";
import { judgeAnswer, type RetrySettings } from "../judge_answer.ts";
import { EXCERPT_BYTES } from "../response_excerpt.ts";
import { webhookSignature } from "../signature.ts";
import type { Channel, ChannelJudgement, ChannelRequest, OutgoingItem } from "./channel.ts";

export const USER_AGENT = "Interlock-Webhooks/1";
/**
 * Answers that say something of the request, not of the endpoint: the next request may fare better. 429 is none of them:
 * an endpoint that takes nothing at all, and does not say until when, would cost every waiting delivery an attempt.
 */
const BLAMES_THE_REQUEST = new Set([400, 409, 410, 413, 415, 422]);

/** A signed POST of Standard Webhooks 1.0.0 to an address of the subscriber's. */
export const webhookChannel: Channel = {
  isPayloadAlone: true,

  bodyOf(items: OutgoingItem[], isBatch: boolean): string {
    if (isBatch) {
      const last = items.reduce((newest, item) => item.timestamp > newest ? item.timestamp : newest, "");
      return JSON.stringify({ type: "batch", timestamp: last, data: { events: items } });
    }
    const { id: _, ...payload } = items[0]!;
    return JSON.stringify(payload);
  },

  request(endpoint: Endpoint, messageId: string, body: Uint8Array<ArrayBuffer>): ChannelRequest {
    const nowMs = Date.now();
    const timestamp = Math.floor(nowMs / 1000);
    const keys = endpoint.keys.filter((key) => key.untilMs > nowMs).map((key) => key.key);
    const signature = webhookSignature(keys, messageId, timestamp, body);
    return {
      url: endpoint.url,
      method: "POST",
      headers: {
        ...endpoint.headers,
        "content-type": "application/json",
        "user-agent": USER_AGENT,
        "webhook-id": messageId,
        "webhook-timestamp": String(timestamp),
        "webhook-signature": signature,
      },
      body,
      timeoutMs: endpoint.timeoutMs,
      maxResponseBytes: EXCERPT_BYTES,
      secrets: [...endpoint.secrets, signature],
    };
  },

  judge(answer: EgressResponse, retry: RetrySettings): ChannelJudgement {
    const judged = judgeAnswer(answer, retry);
    return {
      ...judged,
      endpointFailed: judged.outcome === "failed" && !BLAMES_THE_REQUEST.has(answer.status),
    };
  },
};
