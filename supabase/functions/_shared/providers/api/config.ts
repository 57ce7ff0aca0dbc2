import * as z from "zod";
import { headerProblem } from "../../guardrails/egress/egress.ts";
import { resourceSchema } from "./resource_config.ts";
import { parameterName, webAddress } from "./setting_texts.ts";

const MAX_RESOURCES = 20;
const MAX_HEADERS = 20;

/** Names that carry credentials nearly everywhere: what is configured is shown to whoever may read connectors. */
const SECRET_HEADERS = ["authorization", "cookie", "x-api-key", "api-key"];

/** How the API knows who asks. The credentials themselves are in Vault. */
export const authSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("none") }),
  z.strictObject({
    kind: z.literal("api_key"),
    in: z.enum(["header", "query"]).default("header"),
    /** Header or parameter. */
    name: parameterName(),
    /** Stands before the key, for example "Token ". */
    prefix: z.string().max(50).regex(/^[\x20-\x7e]*$/, "is printable ASCII").optional(),
  }),
  z.strictObject({ kind: z.literal("bearer") }),
  z.strictObject({ kind: z.literal("basic") }),
  z.strictObject({
    kind: z.literal("oauth2_client_credentials"),
    token_url: webAddress(),
    scope: z.string().min(1).max(1000).optional(),
    audience: z.string().min(1).max(500).optional(),
    /** Where client_id and client_secret go: into the form, or into an Authorization header. */
    client_auth: z.enum(["body", "basic"]).default("body"),
  }),
]).superRefine((auth, context) => {
  if (auth.kind !== "api_key") return;
  const lower = auth.name.toLowerCase();
  const problem = auth.in === "header" && lower !== "authorization" ? headerProblem(auth.name) : null;
  if (problem !== null) context.addIssue({ code: "custom", path: ["name"], message: problem });
});

/** Names and values of headers that may be on every request. */
const headersSchema = z.record(z.string(), z.string()).superRefine((headers, context) => {
  const names = Object.keys(headers);
  if (names.length > MAX_HEADERS) {
    context.addIssue({ code: "custom", message: `There are at most ${MAX_HEADERS} headers.` });
  }
  for (const name of names) {
    const problem = headerProblem(name, headers[name]!);
    if (problem !== null) context.addIssue({ code: "custom", path: [name], message: problem });
  }
});

const plainHeadersSchema = headersSchema.superRefine((headers, context) => {
  for (const name of Object.keys(headers)) {
    if (!SECRET_HEADERS.includes(name.toLowerCase())) continue;
    const message = `The header ${name} carries credentials; use auth, or secret_headers of the credentials.`;
    context.addIssue({ code: "custom", path: [name], message });
  }
});

/** How the API tells "too often": Retry-After is always read, these are names of further headers. */
const retrySchema = z.strictObject({
  /** Statuses that mean "wait" beside 429, for example 403 together with `remaining`. */
  statuses: z.array(z.int().min(400).max(599)).max(10).default([]),
  /** Header with seconds to wait. */
  after: parameterName().optional(),
  /** Header with the instant of the next try: seconds or milliseconds since 1970, or an HTTP date. */
  at: parameterName().optional(),
  /** Header that says how many requests are left; with 0, a refusal means "wait". */
  remaining: parameterName().optional(),
});

/** Settings of an API whose resources are read. */
export const restConfigSchema = z.strictObject({
  flavor: z.literal("rest").optional(),
  base_url: webAddress(),
  auth: authSchema.prefault({ kind: "none" }),
  headers: plainHeadersSchema.default({}),
  timeout_ms: z.int().min(1000).max(60_000).default(10_000),
  /** What a test of the connector asks; left out = the first page of the first resource. */
  test_path: z.string().max(500).optional(),
  retry: retrySchema.prefault({}),
  resources: z.record(z.string().regex(/^[a-z0-9_]{1,50}$/, "is 1 to 50 of a-z, 0-9 and _"), resourceSchema)
    .refine(
      (resources) => Object.keys(resources).length <= MAX_RESOURCES,
      `There are at most ${MAX_RESOURCES} resources; make another connector for more.`,
    ).default({}),
});

/** Settings of the e-mail sender that subscriptions send through. */
export const resendConfigSchema = z.strictObject({
  flavor: z.literal("resend"),
  from: z.string().min(3).max(320).regex(/^\P{Cc}+$/u, "has no control characters"),
  base_url: webAddress().default("https://api.resend.com"),
});

export const apiConfigSchema = z.discriminatedUnion("flavor", [restConfigSchema, resendConfigSchema], {
  error: (issue) => issue.code === "invalid_union" ? "is resend, or left out" : undefined,
});

const credential = () =>
  z.string().min(1).max(4096).regex(/^[\x21-\x7e]+$/, "has visible ASCII characters only");

/** Credentials of every kind of auth; which of them are needed, auth.kind says. */
export const apiSecretsSchema = z.strictObject({
  api_key: credential().optional(),
  token: credential().optional(),
  username: z.string().min(1).max(500).regex(/^[^:\p{Cc}]+$/u, "has no colon and no control characters")
    .optional(),
  password: z.string().min(1).max(4096).regex(/^\P{Cc}+$/u, "has no control characters").optional(),
  client_id: credential().optional(),
  client_secret: credential().optional(),
  secret_headers: headersSchema.optional(),
});

export type RestConfig = z.output<typeof restConfigSchema>;
export type ResendConfig = z.output<typeof resendConfigSchema>;
export type ApiConfig = z.output<typeof apiConfigSchema>;
export type ApiSecrets = z.output<typeof apiSecretsSchema>;
export type RetrySettings = z.output<typeof retrySchema>;
