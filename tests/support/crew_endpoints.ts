/** A request that came to an endpoint of a crew. */
export interface CrewArrival {
  /** Clock of this process. */
  atMs: number;
  webhookId: string;
  body: string;
  /** How many came to this endpoint before. */
  before: number;
  /** Numbers of the events in it, as `produce` counted them. */
  events: number[];
}

/** What an endpoint says to a request: a status, or a whole answer. */
export type Says = (arrival: CrewArrival) => number | Response | Promise<number | Response>;

/** One endpoint, and what came to it. */
export interface CrewEndpoint {
  /** The integration's or the subscription's. */
  id: string;
  key: string;
  url: string;
  arrivals: CrewArrival[];
  /** When a worker gave a request for it to the network. */
  departures: { atMs: number }[];
  /** Changes what it says from now on. */
  says: Says;
  /** Webhook ids that it accepted, in order, and events in them. */
  accepted: CrewArrival[];
}

const FIRST_EVENT_MS = Date.parse("2026-01-01T00:00:00Z");

/** Endpoints of a crew, all on one port of loopback. */
export class EndpointServer {
  readonly #byKey = new Map<string, CrewEndpoint>();
  readonly #server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    (request) => this.#take(request),
  );

  open(says: Says = () => 204): CrewEndpoint {
    const key = crypto.randomUUID();
    const url = `http://127.0.0.1:${this.#server.addr.port}/${key}`;
    const endpoint = { id: "", key, url, arrivals: [], departures: [], says, accepted: [] };
    this.#byKey.set(key, endpoint);
    return endpoint;
  }

  /** A worker gives a request to the network now. */
  departs(url: string): void {
    this.#byKey.get(keyOf(url))?.departures.push({ atMs: performance.now() });
  }

  async close(): Promise<void> {
    await this.#server.shutdown();
  }

  async #take(request: Request): Promise<Response> {
    const endpoint = this.#byKey.get(keyOf(request.url));
    if (!endpoint) return new Response(null, { status: 404 });
    const atMs = performance.now();
    const body = await request.text();
    const arrival = {
      atMs,
      webhookId: request.headers.get("webhook-id") ?? "",
      body,
      before: endpoint.arrivals.length,
      events: eventsIn(JSON.parse(body)),
    };
    endpoint.arrivals.push(arrival);
    const said = await endpoint.says(arrival);
    const answer = typeof said === "number" ? new Response(null, { status: said }) : said;
    if (answer.ok) endpoint.accepted.push(arrival);
    return answer;
  }
}

const keyOf = (url: string) => new URL(url).pathname.slice(1);

interface Body {
  data: { computed_at?: string; events?: Body[] };
}

function eventsIn({ data }: Body): number[] {
  if (data.events) return data.events.flatMap(eventsIn);
  return data.computed_at === undefined ? [] : [(Date.parse(data.computed_at) - FIRST_EVENT_MS) / 1000];
}

/** Most things within any window of so many milliseconds, of which one end is open. */
export function mostWithin(windowMs: number, things: { atMs: number }[]): number {
  const atMs = things.map((thing) => thing.atMs).sort((a, b) => a - b);
  let most = 0;
  for (let from = 0, to = 0; to < atMs.length; to++) {
    while (atMs[to]! - atMs[from]! >= windowMs) from++;
    most = Math.max(most, to - from + 1);
  }
  return most;
}
