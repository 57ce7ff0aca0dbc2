import { sendGuarded } from "../../supabase/functions/_shared/connectors/open_connector.ts";
import { createLogger } from "../../supabase/functions/_shared/log.ts";
import type { Connection } from "../../supabase/functions/_shared/providers/connection.ts";
import { ProviderError } from "../../supabase/functions/_shared/providers/provider_error.ts";
import type { Cursor, Page, PlainJson, Source } from "../../supabase/functions/_shared/providers/source.ts";
import { PageStore } from "./page_store.ts";

/** What a run of a hub may be asked for. */
export interface HubRun {
  mode?: "full" | "incremental";
  parameters?: { [name: string]: PlainJson };
  /** Something may happen between any two pages. */
  between?: (page: number) => void;
}

const MAX_PAGES = 2000;

/** A hub that reads one source, run by run, and begins anew where a checkpoint is not valid any more. */
export class SourceHub<Config, Secrets> {
  readonly #store = new PageStore();
  cursor: Cursor | null = null;

  constructor(readonly source: Source<Config, Secrets>, readonly connection: Connection<Config, Secrets>) {}

  get held(): PageStore["records"] {
    return this.#store.records;
  }

  get warnings(): string[] {
    return this.#store.warnings;
  }

  /** Records that were new or had changed. */
  get written(): number {
    return this.#store.written;
  }

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
      this.#store.apply(page, cursor);
      // As it comes back from the database.
      this.cursor = cursor = JSON.parse(JSON.stringify(page.cursor));
      if (!page.hasMore) return pages;
      between(pages);
    }
    if (maxPages === MAX_PAGES) throw new Error(`The run did not end within ${MAX_PAGES} pages`);
    return maxPages;
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
