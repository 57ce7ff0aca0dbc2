import assert from "node:assert/strict";
import { type OdooOptions, type OdooSimulator, startOdoo } from "../../simulators/odoo/odoo.ts";
import type { User } from "../../simulators/odoo/access.ts";
import type { Cursor, Page, Source } from "../../supabase/functions/_shared/providers/source.ts";
import {
  type OdooConfig,
  odooConfig,
  type OdooConnection,
  type OdooSecrets,
} from "../../supabase/functions/_shared/providers/odoo/settings.ts";
import { ProviderError } from "../../supabase/functions/_shared/providers/provider_error.ts";
import { withHubEnvironment } from "./hub_environment.ts";
import { loneConnection } from "./lone_connection.ts";
import { PageStore, readToEnd } from "./page_store.ts";

withHubEnvironment({});

/** An Odoo, a user with a key, and connections to it. */
export interface OdooRig {
  odoo: OdooSimulator;
  user: User;
  /** A connection as a new slice has it: nothing is remembered from another one. */
  connect(config?: Partial<OdooConfig>, secrets?: OdooSecrets): OdooConnection;
  /** A run from a cursor to the end, with a connection of its own. */
  run(source: Source<OdooConfig, OdooSecrets>, store: PageStore, cursor: Cursor | null): Promise<OdooRun>;
}

/** What a run came to. */
export interface OdooRun {
  cursor: Cursor;
  pages: Page[];
  /** Requests that the server had. */
  requests: number;
}

/** Runs a test with an Odoo whose clock stands still until it is moved. */
export async function withOdoo(options: OdooOptions, test: (rig: OdooRig) => Promise<void>): Promise<void> {
  const odoo = startOdoo({ nowMs: Date.parse("2026-11-20T08:00:00.250Z"), ...options });
  const user = odoo.addUser({ login: "hub@acme.example", keys: [{ key: "the-key", expiresAtMs: null }] });
  const open: { close(): void }[] = [];
  const connect: OdooRig["connect"] = (config = {}, secrets = { login: user.login, api_key: "the-key" }) => {
    const settings = odooConfig().parse({
      url: odoo.url,
      database: odoo.databaseName,
      batch_size: 50,
      ...config,
    });
    const connection = loneConnection<OdooConfig, OdooSecrets>({ config: settings, secrets });
    open.push(connection);
    return connection;
  };
  try {
    await test({
      ...{ odoo, user, connect },
      async run(source, store, cursor) {
        const [pages, before] = [[] as Page[], odoo.faults.requests];
        const onPage = (_: Cursor, page: Page) => void pages.push(page);
        const end = await readToEnd({ source, connection: connect(), store, cursor, onPage });
        return { cursor: end, pages, requests: odoo.faults.requests - before };
      },
    });
  } finally {
    for (const connection of open) connection.close();
    await odoo.stop();
  }
}

/** The columns of the expected state, as a store holds them. */
export function storedState(
  store: PageStore,
  expected: Map<string, Record<string, unknown>>,
): Map<string, Record<string, unknown>> {
  const names = Object.keys([...expected.values()][0] ?? {});
  const pick = (values: Record<string, unknown>) =>
    Object.fromEntries(names.map((name) => [name, values[name]]));
  return new Map(
    [...store.records].map(([id, values]): [string, Record<string, unknown>] => [id, pick(values)])
      .sort(([one], [other]) => Number(one) - Number(other)),
  );
}

/** The failure of what must fail. */
export async function failureOf(work: Promise<unknown>): Promise<ProviderError> {
  const error = await work.then(() => null, (reason: unknown) => reason);
  assert.ok(error instanceof ProviderError, `expected a ProviderError, got ${error}`);
  return error;
}
