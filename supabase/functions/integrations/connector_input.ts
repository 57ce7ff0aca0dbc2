import { checkUrl, EgressError, InterlockError } from "../_shared/guardrails.ts";
import { validated } from "../_shared/http/validated.ts";
import type { AnyConnector } from "../_shared/providers/connector_definition.ts";
import { connectorOf } from "../_shared/providers/connectors.ts";

/** The definition of a kind of connector. */
export async function knownConnector(type: string): Promise<AnyConnector> {
  const definition = await connectorOf(type);
  if (definition) return definition;
  throw new InterlockError("VALIDATION_FAILED", `type: connectors of ${type} cannot be managed here.`);
}

/** A name server that says nothing must not hold the request. */
const LOOKUP_TIMEOUT_MS = 3000;

/** Settings as JSON text, right for the kind of connector, with addresses that may be called. */
export async function checkedConfig(
  definition: AnyConnector,
  config: Record<string, unknown>,
): Promise<string> {
  const right = validated(definition.config(), config, "config");
  for (const [name, url] of Object.entries(definition.addresses?.(right) ?? {})) {
    await checkAddress(`config.${name}`, url);
  }
  return JSON.stringify(right);
}

/** A name that cannot be looked up now may be known later, when a test will say so. */
async function checkAddress(field: string, url: string): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<void>((resolve) => timer = setTimeout(resolve, LOOKUP_TIMEOUT_MS));
  try {
    await Promise.race([checkUrl(url), late]);
  } catch (error) {
    if (!(error instanceof EgressError)) throw error;
    if (error.errorClass === "dns_failed") return;
    throw new InterlockError("VALIDATION_FAILED", `${field}: ${error.message}`, {
      cause: error,
      details: { issues: [{ path: field, message: error.message }] },
    });
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Credentials as JSON text for Vault.
 *
 * @throws {InterlockError} VALIDATION_FAILED, which names the field and never repeats a value.
 */
export function checkedSecrets(definition: AnyConnector, secrets: Record<string, unknown>): string {
  if (definition.grant === "only") {
    throw new InterlockError(
      "VALIDATION_FAILED",
      "secrets: this connector is connected by signing in; see POST /oauth/authorize.",
    );
  }
  return JSON.stringify(validated(definition.secrets(), secrets, "secrets"));
}

/** Whether this kind of connector works without credentials. */
export function needsNoSecrets(definition: AnyConnector): boolean {
  return definition.secrets().safeParse({}).success;
}
