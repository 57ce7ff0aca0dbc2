import * as z from "zod";
import { channelSettings, checkChannel } from "../delivery/channels/settings.ts";
import { SIGNATURE_VERSIONS } from "../delivery/signature.ts";
import { fieldMappingsSchema } from "../delivery/transform/field_mappings.ts";
import { TRANSFORM_LIMITS } from "../delivery/transform/limits.ts";
import { headerProblem } from "../guardrails.ts";

const MAX_HEADERS = 20;
const DAY_SECONDS = 86_400;

/** Custom headers with their values; values go to Vault and are never shown again. */
const headersSchema = z.record(z.string().min(1).max(100), z.string().min(1).max(4000))
  .refine((headers) => Object.keys(headers).length <= MAX_HEADERS, `holds at most ${MAX_HEADERS} headers`)
  .superRefine((headers, context) => {
    for (const [name, value] of Object.entries(headers)) {
      const problem = headerProblem(name, value);
      if (problem !== null) context.addIssue({ code: "custom", path: [name], message: problem });
    }
  });

/** Settings that are kept as they are sent, of every kind of subscription. */
const tuning = {
  /** How long the endpoint may take to answer. Default 10 s. */
  timeout_ms: z.number().int().min(1000).max(30_000),
  /** Attempts before a delivery is discarded. Default 3. */
  max_attempts: z.number().int().min(1).max(20),
  /** Requests to the endpoint at the same time. Default 10. */
  max_in_flight: z.number().int().min(1).max(100),
  /** Requests in any second. Default: no limit. */
  rate_limit_per_second: z.number().int().min(1).max(1000),
  /** fifo = one request at a time, in the order of the events. */
  ordering: z.enum(["none", "fifo"]),
  /** Waits before the second, third ... attempt; the last one repeats. */
  retry_schedule_seconds: z.array(z.number().int().min(1).max(DAY_SECONDS)).min(1).max(20),
  /** One request for several events: when so many wait, or the oldest has waited so long. */
  batch: z.strictObject({
    max_events: z.number().int().min(2).max(100),
    max_wait_ms: z.number().int().min(1000).max(3_600_000),
  }),
  /** Changes to the payload, in this order. */
  field_mappings: fieldMappingsSchema.min(1),
  /** A JSONata expression over what the mappings left. */
  transformation: z.string().min(1).max(TRANSFORM_LIMITS.expressionChars),
};

const urlSchema = z.string().min(1).max(2000);

type Shape = Record<string, z.ZodType>;
type Resettable<S extends Shape> = { [Name in keyof S]: z.ZodOptional<z.ZodNullable<S[Name]>> };

/**
 * The schemas of `config`: whole for a new subscription, and for a change, in which only what is named changes and null
 * takes a setting back to its default.
 *
 * @param ofKind - settings that only this kind has.
 */
export function configSchemas<S extends Shape>(ofKind: S) {
  const optional = { headers: headersSchema, ...tuning, ...ofKind };
  return {
    whole: z.strictObject({
      ...channelSettings,
      webhook_url: urlSchema.optional(),
      /** How requests are signed; a rotation can change it later. */
      signature: z.enum(SIGNATURE_VERSIONS).optional(),
      ...z.object(optional).partial().shape,
    }).superRefine(checkChannel),
    change: z.strictObject({
      ...channelSettings,
      webhook_url: urlSchema.optional(),
      ...resettable(optional),
    }),
  };
}

function resettable<S extends Shape>(shape: S): Resettable<S> {
  return Object.fromEntries(
    Object.entries(shape).map(([name, schema]) => [name, schema.nullable().optional()]),
  ) as Resettable<S>;
}

/** `config` as it is stored and shown: names of headers in place of their values. */
export function configAnswer<S extends Shape>(ofKind: S) {
  return z.strictObject({
    ...channelSettings,
    webhook_url: z.string().optional().describe("Of the channel webhook."),
    headers: z.array(z.string()).optional().describe("Names; the values are in Vault."),
    signature: z.enum(SIGNATURE_VERSIONS).optional().describe(
      "v1 = HMAC-SHA-256 (default), v1a = Ed25519; changed by a rotation only.",
    ),
    ...z.object({ ...tuning, ...ofKind }).partial().shape,
  });
}

type Headers = Record<string, string> | null | undefined;

/** Splits a configuration into what the row keeps (header names) and what Vault keeps (header values). */
export function splitHeaders<C extends { headers?: Headers }>(config: C) {
  const { headers, ...rest } = config;
  if (headers === undefined) return { config: rest, headers: null };
  const names = Object.keys(headers ?? {}).map((name) => name.toLowerCase()).sort();
  return {
    config: { ...rest, headers: names.length > 0 ? names : null },
    headers: headers ?? {},
  };
}

/** A list of changes, each of another subscription. */
export function updatesSchema<S extends z.ZodType<{ id: string }>>(update: S) {
  return z.strictObject({
    updates: z.array(
      update.refine((one) => Object.keys(one).length > 1, "names nothing to change"),
    ).min(1).max(50).refine(
      (updates) => new Set(updates.map((one) => one.id.toLowerCase())).size === updates.length,
      "names an integration twice",
    ),
  });
}
