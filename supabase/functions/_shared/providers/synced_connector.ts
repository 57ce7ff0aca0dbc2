import type { AnyConnector } from "./connector_definition.ts";
import type { Source } from "./source.ts";

/**
 * A kind of connector together with what can be read from it. Apart from the definition, so that whoever only manages
 * connectors brings no code that reads.
 */
export interface SyncedConnector {
  definition: AnyConnector;
  /** What can be read with these settings, in the order in which it is read. */
  sources(config: unknown): Source<unknown, unknown>[];
}

/** Adds sources to a connector; they see the types of its settings and credentials. */
export function withSources<Config, Secrets>(
  definition: AnyConnector,
  sources: (config: Config) => Source<Config, Secrets>[],
): SyncedConnector {
  return { definition, sources } as { definition: AnyConnector; sources: unknown } as SyncedConnector;
}
