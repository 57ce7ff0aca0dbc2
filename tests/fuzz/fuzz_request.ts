import {
  type AnyRoute,
  isForPeople,
  type RouteExample,
} from "../../supabase/functions/_shared/http/route.ts";
import { hubspotEvent } from "../../simulators/hubspot/webhook.ts";
import { BODY_SIGNERS, type Signable, signAsApp } from "../support/body_signatures.ts";
import { type DemoWebhook, filledBody, type RouteTargets } from "../support/route_targets.ts";
import { stack } from "../support/stack.ts";
import {
  HOSTILE_BODIES,
  HOSTILE_HEADERS,
  HOSTILE_QUERY_VALUES,
  HOSTILE_SEGMENTS,
  HOSTILE_VALUES,
  ODD_HEADERS,
} from "./hostile.ts";
import { placesIn, printJson, replacedAt, twiceAt, withoutAt } from "./json_text.ts";
import type { Credentials, Mutation } from "./mutation.ts";
import { validSample } from "./valid_input.ts";
import type { RawRequest } from "../support/raw_http.ts";

/** A request that would be right, before anything is done to it. */
export interface RightRequest {
  functionName: string;
  route: AnyRoute;
  params: Record<string, string>;
  query: Record<string, string>;
  body: unknown;
  targets: RouteTargets;
}

/** The request an example stands for, naming things that exist as far as anybody can make them. */
export async function rightRequest(
  functionName: string,
  route: AnyRoute,
  example: RouteExample | undefined,
  targets: RouteTargets,
): Promise<RightRequest> {
  const params: Record<string, string> = {};
  for (const [, name] of route.path.matchAll(/:(\w+)/g)) {
    const target = example?.path_stands_for?.[name!] ?? name!;
    params[name!] = String(await targets.find(target) ?? example?.params?.[name!] ?? crypto.randomUUID());
  }
  let body: unknown = example?.body ?? (route.body && validSample(route.body));
  // HubSpot sends lists; its own fields lead deeper into the reader than those of an example.
  if (route.signature === "webhook" && "webhook_id" in params && targets.webhook.provider === "hubspot") {
    body = [hubspotEvent({ subscriptionType: "contact.propertyChange", objectId: 1, propertyName: "email" })];
  }
  body = await filledBody(body, example?.stands_for, (name) => targets.find(name));
  const query = Object.entries(example?.query ?? {}).map(([name, value]) => [name, String(value)]);
  return { functionName, route, params, query: Object.fromEntries(query), body, targets };
}

/** What is sent, and what a judge must know of it. */
export interface FuzzRequest extends RawRequest {
  /** The server's own HTTP parser or the gateway may refuse it before a function sees it. */
  mayEndEarly: boolean;
  /** It may lead to another route than the one it was made for. */
  mayGoAstray: boolean;
  /** The credentials are not those the route asks for: nothing may come of it. */
  mustBeRefused: boolean;
}

/** Applies one mutation and adds the credentials, a signature over the mutated body included. */
export function mutated(right: RightRequest, mutation: Mutation, credentials: Credentials): FuzzRequest {
  const { route, targets } = right;
  const bytes = bodyBytes(right, mutation);
  const request: FuzzRequest = {
    method: mutation.kind === "method" ? mutation.value : route.method,
    target: targetOf(right, mutation),
    headers: [],
    body: bytes,
    mayEndEarly: ["segment", "method", "framing", "long query", "odd headers"].includes(mutation.kind) ||
      (mutation.kind === "header" && /Latin-1|UTF-8/.test(mutation.value)),
    mayGoAstray: mutation.kind === "segment" || mutation.kind === "method",
    mustBeRefused: credentials !== "right" && (route.auth !== "public" || route.signature !== undefined),
  };
  const headers = new Map<string, string>(credentialsOf(right, request, credentials));
  if (bytes !== null) headers.set("content-type", "application/json");
  if (isForPeople(route)) {
    headers.set("x-workspace-id", targets.caller.tenantId);
    headers.set("x-org-id", targets.caller.orgId);
  }
  request.headers = [...headers];
  if (mutation.kind === "header") mutateHeader(request, route, mutation);
  if (mutation.kind === "odd headers") {
    const odd = ODD_HEADERS[mutation.value]!;
    const named = new Set(odd.map(([name]) => name));
    request.headers = [...request.headers.filter(([name]) => !named.has(name)), ...odd];
  }
  if (mutation.kind === "framing") breakFraming(request, mutation.value);
  return request;
}

