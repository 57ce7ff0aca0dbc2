import { checkTransformation } from "../delivery/transform/transform_payload.ts";
import { checkAddress } from "../http/check_address.ts";
import { fieldRefused } from "../http/validated.ts";

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
  if (config?.webhook_url !== undefined) {
    await checkAddress(`${field}.webhook_url`, config.webhook_url, "refused");
  }
  if (config?.transformation) {
    const problem = await checkTransformation(config.transformation);
    if (problem !== null) throw fieldRefused(`${field}.transformation`, problem);
  }
}
