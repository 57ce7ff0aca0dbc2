import { z } from "zod";
import type { Store } from "../db/store.ts";
import type { Channel } from "./channels/channel.ts";
import { connected, connectorSchema } from "./channels/connector.ts";
import { webhookChannel } from "./channels/webhook.ts";
import { type SigningKey, signingKey } from "./signature.ts";
import { type TransformSettings, transformSettingsSchema } from "./transform/transform_payload.ts";

const endpointsSchema = z.array(z.object({
  integration_id: z.string(),
  tenant_id: z.string(),
  config_version: z.number(),
  config: z.object({
    channel: z.string().default("webhook"),
    webhook_url: z.string().optional(),
    slack: z.unknown().optional(),
    email: z.unknown().optional(),
    timeout_ms: z.number().optional(),
    retry_schedule_seconds: z.array(z.number()).optional(),
    ...transformSettingsSchema.shape,
  }),
  secret: z.string(),
  previous_secret: z.string().nullable(),
  previous_secret_ends_in_ms: z.number().nullable(),
  headers: z.record(z.string(), z.string()),
  /** Only where the channel uses one. */
  connector: connectorSchema,
}));

/** Where and how a subscription wants its deliveries. */
export interface Endpoint {
  configVersion: number;
  channel: Channel;
  /** How a body begins that was made for this channel and address; others are made anew. */
  bodyStart: string;
  /** Why nothing can be sent, as a sentence; null = it can. */
  problem: string | null;
  /** From then on it is read again, by this process's own clock: credentials may be replaced without a new version. */
  staleAtMs: number;
  /** Of a webhook. */
  url: string;
  timeoutMs: number;
  /** The integration's own waits between attempts; null = the default. */
  retryScheduleSeconds: number[] | null;
  /** What becomes of its payloads; null = they are sent as they are. */
  transform: TransformSettings | null;
  /** Custom headers with their values. */
  headers: Record<string, string>;
  /** Keys that sign; the second one only until `untilMs` of this process's own clock. */
  keys: { key: SigningKey; untilMs: number }[];
  /** Texts that must never be stored with an answer: the receiver may echo what it got. */
  secrets: string[];
}

const DEFAULT_TIMEOUT_MS = 10_000;
const MAX_ENTRIES = 1000;
/** How long credentials of a connector are believed. */
const CONNECTOR_FRESH_MS = 60_000;

/** Endpoints by subscription, read again when a claim names a newer version. Secrets stay in this process. */
export class EndpointCache {
  #entries = new Map<string, Endpoint>();

  constructor(private readonly store: Store) {}

  /** Reads what is missing or outdated, in one call. */
  async load(wanted: { integration_id: string; config_version: number }[]): Promise<void> {
    // Before the call: what the answer takes must not make a key live longer.
    const askedMs = Date.now();
    const missing = new Set(
      wanted.filter((one) => !this.#isFresh(one.integration_id, one.config_version, askedMs))
        .map((one) => one.integration_id),
    );
    if (missing.size === 0) return;
    const rows = endpointsSchema.parse(
      await this.store.call("get_delivery_endpoints", { p_integration_ids: [...missing] }),
    );
    for (const row of rows) {
      this.#entries.delete(row.integration_id);
      this.#entries.set(row.integration_id, toEndpoint(row, askedMs));
      if (this.#entries.size > MAX_ENTRIES) this.#entries.delete(this.#entries.keys().next().value!);
    }
  }

  #isFresh(integrationId: string, configVersion: number, nowMs: number): boolean {
    const entry = this.#entries.get(integrationId);
    return entry !== undefined && entry.configVersion >= configVersion && nowMs < entry.staleAtMs;
  }

  /** The endpoint as last read; undefined when it is not there (any more). */
  get(integrationId: string): Endpoint | undefined {
    return this.#entries.get(integrationId);
  }
}

type Row = z.infer<typeof endpointsSchema>[number];

function toEndpoint(row: Row, askedMs: number): Endpoint {
  return {
    configVersion: row.config_version,
    timeoutMs: row.config.timeout_ms ?? DEFAULT_TIMEOUT_MS,
    retryScheduleSeconds: row.config.retry_schedule_seconds ?? null,
    transform: transformOf(row.config),
    ...(row.config.channel === "webhook" ? byWebhook(row, askedMs) : byConnector(row, askedMs)),
  };
}

type Way = Omit<Endpoint, "configVersion" | "timeoutMs" | "retryScheduleSeconds" | "transform">;

function byWebhook(row: Row, askedMs: number): Way {
  const keys = [{ key: signingKey(row.secret), untilMs: Infinity }];
  if (row.previous_secret !== null && row.previous_secret_ends_in_ms !== null) {
    keys.push({ key: signingKey(row.previous_secret), untilMs: askedMs + row.previous_secret_ends_in_ms });
  }
  return {
    channel: webhookChannel,
    bodyStart: '{"type":',
    problem: null,
    staleAtMs: Infinity,
    url: row.config.webhook_url ?? "",
    headers: row.headers,
    keys,
    secrets: worthHiding([row.secret, row.previous_secret, ...Object.values(row.headers)]),
  };
}

function byConnector(row: Row, askedMs: number): Way {
  const way = connected(row.config.channel, row.config, row.connector);
  const isReady = "channel" in way;
  return {
    channel: isReady ? way.channel : webhookChannel,
    bodyStart: isReady ? way.channel.bodyStart : "",
    problem: isReady ? null : way.problem,
    staleAtMs: askedMs + CONNECTOR_FRESH_MS,
    url: "",
    headers: {},
    keys: [],
    secrets: isReady ? worthHiding(way.secrets) : [],
  };
}

function worthHiding(secrets: (string | null)[]): string[] {
  return secrets.filter((secret): secret is string => secret !== null && secret.length >= 4);
}

/** What a configuration says of transforming; null when it says nothing. */
export function transformOf(config: TransformSettings): TransformSettings | null {
  const { field_mappings, transformation } = config;
  return field_mappings?.length || transformation ? { field_mappings, transformation } : null;
}