function bodyBytes(right: RightRequest, mutation: Mutation): Uint8Array | null {
  const { body } = right;
  const utf8 = (value: unknown) => new TextEncoder().encode(printJson(value));
  if (mutation.kind === "body") return HOSTILE_BODIES[mutation.value]!(printJson(body ?? {}));
  if (body === undefined) return null;
  if (mutation.kind !== "field" && mutation.kind !== "random field") return utf8(body);
  const places = placesIn(body);
  const place = places[mutation.at % places.length]!;
  if (mutation.kind === "random field") return utf8(replacedAt(body, place, mutation.value));
  if (mutation.does === "leave out") return utf8(withoutAt(body, place));
  const value = HOSTILE_VALUES[mutation.value];
  if (mutation.does === "replace") return utf8(replacedAt(body, place, value));
  if (mutation.does === "twice") return utf8(twiceAt(body, place, value));
  return utf8(replacedAt(body, [...place.slice(0, -1), "unknown_key"], value));
}

function targetOf(right: RightRequest, mutation: Mutation): string {
  const { route, functionName, params } = right;
  const names = Object.keys(params);
  const mutatedName = mutation.kind === "segment"
    ? names[mutation.at % Math.max(1, names.length)]
    : undefined;
  const path = route.path.replaceAll(
    /:(\w+)/g,
    (_, name: string) =>
      mutation.kind === "segment" && name === mutatedName
        ? HOSTILE_SEGMENTS[mutation.value]!
        : encodeURIComponent(params[name]!),
  );
  const query = new Map(
    Object.entries(right.query).map(([name, value]) => [name, encodeURIComponent(value)]),
  );
  if (mutation.kind === "query") query.set(mutation.name, HOSTILE_QUERY_VALUES[mutation.value]!);
  const pairs = [...query].map(([name, value]) => `${name}=${value}`);
  if (mutation.kind === "long query") {
    for (let index = 0; index < mutation.count; index++) {
      pairs.push(`${index % 2 ? "unknown" : "limit"}=${index}`);
    }
  }
  const suffix = pairs.length > 0 ? `?${pairs.join("&")}` : "";
  return `/functions/v1/${functionName}${path === "/" ? "" : path}${suffix}`;
}

function credentialsOf(
  right: RightRequest,
  request: RawRequest,
  credentials: Credentials,
): [string, string][] {
  const { route, targets } = right;
  if (credentials === "none") return [];
  const isRight = credentials === "right";
  if (isForPeople(route)) {
    const token = isRight ? targets.caller.token : `${targets.caller.token.slice(0, -4)}AAAA`;
    return [["apikey", stack.publishableKey], ["authorization", `Bearer ${token}`]];
  }
  if (route.auth === "service") return [["apikey", isRight ? stack.hubKey : stack.secretKey]];
  if (route.signature === undefined) return [];
  if (route.signature === "app") return Object.entries(signAsApp(signableOf(request), isRight ? "" : "not "));
  const secret = isRight ? targets.webhook.secret : wrongSecret(targets.webhook.secret);
  return signatureOf({ ...targets.webhook, secret }, request);
}

/** Another secret of the same form. */
function wrongSecret(secret: string): string {
  const [, prefix, rest] = /^(whsec_|[^:]*:)?(.*)$/.exec(secret)!;
  return `${prefix ?? ""}AAAA${rest}`;
}

function signatureOf(webhook: DemoWebhook, request: RawRequest): [string, string][] {
  return Object.entries(BODY_SIGNERS[webhook.provider]!(webhook.secret, signableOf(request)));
}

function signableOf(request: RawRequest): Signable {
  return {
    method: request.method,
    url: stack.apiUrl + request.target,
    body: request.body ?? new Uint8Array(),
  };
}

function mutateHeader(
  request: FuzzRequest,
  route: AnyRoute,
  mutation: { name: string; does: "replace" | "double"; value: string },
): void {
  const value = HOSTILE_HEADERS[mutation.value]!;
  if (mutation.does === "replace") {
    request.headers = request.headers.filter(([name]) => name !== mutation.name);
  }
  request.headers.push([mutation.name, value]);
  const credential = isForPeople(route) ? "authorization" : route.auth === "service" ? "apikey" : null;
  if (mutation.name === credential) request.mustBeRefused = true;
}

function breakFraming(request: FuzzRequest, framing: string): void {
  const body = request.body ?? new TextEncoder().encode("{}");
  request.body = body;
  request.closesAfterwards = true;
  const lengths: Record<string, string | null> = {
    "length too large": String(body.length + 100),
    "length too small": String(Math.max(0, body.length - 1)),
    "length negative": "-1",
    "length no number": "0x10",
    "length beyond numbers": "9".repeat(40),
    "no length": null,
  };
  if (framing in lengths) request.declaredLength = lengths[framing]!;
  if (framing === "length twice") request.headers.push(["content-length", "1"]);
  if (!framing.includes("chunks")) return;
  request.headers.push(["transfer-encoding", "chunked"]);
  if (framing !== "length and chunks") request.declaredLength = null;
  const text = framing === "chunks of nonsense" ? "zz\r\n{}\r\n" : `${body.length.toString(16)}\r\n`;
  if (framing === "chunks of nonsense") request.body = new TextEncoder().encode(text);
  else request.body = Uint8Array.of(...new TextEncoder().encode(text), ...body);
}
