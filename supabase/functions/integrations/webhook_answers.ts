import * as z from "zod";

const instant = () => z.iso.datetime({ offset: true });
const count = () => z.int().min(0);

/** An inbound webhook as lists show it. */
export const webhookAnswer = () =>
  z.object({
    id: z.uuid(),
    org_id: z.uuid().nullable(),
    connector_id: z.uuid().nullable(),
    provider: z.string(),
    name: z.string(),
    is_active: z.boolean(),
    previous_secret_expires_at: instant().nullable().describe(
      "Until then the secret before the current one verifies too; null = only the current one does.",
    ),
    signing_url: z.url().nullable().describe("The URL the provider signs; null = the webhook's own."),
    settings: z.record(z.string(), z.unknown()).describe(
      "What the scheme must know besides the secret; {} = its defaults.",
    ),
    event_types: z.array(z.string()).describe("Types it wants; contact.* = all that begin with contact."),
    rate_limit_per_second: z.number().int().nullable().describe("Null = what the hub is configured for."),
    through_app: z.boolean().describe(
      "It gets what the provider's app posts for the accounts of its connector; it has no URL and no secret of its own.",
    ),
    deleted_at: instant().nullable().describe("Null = it was not deleted."),
    created_by: z.uuid().nullable(),
    created_at: instant(),
    updated_at: instant(),
    url: z.url().describe("Where the provider posts to; through an app, the one URL of the app."),
  });

/** A webhook after a change. */
export const changedWebhookAnswer = () => webhookAnswer().extend({ tenant_id: z.uuid() });

/** A webhook with the secret it just got. */
export const webhookSecretAnswer = () =>
  changedWebhookAnswer().extend({
    signing_secret: z.string().nullable().describe(
      "Later shown by reveal only; null = the provider works without one.",
    ),
    verify_token: z.string().nullable().describe(
      "For providers that ask for one when they check the address.",
    ),
  });

/** A secret that somebody asked to see. */
export const revealedSecretAnswer = () => z.strictObject({ id: z.uuid(), signing_secret: z.string() });

/** What became of a sample. */
export const webhookTestAnswer = () =>
  z.strictObject({
    success: z.boolean().describe("It verified and was stored."),
    test_id: z.uuid().describe("The request id of the sample is test_<test_id>."),
    url: z.url().describe("Where it was sent to."),
    status: z.int().nullable().describe("What the receiver answered; null = nothing did within 10 s."),
    answer: z.string().nullable().describe("The first 4096 bytes of it."),
    duration_ms: z.int().min(0),
    receipt_id: z.uuid().nullable().describe("Null = nothing was stored."),
    why: z.string().nullable().describe("What to look at; null when all went well."),
  });

const counts = () => ({
  received: count().describe("Requests that brought something new: receipts."),
  events: count().describe("Elements that were new."),
  duplicates: count().describe("Elements that were known already."),
  filtered: count().describe("Elements that the webhook does not want; not stored."),
  refused: count().describe("Requests whose signature did not verify."),
  limited: count().describe("Requests that were sent away because there were too many."),
  dead: count().describe("Dispatches of its events that were given up."),
  body_bytes: count().describe("Of the receipts."),
});

/** A webhook's statistics by hour or day; tests aside. */
export const webhookStatisticsAnswer = () =>
  z.strictObject({
    from: instant().describe("Beginning of the first period, UTC."),
    to: instant().describe("End of the last period."),
    granularity: z.enum(["hour", "day"]),
    last_received_at: instant().nullable().describe("Null = never, or longer ago than statistics are kept."),
    silent_since: instant().nullable().describe(
      "Silent for longer than is usual for it, since its last receipt.",
    ),
    open: z.strictObject({
      pending: count().describe("Dispatches that wait and never failed."),
      failing: count().describe("Dispatches that failed and are tried again."),
      dead: count().describe("Dispatches that were given up and wait for a person."),
      is_exact: z.boolean().describe("false = more than 10000 of the workspace are pending, or dead."),
    }).describe("What is not done now, whatever the time span."),
    total: z.strictObject(counts()),
    periods: z.array(z.strictObject({ period_start: instant(), ...counts() })),
  });

