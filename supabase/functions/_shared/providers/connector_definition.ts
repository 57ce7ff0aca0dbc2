import type { z } from "zod";

/** A kind of connector: what it must know, and who knows its provider. A new one is a folder and a line in connectors.ts. */
export interface ConnectorDefinition<Config, Secrets> {
  type: string;
  /** Settings without secrets. It parses `{}` unless something must be given. Unknown names are refused. */
  config(): z.ZodType<Config>;
  /** Credentials as they are stored in Vault, as one JSON object. Unknown names are refused. */
  secrets(): z.ZodType<Secrets>;
  /** Settings and credentials that pass, as an example; the credentials are nobody's. */
  example: { config: Record<string, unknown>; secrets: Record<string, unknown> };
  /**
   * Addresses that a tenant chose, by the setting they stand in: looked at when they are saved. What protects is the same
   * check before every request. Left out = it calls the provider's own only.
   */
  addresses?(config: Config): Record<string, string>;
  /** Whether people connect it by a grant (OAuth) instead of typing credentials, or may do so. */
  grant?: "only" | "possible";
  /** Edge function that has its provider's client: it tests and syncs such connectors. null = there is nothing to call. */
  functionName: string | null;
}

/** A connector whose settings' and credentials' types are forgotten, for the registry and the engine. */
export type AnyConnector = ConnectorDefinition<unknown, unknown>;

/** Defines a connector; its own functions see the types of its settings and credentials. */
export function defineConnector<Config, Secrets>(
  definition: ConnectorDefinition<Config, Secrets>,
): AnyConnector {
  return definition as AnyConnector;
}
