import type { Json } from "../_shared/db/database.types.ts";
import { publicFunctionsUrl } from "../_shared/env.ts";
import { InterlockError } from "../_shared/guardrails.ts";
import { validated } from "../_shared/http/validated.ts";
import { appUrl } from "../_shared/providers/apps.ts";
import { schemeOf } from "../_shared/providers/registry.ts";
import type { WebhookScheme, WebhookSettings } from "../_shared/providers/webhook_scheme.ts";

/**
 * The scheme of a provider.
 *
 * @throws {InterlockError} VALIDATION_FAILED when nobody knows it.
 */
export async function knownScheme(provider: string): Promise<WebhookScheme> {
  const scheme = await schemeOf(provider);
  if (!scheme) throw new InterlockError("VALIDATION_FAILED", `provider: "${provider}" is not known.`);
  return scheme;
}

/**
 * Settings as the scheme takes them, with what was left out filled in.
 *
 * @throws {InterlockError} VALIDATION_FAILED naming the setting that is wrong.
 */
export function checkedSettings(scheme: WebhookScheme, given: WebhookSettings): Json {
  const obstacle = scheme.obstacle?.();
  if (obstacle) throw new InterlockError("VALIDATION_FAILED", `provider: ${obstacle}`);
  return validated(scheme.settings(), given, "settings") as Json;
}

/**
 * The secret for a new webhook: the one that was given, or one that we make.
 *
 * @throws {InterlockError} VALIDATION_FAILED when the scheme does not take it, or needs one and has none.
 */
export async function chosenSecret(
  scheme: WebhookScheme,
  settings: Json,
  given: string | undefined,
): Promise<string> {
  const { provider, secretFrom } = scheme;
  if (!given && secretFrom === "them") {
    throw new InterlockError(
      "VALIDATION_FAILED",
      `secret: ${provider} signs with a secret of its own; paste it here.`,
    );
  }
  if (given && secretFrom === "nobody") {
    throw new InterlockError("VALIDATION_FAILED", `secret: ${provider} works without one; leave it out.`);
  }
  return await checkedSecret(scheme, settings, given ?? scheme.generateSecret());
}

/**
 * The next secret of a webhook.
 *
 * @throws {InterlockError} CONFLICT when it has none of its own, VALIDATION_FAILED as {@link chosenSecret}.
 */
export async function rotatedSecret(
  webhook: { provider: string; settings: Json; through_app: boolean },
  given: string | undefined,
): Promise<string> {
  if (webhook.through_app) {
    throw new InterlockError(
      "CONFLICT",
      "This webhook has no secret of its own; the secret of the app is changed in the configuration of the hub.",
    );
  }
  const scheme = await knownScheme(webhook.provider);
  if (scheme.secretFrom === "nobody") {
    throw new InterlockError(
      "VALIDATION_FAILED",
      `secret: ${scheme.provider} has none that could be changed.`,
    );
  }
  return await chosenSecret(scheme, checkedSettings(scheme, webhook.settings as WebhookSettings), given);
}

/**
 * A secret that the scheme can use with these settings.
 *
 * @throws {InterlockError} VALIDATION_FAILED when it cannot.
 */
export async function checkedSecret(scheme: WebhookScheme, settings: Json, secret: string): Promise<string> {
  try {
    await scheme.importKey(secret, settings as WebhookSettings);
    return secret;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new InterlockError("VALIDATION_FAILED", `secret: ${error.message}.`, { cause: error });
  }
}

/** The address of a webhook, without what a provider adds to it. */
export function urlOf(webhookId: string): string {
  return `${publicFunctionsUrl()}/webhook-receiver/${webhookId}`;
}

/** A webhook that an RPC or a table answered, with the address to give to the provider. */
export async function resource(webhook: unknown) {
  return await withAddress(webhook, null);
}

/** A webhook with the secret it just got. Later only reveal shows it, and an address with the secret in it never comes again. */
export async function secretResource(webhook: unknown, secret: string) {
  const scheme = await knownScheme((webhook as { provider: string }).provider);
  return {
    ...await withAddress(webhook, secret),
    signing_secret: scheme.secretFrom === "nobody" ? null : secret,
    verify_token: await scheme.verifyToken?.(secret) ?? null,
  };
}

async function withAddress(webhook: unknown, secret: string | null) {
  const row = webhook as {
    id: string;
    provider: string;
    settings: Json;
    through_app: boolean;
    previous_secret_expires_at: string | null;
  };
  const plain = row.through_app ? appUrl(row.provider) : urlOf(row.id);
  const scheme = await schemeOf(row.provider);
  const settings = scheme?.settings().safeParse(row.settings).data;
  const overlapsUntil = row.previous_secret_expires_at;
  return {
    ...row,
    // An overlap that is over stands in the row until a job tidies it away.
    previous_secret_expires_at: Date.parse(overlapsUntil ?? "") > Date.now() ? overlapsUntil : null,
    url: settings && scheme?.addressFor?.(plain, secret, settings) || plain,
  };
}
