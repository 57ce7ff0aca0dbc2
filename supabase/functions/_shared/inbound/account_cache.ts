import * as z from "zod";
import { type Clock, systemClock } from "../clock.ts";
import type { Store } from "../db/store.ts";

/** Where the news of an account goes. */
export interface AccountTarget {
  webhookId: string;
  tenantId: string;
  version: number;
  /** Patterns of the types it wants. */
  eventTypes: string[];
  /** Requests a second that it takes; null = what the hub is configured for. */
  rateLimitPerSecond: number | null;
}

const resolvedSchema = z.record(
  z.string(),
  z.object({
    webhook_id: z.string(),
    tenant_id: z.string(),
    version: z.number(),
    event_types: z.array(z.string()),
    rate_limit_per_second: z.number().nullable(),
  }),
);

interface Entry {
  readAtMs: number;
  target: AccountTarget;
}

/** How long a copy serves. The storing call refuses stale ones, so this only bounds work. */
const TTL_MS = 5000;
const MAX_ENTRIES = 2000;

/**
 * Where the news of accounts goes, asked for all accounts of a request at once. Only what is known is remembered: news of
 * an account that was connected a moment ago must not be taken for nobody's.
 */
export class AccountCache {
  /** By provider and account. */
  #entries = new Map<string, Entry>();

  constructor(private readonly store: Store, private readonly clock: Clock = systemClock) {}

  /** The targets of those accounts that somebody has connected and not switched off. */
  async resolve(provider: string, accountIds: string[]): Promise<Map<string, AccountTarget>> {
    const found = new Map<string, AccountTarget>();
    const missing: string[] = [];
    const freshMs = this.clock.nowMs() - TTL_MS;
    for (const accountId of new Set(accountIds)) {
      const entry = this.#entries.get(keyOf(provider, accountId));
      if (entry && entry.readAtMs > freshMs) found.set(accountId, entry.target);
      else missing.push(accountId);
    }
    if (missing.length === 0) return found;
    for (const [accountId, target] of await this.#read(provider, missing)) found.set(accountId, target);
    return found;
  }

  /** The target as it is now, whatever is remembered; null when there is none. */
  async refresh(provider: string, accountId: string): Promise<AccountTarget | null> {
    return (await this.#read(provider, [accountId])).get(accountId) ?? null;
  }

  async #read(provider: string, accountIds: string[]): Promise<Map<string, AccountTarget>> {
    const readAtMs = this.clock.nowMs();
    const rows = resolvedSchema.parse(
      await this.store.call("resolve_app_accounts", { p_provider: provider, p_account_ids: accountIds }),
    );
    const read = new Map<string, AccountTarget>();
    for (const accountId of accountIds) {
      const row = Object.hasOwn(rows, accountId) ? rows[accountId]! : null;
      const key = keyOf(provider, accountId);
      this.#entries.delete(key);
      if (row === null) continue;
      const target = {
        webhookId: row.webhook_id,
        tenantId: row.tenant_id,
        version: row.version,
        eventTypes: row.event_types,
        rateLimitPerSecond: row.rate_limit_per_second,
      };
      read.set(accountId, target);
      this.#entries.set(key, { readAtMs, target });
      if (this.#entries.size > MAX_ENTRIES) this.#entries.delete(this.#entries.keys().next().value!);
    }
    return read;
  }
}

function keyOf(provider: string, accountId: string): string {
  return `${provider}:${accountId}`;
}
