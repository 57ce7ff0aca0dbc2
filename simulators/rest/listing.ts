import { recordText, type RestCollection, type RestRecord } from "./collection.ts";
import type { RestTraps } from "./rest.ts";

/** How lists are paged; every kind has the size it gives at most. */
export interface RestPaging {
  kind: "none" | "cursor" | "link" | "link_body" | "page" | "offset";
  maxSize: number;
  /** How `updated_since` is written. */
  sinceFormat?: "iso" | "epoch_s" | "epoch_ms";
}

/** What a request asks for. */
interface Wanted {
  sinceMs: number | null;
  /** Index or, for cursors, number of the last record before. */
  from: number;
  size: number;
}

class Refused extends Error {}

const PARAMETERS: Record<RestPaging["kind"], string[]> = {
  none: [],
  cursor: ["after", "limit"],
  link: ["cursor", "limit"],
  link_body: ["cursor", "limit"],
  page: ["page", "per_page"],
  offset: ["offset", "limit"],
};

/** One page of a collection. */
export async function listing(
  collection: RestCollection,
  paging: RestPaging,
  traps: RestTraps,
  request: Request,
  echo: string | null,
): Promise<Response> {
  try {
    const wanted = await wantedOf(paging, traps, request);
    const listed = collection.listed(wanted.sinceMs);
    if (traps.shuffle) listed.sort(() => Math.random() - 0.5);
    return page(paging, traps, new URL(request.url), listed, wanted, echo);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return Response.json({ error: { code: "bad_request", message: error.message } }, { status: 400 });
  }
}

async function wantedOf(paging: RestPaging, traps: RestTraps, request: Request): Promise<Wanted> {
  const given = request.method === "GET" ? queryOf(paging, request) : await bodyOf(request);
  const sizeName = paging.kind === "page" ? "per_page" : "limit";
  let size = whole(given[sizeName] ?? paging.maxSize, sizeName);
  if (traps.capsSizeAt !== undefined) size = Math.min(size, traps.capsSizeAt);
  if (paging.kind === "none") size = Infinity;
  else if (size < 1 || size > paging.maxSize) throw new Refused(`${sizeName} is 1 to ${paging.maxSize}.`);
  return {
    sinceMs: sinceOf(given.updated_since, paging.sinceFormat ?? "iso"),
    from: fromOf(paging, given, size),
    size,
  };
}

function fromOf(paging: RestPaging, given: Record<string, unknown>, size: number): number {
  switch (paging.kind) {
    case "none":
      return 0;
    case "page": {
      const number = whole(given.page ?? 1, "page");
      if (number < 1) throw new Refused("page begins with 1.");
      return (number - 1) * size;
    }
    case "offset":
      return whole(given.offset ?? 0, "offset");
    default: {
      const cursor = given.after ?? given.cursor;
      if (cursor === undefined) return 0;
      const match = /^c_(\d+)_[0-9a-z]+$/.exec(String(cursor));
      if (!match) throw new Refused("The cursor is not one of ours.");
      return Number(match[1]);
    }
  }
}

function page(
  { kind }: RestPaging,
  traps: RestTraps,
  url: URL,
  listed: RestRecord[],
  { from, size }: Wanted,
  echo: string | null,
): Response {
  const begin = traps.repeat ? 0 : from;
  const keyset = kind === "cursor" || kind === "link" || kind === "link_body";
  // A cursor names the last record before it, so that what comes and goes moves no other one.
  const rest = keyset && !traps.shuffle ? listed.filter(({ number }) => number > begin) : listed.slice(begin);
  const records = rest.slice(0, size);
  const last = records.at(-1);
  const hasMore = rest.length > size || (traps.repeat ?? false);
  const next = nextPosition(
    traps,
    hasMore,
    keyset && last && !traps.shuffle ? last.number : from + size,
    from,
  );
  const items = records.map((record) =>
    recordText(echo ? { ...record, fields: { ...record.fields, echo: JSON.stringify(echo) } } : record)
  ).join(",");
  const link = next === null ? null : nextAddress(url, traps, next);
  const respond = (body: string, headers: Record<string, string> = {}) =>
    new Response(body, { headers: { "content-type": "application/json", ...headers } });
  switch (kind) {
    case "none":
      return respond(`[${items}]`);
    case "cursor":
      return respond(
        `{"data":[${items}],"paging":{"next":${
          next === null ? null : `"${next}"`
        }},"total":${listed.length}}`,
      );
    case "link":
      return respond(
        `[${items}]`,
        link === null ? {} : { link: `<${url.pathname}>; rel="first", <${link}>; rel="next"; title="a, b"` },
      );
    case "link_body":
      return respond(`{"results":[${items}],"next":${JSON.stringify(link)}}`);
    case "page":
      return respond(`{"items":[${items}],"has_more":${hasMore}}`);
    case "offset":
      return respond(`{"results":[${items}],"total":${listed.length}}`);
  }
}

/** The cursor of the next page; null = this was the last. */
function nextPosition(traps: RestTraps, hasMore: boolean, after: number, from: number): string | null {
  const fresh = () => crypto.randomUUID().slice(0, 8);
  if (hasMore) return `c_${after}_0`;
  if (traps.endless === "circle") return `c_0_${fresh()}`;
  if (traps.endless === "empty") return `c_${after}_${fresh()}`;
  return traps.endless === "itself" ? `c_${from}_0` : null;
}

function nextAddress(url: URL, traps: RestTraps, cursor: string): string {
  const next = new URL(url);
  next.searchParams.set("cursor", cursor);
  return traps.nextOrigin === undefined ? String(next) : `${traps.nextOrigin}${next.pathname}${next.search}`;
}

function queryOf(paging: RestPaging, request: Request): Record<string, string> {
  const { searchParams } = new URL(request.url);
  // The key is the gate's affair, and static parameters do not matter here.
  const known = [...PARAMETERS[paging.kind], "updated_since", "api_key", "sort"];
  for (const name of searchParams.keys()) {
    if (!known.includes(name)) throw new Refused(`There is no parameter ${name}.`);
    if (searchParams.getAll(name).length > 1) throw new Refused(`The parameter ${name} comes twice.`);
  }
  return Object.fromEntries(searchParams);
}

async function bodyOf(request: Request): Promise<Record<string, unknown>> {
  if (request.headers.get("content-type") !== "application/json") throw new Refused("A search is JSON.");
  const { page = {}, filter = {}, ...others } = await request.json();
  if (Object.keys(others).length > 0) throw new Refused("A search has page and filter.");
  return { ...page, ...filter };
}

function sinceOf(value: unknown, format: "iso" | "epoch_s" | "epoch_ms"): number | null {
  if (value === undefined) return null;
  if (format !== "iso") return whole(value, "updated_since") * (format === "epoch_s" ? 1000 : 1);
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(String(value))) {
    throw new Refused("updated_since is ISO 8601.");
  }
  return Date.parse(String(value));
}

function whole(value: unknown, name: string): number {
  if (!/^\d{1,15}$/.test(String(value))) throw new Refused(`${name} is a whole number.`);
  return Number(value);
}
