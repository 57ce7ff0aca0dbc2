import postgres from "postgres";
import { keepListening } from "./keep_listening.ts";
import type { Log } from "./log.ts";

/** Requests in the air at once. The real extension sends at most a batch of 200; a laptop is served with fewer. */
const MAX_IN_FLIGHT = 50;
const RESPONSE_LIFETIME = "6 hours";
const PRUNE_EVERY_MS = 60_000;

interface QueuedRequest {
  id: string;
  method: string;
  url: string;
  headers: Record<string, string> | null;
  body: Uint8Array | null;
  timeout_milliseconds: number;
}

interface Outcome {
  id: string;
  status_code: number | null;
  content_type: string | null;
  headers: Record<string, string> | null;
  content: string | null;
  timed_out: boolean;
  error_msg: string | null;
}

/**
 * Sends what `net.http_*` queued, after commit, and keeps the responses for six hours: the background worker of the
 * pg_net double.
 *
 * A request leaves the queue before it is sent and redirects are followed, as with the real one: whoever needs more
 * than one attempt has to repeat the call.
 */
export async function startNetWorker(
  options: { adminDbUrl: string; log: Log },
): Promise<{ stop(): Promise<void> }> {
  const worker = new NetWorker(options.adminDbUrl, options.log);
  const listener = await keepListening(options.adminDbUrl, "interlock_net", () => void worker.drain());
  return {
    async stop() {
      await Promise.all([listener.stop(), worker.stop()]);
    },
  };
}

class NetWorker {
  readonly #sql: postgres.Sql;
  readonly #pruning: ReturnType<typeof setInterval>;
  readonly #stopping = new AbortController();
  #inFlight = 0;
  #draining = false;
  #drainAgain = false;
  #outcomes: Outcome[] = [];
  #saving = false;

  constructor(adminDbUrl: string, private readonly log: Log) {
    // One connection takes requests, the other stores outcomes: neither waits for the other.
    this.#sql = postgres(adminDbUrl, {
      max: 2,
      onnotice: () => {},
      connection: { application_name: "pg_net double" },
      backoff: () => 0.2,
    });
    this.#pruning = setInterval(() => void this.#prune(), PRUNE_EVERY_MS);
  }

  /** Takes and sends requests until the queue is empty or enough are in the air; the last to land goes on. */
  async drain(): Promise<void> {
    this.#drainAgain = true;
    if (this.#draining) return;
    this.#draining = true;
    try {
      while (this.#drainAgain && this.#inFlight < MAX_IN_FLIGHT && !this.#stopping.signal.aborted) {
        this.#drainAgain = false;
        const requests = await this.#take(MAX_IN_FLIGHT - this.#inFlight);
        if (requests.length > 0) this.#drainAgain = true;
        for (const request of requests) void this.#send(request);
      }
    } catch (error) {
      this.#warn("The request queue could not be read; it is read again at the next call.", error);
    } finally {
      this.#draining = false;
    }
  }

  async stop(): Promise<void> {
    clearInterval(this.#pruning);
    this.#stopping.abort();
    await this.#sql.end({ timeout: 1 });
  }

  async #take(limit: number): Promise<QueuedRequest[]> {
    try {
      return await this.#sql<QueuedRequest[]>`
        delete from net.http_request_queue
        where ctid = any(array(select ctid from net.http_request_queue order by id limit ${limit} for update skip locked))
        returning id::text, method, url, headers, body, timeout_milliseconds`;
    } catch (error) {
      if (isMissingExtension(error)) return [];
      throw error;
    }
  }

  async #send(request: QueuedRequest): Promise<void> {
    this.#inFlight++;
    try {
      this.#outcomes.push(await exchange(request, this.#stopping.signal));
    } finally {
      this.#inFlight--;
    }
    void this.#save();
    if (this.#drainAgain) void this.drain();
  }

  /** Stores all outcomes there are in one statement; those that land meanwhile wait for the next. */
  async #save(): Promise<void> {
    if (this.#saving) return;
    this.#saving = true;
    try {
      while (this.#outcomes.length > 0 && !this.#stopping.signal.aborted) {
        const batch = this.#outcomes.splice(0);
        // Parsed from text: as jsonb parameter the whole batch would become a JSON string.
        await this.#sql`
          insert into net._http_response (id, status_code, content_type, headers, content, timed_out, error_msg)
          select id, status_code, content_type, headers, content, timed_out, error_msg
          from jsonb_to_recordset(${JSON.stringify(batch)}::text::jsonb) as r (
            id bigint, status_code integer, content_type text, headers jsonb, content text, timed_out boolean, error_msg text
          )`;
      }
    } catch (error) {
      this.#warn("Responses could not be stored and are lost.", error);
    } finally {
      this.#saving = false;
    }
  }

  async #prune(): Promise<void> {
    try {
      await this.#sql`delete from net._http_response where created < now() - ${RESPONSE_LIFETIME}::interval`;
    } catch (error) {
      if (!isMissingExtension(error)) this.#warn("Old responses could not be removed.", error);
    }
  }

  #warn(message: string, error: unknown): void {
    if (this.#stopping.signal.aborted) return;
    this.log.warn("pg_net", message, { reason: error instanceof Error ? error.message : String(error) });
  }
}

/** Sends one request and says what came of it; never throws. */
async function exchange(request: QueuedRequest, stopping: AbortSignal): Promise<Outcome> {
  try {
    const response = await fetch(request.url, {
      method: request.method,
      headers: { "user-agent": "pg_net/0.14.0", ...request.headers },
      body: request.body === null ? undefined : new Uint8Array(request.body),
      signal: AbortSignal.any([stopping, AbortSignal.timeout(request.timeout_milliseconds)]),
    });
    return {
      id: request.id,
      status_code: response.status,
      content_type: response.headers.get("content-type"),
      headers: Object.fromEntries(response.headers),
      // Postgres has no text with NUL.
      content: (await response.text()).replaceAll("\u0000", ""),
      timed_out: false,
      error_msg: null,
    };
  } catch (error) {
    const timedOut = error instanceof DOMException && error.name === "TimeoutError";
    return {
      id: request.id,
      status_code: null,
      content_type: null,
      headers: null,
      content: null,
      timed_out: timedOut,
      error_msg: timedOut ? `Timeout of ${request.timeout_milliseconds} ms reached` : describe(error),
    };
  }
}

/** The message of an error and of what caused it: fetch alone says no more than that it failed. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message}: ${describe(error.cause)}`;
}

/** Whether the statement failed only because no migration has created the extension yet. */
function isMissingExtension(error: unknown): boolean {
  return error instanceof postgres.PostgresError && (error.code === "42P01" || error.code === "3F000");
}
