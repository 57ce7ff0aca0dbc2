import * as z from "zod";

const instant = () => z.iso.datetime({ offset: true });

/** What every route shows of a subscription, whatever its kind; `config` is the kind's own. */
export const subscriptionAnswer = <Config extends z.ZodType>(config: Config) =>
  z.strictObject({
    id: z.uuid(),
    label: z.string(),
    description: z.string().nullable(),
    is_enabled: z.boolean(),
    flow: z.enum(["open", "paused", "draining"]).describe("Its own; its tenant may be held besides."),
    config,
    metadata: z.record(z.string(), z.unknown()),
    last_synced_at: instant().nullable().describe("Last successful delivery, to the second."),
    failing_since: instant().nullable().describe("First failure since the last success; null = not failing."),
    disabled_at: instant().nullable(),
    disabled_reason: z.string().nullable().describe(
      "Why the engine disabled it: gone = 410, failing = for days, misconfigured = the provider refuses its channel or sender; null = it did not.",
    ),
    public_key: z.string().nullable().describe("What v1a verifies with, as whpk_<base64>; null with v1."),
    previous_secret_expires_at: instant().nullable().describe(
      "Until then the secret or key before the current one signs too.",
    ),
    created_by: z.uuid().nullable(),
    created_at: instant(),
    updated_at: instant(),
  });

/** The secret that a subscription just got. */
export const signingSecretAnswer = () =>
  z.string().nullable().describe(
    "Shown this once. Null with v1a: its private key leaves Vault for the worker alone.",
  );
