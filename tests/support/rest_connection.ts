import {
  type ApiSecrets,
  apiSecretsSchema,
  type RestConfig,
  restConfigSchema,
} from "../../supabase/functions/_shared/providers/api/config.ts";
import { resourceSource } from "../../supabase/functions/_shared/providers/api/resource_source.ts";
import { ProviderError } from "../../supabase/functions/_shared/providers/provider_error.ts";
import type { Cursor, Page } from "../../supabase/functions/_shared/providers/source.ts";
import { loneConnection, type LoneConnectionOptions } from "./lone_connection.ts";
import { PageStore, readToEnd } from "./page_store.ts";

export type RestTestConnection = ReturnType<typeof loneConnection<RestConfig, ApiSecrets>>;

/** An API's connector without a hub; settings and credentials as the hub would parse them. */
export function restConnection(
  config: Record<string, unknown>,
  secrets: Record<string, unknown> = {},
  options: Partial<LoneConnectionOptions<RestConfig, ApiSecrets>> = {},
): RestTestConnection {
  return loneConnection({
    ...options,
    config: restConfigSchema.parse(config),
    secrets: apiSecretsSchema.parse(secrets),
  });
}

/** A resource, read to its end. */
export interface ReadResource {
  records: Map<string, Record<string, unknown>>;
  pages: Page[];
  warnings: string[];
  cursor: Cursor;
}

/** Reads a resource to its end; `held` is what an earlier read left. */
export async function readResource(
  connection: RestTestConnection,
  name: string,
  { cursor = null, held = new PageStore().records }: {
    cursor?: Cursor | null;
    held?: Map<string, Record<string, unknown>>;
  } = {},
): Promise<ReadResource> {
  const store = new PageStore();
  for (const [id, values] of held) store.records.set(id, values);
  if (cursor !== null) store.resumePass();
  const pages: Page[] = [];
  const source = resourceSource(name, connection.config.resources[name]!);
  const onPage = (_: Cursor, page: Page) => void pages.push(page);
  const saved = await readToEnd({ source, connection, store, cursor, onPage });
  return { records: store.records, pages, warnings: store.warnings, cursor: saved };
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
