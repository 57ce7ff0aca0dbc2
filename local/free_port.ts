/** Below what Linux gives to outgoing connections (32768 and up): one of those could take the port before its server does. */
const RANGE: PortRange = { first: 20_000, last: 31_999 };

/** How many ports a process may choose before it comes to those that the process started next begins with. */
const PORTS_PER_PROCESS = 61;

/** Ports to choose from, both ends included. */
export interface PortRange {
  first: number;
  last: number;
}

/** How many ports this process has looked at. */
let seen = 0;

/**
 * A loopback port that was free a moment ago, and that neither this process nor one started about the same time has
 * chosen before: the server that it is for may bind it seconds later.
 *
 * @throws {Deno.errors.AddrInUse} when none of the range is free.
 */
export function freePort({ first, last } = RANGE): number {
  const size = last - first + 1;
  for (let attempt = 1;; attempt++) {
    const port = first + (Deno.pid * PORTS_PER_PROCESS + seen++) % size;
    try {
      Deno.listen({ hostname: "127.0.0.1", port }).close();
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse) || attempt === size) throw error;
    }
  }
}
