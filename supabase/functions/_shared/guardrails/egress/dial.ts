import { Connection } from "./connection.ts";
import { EgressError, type EgressTiming } from "./egress_error.ts";
import type { Target } from "./target.ts";

/** Opens a TCP connection to an address; it is never given a name. */
export type Connect = (options: { hostname: string; port: number }) => Promise<Deno.TcpConn>;

/** How a connection is made. */
export interface Dialling {
  connect: Connect;
  /** Certificates (PEM) trusted beside the runtime's own; for tests. */
  caCerts: string[];
}

/** One request's claim on time and on its connection. */
export interface Claim {
  readonly deadlineMs: number;
  readonly timing: EgressTiming;
  /** Set when the time is over: whatever opens afterwards is closed at once. */
  cancelled: boolean;
  connection: Connection | null;
}

const MAX_ADDRESSES = 4;

/** What a kept connection is filed under. */
export function connectionKey(target: Target, address: string): string {
  return `${target.secure ? "https" : "http"}://${target.authority}@${address}`;
}

/**
 * Connects to one of the checked addresses, and to nothing else: the name is not looked up again, it goes only into
 * SNI, the certificate check and the Host header. Where an address does not answer, the next has its share of the time.
 *
 * `Deno.connect` cannot be called off; an attempt that is given up is closed as soon as it comes about.
 *
 * @throws {EgressError} connect_failed, tls_failed
 */
export async function dial(
  target: Target,
  addresses: string[],
  dialling: Dialling,
  claim: Claim,
): Promise<Connection> {
  const startedMs = performance.now();
  let lastError: unknown;
  const tried = addresses.slice(0, MAX_ADDRESSES);
  for (const [index, address] of tried.entries()) {
    stillWanted(claim);
    const connecting = dialling.connect({ hostname: address, port: target.port });
    const left = tried.length - index;
    try {
      // The last one has all the time that is left; the request's own limit ends it.
      const socket = left === 1
        ? await connecting
        : await connectWithin(connecting, (claim.deadlineMs - performance.now()) / left);
      socket.setNoDelay(true);
      claim.timing.connectMs = performance.now() - startedMs;
      const key = connectionKey(target, address);
      return adopt(
        new Connection(target.secure ? await startTls(socket, target, dialling, claim) : socket, key),
        claim,
      );
    } catch (error) {
      if (error instanceof EgressError) throw error;
      lastError = error;
    }
  }
  throw new EgressError(
    "connect_failed",
    "The endpoint does not accept connections; check that its server is running.",
    undefined,
    lastError,
  );
}

async function connectWithin(connecting: Promise<Deno.TcpConn>, shareMs: number): Promise<Deno.TcpConn> {
  let givenUp = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      givenUp = true;
      reject(new Error("The address did not answer in time"));
    }, shareMs);
  });
  connecting.then((socket) => givenUp && socket.close(), () => {});
  try {
    return await Promise.race([connecting, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

/** The handshake with the real name: a certificate for another name is refused. */
async function startTls(
  socket: Deno.TcpConn,
  target: Target,
  { caCerts }: Dialling,
  claim: Claim,
): Promise<Deno.TlsConn> {
  const startedMs = performance.now();
  let secured: Deno.TlsConn | undefined;
  try {
    adopt(new Connection(socket, ""), claim);
    secured = await Deno.startTls(socket, {
      hostname: target.hostname,
      caCerts,
      alpnProtocols: ["http/1.1"],
    });
    adopt(new Connection(secured, ""), claim);
    await secured.handshake();
    claim.timing.tlsMs = performance.now() - startedMs;
    return secured;
  } catch (error) {
    claim.connection?.close();
    throw new EgressError(
      "tls_failed",
      "The endpoint's TLS handshake failed; check that its certificate is valid for the host name and complete.",
      undefined,
      error,
    );
  }
}

/** Hands the connection to the claim, so that it is closed when the time is over. */
function adopt(connection: Connection, claim: Claim): Connection {
  claim.connection = connection;
  if (claim.cancelled) connection.close();
  stillWanted(claim);
  return connection;
}

/** Ends the work of a request whose caller was told already that the time is over. */
export function stillWanted(claim: Claim): void {
  if (claim.cancelled) throw new EgressError("timed_out", "The endpoint did not answer in time.");
}
