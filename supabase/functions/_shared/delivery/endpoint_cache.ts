import * as z from "zod";
import type { Store } from "../db/store.ts";
import type { Channel } from "./channels/channel.ts";
import { connected, connectorSchema } from "./channels/connector.ts";
import { webhookChannel } from "./channels/webhook.ts";
import { type SigningKey, signingKey } from "./signature.ts";
import { type TransformSettings, transformSettingsSchema } from "./transform/transform_payload.ts";

/** What every row has, however broken the rest of it is. */
const rowsSchema = z.array(z.looseObject({ integration_id: z.string(), config_version: z.number() }));

const rowSchema = z.object({
  integration_id: z.string(),
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
  /** null = Vault has none, or cannot read it. */
  secret: z.string().nullable(),
  previous_secret: z.string().nullable(),
  previous_secret_ends_in_ms: z.number().nullable(),
  /** JSON out of Vault; null = it cannot be read. */
  headers: z.string().nullable(),
  /** Only where the channel uses one. */
  connector: connectorSchema,
});

const headersSchema = z.record(z.string(), z.string());

/** Why nothing can be sent to an endpoint: the class of its attempts, and a sentence. */
export interface EndpointProblem {
  errorClass: "connector_unavailable" | "misconfigured";
  error: string;
}

/** Where and how a subscription wants its deliveries. */
export interface Endpoint {
  configVersion: number;
  channel: Channel;
  /** How a body begins that was made for this channel and address; others are made anew. */
  bodyStart: string;
  /** Why nothing can be sent; null = it can. */
  problem: EndpointProblem | null;
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

  /** Reads what is missing or outdated, in one call. What is broken about one is a problem of that one alone. */
  async load(wanted: { integration_id: string; config_version: number }[]): Promise<void> {
    // Before the call: what the answer takes must not make a key live longer.
    const askedMs = Date.now();
    const missing = new Set(
      wanted.filter((one) => !this.#isFresh(one.integration_id, one.config_version, askedMs))
        .map((one) => one.integration_id),
    );
    if (missing.size === 0) return;
    const rows = rowsSchema.parse(
      await this.store.call("get_delivery_endpoints", { p_integration_ids: [...missing] }),
    );
    for (const row of rows) {
      this.#entries.delete(row.integration_id);
      this.#entries.set(row.integration_id, endpointOf(row, askedMs));
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

type Row = z.infer<typeof rowSchema>;

function endpointOf(row: z.infer<typeof rowsSchema>[number], askedMs: number): Endpoint {
  const read = rowSchema.safeParse(row);
  if (!read.success) {
    return {
      configVersion: row.config_version,
      timeoutMs: DEFAULT_TIMEOUT_MS,
      retryScheduleSeconds: null,
      transform: null,
      ...broken("The configuration of this subscription cannot be read; save it again."),
    };
  }
  const { config, config_version } = read.data;
  return {
    configVersion: config_version,
    timeoutMs: config.timeout_ms ?? DEFAULT_TIMEOUT_MS,
    retryScheduleSeconds: config.retry_schedule_seconds ?? null,
    transform: transformOf(config),
    ...(config.channel === "webhook" ? byWebhook(read.data, askedMs) : byConnector(read.data, askedMs)),
  };
}

type Way = Omit<Endpoint, "configVersion" | "timeoutMs" | "retryScheduleSeconds" | "transform">;

const NO_WAY: Way = {
  channel: webhookChannel,
  bodyStart: "",
  problem: null,
  staleAtMs: 0,
  url: "",
  headers: {},
  keys: [],
  secrets: [],
};

function byWebhook(row: Row, askedMs: number): Way {
  const key = keyOf(row.secret);
  if (key === null) {
    return broken("The signing secret of this subscription is missing or cannot sign; rotate it.");
  }
  const headers = headersOf(row.headers);
  if (headers === null) {
    return broken("The headers of this subscription cannot be read from Vault; save them again.");
  }
  const keys = [{ key, untilMs: Infinity }];
  // One that cannot sign any more keeps nothing back: it was to be replaced.
  const previous = keyOf(row.previous_secret);
  if (previous !== null && row.previous_secret_ends_in_ms !== null) {
    keys.push({ key: previous, untilMs: askedMs + row.previous_secret_ends_in_ms });
  }
  return {
    channel: webhookChannel,
    bodyStart: '{"type":',
    problem: null,
    staleAtMs: Infinity,
    url: row.config.webhook_url ?? "",
    headers,
    keys,
    secrets: worthHiding([row.secret, row.previous_secret, ...Object.values(headers)]),
  };
}

function byConnector(row: Row, askedMs: number): Way {
  const way = connected(row.config.channel, row.config, row.connector);
  const staleAtMs = askedMs + CONNECTOR_FRESH_MS;
  if ("problem" in way) {
    return { ...NO_WAY, staleAtMs, problem: { errorClass: "connector_unavailable", error: way.problem } };
  }
  return {
    ...NO_WAY,
    staleAtMs,
    channel: way.channel,
    bodyStart: way.channel.bodyStart,
    secrets: worthHiding(way.secrets),
  };
}

/** Read again with the next claim: whoever mends Vault changes no version, and the lane waits in between. */
function broken(error: string): Way {
  return { ...NO_WAY, problem: { errorClass: "misconfigured", error } };
}

function keyOf(secret: string | null): SigningKey | null {
  try {
    return secret === null ? null : signingKey(secret);
  } catch {
    return null;
  }
}

function headersOf(text: string | null): Record<string, string> | null {
  try {
    return headersSchema.safeParse(JSON.parse(text ?? "")).data ?? null;
  } catch {
    return null;
  }
}

function worthHiding(secrets: (string | null)[]): string[] {
  return secrets.filter((secret): secret is string => secret !== null && secret.length >= 4);
}

/** What a configuration says of transforming; null when it says nothing. */
export function transformOf(config: TransformSettings): TransformSettings | null {
  const { field_mappings, transformation } = config;
  return field_mappings?.length || transformation ? { field_mappings, transformation } : null;
}
