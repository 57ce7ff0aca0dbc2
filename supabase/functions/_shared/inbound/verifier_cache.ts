import * as z from "zod";
import { type Clock, systemClock } from "../clock.ts";
import type { Store } from "../db/store.ts";
import { schemeOf } from "../providers/registry.ts";
import type { WebhookKey, WebhookScheme, WebhookSettings } from "../providers/webhook_scheme.ts";

/** What verifies the requests of one webhook. */
export interface Verifier {
  webhookId: string;
  tenantId: string;
  version: number;
  scheme: WebhookScheme;
  settings: WebhookSettings;
  /** Patterns of the types it wants. */
  eventTypes: string[];
  /** Requests a second that it takes; null = what the hub is configured for. */
  rateLimitPerSecond: number | null;
  /** The URL the provider signs, when it is not the public URL of the webhook. */
  signingUrl: string | null;
  /** Keys that verify; the second one only until `until`. */
  keys: { key: WebhookKey; untilMs: number }[];
}

const verifierSchema = z.object({
  webhook_id: z.string(),
  tenant_id: z.string(),
  provider: z.string(),
  version: z.number(),
  signing_url: z.string().nullable(),
  settings: z.record(z.string(), z.unknown()),
  event_types: z.array(z.string()),
  rate_limit_per_second: z.number().nullable(),
  secret: z.string(),
  previous_secret: z.string().nullable(),
  previous_secret_expires_at: z.string().nullable(),
}).nullable();

interface Entry {
  readAtMs: number;
  verifier: Promise<Verifier | null>;
}

/** How long a copy serves requests that verify. The storing call refuses stale copies, so this only bounds work. */
const TTL_MS = 60_000;
const MAX_ENTRIES = 2000;

/** Verifiers of webhooks, read at most once at a time each; unknown and inactive ones are remembered as null. */
export class VerifierCache {
  #entries = new Map<string, Entry>();

  constructor(private readonly store: Store, private readonly clock: Clock = systemClock) {}

  /** The verifier of a webhook, null when it is unknown or inactive. A remembered one may be a minute old. */
  get(webhookId: string): Promise<Verifier | null> {
    return this.getSince(webhookId, this.clock.nowMs() - TTL_MS);
  }

  /**
   * The verifier as it was at `sinceMs` or later. A refusal rests on nothing older than the request itself, so that a
   * new secret and an activated webhook work at once; requests that wait together share one reading.
   */
  async getSince(webhookId: string, sinceMs: number): Promise<Verifier | null> {
    const entry = this.#entries.get(webhookId);
    return entry && entry.readAtMs > sinceMs ? await entry.verifier : await this.refresh(webhookId);
  }

  /** Reads a verifier again, whatever is remembered. */
  async refresh(webhookId: string): Promise<Verifier | null> {
    const entry: Entry = { readAtMs: this.clock.nowMs(), verifier: this.#read(webhookId) };
    this.#entries.delete(webhookId);
    this.#entries.set(webhookId, entry);
    if (this.#entries.size > MAX_ENTRIES) this.#entries.delete(this.#entries.keys().next().value!);
    try {
      return await entry.verifier;
    } catch (error) {
      if (this.#entries.get(webhookId) === entry) this.#entries.delete(webhookId);
      throw error;
    }
  }

  async #read(webhookId: string): Promise<Verifier | null> {
    const row = verifierSchema.parse(
      await this.store.call("get_webhook_verifier", { p_webhook_id: webhookId }),
    );
    const scheme = row === null ? undefined : await schemeOf(row.provider);
    // Settings that the scheme no longer understands verify nothing.
    const settings = scheme?.settings().safeParse(row?.settings).data;
    if (row === null || scheme === undefined || settings === undefined) return null;
    const keys = await importedKeys(scheme, settings, [
      { secret: row.secret, untilMs: Infinity },
      { secret: row.previous_secret, untilMs: Date.parse(row.previous_secret_expires_at ?? "") },
    ]);
    return {
      webhookId: row.webhook_id,
      tenantId: row.tenant_id,
      version: row.version,
      scheme,
      settings,
      eventTypes: row.event_types,
      rateLimitPerSecond: row.rate_limit_per_second,
      signingUrl: row.signing_url,
      keys,
    };
  }
}

/** The keys of secrets that there are and that fit the settings; a secret of other days may not. */
async function importedKeys(
  scheme: WebhookScheme,
  settings: WebhookSettings,
  secrets: { secret: string | null; untilMs: number }[],
): Promise<Verifier["keys"]> {
  const keys: Verifier["keys"] = [];
  for (const { secret, untilMs } of secrets) {
    if (secret === null) continue;
    try {
      keys.push({ key: await scheme.importKey(secret, settings), untilMs });
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
    }
  }
  return keys;
}
