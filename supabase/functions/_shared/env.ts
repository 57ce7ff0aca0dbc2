import * as z from "zod";

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

/** A rate; the default is what one worker can well do beside others'. */
const perSecond = (fallback: number) =>
  z.preprocess((value) => value || fallback, z.coerce.number().int().min(1).max(100_000));

/** How long is waited for something; shorter than the platform's own 150 s. */
const waitMs = (fallback: number) =>
  z.preprocess((value) => value || fallback, z.coerce.number().int().min(100).max(120_000));

/** `443,8443` to numbers. */
const listOfPorts = z.string().transform((text, context) => {
  const ports = text.split(",").map((part) => part.trim());
  if (ports.every((port) => /^[1-9]\d{0,4}$/.test(port) && Number(port) <= 65535)) return ports.map(Number);
  context.addIssue({ code: "custom", message: "is not a list of ports such as 443,8443" });
  return z.NEVER;
});

/** `x-forwarded-for:1` to a header and the number of proxies that add to it, `cf-connecting-ip` to one with one value. */
const addressHeader = z.string().transform((text, context) => {
  const [, name, proxies] = /^([a-z0-9-]{1,100})(?::([1-9]))?$/i.exec(text) ?? [];
  if (name !== undefined) return { name: name.toLowerCase(), proxies: proxies ? Number(proxies) : null };
  context.addIssue({
    code: "custom",
    message: "is not a header such as cf-connecting-ip or x-forwarded-for:1",
  });
  return z.NEVER;
});

/** One secret, or while it is being changed the new one and the one before: `new,old`. */
const appSecrets = () =>
  z.preprocess(
    (value) => value || "",
    z.string().transform((text) => text.split(",").map((secret) => secret.trim()).filter(Boolean)),
  ).refine(
    (secrets) =>
      secrets.length <= 2 &&
      secrets.every((secret) => /^[\x21-\x7e]{16,500}$/.test(secret)),
    "is not one or two secrets of 16 to 500 printable characters, separated by a comma",
  );

/** An identifier or secret of an OAuth app. */
const appCredential = () => optional(z.string().regex(/^[\x21-\x7e]{1,500}$/));

const SLACK_API_URL = "https://slack.com/api";
const GOOGLE_KEYS_URL = "https://www.googleapis.com/oauth2/v3/certs";

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
  INTERLOCK_WEBHOOK_RATE_LIMIT: perSecond(200),
  INTERLOCK_TENANT_RATE_LIMIT: perSecond(500),
  INTERLOCK_BODY_IDLE_MS: waitMs(10_000),
  INTERLOCK_BODY_TOTAL_MS: waitMs(30_000),
  /** What the apps sign with that post the news of all their accounts to one URL. */
  INTERLOCK_HUBSPOT_CLIENT_SECRET: appSecrets(),
  INTERLOCK_SLACK_SIGNING_SECRET: appSecrets(),
  INTERLOCK_ZOHO_CHANNEL_SECRET: appSecrets(),
  /** The OAuth apps of this installation, by which people connect their accounts. */
  INTERLOCK_GOOGLE_CLIENT_ID: appCredential(),
  INTERLOCK_GOOGLE_CLIENT_SECRET: appCredential(),
  INTERLOCK_SLACK_CLIENT_ID: appCredential(),
  INTERLOCK_SLACK_CLIENT_SECRET: appCredential(),
  /** Where people are sent back to after they consented at a provider. */
  INTERLOCK_CONSOLE_URL: optional(z.url({ protocol: /^https?$/ })),
  INTERLOCK_EGRESS_PORTS: z.preprocess((value) => value || "443,8443", listOfPorts),
  INTERLOCK_EGRESS_ALLOW_LOCAL: z.preprocess((value) => value || "0", z.enum(["0", "1"]))
    .transform((value) => value === "1"),
  /** For tests against a server that plays Slack; see the check below. */
  INTERLOCK_SLACK_API_URL: z.preprocess((value) => value || SLACK_API_URL, z.url()),
  /** For tests against a server that plays Google. */
  INTERLOCK_GOOGLE_KEYS_URL: z.preprocess((value) => value || GOOGLE_KEYS_URL, z.url()),
  /** For tests against a server that plays all of Google's services; left out = Google's own addresses. */
  INTERLOCK_GOOGLE_API_URL: optional(z.url()),
  INTERLOCK_CLIENT_ADDRESS: optional(addressHeader),
  INTERLOCK_LOG_LEVEL: z.preprocess((value) => value || "info", z.enum(["debug", "info", "warn", "error"])),
});

/**
 * Calling loopback is for a developer's machine: on a project that others reach it would open the inside to tenants. The
 * same holds for another Slack than the real one, which would get the tenants' tokens, and for other keys than Google's,
 * which would let in whoever holds them.
 */
const checkedSchema = environmentSchema.superRefine((values, context) => {
  const refuse = (name: string, message: string) =>
    context.addIssue({ code: "custom", path: [name], message });
  if (values.INTERLOCK_EGRESS_ALLOW_LOCAL && !isLoopback(new URL(values.SUPABASE_URL).hostname)) {
    refuse("INTERLOCK_EGRESS_ALLOW_LOCAL", "is allowed only where SUPABASE_URL is on loopback; remove it");
  }
  const outside = {
    INTERLOCK_SLACK_API_URL: SLACK_API_URL,
    INTERLOCK_GOOGLE_KEYS_URL: GOOGLE_KEYS_URL,
    INTERLOCK_GOOGLE_API_URL: undefined,
  };
  for (const [name, realUrl] of Object.entries(outside)) {
    const url = values[name as keyof typeof outside];
    const isLocal = url !== undefined && values.INTERLOCK_EGRESS_ALLOW_LOCAL &&
      isLoopback(new URL(url).hostname);
    if (url !== realUrl && !isLocal) {
      refuse(name, "may lead to loopback only, where that may be called; remove it");
    }
  }
});

const isLoopback = (hostname: string) => /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(hostname);

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
  const parsed = checkedSchema.safeParse(
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
