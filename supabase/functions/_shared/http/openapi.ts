import { publicFunctionsUrl } from "../env.ts";
import { ERROR_CODES } from "../errors/codes.ts";
import { failureResponse, failuresOf } from "./openapi_failures.ts";
import { type Operation, operationOf } from "./openapi_operation.ts";
import type { AnyRoute } from "./route.ts";

/** An OpenAPI 3.1 document, as far as it is read here. */
export interface OpenApiDocument {
  openapi: "3.1.0";
  info: { title: string; version: string; description: string };
  servers: { url: string; variables?: Record<string, { default: string; description: string }> }[];
  tags: { name: string }[];
  paths: Record<string, Record<string, Operation>>;
  components: typeof COMPONENTS & { responses: Record<string, unknown> };
}

const COMPONENTS = {
  schemas: {
    Failure: {
      type: "object",
      description: "Branch on error_code; the sentence may change.",
      properties: {
        error: { type: "string", description: "One sentence for a person." },
        error_code: { type: "string", enum: Object.keys(ERROR_CODES) },
        request_id: { type: "string", description: "The same as in the header and in the log." },
        details: {
          type: "object",
          description: "Facts about the failure; VALIDATION_FAILED names the wrong fields in issues.",
        },
      },
      required: ["error", "error_code", "request_id"],
      additionalProperties: false,
    },
  },
  parameters: {
    WorkspaceId: {
      name: "x-workspace-id",
      in: "header",
      description: "The tenant; needed by who belongs to several.",
      schema: { type: "string", format: "uuid" },
    },
    OrgId: {
      name: "x-org-id",
      in: "header",
      description: "Narrows the request to one org of the tenant.",
      schema: { type: "string", format: "uuid" },
    },
    OrgIdOfRoute: {
      name: "x-org-id",
      in: "header",
      description: "The org; needed by owners and admins, who belong to none.",
      schema: { type: "string", format: "uuid" },
    },
    RequestId: {
      name: "x-request-id",
      in: "header",
      description: "Kept when it is well-formed; else one is made.",
      schema: { type: "string", pattern: "^[A-Za-z0-9_-]{8,100}$" },
    },
  },
  headers: {
    RequestId: { description: "Names the request in the log.", schema: { type: "string" } },
    RetryAfter: { description: "Seconds to wait at least.", schema: { type: "string" } },
  },
  securitySchemes: {
    userToken: {
      type: "http",
      scheme: "bearer",
      bearerFormat: "JWT",
      description: "Access token of a signed-in user.",
    },
    publishableKey: {
      type: "apiKey",
      in: "header",
      name: "apikey",
      description: "The project's publishable key.",
    },
    hubKey: {
      type: "apiKey",
      in: "header",
      name: "apikey",
      description: "The secret key named hub; for machines only.",
    },
    webhookSignature: {
      type: "apiKey",
      in: "header",
      name: "x-signature",
      description:
        "HMAC-SHA256 of the raw body under the webhook's secret: sha256=<hex>. Webhooks of other providers carry the headers of their scheme instead.",
    },
    appSignature: {
      type: "apiKey",
      in: "header",
      name: "x-hubspot-signature-v3",
      description:
        "HubSpot's signature under the client secret of the app. Other apps carry the credential of their provider instead.",
    },
  },
};

/** The document of some functions' routes. */
export function openApiDocument(
  functions: { name: string; routes: AnyRoute[] }[],
  options: { title: string; servers: OpenApiDocument["servers"] },
): OpenApiDocument {
  const paths: OpenApiDocument["paths"] = {};
  const responses: Record<string, unknown> = {};
  for (const { name, routes } of functions) {
    for (const route of routes) {
      const path = `/${name}${route.path === "/" ? "" : route.path.replaceAll(/:(\w+)/g, "{$1}")}`;
      (paths[path] ??= {})[route.method.toLowerCase()] = operationOf(name, route);
      for (const failures of failuresOf(route)) responses[failures.name] = failureResponse(failures.codes);
    }
  }
  return {
    openapi: "3.1.0",
    info: {
      title: options.title,
      version: "unreleased",
      description: "Instants are ISO 8601 in UTC. Bodies are JSON in UTF-8, at most 1 MiB.",
    },
    servers: options.servers,
    tags: functions.map(({ name }) => ({ name })),
    paths,
    components: { ...COMPONENTS, responses },
  };
}

/** `GET /openapi.json` of a function, made when it is first asked for: a boot pays nothing for it. */
export function openApiRoute(name: string, routes: AnyRoute[]): AnyRoute {
  let document: string | undefined;
  return {
    method: "GET",
    path: "/openapi.json",
    summary: "Describes the routes of this function",
    auth: "public",
    handler: () => {
      document ??= JSON.stringify(
        openApiDocument([{ name, routes }], {
          title: `Interlock: ${name}`,
          servers: [{ url: publicFunctionsUrl() }],
        }),
      );
      return new Response(document, {
        headers: { "content-type": "application/json", "cache-control": "public, max-age=300" },
      });
    },
  };
}
