import { InterlockError } from "../_shared/guardrails.ts";
import { checkAddress } from "../_shared/http/check_address.ts";
import { fieldRefused, validated } from "../_shared/http/validated.ts";
import type { AnyConnector } from "../_shared/providers/connector_definition.ts";
import { connectorOf } from "../_shared/providers/connectors.ts";

/** The definition of a kind of connector. */
export async function knownConnector(type: string): Promise<AnyConnector> {
  const definition = await connectorOf(type);
  if (definition) return definition;
  throw new InterlockError("VALIDATION_FAILED", `type: connectors of ${type} cannot be managed here.`);
}

/** Settings as JSON text, right for the kind of connector, with addresses that may be called. */
export async function checkedConfig(
  definition: AnyConnector,
  config: Record<string, unknown>,
): Promise<string> {
  const right = validated(definition.config(), config, "config");
  for (const [name, url] of Object.entries(definition.addresses?.(right) ?? {})) {
    await checkAddress(`config.${name}`, url, "accepted");
  }
  return JSON.stringify(right);
}

/**
 * Stored credentials go to the hosts they were stored for. Who may change settings need not know them, and would read them
 * at a host of their own.
 *
 * @param stored - the settings there are; what is not right any more names no host.
 * @throws {InterlockError} VALIDATION_FAILED when other hosts are named.
 */
export function refuseOtherHosts(definition: AnyConnector, stored: unknown, given: unknown): void {
  if (!definition.addresses) return;
  const before = definition.config().safeParse(stored);
  const known = before.success ? definition.addresses(before.data) : {};
  for (const [name, url] of Object.entries(definition.addresses(given))) {
    if (known[name] !== undefined && new URL(known[name]).origin === new URL(url).origin) continue;
    throw fieldRefused(
      "secrets",
      `config.${name} names another host than the credentials were stored for; give the credentials as well.`,
    );
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
