import { parseDottedPath } from "../../json/dotted_path.ts";
import type { PlainJson } from "../../json/plain.ts";
import { ProviderError } from "../provider_error.ts";
import type { ApiAnswer, ApiRequest } from "./ask.ts";
import type { RestConfig } from "./config.ts";
import type { PageExpressions } from "./expressions.ts";
import { nextLink } from "./link_header.ts";
import type { ResourceConfig } from "./resource_config.ts";

/**
 * Which page comes next, as it is saved between two steps: what the API said (cursor, link), or where we are (page,
 * offset). "first" = the beginning.
 */
export type PageState =
  | { at: "first" }
  | { at: "cursor"; token: string | number }
  | { at: "link"; url: string }
  | { at: "page"; number: number }
  | { at: "offset"; skip: number };

/** Longest token or address that is saved. */
const MAX_STATE_CHARS = 4000;

/** The request for a page. `since` = only what changed from this instant on, in milliseconds since 1970. */
export function pageRequest(
  config: RestConfig,
  name: string,
  resource: ResourceConfig,
  page: PageState,
  sinceMs: number | null,
): ApiRequest {
  const continued = page.at === "cursor" || page.at === "link";
  const url = page.at === "link" ? new URL(page.url) : resourceUrl(config.base_url, resource.path);
  const body: { [key: string]: PlainJson } = structuredClone(resource.body ?? {});
  // The address of a next page says all of it.
  if (page.at !== "link") {
    for (const [key, value] of Object.entries(resource.query)) url.searchParams.append(key, String(value));
    for (const { key, value, place } of parameters(resource, page, sinceMs)) {
      if (place === "query") url.searchParams.set(key, String(value));
      else putInto(body, key, value);
    }
  }
  const what = `the resource ${name}`;
  return resource.method === "POST"
    ? { url, method: "POST", body, what, continued }
    : { url, method: "GET", what, continued };
}

/** The address of a path below another; the path cannot lead to another host. */
export function resourceUrl(baseUrl: string, path: string): URL {
  return new URL(
    `${baseUrl.replace(/\/+$/, "")}/${path.replace(/^\/+/, "")}`.replace(/\/$/, path ? "$&" : ""),
  );
}

/**
 * What comes after a page; null = nothing.
 *
 * @param count - records on the page, as the API counts them.
 * @throws {ProviderError} misconfigured when a next address leads to another host.
 */
export async function nextPage(
  config: RestConfig,
  resource: ResourceConfig,
  page: PageState,
  request: ApiRequest,
  answer: ApiAnswer,
  count: number,
  expressions: PageExpressions,
): Promise<PageState | null> {
  const { pagination } = resource;
  if (pagination.kind === "none") return null;
  if (resource.more !== undefined && await expressions.evaluate(resource.more, answer.value) === false) {
    return null;
  }
  switch (pagination.kind) {
    case "cursor": {
      const token = await expressions.evaluate(pagination.next, answer.value);
      return isNothing(token) ? null : { at: "cursor", token: savedToken(token) };
    }
    case "link": {
      const link = pagination.next === undefined
        ? nextLink(answer.headers.get("link") ?? "")
        : await expressions.evaluate(pagination.next, answer.value);
      return isNothing(link) ? null : { at: "link", url: sameHost(config, request.url, savedToken(link)) };
    }
    case "page": {
      const number = page.at === "page" ? page.number : pagination.first;
      return count === 0 ? null : { at: "page", number: number + 1 };
    }
    case "offset":
      return count === 0 ? null : { at: "offset", skip: (page.at === "offset" ? page.skip : 0) + count };
  }
}

interface Parameter {
  key: string;
  value: string | number;
  place: "query" | "body";
}

function parameters(resource: ResourceConfig, page: PageState, sinceMs: number | null): Parameter[] {
  const { pagination, incremental } = resource;
  const found: Parameter[] = [];
  if (incremental && sinceMs !== null) {
    const value = instant(sinceMs, incremental.format);
    found.push({ key: incremental.parameter, value, place: incremental.in });
  }
  if (pagination.kind === "none") return found;
  const place = "in" in pagination ? pagination.in : "query";
  if (pagination.size_parameter !== undefined) {
    found.push({ key: pagination.size_parameter, value: pagination.size, place });
  }
  const value = pageValue(pagination, page);
  if (value !== null && "parameter" in pagination) found.push({ key: pagination.parameter, value, place });
  return found;
}

function pageValue(pagination: ResourceConfig["pagination"], page: PageState): string | number | null {
  switch (pagination.kind) {
    case "cursor":
      return page.at === "cursor" ? page.token : null;
    case "page":
      return page.at === "page" ? page.number : pagination.first;
    case "offset":
      return page.at === "offset" ? page.skip : 0;
    default:
      return null;
  }
}

function instant(atMs: number, format: "iso" | "epoch_s" | "epoch_ms"): string | number {
  if (format === "iso") return new Date(atMs).toISOString();
  return format === "epoch_ms" ? atMs : Math.floor(atMs / 1000);
}

function putInto(body: { [key: string]: PlainJson }, path: string, value: string | number): void {
  const names = parseDottedPath(path);
  let at = body;
  for (const name of names.slice(0, -1)) {
    const next = at[name];
    if (typeof next === "object" && next !== null && !Array.isArray(next)) at = next;
    else at = at[name] = {};
  }
  at[names.at(-1)!] = value;
}

/** APIs say "no next page" in all of these ways. */
function isNothing(value: unknown): boolean {
  return value === undefined || value === null || value === "" || value === false;
}

function savedToken(value: unknown): string | number {
  if (typeof value === "number" || (typeof value === "string" && value.length <= MAX_STATE_CHARS)) {
    return value;
  }
  throw new ProviderError(
    "malformed_answer",
    "The API names the next page by neither a short text nor a number.",
  );
}

/**
 * An address of the API itself, without the key that it repeats: credentials go to the host of base_url and to no other.
 */
function sameHost(config: RestConfig, from: URL, link: string | number): string {
  let url: URL | null = null;
  try {
    url = new URL(String(link), from);
  } catch {
    // Said below.
  }
  if (url === null || url.origin !== new URL(config.base_url).origin || url.username || url.password) {
    throw new ProviderError(
      "misconfigured",
      "The API names a next page that is not below the host of base_url; only that host gets the credentials.",
    );
  }
  url.hash = "";
  const { auth } = config;
  if (auth.kind === "api_key" && auth.in === "query") url.searchParams.delete(auth.name);
  return String(url);
}
