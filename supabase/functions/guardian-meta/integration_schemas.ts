import * as z from "zod";
import { metaMappers } from "../_shared/meta/guardian_payload.ts";
import { SCOPES } from "../_shared/meta/vocabulary.ts";
import { textSchema } from "../_shared/http/text_schema.ts";
import { configSchemas, updatesSchema } from "../_shared/subscriptions/settings.ts";

/** Settings that only these integrations have. */
export const guardianSettings = {
  /** Of what the scopes open, only these types. Default: all. */
  event_types: z.array(z.enum([...metaMappers.keys()])).min(1)
    .refine((types) => new Set(types).size === types.length, "names a type twice"),
};

const config = configSchemas(guardianSettings);

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
  config: config.whole,
  scopes: scopesSchema,
});

export const updateSchema = updatesSchema(z.strictObject({
  id: z.uuid(),
  label: textSchema(200).optional(),
  description: textSchema(2000).optional(),
  is_enabled: z.boolean().optional(),
  config: config.change.optional(),
  scopes: scopesSchema.optional(),
}));
