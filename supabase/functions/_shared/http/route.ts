import type { z } from "zod";
import type { ErrorCode } from "../errors/codes.ts";
import type { Logger } from "../log.ts";
import type { Permission, RouteAuth, UserAccess } from "./access.ts";
import type { RequestBody } from "./request_body.ts";

/** What every handler gets. */
export interface HandlerContext {
  request: Request;
  requestId: string;
  /** Carries the request id, and the tenant once it is known. */
  log: Logger;
  /** Path parameters, as sent. */
  params: Record<string, string>;
  /** The raw body, for routes that verify bytes; others take `body`. */
  rawBody: RequestBody;
}

type Parsed<Schema> = Schema extends z.ZodType ? z.output<Schema> : undefined;
type AccessOf<Auth extends RouteAuth> = Auth extends "user" ? UserAccess
  : Auth extends "user_or_service" ? UserAccess | undefined
  : undefined;

/** What a route answers when all went well. */
export interface RouteResponse {
  status: 200 | 201 | 202 | 302;
  /**
   * "list" = `{data: [...], next_cursor}`, where `schema` is one element; "text" = plain text; "redirect" = no body, where
   * `schema` is the address. Default: the resource itself.
   */
  form?: "resource" | "list" | "text" | "redirect";
  /** A function, so that no boot pays for a schema that only the document needs. */
  schema: () => z.ZodType;
  /** What is answered, with 200, to a body that says `preview: true`. Default: there is no such thing. */
  preview?: () => z.ZodType;
}

/** A request that works, for the document and for the test that sends it. Path parameters are examples of themselves. */
export interface RouteExample {
  /** What it shows, as a name: "a_new_secret". */
  name: string;
  /** Path parameters; those left out get an identifier. */
  params?: Record<string, string>;
  /** Path parameters that name something else than their name says: parameter -> what it is the id of. */
  path_stands_for?: Record<string, string>;
  query?: Record<string, string | number>;
  headers?: Record<string, string>;
  body?: unknown;
  /**
   * Values that must be of something that exists: where in the body (JSON pointer) -> its name, for example
   * `{"/dispatch_ids/0": "dispatch_id"}`. Path parameters are such values by themselves.
   */
  stands_for?: Record<string, string>;
  /** Names of what must exist besides, for example so that a list is not empty. */
  needs?: string[];
}

/** What is known of a route without its schemas and handler: enough for lists and test rigs. */
export interface RouteFacts {
  method: "GET" | "POST" | "PATCH" | "PUT" | "DELETE";
  /** Below the function's name, for example "/webhooks/:webhook_id"; "/" for the function itself. */
  path: string;
  summary: string;
  auth: RouteAuth;
  /** Permission a user needs. */
  permission?: Permission;
  /** Whether an org must be known. Default "optional". */
  org?: "required" | "optional";
  /** Path parameters that are identifiers: anything but a uuid is answered 404 like an unknown one. */
  uuidParams?: string[];
  /** Largest body, in bytes. Default 1 MiB. */
  bodyLimitBytes?: number;
  /**
   * Public routes only: the credential is a signature over the raw body, with the secret of the "webhook", or of the
   * "app" whose customers' news comes through one URL.
   */
  signature?: "webhook" | "app";
  /** What the body is like where the handler reads the bytes itself; told in the document, checked by nobody. */
  rawBodySchema?: () => z.ZodType;
  /** Codes it answers beside those that follow from the facts above. */
  errors?: ErrorCode[];
  response?: RouteResponse;
  examples?: RouteExample[];
}

/** One route: who may call it, what it takes, what it does. The list of these is a function's table of contents. */
export interface RouteDefinition<
  Auth extends RouteAuth,
  Body extends z.ZodType | undefined,
  Query extends z.ZodType | undefined,
> extends RouteFacts {
  auth: Auth;
  body?: Body;
  query?: Query;
  handler(
    context: HandlerContext & { access: AccessOf<Auth>; body: Parsed<Body>; query: Parsed<Query> },
  ): Promise<Response> | Response;
}

/** A route whose handler's types are forgotten, for lists. */
export interface AnyRoute extends RouteFacts {
  body?: z.ZodType;
  query?: z.ZodType;
  handler(
    context: HandlerContext & { access: UserAccess | undefined; body: unknown; query: unknown },
  ): Promise<Response> | Response;
}

/** Whether signed-in people may call it, be it beside machines. */
export function isForPeople(route: Pick<RouteFacts, "auth">): boolean {
  return route.auth === "user" || route.auth === "user_or_service";
}

/** Defines a route; its handler sees the types of its schemas. */
export function route<
  Auth extends RouteAuth,
  Body extends z.ZodType | undefined = undefined,
  Query extends z.ZodType | undefined = undefined,
>(definition: RouteDefinition<Auth, Body, Query>): AnyRoute {
  return definition as AnyRoute;
}
