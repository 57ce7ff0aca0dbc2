import { Webhook } from "standardwebhooks";
import { arrivalsPage } from "./page.ts";

/** One request that came to the sink. */
export interface Arrival {
  /** First path segment: which endpoint was called. */
  endpoint: string;
  receivedAt: string;
  webhookId: string;
  headers: Record<string, string>;
  /** The body as text, byte for byte. */
  body: string;
  verified: boolean;
  /** Why it was not verified; null when it was. */
  problem: string | null;
}

/** How a sink behaves. */
export interface SinkOptions {
  /** 0 or left out = any free port. */
  port?: number;
  /** The signing secret of an endpoint; undefined = unknown endpoint. */
  secretOf(endpoint: string): string | undefined;
  /** What to answer; left out = 204 when verified, else 401. */
  answer?(arrival: Arrival): Response | Promise<Response>;
  onArrival?(arrival: Arrival): void;
}

/** A running sink. */
export interface Sink {
  url: string;
  /** The latest ones, oldest first. */
  arrivals: Arrival[];
  stop(): Promise<void>;
}

const KEPT_ARRIVALS = 10_000;
const SHOWN_ARRIVALS = 50;

/**
 * The far side of an outbound webhook: verifies what arrives with the standard's own library and shows it. `POST /{name}`
 * takes a webhook, `GET /` lists what came.
 */
export function startSink(options: SinkOptions): Sink {
  const arrivals: Arrival[] = [];
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: options.port ?? 0, onListen: () => {} },
    async (request) => {
      if (request.method === "GET") return list(request, arrivals);
      const arrival = await read(request, options);
      arrivals.push(arrival);
      if (arrivals.length > KEPT_ARRIVALS) arrivals.shift();
      options.onArrival?.(arrival);
      return await options.answer?.(arrival) ?? new Response(null, { status: arrival.verified ? 204 : 401 });
    },
  );
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    arrivals,
    stop: () => server.shutdown(),
  };
}

async function read(request: Request, options: SinkOptions): Promise<Arrival> {
  const endpoint = decodeURIComponent(new URL(request.url).pathname.split("/")[1] ?? "");
  const headers = Object.fromEntries(request.headers);
  const body = await request.text();
  const problem = problemOf(options.secretOf(endpoint), body, headers);
  return {
    endpoint,
    receivedAt: new Date().toISOString(),
    webhookId: headers["webhook-id"] ?? "",
    headers,
    body,
    verified: problem === null,
    problem,
  };
}

function problemOf(secret: string | undefined, body: string, headers: Record<string, string>): string | null {
  if (secret === undefined) return "This endpoint is not known here.";
  try {
    new Webhook(secret).verify(body, headers);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function list(request: Request, arrivals: Arrival[]): Response {
  const latest = arrivals.slice(-SHOWN_ARRIVALS).reverse();
  if (!request.headers.get("accept")?.includes("text/html")) return Response.json({ data: latest });
  return new Response(arrivalsPage(latest), { headers: { "content-type": "text/html; charset=utf-8" } });
}
