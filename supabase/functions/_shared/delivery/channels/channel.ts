import type { EgressRequest, EgressResponse } from "../../guardrails/egress/egress.ts";
import type { WebhookPayload } from "../contract.ts";
import type { Endpoint } from "../endpoint_cache.ts";
import type { Judgement, RetrySettings } from "../judge_answer.ts";

/** A payload that leaves, with the webhook-id of its delivery. */
export type OutgoingItem = { id: string } & WebhookPayload;

/** A request that is ready to go, and what of it must not be stored should the other side echo it. */
export interface ChannelRequest extends EgressRequest {
  secrets: string[];
}

/** What an answer means, for the delivery and for the lane. */
export interface ChannelJudgement extends Omit<Judgement, "outcome"> {
  /** refused = this message will never be accepted, later ones may be. */
  outcome: Judgement["outcome"] | "refused";
  /** The other side is in trouble, whatever the request: what the breaker counts. */
  endpointFailed: boolean;
  /** The credentials were not accepted: they may have been replaced in Vault, so they are read again. */
  isReadAgain?: boolean;
}

/**
 * How deliveries leave: which text is made of payloads, which request carries it, and what an answer means. One file
 * per channel; payloads come ready, with mappings and transformation applied.
 */
export interface Channel {
  /** The text of a single delivery says its payload and nothing else: subscriptions of one event share it. */
  isPayloadAlone?: boolean;
  /** Text of the request's body, JSON. A batch is one text. */
  bodyOf(items: OutgoingItem[], isBatch: boolean, messageId: string, endpoint: Endpoint): string;
  /** @throws {ConnectorUnavailable} when there is nothing to send with. */
  request(endpoint: Endpoint, messageId: string, body: Uint8Array<ArrayBuffer>): ChannelRequest;
  judge(answer: EgressResponse, retry: RetrySettings): ChannelJudgement;
}
