import {
  createEgressClient,
  type EgressClient,
} from "../../supabase/functions/_shared/guardrails/egress/egress_client.ts";
import { EgressError } from "../../supabase/functions/_shared/guardrails/egress/egress_error.ts";
import { createLogger } from "../../supabase/functions/_shared/log.ts";
import type { ApiSecrets, RestConfig } from "../../supabase/functions/_shared/providers/api/config.ts";
import { apiSecretsSchema, restConfigSchema } from "../../supabase/functions/_shared/providers/api/config.ts";
import { resourceSource } from "../../supabase/functions/_shared/providers/api/resource_source.ts";
import type { Connection } from "../../supabase/functions/_shared/providers/connection.ts";
import { ProviderError } from "../../supabase/functions/_shared/providers/provider_error.ts";
import type { Cursor, Page } from "../../supabase/functions/_shared/providers/source.ts";

/** A connection without a hub around it: real requests through egress, credentials that nobody refreshes. */
export function handMadeConnection<Config, Secrets>(
  config: Config,
  secrets: Secrets,
  { connectorId = crypto.randomUUID(), allowLocal = true, client }: {
    connectorId?: string;
    allowLocal?: boolean;
    client?: EgressClient;
  } = {},
): Connection<Config, Secrets> & { close(): void } {
  const egress = client ?? createEgressClient({ ports: [443], allowLocal });
  return {
    tenantId: crypto.randomUUID(),
    connectorId,
    config,
    secrets: (refused) =>
      refused === undefined
        ? Promise.resolve(secrets)
        : Promise.reject(new ProviderError("reconnect_needed", "There are no newer credentials.")),
    async send(request) {
      try {
        return await egress.sendRequest({
          method: "GET",
          headers: {},
          timeoutMs: 30_000,
          maxResponseBytes: 16 * 1024 * 1024,
          ...request,
        });
      } catch (error) {
        if (!(error instanceof EgressError)) throw error;
        const refused = error.errorClass === "url_refused" || error.errorClass === "address_refused";
        throw new ProviderError(refused ? "misconfigured" : "transient", error.message, { cause: error });
      }
    },
    log: createLogger("tests"),
    close: () => egress.close(),
  };
}

export type RestTestConnection = ReturnType<typeof handMadeConnection<RestConfig, ApiSecrets>>;

/** Settings and credentials as the hub would parse them. */
export function restConnection(
  config: Record<string, unknown>,
  secrets: Record<string, unknown> = {},
  options: Parameters<typeof handMadeConnection>[2] = {},
): RestTestConnection {
  return handMadeConnection(restConfigSchema.parse(config), apiSecretsSchema.parse(secrets), options);
}

/** What the hub would hold after a read of everything that there is. */
export interface ReadStream {
  records: Map<string, Record<string, unknown>>;
  pages: Page[];
  cursor: Cursor;
}

/**
 * Reads a resource to its end, as the engine does: page after page, each cursor through JSON.
 *
 * @param held - what an earlier read left; a pass that completes takes away what it did not see.
 */
export async function readStream(
  connection: RestTestConnection,
  name: string,
  { cursor = null, held = new Map<string, Record<string, unknown>>(), maxPages = 1000 }: {
    cursor?: Cursor | null;
    held?: Map<string, Record<string, unknown>>;
    maxPages?: number;
  } = {},
): Promise<ReadStream> {
  const source = resourceSource(name, connection.config.resources[name]!);
  const records = new Map(held);
  const pages: Page[] = [];
  let seen = new Set<string>();
  for (let at = cursor; pages.length < maxPages;) {
    const page = await source.read({
      connection,
      cursor: at,
      parameters: {},
      storedCount: () => Promise.resolve(records.size),
    });
    pages.push(page);
    if (page.beginsPass) seen = new Set();
    for (const { externalId, values } of page.records) records.set(externalId, values);
    for (const id of page.deletedIds) records.delete(id);
    for (const id of [...page.records.map((one) => one.externalId), ...page.presentIds ?? []]) seen.add(id);
    if (page.completesPass) { for (const id of [...records.keys()]) if (!seen.has(id)) records.delete(id); }
    at = JSON.parse(JSON.stringify(page.cursor));
    if (!page.hasMore) return { records, pages, cursor: at! };
  }
  throw new Error(`The stream ${name} did not end after ${maxPages} pages`);
}

/** The failure of something that must fail at the provider. */
export async function providerFailure(run: Promise<unknown>): Promise<ProviderError> {
  try {
    await run;
  } catch (error) {
    if (error instanceof ProviderError) return error;
    throw error;
  }
  throw new Error("Nothing failed");
}
