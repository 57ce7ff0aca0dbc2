import { type Context, Hono } from "hono";
import { cors } from "hono/cors";
import postgres from "postgres";
import type { SigningKey } from "../keys.ts";
import type { Log } from "../log.ts";
import { adminRoutes } from "./admin.ts";
import { AuthFault } from "./auth_fault.ts";
import { Passwords } from "./passwords.ts";
import { sessionRoutes } from "./sessions.ts";
import { TokenIssuer } from "./token_issuer.ts";

/** What the Auth server of the stack needs. */
export interface AuthOptions {
  adminDbUrl: string;
  signingKey: SigningKey;
  /** `${apiUrl}/auth/v1`. */
  issuer: string;
  publishableKeys: Record<string, string>;
  secretKeys: Record<string, string>;
  log: Log;
}

/** From this version of the API on, an error's code stands in `code`; before, the HTTP status did. */
const ERROR_CODE_API_VERSION = "2024-01-01";

/** SQLSTATEs and driver codes that mean: Postgres is away, try again. */
const UNAVAILABLE = /^(ECONNREFUSED|ECONNRESET|CONNECTION_|CONNECT_TIMEOUT|57P0|53300|08)/;

/**
 * The part of Supabase Auth that applications call: password sign-in, refresh, sign-out, user, JWKS, and the
 * administrator's users. Answers and error codes are those that supabase-js reads.
 */
export function createAuthApp(
  options: AuthOptions,
): { fetch(request: Request): Promise<Response>; stop(): Promise<void> } {
  const sql = postgres(options.adminDbUrl, {
    max: 4,
    onnotice: () => {},
    connection: { application_name: "auth" },
    backoff: () => 0.2,
  });
  const passwords = new Passwords(sql);
  const issuer = new TokenIssuer(sql, options.signingKey, options.issuer);
  const secretKeys = new Set(Object.values(options.secretKeys));
  const apiKeys = new Set([...Object.values(options.publishableKeys), ...secretKeys]);
  const app = new Hono();

  app.use("*", cors({ origin: "*", exposeHeaders: ["x-total-count", "link", "x-supabase-api-version"] }));
  app.get("/.well-known/jwks.json", (context) => context.json({ keys: [options.signingKey.publicJwk] }));
  app.get(
    "/health",
    (context) => context.json({ version: "local", name: "GoTrue", description: "Local Auth server" }),
  );
  app.use("*", async (context, next) => {
    const key = context.req.header("apikey");
    if (!key) {
      return context.json(
        { message: "No API key found in request", hint: "Send it in the apikey header." },
        401,
      );
    }
    if (!apiKeys.has(key)) {
      return context.json({ message: "Invalid API key", hint: "Double check your API key." }, 401);
    }
    await next();
  });
  app.get("/settings", (context) => context.json(settings));
  app.route("/", sessionRoutes({ sql, issuer, passwords }));
  app.use("/admin/*", async (context, next) => {
    if (!secretKeys.has(context.req.header("apikey") ?? "")) {
      throw new AuthFault(403, "not_admin", "User not allowed");
    }
    await next();
  });
  app.route("/admin", adminRoutes(sql, passwords));
  app.notFound((context) => {
    const message =
      "The local Auth server does not offer this route; passwords, refresh, users and sign-out it does";
    return refuse(context, new AuthFault(404, "not_found", message));
  });
  app.onError((error, context) => {
    const fault = error instanceof AuthFault ? error : unexpected(error);
    if (fault.status >= 500) {
      options.log.error("auth", "Request failed.", { path: context.req.path, reason: error.message });
    }
    return refuse(context, fault);
  });
  return { fetch: async (request) => await app.fetch(request), stop: () => sql.end({ timeout: 1 }) };
}

const settings = {
  external: { email: true, phone: false, anonymous_users: false },
  disable_signup: true,
  mailer_autoconfirm: true,
  phone_autoconfirm: false,
  saml_enabled: false,
};

function unexpected(error: Error): AuthFault {
  const code = (error as { code?: unknown }).code;
  if (typeof code === "string" && UNAVAILABLE.test(code)) {
    return new AuthFault(503, "unexpected_failure", "The database does not answer; try again");
  }
  return new AuthFault(
    500,
    "unexpected_failure",
    "Unexpected failure, please check server logs for more information",
  );
}

function refuse(context: Context, fault: AuthFault): Response {
  const version = context.req.header("x-supabase-api-version") ?? "";
  if (version >= ERROR_CODE_API_VERSION) {
    context.header("x-supabase-api-version", ERROR_CODE_API_VERSION);
    return context.json({ code: fault.errorCode, message: fault.message, ...fault.details }, fault.status);
  }
  const body = { code: fault.status, error_code: fault.errorCode, msg: fault.message, ...fault.details };
  return context.json(body, fault.status);
}
