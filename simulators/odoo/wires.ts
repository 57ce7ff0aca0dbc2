import type { Access, User } from "./access.ts";
import {
  accessDenied,
  errorObjectOf,
  faultCodeOf,
  OdooException,
  tracebackOf,
  unknownDatabase,
  valueError,
} from "./exceptions.ts";
import type { Named } from "./methods.ts";
import type { Told } from "./values.ts";
import { checkNames } from "./access.ts";
import { methods } from "./methods.ts";
import { faultResponse, methodResponse, readMethodCall } from "./xml.ts";

/** What the wires know of the server they belong to. */
export interface Server {
  /** For example "17.0". */
  version: string;
  major: number;
  databaseName: string;
  /** Further databases on the same host; JSON-2 wants to be told which one then. */
  otherDatabases: string[];
  access: Access;
}

const asException = (error: unknown): OdooException => {
  if (error instanceof OdooException) return error;
  if (error instanceof TypeError) return new OdooException("builtins.TypeError", error.message, 500);
  throw error;
};

/** `common.version()`, which anybody may ask. */
export function versionOf({ version, major }: Server): { [name: string]: Told } {
  return {
    server_version: version,
    server_version_info: [major, 0, 0, "final", 0, ""],
    server_serie: version,
    protocol_version: 1,
  };
}

/** POST /xmlrpc/2/common and /xmlrpc/2/object. Everything is 200; a fault is an answer as well. */
export function answerXmlRpc(server: Server, service: string, body: string): Response {
  const respond = (xml: string) =>
    new Response(xml, { headers: { "content-type": "text/xml; charset=utf-8" } });
  try {
    const { method, params } = readMethodCall(body);
    return respond(methodResponse(dispatch(server, service, method, params)));
  } catch (error) {
    const exception = asException(error);
    const code = faultCodeOf(exception);
    return respond(faultResponse(code, code === 1 ? tracebackOf(exception) : exception.message));
  }
}

/** The services behind XML-RPC and JSON-RPC. */
export function dispatch(server: Server, service: string, method: string, params: unknown[]): Told {
  if (service === "common" && method === "version") return versionOf(server);
  const [database, ...rest] = params;
  const isKnown = database === server.databaseName;
  if (service === "common" && (method === "authenticate" || method === "login")) {
    if (!isKnown) throw unknownDatabase(String(database));
    return server.access.authenticate(rest[0], rest[1]);
  }
  if (service !== "object" || method !== "execute_kw" && method !== "execute") {
    throw new OdooException("builtins.KeyError", `'${service}.${method}'`, 500);
  }
  if (!isKnown) throw unknownDatabase(String(database));
  const [uid, credential, model, name, ...args] = rest;
  const user = server.access.user(uid, credential);
  if (method === "execute") return server.access.call(user, String(model), String(name), args, {});
  if (!Array.isArray(args[0] ?? [])) throw valueError("args is no list");
  return server.access.call(
    user,
    String(model),
    String(name),
    (args[0] ?? []) as unknown[],
    (args[1] ?? {}) as Named,
  );
}

const httpError = (status: number, name: string, message: string) =>
  Response.json(
    errorObjectOf(new OdooException(`werkzeug.exceptions.${name}`, message, status), status),
    { status },
  );

/** POST /json/2/<model>/<method>: one transaction per call, real status codes. */
export function answerJson2(server: Server, request: Request, path: string, body: string): Response {
  const asked = request.headers.get("x-odoo-database");
  const isThere = asked === null ? server.otherDatabases.length === 0 : asked === server.databaseName;
  if (!isThere) {
    return new Response("<!doctype html>\n<title>404 Not Found</title>\n<h1>Not Found</h1>\n", {
      status: 404,
      headers: { "content-type": "text/html; charset=utf-8" },
    });
  }
  const match = /^\/json\/2\/([^/]+)\/([^/]+)$/.exec(path);
  if (!match || request.method !== "POST") {
    return httpError(404, "NotFound", "Did you mean POST /json/2/<model>/<method>?");
  }
  const user = bearer(server, request);
  if (!user) return httpError(401, "Unauthorized", "Invalid apikey");
  if (!/^application\/json\b/.test(request.headers.get("content-type") ?? "")) {
    return httpError(415, "UnsupportedMediaType", "The server does not support the media type");
  }
  try {
    return Response.json(callJson2(server, user, match[1]!, match[2]!, JSON.parse(body)));
  } catch (error) {
    if (error instanceof SyntaxError) return httpError(400, "BadRequest", "could not parse the body as json");
    const exception = asException(error);
    return Response.json(errorObjectOf(exception), { status: exception.status });
  }
}

function bearer(server: Server, request: Request): User | undefined {
  const key = /^bearer (\S+)$/i.exec(request.headers.get("authorization") ?? "")?.[1];
  return key === undefined ? undefined : server.access.ownerOf(key);
}

function callJson2(server: Server, user: User, model: string, method: string, body: unknown): Told {
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw new OdooException("werkzeug.exceptions.BadRequest", "the body is no object", 400);
  }
  const { ids = [], ...named } = body as Named;
  if (!server.access.database.models[model]) {
    const message = `the model '${model}' does not exist`;
    throw new OdooException("werkzeug.exceptions.NotFound", message, 404);
  }
  const known = methods[method];
  if (known?.onModel && Array.isArray(ids) && ids.length > 0) {
    const message = `cannot call ${model}.${method} with ids`;
    throw new OdooException("werkzeug.exceptions.UnprocessableEntity", message, 422);
  }
  if (known) checkNames(method, known.parameters, named);
  return server.access.call(user, model, method, known && !known.onModel ? [ids] : [], named);
}

/** POST of JSON-RPC 2.0, which the web client and older libraries speak. Errors come with status 200. */
export function answerJsonRpc(
  server: Server,
  path: string,
  body: string,
): { response: Response; uid: number | null } {
  const { id, params = {} } = JSON.parse(body) as { id: number; params?: Named };
  let uid: number | null = null;
  const result = (): Told => {
    if (path === "/web/webclient/version_info") return versionOf(server);
    if (path === "/web/session/authenticate") {
      if (params.db !== server.databaseName) throw unknownDatabase(String(params.db));
      const found = server.access.authenticate(params.login, params.password);
      if (found === false) throw accessDenied();
      uid = found;
      return { uid, db: server.databaseName, user_context: { lang: "en_US", tz: "Europe/Berlin", uid } };
    }
    return dispatch(server, String(params.service), String(params.method), params.args as unknown[]);
  };
  try {
    return { response: Response.json({ jsonrpc: "2.0", id, result: result() }), uid };
  } catch (error) {
    const data = errorObjectOf(asException(error));
    const told = { jsonrpc: "2.0", id, error: { code: 200, message: "Odoo Server Error", data } };
    return { response: Response.json(told), uid };
  }
}
