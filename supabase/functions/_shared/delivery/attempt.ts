import { utf8Bytes } from "../crypto/encoding.ts";
import { faultPoint } from "../fault_point.ts";
import { EgressError, type EgressTiming, type sendRequest } from "../guardrails/egress/egress.ts";
import type { ChannelJudgement } from "./channels/channel.ts";
import type { AttemptTiming, DeliveryResult, PayloadBuilder } from "./contract.ts";
import type { Endpoint, EndpointProblem } from "./endpoint_cache.ts";
import { blankResult, type Flight } from "./flight.ts";
import { retryAfterFailureMs, type RetrySettings } from "./judge_answer.ts";
import { composeBody } from "./payload.ts";
import { responseExcerpt } from "./response_excerpt.ts";

/** Longest time for which an endpoint can hold its whole lane. */
const MAX_HOLD_MS = 60 * 60_000;
/** Until it is looked again whether what was missing is there; a change of the connector ends the wait. */
const UNAVAILABLE_HOLD_MS = 60_000;

/** What became of the one request, for every delivery in it. */
type Outcome = Partial<DeliveryResult>;

/** Makes one attempt and says what became of it. Never throws: a failure is a result like any other. */
export async function attemptFlight(
  flight: Flight,
  endpoint: Endpoint,
  builder: PayloadBuilder,
  sendOut: typeof sendRequest,
): Promise<DeliveryResult[]> {
  if (endpoint.problem !== null) return unsent(flight, endpoint, endpoint.problem);
  const startedMs = performance.now();
  const composing = composeBody(flight, builder, endpoint);
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

/** Nothing can be sent: it is tried again like any failure, but the lane waits, so that not every delivery pays. */
function unsent(
  flight: Flight,
  endpoint: Endpoint,
  { errorClass, error }: EndpointProblem,
): DeliveryResult[] {
  const retry = retrySettings(flight, endpoint);
  return flight.deliveries.map((delivery) => ({
    ...blankResult(flight, delivery),
    retry_in_ms: retryAfterFailureMs(errorClass, retry),
    hold_lane_ms: UNAVAILABLE_HOLD_MS,
    endpoint_failed: true,
    error_class: errorClass,
    error,
  }));
}

function retrySettings(flight: Flight, endpoint: Endpoint): RetrySettings {
  return { failures: flight.deliveries[0]!.failures + 1, scheduleSeconds: endpoint.retryScheduleSeconds };
}

async function post(
  flight: Flight,
  endpoint: Endpoint,
  text: string,
  sendOut: typeof sendRequest,
): Promise<Outcome> {
  const retry = retrySettings(flight, endpoint);
  try {
    const request = endpoint.channel.request(endpoint, flight.messageId, utf8Bytes(text));
    const response = await sendOut(request);
    await faultPoint("deliver.sent");
    const judged = endpoint.channel.judge(response, retry);
    if (judged.isReadAgain) endpoint.staleAtMs = 0;
    return {
      ...outcomeOf(judged, response.status),
      timing: timingOf(response.timing),
      response_excerpt: responseExcerpt(response.body, request.secrets),
    };
  } catch (error) {
    return failure(error, retry);
  }
}

function outcomeOf(judged: ChannelJudgement, status: number): Outcome {
  return {
    outcome: judged.outcome,
    retry_in_ms: judged.retryInMs,
    hold_lane_ms: judged.askedMs === null ? null : Math.min(judged.askedMs, MAX_HOLD_MS),
    disable_reason: judged.disableReason,
    endpoint_failed: judged.endpointFailed,
    status_code: status,
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
