import { z } from "zod";
import { subscriptionStatisticsAnswer } from "../_shared/outbound/statistics.ts";
import { SIGNATURE_VERSIONS } from "../_shared/delivery/signature.ts";
import { SCOPES } from "../_shared/meta/vocabulary.ts";

const instant = () => z.iso.datetime({ offset: true });
const count = () => z.int().min(0);

/** An integration as every route shows it. */
export const integrationAnswer = () =>
  z.strictObject({
    id: z.uuid(),
    integration_key: z.string(),
    label: z.string(),
    description: z.string().nullable(),
    is_enabled: z.boolean(),
    config: z.strictObject({
      webhook_url: z.string(),
      headers: z.array(z.string()).optional().describe("Names; the values are in Vault."),
      timeout_ms: z.int().optional(),
      max_attempts: z.int().optional(),
      max_in_flight: z.int().optional(),
      signature: z.enum(SIGNATURE_VERSIONS).optional().describe(
        "v1 = HMAC-SHA-256 (default), v1a = Ed25519; changed by a rotation only.",
      ),
    }),
    scopes: z.array(z.enum(SCOPES)),
    metadata: z.record(z.string(), z.unknown()),
    last_synced_at: instant().nullable().describe("Last successful delivery, to the second."),
    failing_since: instant().nullable().describe("First failure since the last success; null = not failing."),
    disabled_at: instant().nullable(),
    disabled_reason: z.string().nullable().describe(
      "Why the engine disabled it: gone = 410; null = it did not.",
    ),
    public_key: z.string().nullable().describe("What v1a verifies with, as whpk_<base64>; null with v1."),
    previous_secret_expires_at: instant().nullable().describe(
      "Until then the secret or key before the current one signs too.",
    ),
    created_by: z.uuid().nullable(),
    created_at: instant(),
    updated_at: instant(),
  });

/** An integration in the list. */
export const listedIntegrationAnswer = () =>
  integrationAnswer().extend({
    statistics: subscriptionStatisticsAnswer(),
  });

/** An integration with the secret it just got. */
export const integrationSecretAnswer = () =>
  integrationAnswer().extend({
    signing_secret: z.string().nullable().describe(
      "Shown this once. Null with v1a: its private key leaves Vault for the worker alone.",
    ),
  });

/** What became of a test. */
export const testAnswer = () =>
  z.strictObject({
    success: z.boolean(),
    webhook_id: z.string().describe("webhook-id on the wire."),
    delivery: z.strictObject({
      id: z.uuid(),
      status: z.enum(["pending", "failed", "delivered", "discarded"]),
      attempt_count: count(),
      last_error_class: z.string().nullable(),
      last_error: z.string().nullable(),
      created_at: instant(),
      finished_at: instant().nullable(),
    }).nullable(),
    attempt: z.strictObject({
      attempt: z.int(),
      outcome: z.enum(["delivered", "failed", "refused", "lost"]),
      status_code: z.int().nullable(),
      error_class: z.string().nullable(),
      started_at: instant(),
      duration_ms: count().nullable(),
      timing: z.record(z.string(), z.number().nullable()).nullable().describe("Phases in milliseconds."),
      response_excerpt: z.string().nullable().describe("First bytes of the answer, our secrets masked."),
      request_body: z.string().nullable(),
    }).nullable().describe("Null when no worker took it within 35 s."),
  });
