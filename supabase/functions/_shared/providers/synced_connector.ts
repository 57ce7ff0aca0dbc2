import type { Connection } from "./connection.ts";
import type { AnyConnector } from "./connector_definition.ts";
import type { Source } from "./source.ts";

/** What a test of a connector found out: sentences for whoever pressed the button. */
export interface ConnectorTest {
  /** For example: "Connected to the workspace Acme as interlock." */
  message: string;
  /** The account at the provider, for display: an address, a workspace's name; null = it has none. */
  accountName: string | null;
}

/** What needs a provider's client, with the types of its settings and credentials. */
interface Capabilities<Config, Secrets> {
  /**
   * Asks the provider whether this works, without changing anything there.
   *
   * @throws {ProviderError} whose sentence says why not and what to do.
   */
  test(connection: Connection<Config, Secrets>): Promise<ConnectorTest>;
  /** What can be read with these settings, in the order in which it is read. */
  sources(config: Config): Source<Config, Secrets>[];
}

/**
 * A kind of connector together with its provider's client: how it is tried, what can be read from it. Apart from the
 * definition, so that whoever only manages connectors brings no client.
 */
export interface SyncedConnector {
  definition: AnyConnector;
  test(connection: Connection): Promise<ConnectorTest>;
  /** What can be read with these settings, in the order in which it is read. */
  sources(config: unknown): Source<unknown, unknown>[];
}

/** Adds what needs its provider's client to a connector; it sees the types of its settings and credentials. */
export function syncedConnector<Config, Secrets>(
  definition: AnyConnector,
  { test, sources }: Capabilities<Config, Secrets>,
): SyncedConnector {
  return { definition, test, sources } as
    & { definition: AnyConnector }
    & Record<"test" | "sources", unknown> as SyncedConnector;
}
