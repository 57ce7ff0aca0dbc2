import type { Connection } from "./connection.ts";
import { ConnectionPool } from "./connection_pool.ts";
import { Deadlines } from "./deadlines.ts";
import { type Claim, type Connect, connectionKey, dial, type Dialling, stillWanted } from "./dial.ts";
import { EgressError, newTiming } from "./egress_error.ts";
import type { EgressRequest, EgressResponse } from "./egress.ts";
import { requestBytes } from "./request_bytes.ts";
import { checkedAddresses, NAME_CACHE_MS, NameCache, type Resolver, resolveWithDns } from "./resolve.ts";
import { type ReadResponse, ResponseReader } from "./response_reader.ts";
import { type EgressPolicy, readTarget, type Target } from "./target.ts";
import { TargetCache } from "./target_cache.ts";

/** What a client is made of; tests bring their own resolver, connect and certificates. */
export interface EgressClientOptions extends EgressPolicy {
  resolver?: Resolver;
  connect?: Connect;
  caCerts?: string[];
  /** How long an answer of DNS is remembered. */
  nameCacheMs?: number;
}

/** A client with a pool and a memory of names of its own. */
export interface EgressClient {
  sendRequest(request: EgressRequest): Promise<EgressResponse>;
  checkUrl(url: string): Promise<void>;
  /** Ends every kept connection. The client stays usable. */
  close(): void;
}

const deadlines = new Deadlines();

/** Makes a client. `egress.ts` has the one of the process. */
export function createEgressClient(options: EgressClientOptions): EgressClient {
  const names = new NameCache(options.resolver ?? resolveWithDns, options.nameCacheMs ?? NAME_CACHE_MS);
  const targets = new TargetCache(options);
  const pool = new ConnectionPool();
  const dialling = {
    connect: options.connect ?? ((to) => Deno.connect(to)),
    caCerts: options.caCerts ?? [],
  } satisfies Dialling;
  return {
    sendRequest: (request) => within(request.timeoutMs, (claim) => send(request, claim)),
    checkUrl: async (url) => void await checkedAddresses(readTarget(url, options), options, names),
    close: () => pool.close(),
  };

  async function send(request: EgressRequest, claim: Claim): Promise<EgressResponse> {
    const target = targets.read(request.url);
    const bytes = requestBytes(target, request);
    const startedMs = performance.now();
    const addresses = await checkedAddresses(target, options, names);
    stillWanted(claim);
    if (addresses[0] !== target.hostname) claim.timing.resolveMs = performance.now() - startedMs;
    const answer = await exchange(target, addresses, bytes, request.maxResponseBytes, claim);
    const { status, body, truncated } = answer;
    return { status, headers: new Headers(answer.headers), body, truncated, timing: claim.timing };
  }

  /**
   * A kept connection may have been closed by the other side at the moment of writing. When it ends before any byte of
   * an answer, the request goes once more over a new connection. The endpoint may then see it twice, which every
   * caller must allow for anyway, since an answer can be lost as well: a webhook has a stable id, by which receivers
   * drop repetitions. The timing says that it happened.
   */
  async function exchange(
    target: Target,
    addresses: string[],
    bytes: Uint8Array,
    maxBodyBytes: number,
    claim: Claim,
  ): Promise<ReadResponse> {
    const kept = takeKept(target, addresses);
    if (kept) {
      const startedMs = performance.now();
      claim.connection = kept;
      try {
        return await converse(kept, bytes, maxBodyBytes, claim);
      } catch (error) {
        if (kept.firstByteAtMs !== null || claim.cancelled) throw error;
        claim.timing.lostConnectionMs = performance.now() - startedMs;
      }
    }
    return await converse(await dial(target, addresses, dialling, claim), bytes, maxBodyBytes, claim);
  }

  function takeKept(target: Target, addresses: string[]): Connection | null {
    for (const address of addresses) {
      const kept = pool.take(connectionKey(target, address));
      if (kept) return kept;
    }
    return null;
  }

  /** Writes and reads at the same time: an endpoint may answer, and hang up, before it has read a large body. */
  async function converse(
    connection: Connection,
    bytes: Uint8Array,
    maxBodyBytes: number,
    claim: Claim,
  ): Promise<ReadResponse> {
    const startedMs = performance.now();
    let written = false;
    const noteFirstByte = () => {
      if (connection.firstByteAtMs !== null) claim.timing.firstByteMs = connection.firstByteAtMs - startedMs;
    };
    const writing = connection.write(bytes).then(() => void (written = true), () => {});
    try {
      const response = await new ResponseReader(connection, maxBodyBytes).read();
      noteFirstByte();
      if (response.reusable && written && !claim.cancelled) pool.put(connection);
      else connection.close();
      return response;
    } catch (error) {
      noteFirstByte();
      connection.close();
      await writing;
      throw error instanceof EgressError ? error : connectionLost(error);
    }
  }
}

/** Runs one request within its time, counted from here: DNS, connecting, TLS, headers and the last byte of the body. */
async function within(
  timeoutMs: number,
  work: (claim: Claim) => Promise<EgressResponse>,
): Promise<EgressResponse> {
  const startedMs = performance.now();
  const claim: Claim = {
    deadlineMs: startedMs + timeoutMs,
    timing: newTiming(),
    cancelled: false,
    connection: null,
  };
  let inTime = () => {};
  const timeout = new Promise<never>((_, reject) => {
    inTime = deadlines.after(timeoutMs, () => {
      claim.cancelled = true;
      claim.connection?.close();
      reject(new EgressError("timed_out", `The endpoint did not answer within ${timeoutMs / 1000} s.`));
    });
  });
  try {
    const response = await Promise.race([work(claim), timeout]);
    claim.timing.totalMs = performance.now() - startedMs;
    return response;
  } catch (error) {
    if (!(error instanceof EgressError)) throw error;
    const timing = { ...claim.timing, totalMs: performance.now() - startedMs };
    throw new EgressError(error.errorClass, error.message, timing, error.cause);
  } finally {
    inTime();
  }
}

function connectionLost(cause: unknown): EgressError {
  return new EgressError(
    "connection_lost",
    "The connection broke before the endpoint had answered.",
    undefined,
    cause,
  );
}