/** What became of the events of a receipt, in dispatches; null when the role does not see them. */
const outcomes = () =>
  z.strictObject({
    pending: count(),
    failing: count().describe("Another attempt follows."),
    dead: count().describe("Given up; they wait for a person."),
    done: count(),
  }).nullable();

/** A receipt as lists show it. */
export const receiptAnswer = () =>
  z.object({
    is_test: z.boolean().describe("A sample that the hub sent itself."),
    outcomes: outcomes(),
    id: z.uuid(),
    webhook_id: z.uuid(),
    provider: z.string(),
    request_id: z.string(),
    content_type: z.string().nullable(),
    body_bytes: z.int().min(0),
    event_count: z.int().min(0),
    duplicate_count: z.int().min(0).describe("Elements that were known already."),
    received_at: instant(),
  });

/** One receipt with its request and what became of its events. */
export const receiptDetailAnswer = () =>
  receiptAnswer().extend({
    headers: z.record(z.string(), z.string()).nullable().describe(
      "As sent, credentials masked; null when the role does not see them.",
    ),
    body_base64: z.base64().nullable(),
    body_text: z.string().nullable().describe("Null when the body is no UTF-8."),
    events: z.array(z.object({
      id: z.uuid(),
      event_type: z.string(),
      payload: z.record(z.string(), z.unknown()),
      created_at: instant(),
      event_dispatches: z.array(z.object({
        id: z.int(),
        consumer: z.string(),
        status: z.enum(["pending", "done", "dead"]),
        attempts: z.int(),
        last_error_code: z.string().nullable(),
        last_error: z.string().nullable(),
        next_attempt_at: instant(),
        finished_at: instant().nullable(),
      })),
    })),
  });

/** How many dispatches went back into the queue. */
export const replayAnswer = () => z.object({ replayed: z.int().min(0) });

/** An event that a consumer gave up. */
export const deadDispatchAnswer = () =>
  z.strictObject({
    id: z.int().describe("Of the dispatch; what POST /dispatches/replay takes."),
    event_id: z.uuid(),
    event_type: z.string().nullable(),
    consumer: z.string(),
    webhook_id: z.uuid().nullable().describe("Null when the event came from elsewhere."),
    receipt_id: z.uuid().nullable(),
    provider: z.string().nullable(),
    type: z.string().nullable().describe("The provider's name for what happened."),
    error_code: z.string().nullable().describe("Why it was given up, for programs."),
    reason: z.string().nullable().describe("Why it was given up, in a sentence."),
    attempts: count(),
    replays: count(),
    created_at: instant(),
    died_at: instant(),
  });

/** How much was given up, and of which kind. */
export const deadDispatchCountAnswer = () =>
  z.strictObject({
    total: count(),
    total_is_exact: z.boolean().describe("false = more than the latest 20000 that are looked at."),
    kinds: z.array(z.strictObject({
      webhook_id: z.uuid().nullable(),
      provider: z.string().nullable(),
      consumer: z.string(),
      error_code: z.string().nullable(),
      dead: count(),
      reason: z.string().nullable().describe("Of the latest."),
      first_died_at: instant(),
      last_died_at: instant(),
    })).describe("The most frequent first, at most 100."),
  });

const replayTotal = () => ({
  total: count().describe("How many dispatches there were when it was asked for."),
  total_is_exact: z.boolean().describe("false = more than total: counting stops after 20000 rows."),
});

/** What a replay of inbound events would do. */
export const inboundReplayPreviewAnswer = () => z.strictObject(replayTotal());

/** A replay of inbound events. */
export const inboundReplayAnswer = () =>
  z.strictObject({
    id: z.uuid(),
    webhook_id: z.uuid().nullable().describe("Null = of all webhooks."),
    filter: z.record(z.string(), z.unknown()),
    state: z.enum(["running", "done", "cancelled", "failed"]),
    ...replayTotal(),
    done: count().describe("How many dispatches it has put back into the queue."),
    examined: count().describe("Receipts, or dead dispatches, it has looked at."),
    reached_at: instant().nullable().describe("How far it came: what it looked at last is of this instant."),
    last_error: z.string().nullable(),
    created_by: z.uuid().nullable(),
    created_at: instant(),
    finished_at: instant().nullable(),
  });
