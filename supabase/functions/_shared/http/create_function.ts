import { Hono } from "hono";
import { cors } from "hono/cors";
import type { z } from "zod";
import { environment } from "../env.ts";
import { InterlockError } from "../errors/interlock_error.ts";
import { createLogger, type Logger } from "../log.ts";
import type { UserAccess } from "./access.ts";
import { openApiRoute } from "./openapi.ts";
import { renderError } from "./render_error.ts";
import { RequestBody } from "./request_body.ts";
import type { AnyRoute } from "./route.ts";
import { validated } from "./validated.ts";

const DEFAULT_BODY_LIMIT_BYTES = 1024 * 1024;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/**
 * An edge function: what `export default` of its index.ts must be, plus its routes for the document and the test rigs.
 */
export interface EdgeFunction {
  name: string;
  routes: AnyRoute[];
  fetch(request: Request): Promise<Response>;
}

type HonoEnv = { Variables: { requestId: string; log: Logger; rawBody: RequestBody } };

/**
 * Builds an edge function from its routes: request id, authentication, tenant, CORS, limits, and the one error
 * renderer. A route says who may call it; there is no default. Every function describes itself at /openapi.json.
 *
 * @param options.name - the function's folder; the platform hands over paths as /<name>/...
 */
export function createFunction(options: { name: string; routes: AnyRoute[] }): EdgeFunction {
  environment();
  const log = createLogger(options.name);
  const app = new Hono<HonoEnv>({ strict: false });

  app.use("*", async (context, next) => {
    const requestId = requestIdOf(context.req.raw);
    context.set("requestId", requestId);
    context.set("log", log.with({ request_id: requestId }));
    context.set("rawBody", new RequestBody(context.req.raw));
    await next();
    await context.get("rawBody").drain();
    context.res.headers.set("x-request-id", requestId);
  });
  const answerBrowsers = cors({
    origin: (origin) => environment().INTERLOCK_ALLOWED_ORIGINS.includes(origin) ? origin : null,
    allowHeaders: [
      "authorization",
      "apikey",
      "content-type",
      "x-client-info",
      "x-workspace-id",
      "x-org-id",
      "x-request-id",
    ],
    exposeHeaders: ["x-request-id", "retry-after"],
    maxAge: 600,
  });
  // Only browsers name an origin, and only they ask first.
  app.use(
    "*",
    (context, next) =>
      context.req.method === "OPTIONS" || context.req.raw.headers.has("origin")
        ? answerBrowsers(context, next)
        : next(),
  );
  app.onError((error, context) => renderError(error, context.get("requestId"), context.get("log")));
  app.notFound((context) =>
    renderError(
      new InterlockError("NOT_FOUND", "There is no such route."),
      context.get("requestId"),
      context.get("log"),
    )
  );

  // First, so that no path parameter takes its place.
  const routes = [openApiRoute(options.name, options.routes), ...options.routes];
  for (const route of routes) {
    app.on(route.method, pathOf(options.name, route), async (context) => {
      const started = performance.now();
      const request = context.req.raw;
      const params = context.req.param() as Record<string, string>;
      const { requestId, rawBody } = context.var;
      const access = await authorize(route, request, requestId);
      const requestLog = context.var.log.with({
        route: `${route.method} ${route.path}`,
        tenant_id: access?.tenantId,
      });
      context.set("log", requestLog);
      checkUuidParams(route, params);
      const query = route.query ? parseQuery(route.query, request) : undefined;
      const body = route.body ? await parseBody(route.body, rawBody, route.bodyLimitBytes) : undefined;
      const response = await route.handler({
        request,
        requestId,
        log: requestLog,
        params,
        rawBody,
        access,
        body,
        query,
      });
      requestLog.debug("answered", {
        status: response.status,
        duration_ms: Math.round(performance.now() - started),
      });
      return response;
    });
  }
  refuseOtherMethods(app, options.name, routes);
  return { name: options.name, routes: options.routes, fetch: async (request) => await app.fetch(request) };
}

function pathOf(name: string, route: AnyRoute): string {
  return route.path === "/" ? `/${name}` : `/${name}${route.path}`;
}

function refuseOtherMethods(app: Hono<HonoEnv>, name: string, routes: AnyRoute[]): void {
  const methodsByPath = Map.groupBy(routes, (route) => pathOf(name, route));
  for (const [path, sharing] of methodsByPath) {
    const allowed = sharing.map((route) => route.method).join(", ");
    app.all(path, (context) => {
      const error = new InterlockError("METHOD_NOT_ALLOWED", `This route takes ${allowed}.`);
      const response = renderError(error, context.var.requestId, context.var.log);
      response.headers.set("allow", allowed);
      return response;
    });
  }
}

function requestIdOf(request: Request): string {
  const sent = request.headers.get("x-request-id");
  return sent !== null && /^[A-Za-z0-9_-]{8,100}$/.test(sent) ? sent : crypto.randomUUID();
}

/** What checks credentials is half of a boot, so a function whose routes are all public never loads it. */
async function authorize(
  route: AnyRoute,
  request: Request,
  requestId: string,
): Promise<UserAccess | undefined> {
  if (route.auth === "public") return undefined;
  const { isFromPerson, requireService, resolveUserAccess } = await import("./access.ts");
  if (route.auth === "user" || (route.auth === "user_or_service" && isFromPerson(request))) {
    return await resolveUserAccess(request, requestId, { permission: route.permission, org: route.org });
  }
  await requireService(request);
  return undefined;
}

function checkUuidParams(route: AnyRoute, params: Record<string, string>): void {
  for (const name of route.uuidParams ?? []) {
    if (!UUID.test(params[name] ?? "")) throw new InterlockError("NOT_FOUND", "This does not exist.");
  }
}

function parseQuery(schema: z.ZodType, request: Request): unknown {
  const query = Object.fromEntries(new URL(request.url).searchParams);
  delete query.workspaceId;
  return validated(schema, query);
}

async function parseBody(
  schema: z.ZodType,
  rawBody: RequestBody,
  limitBytes = DEFAULT_BODY_LIMIT_BYTES,
): Promise<unknown> {
  const bytes = await rawBody.bytes(limitBytes);
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    throw new InterlockError("MALFORMED_BODY", "The body is not valid JSON in UTF-8.", { cause: error });
  }
  return validated(schema, value);
}
