import { utf8Bytes } from "../crypto/encoding.ts";
import { faultPoint } from "../fault_point.ts";
import { EgressError, type EgressTiming, type sendRequest } from "../guardrails/egress/egress.ts";
import {
  type AttemptTiming,
  type ClaimedDelivery,
  type DeliveryResult,
  type PayloadBuilder,
  PayloadRefused,
} from "./contract.ts";
import type { Endpoint } from "./endpoint_cache.ts";
import { judgeAnswer, retryDelayMs } from "./judge_answer.ts";
import { EXCERPT_BYTES, responseExcerpt } from "./response_excerpt.ts";
import { webhookSignature } from "./signature.ts";

const USER_AGENT = "Interlock-Webhooks/1";

/** Makes one attempt and says what became of it. Never throws: a failure is a result like any other. */
export async function attemptDelivery(
  delivery: ClaimedDelivery,
  endpoint: Endpoint,
  builder: PayloadBuilder,
  sendOut: typeof sendRequest,
): Promise<DeliveryResult> {
  const startedMs = Date.now();
  const result: DeliveryResult = {
    delivery_id: delivery.delivery_id,
    lease_token: delivery.lease_token,
    outcome: "failed",
    max_attempts: delivery.max_attempts,
    retry_in_ms: null,
    disable_reason: null,
    status_code: null,
    error_class: null,
    error: null,
    started_at: new Date(startedMs).toISOString(),
    duration_ms: 0,
    timing: null,
    response_excerpt: null,
    request_body: null,
  };
  try {
    const text = delivery.body ?? JSON.stringify(builder(delivery));
    result.request_body = delivery.body === null ? text : null;
    await send(delivery, endpoint, text, startedMs, result, sendOut);
  } catch (error) {
    fail(result, error, delivery.failures + 1);
  }
  result.duration_ms = Date.now() - startedMs;
  return result;
}

async function send(
  delivery: ClaimedDelivery,
  endpoint: Endpoint,
  text: string,
  startedMs: number,
  result: DeliveryResult,
  sendOut: typeof sendRequest,
): Promise<void> {
  const body = utf8Bytes(text);
  const timestamp = Math.floor(startedMs / 1000);
  const keys = endpoint.keys.filter((key) => key.untilMs > startedMs).map((key) => key.key);
  const signature = webhookSignature(keys, delivery.message_id, timestamp, body);
  const response = await sendOut({
    url: endpoint.url,
    method: "POST",
    headers: {
      ...endpoint.headers,
      "content-type": "application/json",
      "user-agent": USER_AGENT,
      "webhook-id": delivery.message_id,
      "webhook-timestamp": String(timestamp),
      "webhook-signature": signature,
    },
    body,
    timeoutMs: endpoint.timeoutMs,
    maxResponseBytes: EXCERPT_BYTES,
  });
  await faultPoint("deliver.sent");
  const judged = judgeAnswer(response.status, response.headers, delivery.failures + 1, Date.now());
  result.outcome = judged.outcome;
  result.retry_in_ms = judged.retryInMs;
  result.disable_reason = judged.disableReason;
  result.status_code = response.status;
  result.error_class = judged.errorClass;
  result.error = judged.error;
  result.timing = timingOf(response.timing);
  result.response_excerpt = responseExcerpt(response.body, [...endpoint.secrets, signature]);
}

function fail(result: DeliveryResult, error: unknown, failures: number): void {
  if (error instanceof PayloadRefused) {
    result.outcome = "refused";
    result.error_class = "payload_refused";
    result.error = error.message;
    return;
  }
  result.retry_in_ms = retryDelayMs(failures);
  result.error_class = error instanceof EgressError ? error.errorClass : "internal";
  result.error = error instanceof EgressError ? error.message : "The attempt failed inside the hub.";
  result.timing = error instanceof EgressError ? timingOf(error.timing) : null;
}

function timingOf(timing: EgressTiming): AttemptTiming {
  const round = (ms: number | null) => ms === null ? null : Math.round(ms * 10) / 10;
  return {
    resolve_ms: round(timing.resolveMs),
    connect_ms: round(timing.connectMs),
    tls_ms: round(timing.tlsMs),
    first_byte_ms: round(timing.firstByteMs),
  };
}
