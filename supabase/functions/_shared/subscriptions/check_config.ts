import { checkTransformation } from "../delivery/transform/transform_payload.ts";
import { checkUrl, EgressError, InterlockError } from "../guardrails.ts";

/** A name server that says nothing must not hold the request. */
const CHECK_TIMEOUT_MS = 5000;

/**
 * What a schema cannot say of a configuration: an address that may not be called and an expression that cannot run are
 * refused when they are saved, not at the first delivery.
 *
 * @param field - where the configuration stands in the request, for example "config".
 * @throws {InterlockError} VALIDATION_FAILED naming the setting.
 */
export async function checkConfig(
  config: { webhook_url?: string; transformation?: string | null } | undefined,
  field: string,
): Promise<void> {
  if (config?.webhook_url !== undefined) await checkWebhookUrl(config.webhook_url, `${field}.webhook_url`);
  if (config?.transformation) {
    const problem = await checkTransformation(config.transformation);
    if (problem !== null) throw refused(`${field}.transformation`, problem);
  }
}

async function checkWebhookUrl(url: string, field: string): Promise<void> {
  const giveUp = AbortSignal.timeout(CHECK_TIMEOUT_MS);
  const late = new Promise<never>((_, reject) => {
    giveUp.onabort = () => reject(refused(field, "The name could not be looked up in time."));
  });
  try {
    await Promise.race([checkUrl(url), late]);
  } catch (error) {
    if (!(error instanceof EgressError)) throw error;
    throw refused(field, error.message, error);
  }
}

function refused(field: string, message: string, cause?: unknown): InterlockError {
  return new InterlockError("VALIDATION_FAILED", `${field}: ${message}`, {
    cause,
    details: { issues: [{ path: field, message }] },
  });
}
