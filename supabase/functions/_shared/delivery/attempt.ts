import { utf8Bytes } from "../crypto/encoding.ts";
import { faultPoint } from "../fault_point.ts";
import { EgressError, type EgressTiming, type sendRequest } from "../guardrails/egress/egress.ts";
import type { AttemptTiming, DeliveryResult, PayloadBuilder } from "./contract.ts";
import type { Endpoint } from "./endpoint_cache.ts";
import { blankResult, type Flight } from "./flight.ts";
import { judgeAnswer, retryAfterFailureMs, type RetrySettings } from "./judge_answer.ts";
import { composeBody } from "./payload.ts";
import { EXCERPT_BYTES, responseExcerpt } from "./response_excerpt.ts";
import { webhookSignature } from "./signature.ts";

const USER_AGENT = "Interlock-Webhooks/1";
/** Longest time for which an endpoint can hold its whole lane. */
const MAX_HOLD_MS = 60 * 60_000;
/**
 * Answers that say something of the request, not of the endpoint: the next request may fare better. 429 is none of them:
 * an endpoint that takes nothing at all, and does not say until when, would cost every waiting delivery an attempt.
 */
const BLAMES_THE_REQUEST = new Set([400, 409, 410, 413, 415, 422]);

/** What became of the one request, for every delivery in it. */
type Outcome = Partial<DeliveryResult>;

/** Makes one attempt and says what became of it. Never throws: a failure is a result like any other. */
export async function attemptFlight(
  flight: Flight,
  endpoint: Endpoint,
  builder: PayloadBuilder,
  sendOut: typeof sendRequest,
): Promise<DeliveryResult[]> {
  const startedMs = performance.now();
  const composing = composeBody(flight, builder, endpoint.transform);
  const composed = composing instanceof Promise ? await composing : composing;
  const results = flight.deliveries.map((delivery) => ({
    ...blankResult(flight, delivery),
    ...composed.refusals.get(delivery.delivery_id),
  }));
  const sent = results.filter((result) => !composed.refusals.has(result.delivery_id));
  if (sent.length === 0) return results;
  const outcome = await post(flight, endpoint, composed.text, sendOut);
  const durationMs = Math.round(performance.now() - startedMs);
  for (const result of sent) Object.assign(result, outcome, { duration_ms: durationMs });
  // A body that was built now is kept, once: a later attempt sends the same bytes.
  if (!composed.isRepeated) sent[0]!.request_body = composed.text;
  return results;
}

async function post(
  flight: Flight,
  endpoint: Endpoint,
  text: string,
  sendOut: typeof sendRequest,
): Promise<Outcome> {
  const retry = {
    failures: flight.deliveries[0]!.failures + 1,
    scheduleSeconds: endpoint.retryScheduleSeconds,
  };
  try {
    const body = utf8Bytes(text);
    const nowMs = Date.now();
    const timestamp = Math.floor(nowMs / 1000);
    const keys = endpoint.keys.filter((key) => key.untilMs > nowMs).map((key) => key.key);
    const signature = webhookSignature(keys, flight.messageId, timestamp, body);
    const response = await sendOut({
      url: endpoint.url,
      method: "POST",
      headers: {
        ...endpoint.headers,
        "content-type": "application/json",
        "user-agent": USER_AGENT,
        "webhook-id": flight.messageId,
        "webhook-timestamp": String(timestamp),
        "webhook-signature": signature,
      },
      body,
      timeoutMs: endpoint.timeoutMs,
      maxResponseBytes: EXCERPT_BYTES,
    });
    await faultPoint("deliver.sent");
    return {
      ...judge(response, retry),
      timing: timingOf(response.timing),
      response_excerpt: responseExcerpt(response.body, [...endpoint.secrets, signature]),
    };
  } catch (error) {
    return failure(error, retry);
  }
}

function judge(answer: { status: number; headers: Headers }, retry: RetrySettings): Outcome {
  const judged = judgeAnswer(answer, retry);
  return {
    outcome: judged.outcome,
    retry_in_ms: judged.retryInMs,
    hold_lane_ms: judged.askedMs === null ? null : Math.min(judged.askedMs, MAX_HOLD_MS),
    disable_reason: judged.disableReason,
    endpoint_failed: judged.outcome === "failed" && !BLAMES_THE_REQUEST.has(answer.status),
    status_code: answer.status,
    error_class: judged.errorClass,
    error: judged.error,
  };
}

function failure(error: unknown, retry: RetrySettings): Outcome {
  const known = error instanceof EgressError;
  const errorClass = known ? error.errorClass : "internal";
  return {
    retry_in_ms: retryAfterFailureMs(errorClass, retry),
    endpoint_failed: known,
    error_class: errorClass,
    error: known ? error.message : "The attempt failed inside the hub.",
    timing: known ? timingOf(error.timing) : null,
  };
}

function timingOf(timing: EgressTiming): AttemptTiming {
  const round = (ms: number | null) => ms === null ? null : Math.round(ms * 10) / 10;
  return {
    resolve_ms: round(timing.resolveMs),
    connect_ms: round(timing.connectMs),
    tls_ms: round(timing.tlsMs),
    first_byte_ms: round(timing.firstByteMs),
    // Rare, and the log is long: only where it happened.
    ...(timing.lostConnectionMs === null ? {} : { lost_connection_ms: round(timing.lostConnectionMs) }),
  };
}
