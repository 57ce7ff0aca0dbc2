import * as z from "zod";
import { failuresOf } from "./openapi_failures.ts";
import { type AnyRoute, isForPeople, type RouteExample, type RouteResponse } from "./route.ts";

/** A JSON Schema, as far as anybody here looks into it. */
export type JsonSchema = Record<string, unknown>;

/** A parameter of an operation; its examples carry the names of the operation's. */
export interface Parameter {
  name: string;
  in: "path" | "query" | "header";
  required?: boolean;
  description?: string;
  schema: JsonSchema;
  examples?: Record<string, { value: unknown }>;
}

/** The answer of an operation when all went well. */
export interface ResponseObject {
  description: string;
  headers: Record<string, unknown>;
  /** Left out where there is no body: a redirect. */
  content?: { "application/json": { schema: JsonSchema } } | { "text/plain": { schema: JsonSchema } };
}

/** One route in the document. */
export interface Operation {
  operationId: string;
  summary: string;
  tags: string[];
  security: Record<string, string[]>[];
  parameters: (Parameter | { $ref: string })[];
  requestBody?: {
    required: true;
    content: { "application/json": { schema: JsonSchema; examples: Record<string, { value: unknown }> } };
  };
  responses: Record<string, ResponseObject | { $ref: string }>;
  /** The permission of a role that a user needs. */
  "x-permission"?: string;
  /** Requests that work: the examples of this name in parameters and body, and what in them must exist. */
  "x-examples": Record<
    string,
    {
      headers?: Record<string, string>;
      path_stands_for?: Record<string, string>;
      stands_for?: Record<string, string>;
      needs?: string[];
    }
  >;
}

/** Stands in the document for an identifier that only the reader knows. */
const SOME_ID = "3f0c9a52-6f1e-4c58-9d0b-7a3d5e2b8c41";

/** The operation of one route of a function. */
export function operationOf(functionName: string, route: AnyRoute): Operation {
  const examples = route.examples ?? [];
  const words = [functionName, route.method.toLowerCase(), ...route.path.split("/").filter(Boolean)];
  const bodySchema = route.body ? inputSchema(route.body) : rawBody(route);
  return {
    operationId: words.join("_").replaceAll(/[^A-Za-z0-9]+/g, "_"),
    summary: route.summary,
    tags: [functionName],
    security: securityOf(route),
    parameters: parametersOf(route, examples),
    ...(bodySchema === undefined ? {} : {
      requestBody: {
        required: true as const,
        content: { "application/json": { schema: bodySchema, examples: bodyExamples(examples) } },
      },
    }),
    responses: responsesOf(route),
    ...(route.permission === undefined ? {} : { "x-permission": route.permission }),
    "x-examples": Object.fromEntries(
      examples.map(({ name, headers, path_stands_for, stands_for, needs }) => [
        name,
        defined({ headers, path_stands_for, stands_for, needs }),
      ]),
    ),
  };
}

function rawBody(route: AnyRoute): JsonSchema | undefined {
  if (route.rawBodySchema) return inputSchema(route.rawBodySchema());
  return route.signature ? { description: "What the provider sends." } : undefined;
}

function bodyExamples(examples: RouteExample[]): Record<string, { value: unknown }> {
  return Object.fromEntries(
    examples.filter((example) => example.body !== undefined).map(({ name, body }) => [name, { value: body }]),
  );
}

function securityOf(route: AnyRoute): Record<string, string[]>[] {
  if (route.auth === "user") return [{ userToken: [], publishableKey: [] }];
  if (route.auth === "service") return [{ hubKey: [] }];
  if (route.auth === "user_or_service") return [{ userToken: [], publishableKey: [] }, { hubKey: [] }];
  return route.signature ? [{ [`${route.signature}Signature`]: [] }] : [];
}

function parametersOf(route: AnyRoute, examples: RouteExample[]): Operation["parameters"] {
  const path = [...route.path.matchAll(/:(\w+)/g)].map(([, name]): Parameter => ({
    name: name!,
    in: "path",
    required: true,
    schema: route.uuidParams?.includes(name!) ? { type: "string", format: "uuid" } : { type: "string" },
    examples: Object.fromEntries(
      examples.map((example) => [example.name, { value: example.params?.[name!] ?? SOME_ID }]),
    ),
  }));
  const headers = [
    ...(isForPeople(route) ? ["WorkspaceId"] : []),
    ...(route.org === "required" ? ["OrgIdOfRoute"] : isForPeople(route) ? ["OrgId"] : []),
    "RequestId",
  ].map((name) => ({ $ref: `#/components/parameters/${name}` }));
  return [...path, ...queryParameters(route, examples), ...headers];
}

function queryParameters(route: AnyRoute, examples: RouteExample[]): Parameter[] {
  if (!route.query) return [];
  const { properties = {}, required = [] } = inputSchema(route.query) as {
    properties?: Record<string, JsonSchema>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, schema]) => {
    const named = examples.filter((example) => example.query?.[name] !== undefined);
    const values = Object.fromEntries(
      named.map((example) => [example.name, { value: example.query![name] }]),
    );
    return {
      name,
      in: "query",
      required: required.includes(name),
      schema,
      ...(named.length > 0 ? { examples: values } : {}),
    };
  });
}

function responsesOf(route: AnyRoute): Operation["responses"] {
  const responses: Operation["responses"] = {};
  if (route.response) {
    const content = { schema: responseSchema(route.response) };
    const requestId = { $ref: "#/components/headers/RequestId" };
    responses[route.response.status] = route.response.form === "redirect"
      ? { description: route.summary, headers: { "x-request-id": requestId, location: content } }
      : {
        description: route.summary,
        headers: { "x-request-id": requestId },
        content: route.response.form === "text" ? { "text/plain": content } : { "application/json": content },
      };
  }
  if (route.response?.preview) {
    responses[200] = {
      description: "The body said preview: nothing was done.",
      headers: { "x-request-id": { $ref: "#/components/headers/RequestId" } },
      content: { "application/json": { schema: jsonSchema(route.response.preview(), "output") } },
    };
  }
  for (const { status, name } of failuresOf(route)) {
    responses[status] = { $ref: `#/components/responses/${name}` };
  }
  return responses;
}

function responseSchema(response: RouteResponse): JsonSchema {
  const schema = jsonSchema(response.schema(), "output");
  if (response.form !== "list") return schema;
  return {
    type: "object",
    properties: {
      data: { type: "array", items: schema },
      next_cursor: { type: ["string", "null"], description: "Pass it on for the next page; null = the end." },
    },
    required: ["data", "next_cursor"],
    additionalProperties: false,
  };
}

/** The JSON Schema of what a caller sends. */
export function inputSchema(schema: z.ZodType): JsonSchema {
  return jsonSchema(schema, "input");
}

function jsonSchema(schema: z.ZodType, io: "input" | "output"): JsonSchema {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, {
    io,
    unrepresentable: "any",
    override: ({ jsonSchema }) => {
      // The format says it better than the pattern that checks it.
      if (jsonSchema.format !== undefined) delete jsonSchema.pattern;
    },
  });
  return rest;
}

function defined<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, inner]) => inner !== undefined)) as T;
}
