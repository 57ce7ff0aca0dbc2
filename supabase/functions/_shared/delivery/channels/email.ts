import type { EgressResponse } from "../../guardrails/egress/egress.ts";
import type { Endpoint } from "../endpoint_cache.ts";
import type { RetrySettings } from "../judge_answer.ts";
import { EXCERPT_BYTES } from "../response_excerpt.ts";
import type { Channel, ChannelJudgement, ChannelRequest, OutgoingItem } from "./channel.ts";
import { judgeEmailAnswer } from "./email_answers.ts";
import { emailDigest } from "./email_digest.ts";

const USER_AGENT = "Interlock/1";

/** Where, with what and to whom a subscription mails. */
export interface EmailTarget {
  /** Of the e-mail API's `POST /emails`. */
  url: string;
  apiKey: string;
  from: string;
  to: string[];
  /** null = what happened. */
  subject: string | null;
}

/** Mails through an e-mail API of Resend's form: one per request, a batch is a digest. */
export class EmailChannel implements Channel {
  /** How a body begins that goes from and to the same: after a change another one is made. */
  readonly bodyStart: string;

  constructor(private readonly target: EmailTarget) {
    this.bodyStart = `${JSON.stringify({ from: target.from, to: target.to }).slice(0, -1)},`;
  }

  bodyOf(items: OutgoingItem[]): string {
    const { from, to, subject } = this.target;
    return JSON.stringify({ from, to, ...emailDigest(items, subject) });
  }

  request(endpoint: Endpoint, messageId: string, body: Uint8Array<ArrayBuffer>): ChannelRequest {
    return {
      url: this.target.url,
      method: "POST",
      headers: {
        "content-type": "application/json",
        "user-agent": USER_AGENT,
        "authorization": `Bearer ${this.target.apiKey}`,
        // The same on every attempt: what was accepted before is not mailed again.
        "idempotency-key": messageId,
      },
      body,
      timeoutMs: endpoint.timeoutMs,
      maxResponseBytes: EXCERPT_BYTES,
      secrets: endpoint.secrets,
    };
  }

  judge(answer: EgressResponse, retry: RetrySettings): ChannelJudgement {
    return judgeEmailAnswer(answer, retry);
  }
}
