import { sendGuarded } from "../../supabase/functions/_shared/connectors/open_connector.ts";
import { createLogger } from "../../supabase/functions/_shared/log.ts";
import type { Connection } from "../../supabase/functions/_shared/providers/connection.ts";
import { ProviderError } from "../../supabase/functions/_shared/providers/provider_error.ts";
import type { Cursor, Page, PlainJson, Source } from "../../supabase/functions/_shared/providers/source.ts";

/** What a run of a hub may be asked for. */
export interface HubRun {
  mode?: "full" | "incremental";
  parameters?: { [name: string]: PlainJson };
  /** Something may happen between any two pages. */
  between?: (page: number) => void;
}

const MAX_PAGES = 2000;

/**
 * Keeps what a source gives by the rules of source.ts, in memory: so that a test can try a source thousands of times. The
 * engine with its database keeps the same rules, and tests/contract holds it to them.
 */
export class SourceHub<Config, Secrets> {
  readonly held = new Map<string, { [column: string]: PlainJson }>();
  readonly warnings: string[] = [];
  cursor: Cursor | null = null;
  /** Records that were new or had changed. */
  written = 0;
  #seen: Set<string> | null = null;

  constructor(readonly source: Source<Config, Secrets>, readonly connection: Connection<Config, Secrets>) {}

  /** A run from its beginning to its end, or for so many pages. */
  async run(
    { mode, parameters = {}, between = () => {} }: HubRun = {},
    maxPages = MAX_PAGES,
  ): Promise<number> {
    let [cursor, hasStartedOver] = [mode === "full" ? null : this.cursor, false];
    for (let pages = 1; pages <= maxPages; pages++) {
      let page: Page;
      try {
        const storedCount = () => Promise.resolve(this.held.size);
        page = await this.source.read({ connection: this.connection, cursor, parameters, storedCount });
      } catch (error) {
        const isExpired = error instanceof ProviderError && error.errorClass === "cursor_expired";
        if (!isExpired || hasStartedOver) throw error;
        [cursor, hasStartedOver] = [null, true];
        continue;
      }
      this.#keep(page, cursor === null);
      // As it comes back from the database.
      this.cursor = cursor = JSON.parse(JSON.stringify(page.cursor));
      if (!page.hasMore) return pages;
      between(pages);
    }
    if (maxPages === MAX_PAGES) throw new Error(`The run did not end within ${MAX_PAGES} pages`);
    return maxPages;
  }

  #keep(page: Page, isFirst: boolean): void {
    if (isFirst || page.beginsPass) this.#seen = new Set();
    for (const { externalId, values } of page.records) {
      if (JSON.stringify(this.held.get(externalId)) !== JSON.stringify(values)) this.written++;
      this.held.set(externalId, values);
      this.#seen?.add(externalId);
    }
    for (const id of page.presentIds ?? []) this.#seen?.add(id);
    for (const id of page.deletedIds) this.held.delete(id);
    this.warnings.push(...page.warnings ?? []);
    if (!page.completesPass) return;
    for (const id of this.held.keys()) if (!this.#seen!.has(id)) this.held.delete(id);
    this.#seen = null;
  }
}

/** A connection by hand; `secrets` gives newer credentials when it is told which were refused, or throws. */
export function connectionBy<Config, Secrets>(
  config: Config,
  secrets: (refused?: Secrets) => Secrets,
): Connection<Config, Secrets> {
  return {
    ...{ tenantId: crypto.randomUUID(), connectorId: crypto.randomUUID(), config },
    secrets: (refused) => new Promise((resolve) => resolve(secrets(refused))),
    send: sendGuarded,
    log: createLogger("test"),
  };
}
