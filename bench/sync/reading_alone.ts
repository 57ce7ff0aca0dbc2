import { sendGuarded } from "../../supabase/functions/_shared/connectors/open_connector.ts";
import { createLogger } from "../../supabase/functions/_shared/log.ts";
import type { Connection } from "../../supabase/functions/_shared/providers/connection.ts";
import type { Cursor } from "../../supabase/functions/_shared/providers/source.ts";
import { syncedConnectors } from "../../tests/support/synced_connectors.ts";
import type { SyncSubject } from "./subjects.ts";

/** What reading everything took when nothing of it is stored. */
export interface ReadingAlone {
  durationMs: number;
  pages: number;
  records: number;
}

/** Pages through a provider from the beginning to the end, with its source, and forgets what comes. */
export async function readAlone(subject: SyncSubject): Promise<ReadingAlone> {
  const { definition, sources } = syncedConnectors.find((one) => one.definition.type === subject.type)!;
  const secrets = definition.secrets().parse(subject.secrets);
  const connection: Connection = {
    tenantId: crypto.randomUUID(),
    connectorId: crypto.randomUUID(),
    config: definition.config().parse(subject.config),
    secrets: () => Promise.resolve(secrets),
    send: sendGuarded,
    log: createLogger("bench"),
  };
  const source = sources(connection.config).find(({ stream }) => stream === subject.stream)!;
  const started = performance.now();
  let cursor: Cursor | null = null;
  let [pages, records] = [0, 0];
  for (let hasMore = true; hasMore;) {
    const stored = records;
    const page = await source.read({
      connection,
      cursor,
      parameters: {},
      storedCount: () => Promise.resolve(stored),
    });
    pages++;
    records += page.records.length;
    ({ cursor, hasMore } = page);
  }
  return { durationMs: performance.now() - started, pages, records };
}
