/** Below what Linux gives to outgoing connections (32768 and up): one of those could take the port before its server does. */
const RANGE: PortRange = { first: 20_000, last: 31_999 };
const MAX_TRIES = 200;

/** Ports to choose from, both ends included. */
export interface PortRange {
  first: number;
  last: number;
}

/**
 * A loopback port that was free a moment ago.
 *
 * @throws {Deno.errors.AddrInUse} when none of many is free.
 */
export function freePort({ first, last } = RANGE): number {
  for (let attempt = 1;; attempt++) {
    const port = first + Math.floor(Math.random() * (last - first + 1));
    try {
      Deno.listen({ hostname: "127.0.0.1", port }).close();
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse) || attempt === MAX_TRIES) throw error;
    }
  }
}
