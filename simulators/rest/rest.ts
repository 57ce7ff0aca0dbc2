import { Faults } from "../faults.ts";
import { accessProblem, answerTokenRequest, type RestAccess, TokenDesk } from "./access.ts";
import { RestCollection } from "./collection.ts";
import { listing, type RestPaging } from "./listing.ts";

/** What this API does wrong, until it is told otherwise. */
export interface RestTraps {
  /** Records come in another order each time. */
  shuffle?: boolean;
  /** Every next page is the first one again. */
  repeat?: boolean;
  /** The last page names a next one: the first again, or empty ones with new cursors, or the page itself. */
  endless?: "circle" | "empty" | "itself";
  /** Next addresses lead to this origin. */
  nextOrigin?: string;
  /** Asks for more than this get this much, and are not told. */
  capsSizeAt?: number;
  /** Every answer is this instead. */
  answer?: () => Response;
  /** Failures repeat everything the request said, credentials too; so does a field of every record. */
  echo?: boolean;
}

/** A running API. */
export interface RestSimulator {
  /** Where it begins, with /v1. */
  url: string;
  tokenUrl: string;
  access: RestAccess;
  traps: RestTraps;
  collections: Record<string, RestCollection>;
  faults: Faults;
  /** Requests for tokens have faults of their own. */
  tokenFaults: Faults;
  tokens: TokenDesk;
  /** What it was asked, credentials included. */
  asked: { method: string; url: URL; headers: Headers; body: string }[];
  stop(): Promise<void>;
}

export interface RestOptions {
  access?: RestAccess;
  paging: RestPaging;
  collections?: Record<string, RestCollection>;
}

/**
 * Plays a REST API that lists collections: `GET /v1/<collection>`, `POST /v1/<collection>/search`, `GET /v1/me`. It takes
 * nothing it does not know: parameters, methods, sizes, cursors, credentials in another place.
 */
export function startRest(
  { access = { kind: "none" }, paging, collections = {} }: RestOptions,
): RestSimulator {
  const simulator: Omit<RestSimulator, "url" | "tokenUrl" | "stop"> = {
    ...{ access, traps: {}, collections, asked: [] },
    ...{ faults: new Faults(), tokenFaults: new Faults(), tokens: new TokenDesk() },
  };
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    const copy = request.clone();
    simulator.asked.push({
      method: request.method,
      url: new URL(request.url),
      headers: request.headers,
      body: await copy.text(),
    });
    if (new URL(request.url).pathname === "/oauth/token") {
      return await simulator.tokenFaults.meet(
        request,
        (one) => answerTokenRequest(simulator.access, one, simulator.tokens),
      );
    }
    return await simulator.faults.meet(request, (one) => answer(simulator, paging, one));
  });
  const origin = `http://127.0.0.1:${server.addr.port}`;
  return Object.assign(simulator, {
    url: `${origin}/v1`,
    tokenUrl: `${origin}/oauth/token`,
    stop: () => server.shutdown(),
  });
}

/** 429 with the wait in seconds. */
export function tooMany(retryAfterSeconds: number): Response {
  return failure(429, "too_many", { "retry-after": String(retryAfterSeconds) });
}

/** 403 because nothing is left until an instant, in seconds since 1970. */
export function quotaSpent(resetSeconds: number, remaining = "0"): Response {
  return failure(403, "quota", {
    "x-ratelimit-remaining": remaining,
    "x-ratelimit-reset": String(resetSeconds),
  });
}

/** A failure as this API tells it. */
export function failure(status: number, code: string, headers: Record<string, string> = {}): Response {
  return Response.json({ error: { code, message: "The request is refused." } }, { status, headers });
}

async function answer(
  simulator: Pick<RestSimulator, "access" | "traps" | "collections" | "tokens">,
  paging: RestPaging,
  request: Request,
): Promise<Response> {
  const { access, traps, collections, tokens } = simulator;
  const text = traps.echo ? await request.clone().text() : "";
  const echo = traps.echo ? JSON.stringify([request.url, [...request.headers], text]) : null;
  if (traps.answer) return traps.answer();
  const problem = accessProblem(access, request, tokens);
  if (problem !== null) {
    return Response.json({ error: echo ?? problem }, {
      status: 401,
      headers: { "www-authenticate": "Bearer" },
    });
  }
  const [, version, name, verb, ...rest] = new URL(request.url).pathname.split("/");
  const isList = request.method === "GET" && verb === undefined;
  const isSearch = request.method === "POST" && verb === "search";
  if (version !== "v1" || rest.length > 0) return failure(404, "not_found");
  if (name === "me" && isList) return Response.json({ account: "Acme" });
  const collection = Object.hasOwn(collections, name ?? "") ? collections[name!] : undefined;
  if (!collection) return failure(404, "not_found");
  if (!isList && !isSearch) return failure(405, "method_not_allowed");
  const answered = await listing(collection, paging, traps, request, echo);
  return answered.status === 400 && echo ? Response.json({ error: echo }, { status: 400 }) : answered;
}
