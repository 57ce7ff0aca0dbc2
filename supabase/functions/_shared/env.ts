import { z } from "zod";

const jsonObjectOfStrings = z.string().transform((text, context) => {
  try {
    return z.record(z.string(), z.string()).parse(JSON.parse(text));
  } catch {
    context.addIssue({ code: "custom", message: "is not a JSON object of strings" });
    return z.NEVER;
  }
});

const emptyAsUnset = (value: unknown) => (value === "" ? undefined : value);
const optional = <S extends z.ZodType>(schema: S) => z.preprocess(emptyAsUnset, schema.optional());

const environmentSchema = z.object({
  SUPABASE_URL: z.url(),
  SUPABASE_SECRET_KEYS: jsonObjectOfStrings,
  INTERLOCK_PUBLIC_URL: optional(z.url()),
  INTERLOCK_ALLOWED_ORIGINS: z.preprocess(
    (value) => value ?? "",
    z.string().transform((text) => text.split(",").map((origin) => origin.trim()).filter(Boolean)),
  ),
  INTERLOCK_DB_URL: optional(z.string().startsWith("postgres")),
  INTERLOCK_DB_MAX_CONNECTIONS: z.preprocess((value) => value || 4, z.coerce.number().int().min(1).max(32)),
  INTERLOCK_LOG_LEVEL: z.preprocess((value) => value || "info", z.enum(["debug", "info", "warn", "error"])),
});

/** The configuration of a function, read once per process. docs/configuration.md explains every name. */
export type Environment = z.infer<typeof environmentSchema>;

let cached: Environment | undefined;

/**
 * Reads and checks the environment; a missing or malformed variable fails the boot instead of the tenth request.
 *
 * @throws {TypeError} naming every variable that is wrong; values are not repeated, they may be secrets.
 */
export function environment(): Environment {
  if (cached) return cached;
  const names = Object.keys(environmentSchema.shape);
  const parsed = environmentSchema.safeParse(
    Object.fromEntries(names.map((name) => [name, Deno.env.get(name)])),
  );
  if (!parsed.success) {
    const wrong = parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`);
    throw new TypeError(`The environment is incomplete: ${wrong.join("; ")}`);
  }
  cached = parsed.data;
  return cached;
}

/** Base URL under which the outside reaches the functions, without a slash at the end. */
export function publicFunctionsUrl(): string {
  const { INTERLOCK_PUBLIC_URL, SUPABASE_URL } = environment();
  return `${(INTERLOCK_PUBLIC_URL ?? SUPABASE_URL).replace(/\/+$/, "")}/functions/v1`;
}
