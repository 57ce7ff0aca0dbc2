import { Hono } from "hono";
import { cors } from "hono/cors";
import postgres from "postgres";
import type { SigningKey } from "../keys.ts";
import type { Log } from "../log.ts";
import { adminRoutes } from "./admin.ts";
import { AuthFault } from "./auth_fault.ts";
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

/**
 * The part of Supabase Auth that applications call: password sign-in, refresh, sign-out, user, JWKS, and the admin's
 * users. Answers and error codes are those that supabase-js reads.
 */
export function createAuthApp(options: AuthOptions): { fetch(request: Request): Promise<Response>; stop(): Promise<void> } {
  const sql = postgres(options.adminDbUrl, { max: 4, onnotice: () => {}, connection: { application_name: "auth" } });
  const issuer = new TokenIssuer(sql, options.signingKey, options.issuer);
  const secretKeys = new Set(Object.values(options.secretKeys));
  const apiKeys = new Set([...Object.values(options.publishableKeys), ...secretKeys]);
  const app = new Hono();

  app.use("*", cors({ origin: "*", allowHeaders: ["*", "authorization"] }));
  app.get("/.well-known/jwks.json", (context) => context.json({ keys: [options.signingKey.publicJwk] }));
  app.get("/health", (context) => context.json({ name: "Auth", description: "local Auth server" }));
  app.use("*", async (context, next) => {
    const key = context.req.header("apikey");
    if (!key || !apiKeys.has(key)) {
      return context.json({ message: "Invalid API key", hint: "Send the publishable key in the apikey header." }, 401);
    }
    await next();
  });
  app.get("/settings", (context) => context.json({ external: { email: true }, disable_signup: true }));
  app.route("/", sessionRoutes(sql, issuer));
  app.use("/admin/*", async (context, next) => {
    if (!secretKeys.has(context.req.header("apikey") ?? "")) {
      throw new AuthFault(403, "not_admin", "User not allowed");
    }
    await next();
  });
  app.route("/admin", adminRoutes(sql));
  app.notFound((context) => context.json({ code: 404, error_code: "not_found", msg: "Not found" }, 404));
  app.onError((error, context) => {
    if (error instanceof AuthFault) {
      const body = { code: error.errorCode, error_code: error.errorCode, msg: error.message, message: error.message };
      return context.json(body, error.status, { "x-supabase-api-version": "2024-01-01" });
    }
    options.log.error("auth", "request failed", { reason: error.message });
    return context.json({ code: "unexpected_failure", error_code: "unexpected_failure", msg: "Unexpected failure" }, 500);
  });
  return { fetch: async (request) => await app.fetch(request), stop: () => sql.end({ timeout: 1 }) };
}
