import * as z from "zod";
import { DELIVERY_STATES } from "./standing.ts";

const instant = () => z.iso.datetime({ offset: true });
const count = () => z.int().min(0);

/** A delivery in a list. */
export const deliveryAnswer = () =>
  z.strictObject({
    id: z.uuid(),
    webhook_id: z.string().describe(
      "webhook-id on the wire; in a batch, that of the batch stands with the attempt.",
    ),
    integration_id: z.uuid(),
    event_id: z.uuid().nullable(),
    event_type: z.string(),
    status: z.enum(["pending", "failed", "delivered", "discarded"]),
    attempt_count: count().describe("Attempts reported so far."),
    replays: count().describe("How often a person asked for it again."),
    last_status_code: z.int().nullable(),
    last_error_class: z.string().nullable(),
    last_error: z.string().nullable(),
    created_at: instant(),
    first_attempt_at: instant().nullable(),
    last_attempt_at: instant().nullable(),
    finished_at: instant().nullable(),
    state: z.enum(DELIVERY_STATES).describe("Where it stands now."),
    why: z.string().nullable().describe("The same in a sentence, while it is open."),
    next_attempt_at: instant().nullable().describe(
      "Null = as soon as possible, or not before somebody acts.",
    ),
    in_flight_since: instant().nullable(),
    in_flight_until: instant().nullable().describe("End of the worker's lease."),
  });

/** One try. */
const attemptAnswer = () =>
  z.strictObject({
    attempt: z.int(),
    webhook_id: z.string(),
    batch_id: z.uuid().nullable().describe("Null = the request carried this delivery alone."),
    outcome: z.enum(["delivered", "failed", "refused", "lost"]),
    status_code: z.int().nullable(),
    error_class: z.string().nullable(),
    started_at: instant(),
    duration_ms: count().nullable(),
    timing: z.record(z.string(), z.number().nullable()).nullable().describe("Phases in milliseconds."),
    response_excerpt: z.string().nullable().describe("First bytes of the answer, our secrets masked."),
  });

/** A delivery with all that is known of it. */
export const deliveryDetailAnswer = () =>
  deliveryAnswer().extend({
    request_body: z.string().nullable().describe("The exact body; null = nothing was sent yet."),
    attempts: z.array(attemptAnswer()).describe("Oldest first; the latest 200."),
    event: z.strictObject({
      id: z.uuid(),
      event_type: z.string(),
      entity_type: z.string(),
      entity_id: z.string(),
      source: z.string(),
      trace_id: z.string(),
      occurred_at: instant(),
      payload: z.record(z.string(), z.unknown()),
    }).nullable().describe("Null for a test, or when you may not see it."),
    lane: z.strictObject({
      is_enabled: z.boolean(),
      flow: z.string(),
      disabled_reason: z.string().nullable(),
      is_open: z.boolean().describe("false = nothing goes out: disabled or paused, itself or all."),
      in_flight: count(),
      max_in_flight: count(),
      is_fifo: z.boolean(),
      held_until: instant().nullable().describe("Nothing goes out before; null = now."),
      consecutive_failures: count(),
      breaker_is_open: z.boolean(),
      failing_since: instant().nullable(),
      last_delivered_at: instant().nullable(),
      ahead: count().nullable().describe("Deliveries before it, counted to 1000; null = it is not in line."),
      ahead_is_exact: z.boolean().nullable(),
    }).nullable(),
  });

/** A delivery that was given up. */
export const deadLetterAnswer = () =>
  z.strictObject({
    id: z.uuid(),
    integration_id: z.uuid(),
    event_id: z.uuid().nullable(),
    event_type: z.string(),
    error_class: z.string().nullable().describe("Why it was given up, for programs."),
    reason: z.string().nullable().describe("Why it was given up, in a sentence."),
    last_status_code: z.int().nullable(),
    attempt_count: count(),
    replays: count(),
    created_at: instant(),
    discarded_at: instant(),
  });

/** What a replay by ids did. */
export const replayedAnswer = () =>
  z.strictObject({ replayed: count().describe("Deliveries that went back into the queue.") });
