import fc from "fast-check";
import type { z } from "zod";
import { inputSchema, type JsonSchema } from "../../supabase/functions/_shared/http/openapi_operation.ts";
import { placesIn } from "./json_text.ts";

/** One value that passes a schema, the fullest of a few: for routes that show no example. */
export function validSample(schema: z.ZodType): unknown {
  const samples = fc.sample(validInput(inputSchema(schema)), { seed: 1, numRuns: 200 });
  return samples.filter((sample) => schema.safeParse(sample).success)
    .sort((one, other) => placesIn(other).length - placesIn(one).length)[0] ?? {};
}

/** Values that pass a JSON Schema, or nearly: the caller asks the real schema. */
export function validInput(schema: JsonSchema): fc.Arbitrary<unknown> {
  if ("const" in schema) return fc.constant(schema.const);
  if (Array.isArray(schema.enum)) return fc.constantFrom(...schema.enum);
  const choices = schema.anyOf ?? schema.oneOf;
  if (Array.isArray(choices)) return fc.oneof(...choices.map(validInput));
  if (Array.isArray(schema.type)) {
    return fc.oneof(...schema.type.map((type) => validInput({ ...schema, type })));
  }
  switch (schema.type) {
    case "string":
      return validText(schema);
    case "integer":
      return fc.integer(rangeOf(schema));
    case "number":
      return fc.double({ ...rangeOf(schema), noNaN: true });
    case "boolean":
      return fc.boolean();
    case "null":
      return fc.constant(null);
    case "array":
      return fc.array(validInput(schema.items as JsonSchema ?? {}), {
        minLength: schema.minItems as number ?? 0,
        maxLength: Math.min(schema.maxItems as number ?? 5, 5),
      });
    case "object":
      return validObject(schema);
    default:
      return fc.jsonValue();
  }
}

function rangeOf(schema: JsonSchema): { min: number; max: number } {
  const exclusive = schema.exclusiveMinimum as number | undefined;
  return {
    min: Math.max(schema.minimum as number ?? (exclusive === undefined ? -1e9 : exclusive + 1), -2147483648),
    max: Math.min(schema.maximum as number ?? 2147483647, 2147483647),
  };
}

function validText(schema: JsonSchema): fc.Arbitrary<string> {
  if (schema.format === "uuid") return fc.uuid();
  if (schema.format === "uri") return fc.webUrl();
  if (schema.format === "email") return fc.emailAddress();
  if (schema.format === "date-time") {
    return fc.date({ noInvalidDate: true }).map((date) => date.toISOString());
  }
  const length = {
    minLength: schema.minLength as number ?? 0,
    maxLength: Math.min(schema.maxLength as number ?? 50, 300),
  };
  // A pattern is met by most printable text; what it refuses is a refusal worth sending as well.
  return schema.pattern === undefined
    ? fc.string({ ...length, unit: "grapheme" })
    : fc.string({ ...length, unit: "grapheme-ascii" }).map((text) => text.replaceAll(" ", "_"));
}

function validObject(schema: JsonSchema): fc.Arbitrary<unknown> {
  const properties = Object.entries(schema.properties as Record<string, JsonSchema> ?? {});
  const required = (schema.required as string[] ?? []).filter((name) =>
    properties.some(([key]) => key === name)
  );
  if (properties.length === 0 && schema.additionalProperties !== false) {
    return fc.dictionary(fc.string({ maxLength: 20 }), fc.jsonValue({ maxDepth: 1 }), { maxKeys: 3 });
  }
  return fc.record(
    Object.fromEntries(properties.map(([name, inner]) => [name, validInput(inner)])),
    { requiredKeys: required, noNullPrototype: true },
  );
}
