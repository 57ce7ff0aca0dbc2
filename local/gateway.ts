import { usageTable } from "./function_usage.ts";
import type { Functions } from "./functions.ts";
import type { Log } from "./log.ts";

/** What the gateway stands in front of. */
export interface GatewayOptions {
  port: number;
  postgrestUrl: string;
  auth: { fetch(request: Request): Promise<Response> };
  functions: Functions;
  /** Opaque API key -> role token. */
  roleTokens: Map<string, string>;
  health(): Record<string, unknown>;
  log: Log;
}

/** Requests in flight get this long to end when the stack stops. */
const SHUTDOWN_GRACE_MS = 500;

const CORS = {
  "access-control-allow-origin": "*",
  "access-control-allow-methods": "GET,HEAD,POST,PUT,PATCH,DELETE,OPTIONS",
  "access-control-allow-headers": "*, authorization",
  "access-control-max-age": "600",
};

/** Serves /rest/v1, /auth/v1 and /functions/v1 on one loopback port, as the platform's gateway does. */
export function startGateway(options: GatewayOptions): { shutdown(): Promise<void> } {
  const unanswered = new Set<() => void>();
  const answer = (request: Request, remoteAddress: string) => {
    const { promise, resolve } = Promise.withResolvers<Response>();
    const stopping = new AbortController();
    const cutOff = () => {
      resolve(json(503, { message: "The stack is stopping" }, { "retry-after": "1" }));
      stopping.abort();
    };
    unanswered.add(cutOff);
    const answered = route(options, { request, remoteAddress, stopping: stopping.signal });
    return Promise.race([answered, promise]).finally(() => unanswered.delete(cutOff));
  };
  const server = Deno.serve({
    hostname: "127.0.0.1",
    port: options.port,
    onListen: () => {},
    onError: (error) => {
      options.log.error("gateway", "request failed", {
        reason: error instanceof Error ? error.message : String(error),
      });
      return Response.json({ message: "The gateway failed" }, { status: 500 });
    },
  }, (request, info) => answer(request, info.remoteAddr.hostname));
  return {
    async shutdown() {
      const finished = server.shutdown();
      await within(finished, SHUTDOWN_GRACE_MS);
      for (const cutOff of unanswered) cutOff();
      await within(finished, SHUTDOWN_GRACE_MS);
    },
  };
}

async function within(work: Promise<void>, timeoutMs: number): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  await Promise.race([work, new Promise<void>((resolve) => timer = setTimeout(resolve, timeoutMs))]);
  clearTimeout(timer);
}

interface Arrival {
  request: Request;
  remoteAddress: string;
  /** Fires when the stack stops before the answer is there. */
  stopping: AbortSignal;
}

async function route(options: GatewayOptions, arrival: Arrival): Promise<Response> {
  const { request } = arrival;
  const url = new URL(request.url);
  const [, service, version, ...rest] = url.pathname.split("/");
  if (version === "v1" && service === "functions") {
    const path = `/${rest.join("/")}${url.search}`;
    return await options.functions.fetch(rest[0] ?? "", forwarded(arrival, url), path);
  }
  if (version === "v1" && service === "rest") {
    if (request.method === "OPTIONS") return new Response(null, { status: 204, headers: CORS });
    return await toPostgrest(options, request, `/${rest.join("/")}${url.search}`);
  }
  if (version === "v1" && service === "auth") {
    const target = new URL(`/${rest.join("/")}${url.search}`, url);
    return await options.auth.fetch(new Request(target, request));
  }
  if (url.pathname === "/_internal/functions") return await usage(options, request);
  if (url.pathname === "/" || url.pathname === "/health") return Response.json(options.health());
  return Response.json({ message: "no Route matched with those values" }, { status: 404 });
}

/** What the functions use right now: a table for people, JSON for those who accept only that. */
async function usage({ functions }: GatewayOptions, request: Request): Promise<Response> {
  const rows = await functions.usage();
  if (request.headers.get("accept") === "application/json") {
    return Response.json({ limits: functions.limits, functions: rows });
  }
  return new Response(usageTable(rows, functions.limits));
}

function forwarded({ request, remoteAddress, stopping }: Arrival, url: URL): Request {
  const headers = new Headers(request.headers);
  headers.set("x-forwarded-for", remoteAddress);
  headers.set("x-forwarded-proto", url.protocol.slice(0, -1));
  headers.set("x-forwarded-host", url.host);
  return new Request(request, { headers, signal: AbortSignal.any([request.signal, stopping]) });
}

/**
 * An opaque key becomes the token of its role; a user's own token stays. supabase-js sends the key in both headers when
 * nobody is signed in.
 */
async function toPostgrest(options: GatewayOptions, request: Request, path: string): Promise<Response> {
  const headers = new Headers(request.headers);
  const bearer = /^Bearer (.+)$/i.exec(headers.get("authorization") ?? "")?.[1];
  const key = headers.get("apikey") ?? (bearer?.startsWith("sb_") ? bearer : null);
  if (key === null && bearer === undefined) {
    return json(401, {
      message: "No API key found in request",
      hint: "No `apikey` request header or url param was found.",
    });
  }
  if (key !== null) {
    const roleToken = options.roleTokens.get(key);
    if (roleToken === undefined) {
      return json(401, { message: "Invalid API key", hint: "Double check your API key." });
    }
    if (bearer === undefined || bearer.startsWith("sb_")) headers.set("authorization", `Bearer ${roleToken}`);
    headers.delete("apikey");
  }
  headers.delete("host");
  try {
    const response = await fetch(options.postgrestUrl + path, {
      method: request.method,
      headers,
      body: request.body,
      redirect: "manual",
    });
    const answered = new Headers(response.headers);
    for (const [name, value] of Object.entries(CORS)) answered.set(name, value);
    return new Response(response.body, { status: response.status, headers: answered });
  } catch (error) {
    options.log.warn("gateway", "PostgREST does not answer", {
      reason: error instanceof Error ? error.message : "",
    });
    return json(503, { code: "PGRST000", message: "The REST server does not answer" }, {
      "retry-after": "1",
    });
  }
}

function json(status: number, body: Record<string, string>, headers: Record<string, string> = {}): Response {
  return Response.json(body, { status, headers: { ...CORS, ...headers } });
}
