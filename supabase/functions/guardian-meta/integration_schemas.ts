import { z } from "zod";
import { SIGNATURE_VERSIONS } from "../_shared/delivery/signature.ts";
import { headerProblem } from "../_shared/guardrails.ts";
import { SCOPES } from "../_shared/meta/vocabulary.ts";

const MAX_HEADERS = 20;

/** Text a person can read: no control characters. */
const textSchema = (max: number) =>
  z.string().trim().min(1).max(max).regex(/^\P{Cc}+$/u, "has no control characters");

/** Custom headers with their values; values go to Vault and are never shown again. */
const headersSchema = z.record(z.string().min(1).max(100), z.string().min(1).max(4000))
  .refine((headers) => Object.keys(headers).length <= MAX_HEADERS, `holds at most ${MAX_HEADERS} headers`)
  .superRefine((headers, context) => {
    for (const [name, value] of Object.entries(headers)) {
      const problem = headerProblem(name, value);
      if (problem !== null) context.addIssue({ code: "custom", path: [name], message: problem });
    }
  });

const tuning = {
  /** How long the endpoint may take to answer. Default 10 s. */
  timeout_ms: z.number().int().min(1000).max(30_000),
  /** Attempts before a delivery is discarded. Default 3. */
  max_attempts: z.number().int().min(1).max(20),
  /** Requests to the endpoint at the same time. Default 10. */
  max_in_flight: z.number().int().min(1).max(100),
};

const urlSchema = z.string().min(1).max(2000);

const configSchema = z.strictObject({
  webhook_url: urlSchema,
  headers: headersSchema.optional(),
  timeout_ms: tuning.timeout_ms.optional(),
  max_attempts: tuning.max_attempts.optional(),
  max_in_flight: tuning.max_in_flight.optional(),
  /** How requests are signed; a rotation can change it later. */
  signature: z.enum(SIGNATURE_VERSIONS).optional(),
});

/** Only what is named changes; null takes a setting back to its default. */
const configChangeSchema = z.strictObject({
  webhook_url: urlSchema.optional(),
  headers: headersSchema.nullable().optional(),
  timeout_ms: tuning.timeout_ms.nullable().optional(),
  max_attempts: tuning.max_attempts.nullable().optional(),
  max_in_flight: tuning.max_in_flight.nullable().optional(),
});

const scopesSchema = z.array(z.enum(SCOPES)).min(1).max(SCOPES.length)
  .refine((scopes) => new Set(scopes).size === scopes.length, "names a scope twice");

export const createSchema = z.strictObject({
  integration_key: z.string().regex(
    /^[a-z0-9][a-z0-9_-]{0,99}$/,
    "is lower-case letters, digits, _ and -, at most 100",
  ),
  label: textSchema(200),
  description: textSchema(2000).optional(),
  is_enabled: z.boolean().default(true),
  config: configSchema,
  scopes: scopesSchema,
});

export const updateSchema = z.strictObject({
  updates: z.array(
    z.strictObject({
      id: z.uuid(),
      label: textSchema(200).optional(),
      description: textSchema(2000).optional(),
      is_enabled: z.boolean().optional(),
      config: configChangeSchema.optional(),
      scopes: scopesSchema.optional(),
    }).refine((update) => Object.keys(update).length > 1, "names nothing to change"),
  ).min(1).max(50)
    .refine(
      (updates) => new Set(updates.map((update) => update.id.toLowerCase())).size === updates.length,
      "names an integration twice",
    ),
});

export const rotateSchema = z.strictObject({
  /** Left out, it stays as it is. */
  signature: z.enum(SIGNATURE_VERSIONS).optional(),
  /** How long the old secret or key signs beside the new one. Default: a day. */
  overlap_seconds: z.number().int().min(0).max(604800).default(86400),
});

export const testSchema = z.strictObject({ integration_id: z.uuid() });

type Config = z.output<typeof configSchema> | z.output<typeof configChangeSchema>;

/** Splits a configuration into what the row keeps (header names) and what Vault keeps (header values). */
export function splitHeaders<C extends Config>(config: C) {
  const { headers, ...rest } = config;
  if (headers === undefined) return { config: rest, headers: null };
  const names = Object.keys(headers ?? {}).map((name) => name.toLowerCase()).sort();
  return {
    config: { ...rest, headers: names.length > 0 ? names : null },
    headers: headers ?? {},
  };
}
